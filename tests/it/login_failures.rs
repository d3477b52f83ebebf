//! `POST /v1/token`, type 100, where nobody is logged in: every refusal in its founding words, one call at most to
//! the platform, and nothing stored.

use serde_json::{Value, json};

use crate::support::app::{Builder, StoreKind, TestApp};
use crate::support::mongo::Mongod;
use crate::support::platform::LOGIN;
use crate::support::reply::Reply;
use crate::support::{eventually, on_both_stores};

on_both_stores!(
    a_refused_code_is_answered_in_the_founding_words,
    a_lost_answer_is_answered_in_the_founding_words,
    the_platforms_limit_says_when_to_come_again,
    a_refusal_of_ourselves_names_the_errcode,
    wrong_parameters_reach_neither_the_platform_nor_the_store,
    bodies_that_are_no_json_object_are_refused,
);

/// A login while `effect` strikes, and again at once. The platform is asked once and nothing is stored.
async fn broken(app: &TestApp, effect: Value, after: bool) -> Reply {
    let platform = app.simulator();
    let code = app.code("ann").await;
    let before = platform.calls(LOGIN).await;
    let rule = json!({"path": LOGIN, "after": after, "effect": effect});
    platform.fault(rule).await;
    let reply = app.log_in(&code).await;
    let again = app.log_in(&code).await;
    platform.heal().await;
    assert_eq!(
        (reply.status, &reply.text),
        (again.status, &again.text),
        "{effect}"
    );
    // The cause has gone, but the code must be taken for used.
    app.advance(6).await;
    app.log_in(&code).await.is_refused_code(40163, "POST /v1/token");
    assert_eq!(platform.calls(LOGIN).await, before + 1, "{effect}");
    assert_eq!(app.stored().count("users").await, 0);
    assert_eq!(app.stored().count("sessions").await, 0);
    reply
}

fn errcode(errcode: i64) -> Value {
    json!({"type": "errcode", "errcode": errcode})
}

async fn a_refused_code_is_answered_in_the_founding_words(app: Builder) {
    let app = app.spawn().await;
    let reply = app.log_in("made-up").await;
    assert_eq!(reply.status, 401);
    assert_eq!(
        reply.text,
        r#"{"msg":"openid acquisition failed ,errcode:40029","error_code":10004,"request":"POST /v1/token"}"#
    );
    for code in [40029, 40163, 40226] {
        let reply = broken(&app, errcode(code), false).await;
        reply.is_refused_code(code, "POST /v1/token");
    }
}

async fn a_lost_answer_is_answered_in_the_founding_words(app: Builder) {
    let app = app.set("platform.timeout", "300ms").spawn().await;
    let raw =
        |body: &str| json!({"type": "raw_body", "body": body, "status": 200, "content_type": "text/plain"});
    let effects = [
        (json!({"type": "reset"}), false),
        // The platform has used the code up, and its answer is lost.
        (json!({"type": "reset"}), true),
        (json!({"type": "hang", "seconds": 60}), false),
        (json!({"type": "latency", "ms": 900}), true),
        (json!({"type": "truncated_body"}), false),
        (json!({"type": "http_status", "status": 502}), false),
        (json!({"type": "http_status", "status": 500}), true),
        (json!({"type": "garbage"}), false),
        (
            json!({"type": "redirect", "location": "http://127.0.0.1:9/"}),
            false,
        ),
        (errcode(-1), false),
        (raw("<html><body>busy</body></html>"), false),
        (raw(""), false),
        (raw("[]"), false),
        (raw("{}"), false),
        (raw(r#"{"openid":"oAnn"}"#), false),
        (raw(r#"{"openid":"oAnn","session_key":""}"#), false),
        (raw(r#"{"session_key":"a2V5"}"#), false),
        (raw(r#"{"openid":"o n","session_key":"a2V5"}"#), false),
        (raw(r#"{"errcode":"none"}"#), false),
    ];
    for (effect, after) in effects {
        let reply = broken(&app, effect.clone(), after).await;
        assert_eq!(reply.status, 503, "{effect}: {}", reply.text);
        assert_eq!(
            reply.text,
            r#"{"msg":"openid acquisition failed due to network problems","error_code":10004,"request":"POST /v1/token"}"#,
            "{effect}"
        );
        assert!(reply.retry_after() >= 1);
    }
}

async fn the_platforms_limit_says_when_to_come_again(app: Builder) {
    let app = app.spawn().await;
    let reply = broken(&app, errcode(45011), false).await;
    reply.refused(429, 10006, "POST /v1/token");
    assert!((1..=60).contains(&reply.retry_after()));
}

async fn a_refusal_of_ourselves_names_the_errcode(app: Builder) {
    let app = app.spawn().await;
    for code in [40013, 40125, 40164] {
        let reply = broken(&app, errcode(code), false).await;
        let body = reply.refused(502, 10007, "POST /v1/token");
        assert_eq!(body["errcode"], code);
    }
}

async fn wrong_parameters_reach_neither_the_platform_nor_the_store(app: Builder) {
    let app = app.spawn().await;
    for body in [
        json!({}),
        json!({"account": "code"}),
        json!({"type": null, "account": "code"}),
        json!({"type": "100", "account": "code"}),
        json!({"type": 100.5, "account": "code"}),
        json!({"type": 999, "account": "code"}),
        json!({"type": -100, "account": "code"}),
        json!({"type": 18_446_744_073_709_551_615_u64, "account": "code"}),
        json!({"type": 100}),
        json!({"type": 100, "account": null}),
        json!({"type": 100, "account": ""}),
        json!({"type": 100, "account": 7}),
        json!({"type": 100, "account": ["code"]}),
        json!({"type": 100, "account": {"$gt": ""}}),
        json!({"type": 100, "account": "x".repeat(513)}),
        json!({"type": 100, "account": "two words"}),
        json!({"type": 100, "account": "中文"}),
        json!({"type": 100, "account": "line\nbreak"}),
    ] {
        let reply = app.post_json("/v1/token", &body).await;
        assert_eq!(reply.status, 400, "{body}: {}", reply.text);
        let refused = reply.refused(400, 10001, "POST /v1/token");
        assert!(refused["msg"].is_array(), "{refused}");
    }
    nothing_happened(&app).await;
}

async fn bodies_that_are_no_json_object_are_refused(app: Builder) {
    let app = app.spawn().await;
    let json_type = "application/json";
    let deep = format!(
        r#"{{"type":100,"account":"a","x":{}{}}}"#,
        "[".repeat(20_000),
        "]".repeat(20_000)
    );
    for body in [
        "",
        "{",
        "[]",
        "[1]",
        "null",
        "\"text\"",
        "7",
        "{}{}",
        "{'type':100}",
        &deep,
    ] {
        let reply = app.post_raw("/v1/token", json_type, body.to_owned()).await;
        let shown: String = body.chars().take(40).collect();
        assert_eq!(reply.status, 400, "{shown}");
        reply.refused(400, 10001, "POST /v1/token");
    }
    let latin = b"{\"type\":100,\"account\":\"caf\xe9\"}".to_vec();
    let reply = app.post_raw("/v1/token", json_type, latin).await;
    reply.refused(400, 10001, "POST /v1/token");
    let right = r#"{"type":100,"account":"a"}"#;
    for wrong in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "",
    ] {
        let reply = app.post_raw("/v1/token", wrong, right).await;
        assert_eq!(reply.status, 415, "{wrong}");
        reply.refused(415, 10001, "POST /v1/token");
    }
    let large = format!(r#"{{"type":100,"account":"{}"}}"#, "a".repeat(70_000));
    let reply = app.post_raw("/v1/token", json_type, large).await;
    reply.refused(413, 10001, "POST /v1/token");
    nothing_happened(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_without_a_store_is_refused_for_the_time_being() {
    let mongod = Mongod::start_private().await;
    let url = mongod.url(&Mongod::fresh_database());
    let app = TestApp::builder().store(StoreKind::MongoAt(url)).spawn().await;
    let code = app.code("ann").await;
    mongod.kill();
    let reply = app.log_in(&code).await;
    reply.refused(503, 10008, "POST /v1/token");
    assert!(reply.retry_after() >= 1);
    assert_eq!(app.simulator().calls(LOGIN).await, 1);
    mongod.restart().await;
    eventually("another login succeeds", async || {
        let code = app.code("ann").await;
        app.log_in(&code).await.status == 200
    })
    .await;
}

async fn nothing_happened(app: &TestApp) {
    assert_eq!(app.simulator().calls(LOGIN).await, 0);
    for collection in ["users", "identities", "sessions"] {
        assert_eq!(app.stored().count(collection).await, 0, "{collection}");
    }
}
