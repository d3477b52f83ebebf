//! WeChat's own paths at the root, as an SDK uses them.

use reqwest::Method;
use serde_json::{Value, json};

use super::{before, caller};
use crate::support::app::{GAME, SHOP, TestApp};
use crate::support::platform::SECRET;
use crate::support::reply::Reply;
use crate::support::upstream::{Reaction, Upstream};

async fn alias(app: &TestApp, app_id: &str, key: &str) -> Value {
    let path = format!("/cgi-bin/token?grant_type=client_credential&appid={app_id}&secret={key}");
    app.get(&path).await.ok().json()
}

async fn bearer(app: &TestApp, key: &str) -> String {
    let answer = alias(app, SHOP, key).await;
    answer["access_token"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer}"))
        .to_owned()
}

fn code(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()["errcode"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_exchanged_for_an_alias() {
    let app = TestApp::builder().spawn().await;
    let key = caller(&app, &["* /cgi-bin/**"]).await;
    let answer = alias(&app, SHOP, &key).await;
    assert_eq!(answer["expires_in"], 7200);
    assert!(answer.get("errcode").is_none());
    let token = answer["access_token"].as_str().unwrap();
    assert!(token.starts_with("wxa_") && token.len() <= 512, "{token}");
    let body =
        json!({"grant_type": "client_credential", "appid": SHOP, "secret": key, "force_refresh": true});
    let stable = app.post_json("/cgi-bin/stable_token", &body).await.ok().json();
    assert!(stable["access_token"].as_str().unwrap().starts_with("wxa_"));
    for (query, errcode) in [
        (String::new(), 41002),
        (format!("grant_type=client_credential&appid={SHOP}"), 41004),
        (format!("appid={SHOP}&secret={key}"), 40002),
        (format!("grant_type=x&appid={SHOP}&secret={key}"), 40002),
        (
            format!("grant_type=client_credential&appid=wx1&secret={key}"),
            40013,
        ),
        (
            format!("grant_type=client_credential&appid={GAME}&secret={key}"),
            40125,
        ),
        (
            format!("grant_type=client_credential&appid={SHOP}&secret={SECRET}"),
            40125,
        ),
        (
            format!("grant_type=client_credential&appid={SHOP}&secret={key}x"),
            40125,
        ),
    ] {
        assert_eq!(
            code(&app.get(&format!("/cgi-bin/token?{query}")).await),
            errcode,
            "{query}"
        );
    }
    assert_eq!(code(&app.post_json("/cgi-bin/token", &json!({})).await), 43001);
    assert_eq!(code(&app.get("/cgi-bin/stable_token").await), 43002);
    assert_eq!(
        code(
            &app.post_raw("/cgi-bin/stable_token", "application/json", "")
                .await
        ),
        44002
    );
    assert_eq!(
        code(
            &app.post_raw("/cgi-bin/stable_token", "application/json", "{")
                .await
        ),
        47001
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_opens_what_its_caller_may_and_dies_with_it() {
    let app = TestApp::builder().spawn().await;
    let made = app.command(&[
        "caller",
        "create",
        "--name",
        "sdk",
        "--app",
        "shop",
        "--allow",
        "GET /cgi-bin/getcallbackip",
        "--json",
    ]);
    let made: Value = serde_json::from_slice(&output(made).await).unwrap();
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    crate::support::eventually("the gateway knows the key", async || {
        alias(&app, SHOP, key).await["access_token"].is_string()
    })
    .await;
    let token = bearer(&app, key).await;
    let call = |token: &str| format!("/cgi-bin/getcallbackip?access_token={token}");
    let answer = app.get(&call(&token)).await.ok().json();
    assert!(answer["ip_list"].is_array(), "{answer}");
    assert_eq!(
        code(&app.get(&format!("/cgi-bin/menu/get?access_token={token}")).await),
        48001
    );
    assert_eq!(code(&app.get("/cgi-bin/getcallbackip").await), 41001);
    assert_eq!(
        code(&app.get("/cgi-bin/getcallbackip?access_token=").await),
        41001
    );
    for wrong in [
        "x",
        "wxa_",
        "wxa_AAAA",
        &token[..token.len() - 1],
        &format!("{token}A"),
        &token.to_uppercase(),
        key,
    ] {
        assert_eq!(code(&app.get(&call(wrong)).await), 40014, "{wrong}");
    }
    // What we hold ourselves is not taken.
    let raw = app
        .simulator()
        .admin(Method::GET, &format!("/apps/{SHOP}"), json!({}))
        .await;
    let raw = raw["tokens"]
        .as_array()
        .and_then(|tokens| tokens.first())
        .map(ToString::to_string);
    if let Some(raw) = raw {
        assert_eq!(code(&app.get(&call(raw.trim_matches('"'))).await), 40014);
    }
    app.turn(7201);
    assert_eq!(code(&app.get(&call(&token)).await), 42001);
    let token = bearer(&app, key).await;
    app.get(&call(&token)).await.ok();
    output(app.command(&["caller", "revoke", id])).await;
    crate::support::eventually("the alias is dead", async || {
        code(&app.get(&call(&token)).await) == 40001
    })
    .await;
    assert_eq!(alias(&app, SHOP, key).await["errcode"], 40125);
}

async fn output(mut command: std::process::Command) -> Vec<u8> {
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn the_alias_is_replaced_by_the_token_and_a_dead_one_is_never_told() {
    let upstream = Upstream::start();
    let app = before(&upstream, TestApp::builder()).await;
    let key = caller(&app, &["* /**"]).await;
    let token = bearer(&app, &key).await;
    let path = format!("/cgi-bin/user/info?openid=o1&access_token={token}&lang=zh_CN");
    app.get(&path).await.ok();
    let first = upstream.last().target;
    assert!(
        first.starts_with("/cgi-bin/user/info?access_token=token-"),
        "{first}"
    );
    assert!(first.ends_with("&openid=o1&lang=zh_CN"), "{first}");
    upstream.react([Reaction::DeadToken]);
    let answer = app.get(&path).await.ok().json();
    assert!(answer["target"].as_str().unwrap().contains("token-3"), "{answer}");
    for errcode in [40001, 40014, 42001] {
        let dead = json!({"errcode": errcode, "errmsg": "x"}).to_string();
        upstream.react([
            Reaction::Text(200, "text/plain", dead.clone()),
            Reaction::Text(200, "text/plain", dead),
        ]);
        assert_eq!(code(&app.get(&path).await), -1, "{errcode}");
        app.turn(40);
    }
    upstream.react([Reaction::HangUp]);
    assert_eq!(code(&app.get(&path).await), -1);
    upstream.react([Reaction::Text(502, "text/html", "<html>".to_owned())]);
    assert_eq!(code(&app.get(&path).await), -1);
    assert_eq!(
        code(
            &app.get(&format!("/cgi-bin/user/..%2fx?access_token={token}"))
                .await
        ),
        40097
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_in_the_secrets_place_is_swapped_for_the_appsecret() {
    let app = TestApp::builder().spawn().await;
    let rights = [
        "--app",
        "game",
        "--allow",
        "GET /sns/jscode2session",
        "--session-key",
    ];
    let key = app.caller_key(&rights).await;
    let less = app
        .caller_key(&["--app", "game", "--allow", "GET /sns/jscode2session"])
        .await;
    let wide = app
        .caller_key(&["--app", "game", "--allow", "* /**", "--session-key"])
        .await;
    let path = |secret: &str, code: &str| {
        format!(
            "/sns/jscode2session?appid={GAME}&secret={secret}&js_code={code}&grant_type=authorization_code"
        )
    };
    let login = app.code("ann").await;
    let answer = app.get(&path(&key, &login)).await.ok().json();
    assert!(answer["session_key"].is_string(), "{answer}");
    let login = app.code("ann").await;
    assert_eq!(code(&app.get(&path(&less, &login)).await), 48001);
    assert_eq!(code(&app.get(&path(&wide, &login)).await), 48001);
    assert_eq!(code(&app.get(&path(SECRET, &login)).await), 40125);
    // WeChat's own refusal of the code.
    assert_eq!(code(&app.get(&path(&key, "none")).await), 40029);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_own_credential_is_relayed_without_ours() {
    let upstream = Upstream::start();
    let app = before(&upstream, TestApp::builder()).await;
    app.get("/sns/userinfo?access_token=theirs&openid=o1&lang=zh_CN")
        .await
        .ok();
    assert_eq!(
        upstream.last().target,
        "/sns/userinfo?access_token=theirs&openid=o1&lang=zh_CN"
    );
    app.get(&format!(
        "/sns/oauth2/refresh_token?appid={SHOP}&grant_type=refresh_token&refresh_token=r"
    ))
    .await
    .ok();
    assert!(!upstream.last().target.contains("token-"));
    // A key or an alias is not theirs, and not for WeChat to see.
    let seen = upstream.seen().len();
    let key = caller(&app, &["GET /sns/userinfo"]).await;
    for wrong in [key.as_str(), "wxa_AAAA"] {
        let path = format!("/sns/userinfo?access_token={wrong}&openid=o1");
        assert_eq!(code(&app.get(&path).await), 40014);
        assert_eq!(code(&app.get(&format!("/sns/auth?x={wrong}")).await), 40014);
    }
    assert_eq!(super::get(&app, &key, "/sns/userinfo").await.status, 403);
    assert_eq!(upstream.seen().len(), seen);
    // What is dead is theirs, and they are told.
    upstream.react([Reaction::Text(
        200,
        "text/plain",
        r#"{"errcode":42001,"errmsg":"x"}"#.to_owned(),
    )]);
    assert_eq!(
        code(&app.get("/sns/auth?access_token=theirs&openid=o1").await),
        42001
    );
    assert_eq!(
        code(
            &app.post_json("/sns/auth?access_token=a&openid=o1", &json!({}))
                .await
        ),
        43001
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_prefixes_there_is_no_facade() {
    let app = TestApp::builder().set("gateway.prefixes", "").spawn().await;
    assert_eq!(app.get("/cgi-bin/token").await.status, 404);
    let app = TestApp::builder()
        .set("gateway.prefixes", "cgi-bin")
        .spawn()
        .await;
    assert_eq!(app.get("/cgi-bin/token").await.status, 200);
    assert_eq!(app.get("/sns/auth").await.status, 404);
}
