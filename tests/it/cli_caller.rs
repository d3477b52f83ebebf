//! `wxgate caller` as an operator uses it: before the gateway ever ran and beside it, on both stores.

use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::app::{Builder, TestApp};
use crate::support::mongo::Mongod;
use crate::support::on_both_stores;
use crate::support::program::{run, text, wxgate};
use crate::support::reply::Reply;

on_both_stores!(beside_a_running_gateway);

const BOUND: Duration = Duration::from_secs(2);
const APPS: &str = r#"
[[apps]]
name = "shop"
kind = "official"
app_id = "wx00000000000000a0"
app_secret = "0123456789abcdef0123456789abcdef"
[[apps]]
name = "game"
kind = "mini"
app_id = "wx00000000000000b0"
app_secret = "0123456789abcdef0123456789abcdef"
"#;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.toml"), APPS).unwrap();
    folder
}

fn caller(folder: &TempDir, store: &str, arguments: &[&str]) -> Output {
    let arguments: Vec<_> = ["caller"].iter().chain(arguments).copied().collect();
    let mut command = wxgate(folder, &arguments);
    command.env("WXGATE__STORE__URL", store).output().unwrap()
}

#[track_caller]
fn done(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[track_caller]
fn refused(output: &Output, code: i32, part: &str) {
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert!(output.stdout.is_empty());
    assert!(told.contains(part), "{told}");
}

/// From an empty store on.
fn whole_life(store: &str) {
    let folder = folder();
    let caller = |arguments: &[&str]| caller(&folder, store, arguments);
    let listed = || -> Value { serde_json::from_str(&done(&caller(&["list", "--json"]))).unwrap() };
    assert_eq!(listed(), json!([]));
    assert!(done(&caller(&["list"])).starts_with("there are no callers"));

    let all = [
        "create",
        "--name",
        "订单",
        "--app",
        "shop",
        "--app",
        "game",
        "--allow",
        "POST /cgi-bin/message/**",
        "--allow",
        "* /wxa/*",
        "--raw-token",
        "--session-key",
        "--webhooks",
        "--events",
        "--metrics",
        "--rate",
        "20/s",
        "--expires",
        "90d",
        "--json",
    ];
    let created = caller(&all);
    let told = done(&created);
    let mut first: Value = serde_json::from_str(&told).unwrap();
    // The key is told this once, and nowhere else.
    let key = first.as_object_mut().unwrap().remove("key").unwrap();
    let key = key.as_str().unwrap();
    assert!(key.starts_with("wxk_") && key.len() == 47, "{key}");
    assert_eq!(told.matches("wxk_").count(), 1);
    assert!(
        !text(&created.stderr).contains("wxk_"),
        "{}",
        text(&created.stderr)
    );
    let made = first["created_at"].as_i64().unwrap();
    assert_eq!(first["expires_at"], made + 90 * 24 * 3600);
    let id = first["id"].as_str().unwrap();
    assert!(id.starts_with("clr_"));
    let expected = json!({
        "id": id, "name": "订单", "apps": ["game", "shop"],
        "allow": ["POST /cgi-bin/message/**", "* /wxa/*"],
        "grants": ["raw_token", "session_key", "webhooks", "events", "metrics"],
        "rate": 20, "created_at": made, "expires_at": made + 90 * 24 * 3600, "revoked_at": null,
        "last_used_at": null,
    });
    assert_eq!(first, expected);

    let second = done(&caller(&["create", "--name", "prometheus", "--metrics"]));
    let lines: Vec<_> = second.lines().collect();
    let [made, _, shown] = lines.as_slice() else {
        panic!("{second}")
    };
    assert!(made.ends_with("(prometheus) is a caller"), "{second}");
    assert!(shown.starts_with("wxk_"), "{second}");
    // Several behind one option, and nothing that it may do.
    let third = caller(&["create", "--name", "idle", "--app", "shop", "game"]);
    done(&third);
    assert!(text(&third.stderr).contains("good for nothing"));

    let found = listed();
    assert_eq!(found[0], expected);
    let names: Vec<_> = found.as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["订单", "prometheus", "idle"]);
    assert_eq!(found[1]["apps"], json!([]));
    assert_eq!(found[2]["apps"], json!(["game", "shop"]));

    refused(
        &caller(&["revoke", "clr_0123"]),
        1,
        "wxgate: there is no caller with this id",
    );
    refused(
        &caller(&["revoke", "nobody"]),
        1,
        "wxgate: there is no caller with this id",
    );
    let revoked = done(&caller(&["revoke", id, "--json"]));
    let revoked: Value = serde_json::from_str(&revoked).unwrap();
    assert!(revoked["revoked_at"].as_i64() >= expected["created_at"].as_i64());
    let again = done(&caller(&["revoke", id]));
    assert_eq!(again, format!("{id} (订单) is revoked\n"));
    assert_eq!(listed()[0], revoked);
    let lines = done(&caller(&["list"]));
    let lines: Vec<_> = lines.lines().collect();
    assert!(lines[0].ends_with("'POST /cgi-bin/message/**'  '* /wxa/*'  --raw-token  --session-key  --webhooks  --events  --metrics  20/s  revoked"), "{lines:?}");
    assert!(lines[1].ends_with("  prometheus  --metrics"), "{lines:?}");
}

#[test]
fn an_empty_file_is_prepared() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new/wxgate.db");
    whole_life(&format!("sqlite:{}", file.display()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_database_is_prepared() {
    let url = Mongod::standalone().await.url(&Mongod::fresh_database());
    tokio::task::spawn_blocking(move || whole_life(&url))
        .await
        .unwrap();
}

#[test]
fn wrong_usage_is_exit_code_2_and_makes_nothing() {
    let folder = folder();
    let store = format!("sqlite:{}", folder.path().join("wxgate.db").display());
    let create = |more: &[&str]| {
        let arguments: Vec<_> = ["create", "--name", "x"].iter().chain(more).copied().collect();
        caller(&folder, &store, &arguments)
    };
    let with_app = |more: &[&str]| create(&[&["--app", "shop"], more].concat());
    refused(
        &create(&["--app", "shop", "--app", "shops"]),
        2,
        "there is no app shops; the configuration has shop, game",
    );
    refused(&create(&["--app", "Shop"]), 2, "lower-case letters");
    refused(&create(&[]), 2, "--app");
    for option in ["--raw-token", "--session-key", "--webhooks", "--events"] {
        refused(&create(&["--metrics", option]), 2, "--app");
    }
    refused(&create(&["--metrics", "--allow", "GET /a"]), 2, "--app");
    for pattern in [
        "GET",
        "/a",
        "get /a",
        "GET a",
        "GET /a/",
        "GET /a*",
        "GET /a?b",
        "GET /a/../b",
        "GET /%61",
        "",
    ] {
        refused(&with_app(&["--allow", pattern]), 2, "--allow");
    }
    for rate in ["5", "0/s", "5/m", "1.5/s", ""] {
        refused(&with_app(&["--rate", rate]), 2, "--rate");
    }
    for expires in ["0s", "90", "soon", "200y", ""] {
        refused(&with_app(&["--expires", expires]), 2, "--expires");
    }
    refused(
        &caller(&folder, &store, &["create", "--app", "shop"]),
        2,
        "--name",
    );
    refused(
        &caller(&folder, &store, &["create", "--name", " ", "--app", "shop"]),
        2,
        "blank",
    );
    refused(&caller(&folder, &store, &["revoke"]), 2, "<ID>");
    // Nothing was opened for that.
    assert!(!folder.path().join("wxgate.db").exists());
    let help = run(&folder, &["caller", "--help"]);
    for command in ["create", "list", "revoke"] {
        assert!(text(&help.stdout).contains(command), "{command}");
    }
    let help = text(&run(&folder, &["caller", "create", "--help"]).stdout);
    for part in ["METHOD PATH", "N/s", "90d", "Examples:"] {
        assert!(help.contains(part), "{part}: {help}");
    }
}

/// Runs the command as the operator of this gateway would.
async fn beside(app: &TestApp, arguments: &[&str]) -> Value {
    let arguments: Vec<_> = ["caller"].iter().chain(arguments).copied().collect();
    let mut command = app.command(&arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    serde_json::from_str(&done(&output.await.unwrap())).unwrap()
}

async fn beside_a_running_gateway(app: Builder) {
    let app = app.spawn().await;
    let answers = async |key: &str, status: u16| {
        let began = Instant::now();
        loop {
            let request = app.request(reqwest::Method::GET, "/metrics").bearer_auth(key);
            let reply = Reply::to(request.header("x-forwarded-for", "203.0.113.9")).await;
            if reply.status == status {
                return;
            }
            assert!(began.elapsed() < BOUND, "still {}: {}", reply.status, reply.text);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let made = beside(&app, &["create", "--name", "x", "--metrics", "--json"]).await;
    let key = made["key"].as_str().unwrap();
    answers(key, 200).await;
    let listed = beside(&app, &["list", "--json"]).await;
    assert_eq!(listed[0]["id"], made["id"]);
    beside(&app, &["revoke", made["id"].as_str().unwrap(), "--json"]).await;
    answers(key, 401).await;
}
