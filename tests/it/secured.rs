//! An app in the signed and encrypted mode: every call that has it is made in it, whoever asks, and nobody needs to know.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Builder, GAME, TestApp};
use crate::support::on_both_stores;
use crate::support::platform::Platform;
use crate::support::reply::Reply;

const TEXT: &str = "/wxa/msg_sec_check";

on_both_stores!(calls_of_every_kind_are_made_in_the_mode);

async fn keys(platform: &Platform, wanted: Value) -> Value {
    let path = format!("/apps/{GAME}/api_security");
    platform.admin(Method::PUT, &path, wanted).await
}

/// A gateway that has these keys.
fn with(builder: Builder, keys: &Value) -> Builder {
    let named = [
        "symmetric_key",
        "symmetric_sn",
        "cipher",
        "private_key",
        "private_key_sn",
        "signer",
        "certificate",
        "certificate_sn",
    ];
    named.into_iter().fold(builder, |builder, name| {
        let value = keys[name].as_str().unwrap_or_else(|| panic!("no {name}: {keys}"));
        builder.set(&format!("apps.game.api_security.{name}"), value)
    })
}

async fn check(app: &TestApp, key: &str, path: &str, body: &Value) -> Reply {
    let request = app.request(Method::POST, &format!("/v1/apps/game/{path}"));
    Reply::to(request.bearer_auth(key).json(body)).await
}

async fn calls_of_every_kind_are_made_in_the_mode(builder: Builder) {
    let platform = Platform::start(Builder::at_the_platform());
    let keys = keys(&platform, json!({"mode": "required"})).await;
    let app = with(builder.platform(&platform), &keys).spawn().await;
    let ann = app.log_in(&app.code("ann").await).await.ok().member("token");
    let openid = platform.openid(GAME, "ann").await;

    // The gateway's own call.
    let wanted = json!({"app_id": GAME, "user": "ann", "kind": "phone"});
    let made = platform.admin(Method::POST, "/codes", wanted).await;
    let request = app.request(Method::POST, "/v1/user/phone").bearer_auth(&ann);
    Reply::to(request.json(&json!({"code": made["code"]}))).await.ok();

    // One with a form of our own.
    let text = json!({"content": "中 \"文\"", "scene": 2});
    let typed = check(&app, &ann, "checks/text", &text).await.ok();
    assert_eq!(typed.json()["result"]["suggest"], "pass");

    // One that a caller wrote.
    let key = app
        .caller_key(&["--app", "game", "--allow", &format!("POST {TEXT}")])
        .await;
    let body = json!({"version": 2, "scene": 2, "openid": openid, "content": "hello"});
    let relayed = check(&app, &key, "api/wxa/msg_sec_check", &body)
        .await
        .ok()
        .json();
    let names: Vec<_> = relayed.as_object().unwrap().keys().collect();
    assert_eq!(names, ["errcode", "errmsg", "result", "detail", "trace_id"]);

    // With a dead token it is encrypted and signed once more.
    platform.kill_tokens(GAME, false).await;
    check(&app, &key, "api/wxa/msg_sec_check", &body).await.ok();
    assert_eq!(check(&app, &ann, "checks/text", &text).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_the_other_kind_do_as_well() {
    let platform = Platform::start(Builder::at_the_platform());
    let keys = keys(
        &platform,
        json!({"mode": "required", "cipher": "SM4_GCM", "signer": "SM2"}),
    )
    .await;
    let app = with(TestApp::builder().platform(&platform), &keys).spawn().await;
    let ann = app.log_in(&app.code("ann").await).await.ok().member("token");
    let text = json!({"content": "hello", "scene": 2});
    check(&app, &ann, "checks/text", &text).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_cannot_be_verified_is_not_handed_on() {
    let platform = Platform::start(Builder::at_the_platform());
    let keys = keys(&platform, json!({"mode": "required"})).await;
    let app = with(TestApp::builder().platform(&platform), &keys).spawn().await;
    let ann = app.log_in(&app.code("ann").await).await.ok().member("token");
    let text = json!({"content": "hello", "scene": 2});
    let path = format!("/apps/{GAME}/api_security");
    // While the platform's certificates change, the one that we have is good.
    platform
        .admin(Method::PATCH, &path, json!({"rotate": true}))
        .await;
    check(&app, &ann, "checks/text", &text).await.ok();
    platform
        .admin(Method::PATCH, &path, json!({"finish_rotation": true}))
        .await;
    let refused = check(&app, &ann, "checks/text", &text).await;
    refused.refused(503, 10_008, "POST /v1/apps/game/checks/text");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_keys_wechat_refuses_an_app_that_must_have_them() {
    let platform = Platform::start(Builder::at_the_platform());
    keys(&platform, json!({"mode": "required"})).await;
    let app = TestApp::builder().platform(&platform).spawn().await;
    let ann = app.log_in(&app.code("ann").await).await.ok().member("token");
    let text = json!({"content": "hello", "scene": 2});
    let refused = check(&app, &ann, "checks/text", &text).await;
    let refused = refused.refused(502, 10_007, "POST /v1/apps/game/checks/text");
    assert!(
        (40_230..=40_240).contains(&refused["errcode"].as_i64().unwrap()),
        "{refused}"
    );
}
