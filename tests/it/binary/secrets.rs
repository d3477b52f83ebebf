//! No secret gets out: a gateway is led through successes and failures at the most talkative log level, and every
//! byte that it answered, printed or wrote is searched.

use std::time::Duration;

use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use wxgate::service::records::{Identity, SigningKey};

use crate::support::process::{MINI, OFFICIAL, SECRET, Stage, TOKEN, read_all};

const MASTER_KEY: &str = "Y2FuYXJ5LW1hc3Rlci1rZXktb2YtMzItYnl0ZXMtISE=";

async fn tour(format: &str) {
    let log = format!("[log]\nlevel = \"trace\"\nformat = \"{format}\"\nrequests = \"all\"\n");
    let stage = Stage::new("sqlite:secrets.db", &log);
    let mut command = stage.command(&["serve"]);
    command.env("WXGATE__STORE__MASTER_KEY", MASTER_KEY);
    let gateway = crate::support::process::Gateway(command.spawn().unwrap());
    let (caller, key) = make_caller(&stage);
    let mut answers = Vec::new();
    let mut codes = Vec::new();
    while stage.client.get(stage.url("/readyz")).send().await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let target = format!("/cgi-bin/token?grant_type=client_credential&appid={OFFICIAL}&secret={key}");
    let mut alias = String::new();
    // A gateway that was up before the key was made hears of it within two seconds.
    crate::support::eventually("the gateway knows the key", async || {
        let answer = stage.client.get(stage.url(&target)).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        let given = answer["access_token"].as_str().unwrap_or_default();
        given.clone_into(&mut alias);
        !alias.is_empty()
    })
    .await;
    let effects = [
        Value::Null,
        json!({"type": "errcode", "errcode": 40125}),
        json!({"type": "reset"}),
        json!({"type": "truncated_body"}),
        json!({"type": "http_status", "status": 502}),
        json!({"type": "redirect", "location": "http://127.0.0.1:9/elsewhere"}),
        json!({"type": "garbage"}),
        json!({"type": "hang", "seconds": 2}),
    ];
    for (number, effect) in effects.into_iter().enumerate() {
        let (code, _) = stage.code(&format!("user-{number}")).await;
        if !effect.is_null() {
            stage
                .admin(Method::POST, "/tokens/kill", json!({"app_id": MINI}))
                .await;
            stage
                .admin(Method::POST, "/faults", json!({"path": "/*", "effect": effect}))
                .await;
        }
        let body = json!({"type": 100, "account": code});
        let login = stage
            .client
            .post(stage.url("/v1/token"))
            .json(&body)
            .send()
            .await
            .unwrap();
        answers.push(format!("{:?}", login.headers()));
        answers.push(login.text().await.unwrap());
        for path in [
            "/jsapi?url=https%3A%2F%2Fexample.com%2F",
            "/readyz",
            "/metrics",
            "/openapi.json",
            "/auth?signature=x",
        ] {
            let request = stage.client.get(stage.url(path)).bearer_auth(&key);
            let answer = request
                .header("x-forwarded-for", "203.0.113.9")
                .send()
                .await
                .unwrap();
            answers.push(format!("{:?}", answer.headers()));
            answers.push(answer.text().await.unwrap());
        }
        for (method, target) in [
            (Method::GET, "/v1/apps/shop/api/cgi-bin/getcallbackip".to_owned()),
            (
                Method::POST,
                "/v1/apps/shop/api/cgi-bin/message/custom/send?x=1".to_owned(),
            ),
            (
                Method::GET,
                format!("/cgi-bin/getcallbackip?access_token={alias}"),
            ),
            (
                Method::GET,
                format!("/sns/oauth2/access_token?appid={OFFICIAL}&secret={key}&code=none"),
            ),
            (
                Method::GET,
                format!("/cgi-bin/token?grant_type=wrong&appid={OFFICIAL}&secret={key}"),
            ),
        ] {
            let request = stage.client.request(method, stage.url(&target)).bearer_auth(&key);
            let answer = request.body("{}").send().await.unwrap();
            answers.push(format!("{:?}", answer.headers()));
            answers.push(answer.text().await.unwrap());
        }
        codes.push(code);
        stage.admin(Method::DELETE, "/faults", json!({})).await;
    }
    let digest = key_digest(&stage);
    let printed = std::fs::read_to_string(stage.path("out.log")).unwrap();
    assert!(!printed.contains(&digest), "the log has the digest of a key");
    let is_named = |line: &str| line.contains("/metrics") && line.contains(&caller);
    assert!(printed.lines().any(is_named), "no line names the caller");
    let mut secrets = vec![
        SECRET.to_owned(),
        TOKEN.to_owned(),
        MASTER_KEY.to_owned(),
        key,
        alias,
    ];
    secrets.extend(platform_secrets(&stage).await);
    drop(gateway);
    secrets.extend(sealed_secrets(&stage));
    assert!(secrets.len() >= 7, "{}", secrets.len());

    let files = read_all(stage.folder.path());
    for secret in &secrets {
        for answer in &answers {
            assert!(
                !answer.contains(secret.as_str()),
                "an answer has a secret: {answer}"
            );
        }
        for (path, bytes) in files.iter().filter(|(path, _)| !path.ends_with("wxgate.toml")) {
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "{} has a secret", path.display());
        }
    }
    let printed = std::fs::read_to_string(stage.path("out.log")).unwrap();
    for code in codes {
        assert!(!printed.contains(&code), "the log has a login code");
    }
    assert!(
        printed.lines().count() > 20,
        "the log is empty, so that nothing was searched:\n{printed}"
    );
}

/// The id and the key of a caller that may read the metrics and call WeChat's API.
fn make_caller(stage: &Stage) -> (String, String) {
    let mut command = stage.command(&[
        "caller",
        "create",
        "--name",
        "scraper",
        "--metrics",
        "--app",
        "shop",
        "--json",
    ]);
    command.args(["--allow", "* /**", "GET /sns/oauth2/access_token"]);
    command.env("WXGATE__STORE__MASTER_KEY", MASTER_KEY);
    let output = command.stdout(std::process::Stdio::piped()).output().unwrap();
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("id"), text("key"))
}

/// What stands in the store for it.
fn key_digest(stage: &Stage) -> String {
    let database = rusqlite::Connection::open(stage.path("secrets.db")).unwrap();
    let row = database.query_row("SELECT fields FROM callers", [], |row| row.get::<_, String>(0));
    let fields: Value = serde_json::from_str(&row.unwrap()).unwrap();
    fields["key"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn no_secret_gets_out_with_a_compact_log() {
    tour("compact").await;
}

#[tokio::test]
async fn no_secret_gets_out_with_a_json_log() {
    tour("json").await;
}

/// The tokens and tickets that the platform has handed out.
async fn platform_secrets(stage: &Stage) -> Vec<String> {
    let apps = stage.admin(Method::GET, "/apps", json!({})).await;
    let mut found = Vec::new();
    for app in apps["apps"].as_array().unwrap() {
        for values in [&app["tokens"], &app["tickets"]] {
            found.extend(
                values
                    .as_object()
                    .unwrap()
                    .values()
                    .filter_map(Value::as_str)
                    .map(str::to_owned),
            );
        }
    }
    assert!(!found.is_empty(), "the platform handed nothing out: {apps}");
    found
}

/// The session keys and the signing key, opened with the master key.
fn sealed_secrets(stage: &Stage) -> Vec<String> {
    let sealer = wxgate::service::seal::Sealer::new(&MASTER_KEY.into()).unwrap();
    let database = rusqlite::Connection::open(stage.path("secrets.db")).unwrap();
    let rows = |table: &str| -> Vec<(String, String)> {
        let mut statement = database
            .prepare(&format!("SELECT id, fields FROM {table}"))
            .unwrap();
        statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    };
    let record = |id: &str, fields: &str| {
        let mut record: Value = serde_json::from_str(fields).unwrap();
        record["id"] = id.into();
        record
    };
    let mut found = Vec::new();
    for (id, fields) in rows("identities") {
        let identity: Identity = serde_json::from_value(record(&id, &fields)).unwrap();
        for key in identity.session_keys {
            found.push(
                sealer
                    .open(&format!("identities/{id}"), &key.key)
                    .unwrap()
                    .expose_secret()
                    .to_owned(),
            );
        }
    }
    for (id, fields) in rows("signing_keys") {
        let key: SigningKey = serde_json::from_value(record(&id, &fields)).unwrap();
        let place = format!("signing_keys/{}", key.kid);
        found.push(
            sealer
                .open(&place, &key.secret)
                .unwrap()
                .expose_secret()
                .to_owned(),
        );
    }
    assert!(found.len() >= 2, "no session key and no signing key was kept");
    found
}
