//! `POST /v1/token/verify` and `/.well-known/jwks.json`: which texts are tokens of ours, and how others find out.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Builder, TestApp};
use crate::support::on_both_stores;
use crate::support::reply::Reply;

on_both_stores!(
    a_token_is_good_until_its_end,
    a_token_outlives_a_restart,
    tokens_of_another_gateway_are_refused,
    a_missing_token_is_answered_in_the_founding_words,
    others_can_verify_a_token_with_the_published_key,
    with_hs256_no_key_is_published,
);

async fn logged_in(app: &TestApp) -> String {
    app.log_in(&app.code("ann").await).await.ok().member("token")
}

async fn verify(app: &TestApp, token: &str) -> bool {
    let reply = app
        .post_json("/v1/token/verify", &json!({"token": token}))
        .await
        .ok();
    match reply.text.as_str() {
        r#"{"result":true}"# => true,
        r#"{"result":false}"# => false,
        other => panic!("{other}"),
    }
}

async fn a_token_is_good_until_its_end(app: Builder) {
    let app = app.spawn().await;
    let token = logged_in(&app).await;
    assert!(verify(&app, &token).await);
    app.advance(7_190).await;
    assert!(verify(&app, &token).await);
    app.advance(11).await;
    assert!(!verify(&app, &token).await);
}

async fn a_token_outlives_a_restart(app: Builder) {
    let mut app = app.spawn().await;
    let token = logged_in(&app).await;
    app.restart().await;
    assert!(verify(&app, &token).await);
}

async fn tokens_of_another_gateway_are_refused(app: Builder) {
    let (app, other) = (app.spawn().await, TestApp::builder().spawn().await);
    assert!(!verify(&app, &logged_in(&other).await).await);
}

const MISSING: &str =
    r#"{"msg":["token字段是必填参数"],"error_code":10001,"request":"POST /v1/token/verify"}"#;

async fn a_missing_token_is_answered_in_the_founding_words(app: Builder) {
    let app = app.spawn().await;
    for body in [json!({}), json!({"token": null}), json!({"token": ""})] {
        let reply = app.post_json("/v1/token/verify", &body).await;
        assert_eq!(reply.status, 200, "{body}");
        assert_eq!(reply.text, MISSING);
    }
    let reply = Reply::to(app.request(Method::POST, "/v1/token/verify").body("")).await;
    assert_eq!((reply.status, reply.text.as_str()), (200, MISSING));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

async fn others_can_verify_a_token_with_the_published_key(app: Builder) {
    let app = app.spawn().await;
    let token = logged_in(&app).await;
    let keys = app.get("/.well-known/jwks.json").await.ok().json();
    let [header, claims, signature] = parts(&token);
    let key = &keys["keys"][0];
    let expected = json!({
        "kty": "OKP", "crv": "Ed25519", "x": key["x"], "kid": decoded(&header)["kid"], "use": "sig", "alg": "EdDSA",
    });
    assert_eq!(keys, json!({"keys": [expected]}));
    let public = BASE64.decode(key["x"].as_str().unwrap()).unwrap();
    UnparsedPublicKey::new(&ED25519, public)
        .verify(
            format!("{header}.{claims}").as_bytes(),
            &BASE64.decode(signature).unwrap(),
        )
        .expect("the signature is right");
    let header = decoded(&header);
    assert_eq!(
        (&header["alg"], &header["typ"]),
        (&json!("EdDSA"), &json!("at+jwt"))
    );
    let claims = decoded(&claims);
    let names: Vec<&String> = claims.as_object().unwrap().keys().collect();
    let expected = [
        "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "scope", "sid", "app",
    ];
    assert_eq!(names, expected);
    assert_eq!(
        (&claims["iss"], &claims["aud"]),
        (&json!("wxgate"), &json!("wxgate"))
    );
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        7_200
    );
}

async fn with_hs256_no_key_is_published(app: Builder) {
    let app = app.set("auth.algorithm", "HS256").spawn().await;
    let token = logged_in(&app).await;
    assert!(verify(&app, &token).await);
    let keys = app.get("/.well-known/jwks.json").await.ok();
    assert_eq!(keys.text, r#"{"keys":[]}"#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_a_text() {
    let app = TestApp::builder().spawn().await;
    for token in [json!(7), json!(true), json!(["a"]), json!({"a": "b"})] {
        let reply = app.post_json("/v1/token/verify", &json!({"token": token})).await;
        reply.refused(400, 10001, "POST /v1/token/verify");
    }
}

fn parts(token: &str) -> [String; 3] {
    let parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts.try_into().expect("a token has three parts")
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&BASE64.decode(part).unwrap()).unwrap()
}
