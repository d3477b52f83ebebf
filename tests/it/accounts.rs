//! Accounts with names, passwords and codes: registered, logged in, changed, linked, and guarded against guessing.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Builder, GAME, TestApp};
use crate::support::reply::Reply;
use crate::support::{on_all_stores, on_both_stores};

on_all_stores!(a_name_that_many_want_at_once_is_one_users);
on_both_stores!(
    registering_logs_in,
    a_wrong_password_and_an_unknown_user_look_the_same,
    failures_are_limited_per_account,
    administrators_and_users_are_kept_apart,
    a_new_password_ends_other_sessions,
    a_password_needs_a_proof,
    accounts_with_bad_parameters_are_not_made,
);

const PASSWORD: &str = "ninety-nine red balloons";

pub(crate) async fn register(app: &TestApp, name: &str) -> Reply {
    let body = json!({"username": name, "password": PASSWORD});
    app.post_json("/v1/users", &body).await
}

async fn log_in(app: &TestApp, name: &str, password: &str) -> Reply {
    let body = json!({"type": 101, "account": name, "secret": password});
    app.post_json("/v1/token", &body).await
}

async fn call(app: &TestApp, method: Method, path: &str, token: &str, body: &Value) -> Reply {
    Reply::to(app.request(method, path).bearer_auth(token).json(body)).await
}

async fn registering_logs_in(app: Builder) {
    let app = app.spawn().await;
    let made = register(&app, "安").await;
    assert_eq!(made.status, 201, "{}", made.text);
    let account = call(&app, Method::GET, "/v1/user", &made.member("token"), &json!({}))
        .await
        .ok();
    assert_eq!(account.json()["id"], made.json()["user"]["id"]);
    assert_eq!(account.json()["has_password"], true);
    assert_eq!(account.json()["identities"][0]["value"], "安");
    assert_eq!(
        log_in(&app, "安", PASSWORD).await.ok().json()["user"],
        made.json()["user"]
    );
    let body = json!({"email": "Ann@example.com", "password": PASSWORD});
    let by_mail = app.post_json("/v1/users", &body).await;
    let token = by_mail.member("token");
    let account = call(&app, Method::GET, "/v1/user", &token, &json!({})).await.ok();
    assert_eq!(account.json()["identities"][0]["value"], "a****@example.com");
    assert_eq!(account.json()["identities"][0]["proven"], false);
    // A password is kept hashed.
    assert!(!app.stored().everything().await.contains(PASSWORD));
}

async fn a_name_that_many_want_at_once_is_one_users(app: Builder) {
    let app = app.spawn().await;
    let replies = join_all((0..12).map(|_| register(&app, "ann"))).await;
    let made = replies.iter().filter(|reply| reply.status == 201).count();
    let taken = replies.iter().filter(|reply| reply.status == 409).count();
    assert_eq!((made, taken), (1, 11));
    assert_eq!(app.stored().count("users").await, 1);
    log_in(&app, "ann", PASSWORD).await.ok();
    register(&app, "ann").await.refused(409, 10011, "POST /v1/users");
}

async fn a_wrong_password_and_an_unknown_user_look_the_same(app: Builder) {
    let app = app.spawn().await;
    register(&app, "ann").await;
    let wrong = log_in(&app, "ann", "wrong password").await;
    wrong.refused(401, 10004, "POST /v1/token");
    for name in ["nobody", "nobody@example.com", "no body", "@"] {
        assert_eq!(log_in(&app, name, PASSWORD).await.text, wrong.text, "{name}");
    }
    let missing = json!({"type": 101, "account": "ann"});
    let refused = app
        .post_json("/v1/token", &missing)
        .await
        .refused(400, 10001, "POST /v1/token");
    assert_eq!(refused["msg"], json!(["secret字段是必填参数"]));
    for kind in [json!(99), json!("101"), json!(null), json!(103.5)] {
        let body = json!({"type": kind, "account": "ann", "secret": PASSWORD});
        app.post_json("/v1/token", &body)
            .await
            .refused(400, 10001, "POST /v1/token");
    }
    for hostile in [json!({"$ne": ""}), json!([PASSWORD]), json!(true)] {
        let body = json!({"type": 101, "account": "ann", "secret": hostile});
        app.post_json("/v1/token", &body)
            .await
            .refused(400, 10001, "POST /v1/token");
    }
}

async fn failures_are_limited_per_account(app: Builder) {
    let app = app.spawn().await;
    register(&app, "ann").await;
    for _ in 0..10 {
        log_in(&app, "ann", "wrong password")
            .await
            .refused(401, 10004, "POST /v1/token");
    }
    let limited = log_in(&app, "ann", PASSWORD).await;
    limited.refused(429, 10006, "POST /v1/token");
    assert!(limited.retry_after() <= 15 * 60);
    // The founding documents' routes say it in their own shape.
    let body = json!({"username": "ann", "password": PASSWORD});
    assert_eq!(app.post_json("/user/login", &body).await.ok().json()["code"], -1);
    // Others are not concerned, and it passes.
    register(&app, "bob").await;
    log_in(&app, "bob", PASSWORD).await.ok();
    app.advance(15 * 60 + 1).await;
    log_in(&app, "ann", PASSWORD).await.ok();
}

async fn administrators_and_users_are_kept_apart(app: Builder) {
    let app = app.spawn().await;
    let body = json!({"email": "ann@example.com", "password": PASSWORD});
    let user = app.post_json("/v1/users", &body).await.member("token");
    let body = json!({"type": 200, "account": "ann@example.com", "secret": PASSWORD});
    app.post_json("/v1/token", &body)
        .await
        .refused(401, 10004, "POST /v1/token");
    let claims = |token: &str| -> Value {
        use base64::Engine as _;
        let payload = token.split('.').nth(1).unwrap();
        serde_json::from_slice(&base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
    };
    assert_eq!(claims(&user)["scope"], "user");
}

async fn a_new_password_ends_other_sessions(app: Builder) {
    let app = app.spawn().await;
    let made = register(&app, "ann").await;
    let here = log_in(&app, "ann", PASSWORD).await.ok();
    let body = json!({"old": PASSWORD, "new": "one hundred balloons"});
    let set = call(
        &app,
        Method::POST,
        "/v1/user/password",
        &here.member("token"),
        &body,
    )
    .await;
    assert_eq!(set.status, 204, "{}", set.text);
    call(&app, Method::GET, "/v1/user", &here.member("token"), &json!({}))
        .await
        .ok();
    let there = call(&app, Method::GET, "/v1/user", &made.member("token"), &json!({})).await;
    there.refused(401, 10004, "GET /v1/user");
    log_in(&app, "ann", PASSWORD)
        .await
        .refused(401, 10004, "POST /v1/token");
    log_in(&app, "ann", "one hundred balloons").await.ok();
}

async fn a_password_needs_a_proof(app: Builder) {
    let app = app.spawn().await;
    let token = register(&app, "ann").await.member("token");
    let set =
        async |token: &str, body: Value| call(&app, Method::POST, "/v1/user/password", token, &body).await;
    let new = "one hundred balloons";
    set(&token, json!({"new": new}))
        .await
        .refused(403, 10005, "POST /v1/user/password");
    set(&token, json!({"new": new, "old": "wrong password"}))
        .await
        .refused(403, 10005, "POST /v1/user/password");
    set(&token, json!({"new": "12345678", "old": PASSWORD}))
        .await
        .refused(400, 10001, "POST /v1/user/password");
    // Who came by WeChat has none, and sets one with the token alone.
    let login = app.log_in(&app.simulator().code(GAME, "bob").await).await.ok();
    let token = login.member("token");
    assert_eq!(set(&token, json!({"new": new})).await.status, 204);
    set(&token, json!({"new": PASSWORD}))
        .await
        .refused(403, 10005, "POST /v1/user/password");
}

async fn accounts_with_bad_parameters_are_not_made(app: Builder) {
    let app = app.spawn().await;
    for bad in [
        json!({}),
        json!({"username": "ann"}),
        json!({"password": PASSWORD}),
        json!({"username": "ann", "email": "ann@example.com", "password": PASSWORD}),
        json!({"username": "ann@example.com", "password": PASSWORD}),
        json!({"email": "ann", "password": PASSWORD}),
        json!({"username": "ann", "password": "password"}),
        json!({"username": "ann", "password": "1234567"}),
        json!({"username": "ann", "password": "x".repeat(2000)}),
        json!({"username": {"$gt": ""}, "password": PASSWORD}),
    ] {
        app.post_json("/v1/users", &bad)
            .await
            .refused(400, 10001, "POST /v1/users");
    }
    assert_eq!(app.stored().count("users").await, 0);
}
