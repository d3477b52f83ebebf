//! What a mini program brings of its user: phone numbers, encrypted and signed data, the state of the session_key.

use reqwest::Method;
use serde_json::{Value, json};
use wxgate::domain::encrypted_data::{self, Error};

use crate::support::app::{Builder, GAME, TestApp};
use crate::support::on_both_stores;
use crate::support::reply::Reply;
use crate::vectors;

on_both_stores!(
    a_phone_number_is_linked_and_logs_in,
    a_phone_that_two_users_have_proven_makes_them_one,
    a_dead_access_token_is_replaced_once,
    encrypted_data_is_opened_with_the_latest_key_or_the_one_before,
    what_no_key_opens_asks_for_a_new_login,
    data_of_another_app_is_refused,
    signed_data_is_checked,
    the_session_key_is_checked_and_replaced,
    phone_codes_that_wechat_refuses,
);

async fn call(app: &TestApp, path: &str, token: &str, body: Value) -> Reply {
    Reply::to(app.request(Method::POST, path).bearer_auth(token).json(&body)).await
}

async fn log_in(app: &TestApp, user: &str) -> String {
    app.log_in(&app.code(user).await).await.ok().member("token")
}

async fn phone_code(app: &TestApp, user: &str) -> String {
    let wanted = json!({"app_id": GAME, "user": user, "kind": "phone"});
    let made = app.simulator().admin(Method::POST, "/codes", wanted).await;
    made["code"].as_str().unwrap().to_owned()
}

async fn encrypted(app: &TestApp, wanted: Value) -> Value {
    let mut body = json!({"app_id": GAME, "user": "ann"});
    body.as_object_mut()
        .unwrap()
        .extend(wanted.as_object().unwrap().clone());
    app.simulator().admin(Method::POST, "/encrypted", body).await
}

async fn a_phone_number_is_linked_and_logs_in(app: Builder) {
    let app = app.spawn().await;
    let token = log_in(&app, "ann").await;
    let code = phone_code(&app, "ann").await;
    let linked = call(&app, "/v1/user/phone", &token, json!({"code": code}))
        .await
        .ok();
    let identities = linked.json()["identities"].as_array().unwrap().clone();
    let phone = identities
        .iter()
        .find(|identity| identity["kind"] == "phone")
        .unwrap();
    assert!(
        phone["value"].as_str().unwrap().contains("****") && phone["proven"] == true,
        "{phone}"
    );
    // Type 102 without a secret takes the code of the phone number button.
    let body = json!({"type": 102, "account": phone_code(&app, "ann").await});
    let login = app.post_json("/v1/token", &body).await.ok();
    assert_eq!(login.json()["user"]["id"], linked.json()["id"]);
    // A code works once.
    call(&app, "/v1/user/phone", &token, json!({"code": code}))
        .await
        .refused(400, 10001, "POST /v1/user/phone");
    app.post_json("/v1/token", &body)
        .await
        .is_refused_code(40029, "POST /v1/token");
}

async fn a_phone_that_two_users_have_proven_makes_them_one(app: Builder) {
    let app = app.spawn().await;
    // First somebody known by the phone alone, then a mini program's user with the same phone.
    let code = phone_code(&app, "ann").await;
    let by_phone = app
        .post_json("/v1/token", &json!({"type": 102, "account": code}))
        .await
        .ok();
    let token = log_in(&app, "ann").await;
    let code = phone_code(&app, "ann").await;
    let linked = call(&app, "/v1/user/phone", &token, json!({"code": code}))
        .await
        .ok();
    assert_eq!(linked.json()["id"], by_phone.json()["user"]["id"]);
    let again = app.log_in(&app.code("ann").await).await.ok();
    assert_eq!(again.json()["user"]["id"], by_phone.json()["user"]["id"]);
}

async fn a_dead_access_token_is_replaced_once(app: Builder) {
    let app = app.spawn().await;
    let token = log_in(&app, "ann").await;
    let code = phone_code(&app, "ann").await;
    call(&app, "/v1/user/phone", &token, json!({"code": code}))
        .await
        .ok();
    app.simulator().kill_tokens(GAME, false).await;
    let code = phone_code(&app, "ann").await;
    call(&app, "/v1/user/phone", &token, json!({"code": code}))
        .await
        .ok();
}

async fn encrypted_data_is_opened_with_the_latest_key_or_the_one_before(app: Builder) {
    let app = app.spawn().await;
    let token = log_in(&app, "ann").await;
    let early = encrypted(&app, json!({})).await;
    let opened = call(&app, "/v1/user/decrypt", &token, early.clone()).await.ok();
    assert_eq!(opened.json()["nickName"], "ann");
    assert_eq!(opened.json()["watermark"]["appid"], GAME);
    // "It works the second time": the page has called wx.login again before it sent what it had.
    log_in(&app, "ann").await;
    call(&app, "/v1/user/decrypt", &token, early.clone()).await.ok();
    let late = encrypted(&app, json!({"kind": "phone"})).await;
    let opened = call(&app, "/v1/user/decrypt", &token, late).await.ok();
    assert!(opened.json()["purePhoneNumber"].is_string());
    // But not for ever.
    log_in(&app, "ann").await;
    call(&app, "/v1/user/decrypt", &token, early)
        .await
        .refused(401, 10012, "POST /v1/user/decrypt");
}

async fn what_no_key_opens_asks_for_a_new_login(app: Builder) {
    let app = app.spawn().await;
    let token = log_in(&app, "ann").await;
    log_in(&app, "bob").await;
    // T2: made with a key that is known, but another user's.
    let foreign = encrypted(&app, json!({"user": "bob"})).await;
    let refused = call(&app, "/v1/user/decrypt", &token, foreign).await;
    let body = refused.refused(401, 10012, "POST /v1/user/decrypt");
    assert!(body["msg"].as_str().unwrap().contains("wx.login"), "{body}");
    let good = encrypted(&app, json!({})).await;
    for (member, value) in [
        ("encryptedData", json!("")),
        ("encryptedData", json!("AAAA")),
        ("encryptedData", json!("no base64!")),
        ("encryptedData", json!({"$ne": ""})),
        ("iv", json!("AAAA")),
        ("iv", json!(null)),
        ("iv", json!("x".repeat(100))),
    ] {
        let mut bad = good.clone();
        bad[member] = value;
        let reply = call(&app, "/v1/user/decrypt", &token, bad).await;
        assert!([400, 401].contains(&reply.status), "{member}: {}", reply.text);
    }
    // Who did not come by a mini program has no session_key.
    let body = json!({"username": "eve", "password": "ninety-nine red balloons"});
    let eve = app.post_json("/v1/users", &body).await.member("token");
    call(&app, "/v1/user/decrypt", &eve, good)
        .await
        .refused(401, 10012, "POST /v1/user/decrypt");
}

async fn data_of_another_app_is_refused(app: Builder) {
    let app = app.spawn().await;
    let token = log_in(&app, "ann").await;
    let foreign = encrypted(&app, json!({"watermark_app_id": "wx0000000000000099"})).await;
    call(&app, "/v1/user/decrypt", &token, foreign)
        .await
        .refused(400, 10001, "POST /v1/user/decrypt");
}

async fn signed_data_is_checked(app: Builder) {
    let app = app.spawn().await;
    let token = log_in(&app, "ann").await;
    let data = encrypted(&app, json!({})).await;
    let check = async |raw: &Value, signature: &Value| {
        let body = json!({"rawData": raw, "signature": signature});
        call(&app, "/v1/user/raw-data", &token, body).await.ok().json()["result"].clone()
    };
    assert_eq!(check(&data["rawData"], &data["signature"]).await, true);
    assert_eq!(check(&json!("{}"), &data["signature"]).await, false);
    assert_eq!(check(&data["rawData"], &json!("00")).await, false);
}

async fn the_session_key_is_checked_and_replaced(app: Builder) {
    let app = app.spawn().await;
    let token = log_in(&app, "ann").await;
    let check = async || {
        call(&app, "/v1/user/session-key/check", &token, json!({}))
            .await
            .ok()
            .json()["result"]
            .clone()
    };
    assert_eq!(check().await, true);
    let before = encrypted(&app, json!({})).await;
    let reset = call(&app, "/v1/user/session-key/reset", &token, json!({})).await;
    assert_eq!((reset.status, reset.text.as_str()), (204, ""));
    assert_eq!(check().await, true);
    // The new key opens what is encrypted from now on, and the one before what was on its way.
    let after = encrypted(&app, json!({})).await;
    call(&app, "/v1/user/decrypt", &token, after).await.ok();
    call(&app, "/v1/user/decrypt", &token, before).await.ok();
    // A login that this gateway knows nothing of has made a newer key.
    let code = app.code("ann").await;
    app.simulator().exchange(GAME, &code).await;
    assert_eq!(check().await, false);
    let reset = call(&app, "/v1/user/session-key/reset", &token, json!({})).await;
    reset.refused(401, 10012, "POST /v1/user/session-key/reset");
}

async fn phone_codes_that_wechat_refuses(app: Builder) {
    let app = app.spawn().await;
    let token = log_in(&app, "ann").await;
    // The code of wx.login is not the code of the button.
    let code = app.code("ann").await;
    call(&app, "/v1/user/phone", &token, json!({"code": code}))
        .await
        .refused(400, 10001, "POST /v1/user/phone");
    let path = "/wxa/business/getuserphonenumber";
    for (effect, status) in [
        (json!({"type": "reset"}), 503),
        (json!({"type": "errcode", "errcode": -1}), 503),
        (json!({"type": "errcode", "errcode": 48001}), 502),
        (json!({"type": "errcode", "errcode": 45011}), 429),
    ] {
        app.simulator()
            .fault(json!({"path": path, "count": 1, "effect": effect}))
            .await;
        let code = phone_code(&app, "ann").await;
        let reply = call(&app, "/v1/user/phone", &token, json!({"code": code})).await;
        assert_eq!(reply.status, status, "{}", reply.text);
    }
}

/// WeChat's own samples.
#[test]
fn what_others_have_encrypted_is_opened() {
    for vector in vectors::of(&["miniprogram_encrypted_data"]) {
        let (data, iv) = (vector.input("encryptedData"), vector.input("iv"));
        let open = |app: &str, key: &str| encrypted_data::open(&app.parse().unwrap(), &key.into(), data, iv);
        let key = vector.input("session_key");
        if let Some(app_id) = vector.inputs["appid"].as_str() {
            let opened = open(app_id, key).unwrap();
            assert_eq!(Value::from(opened), vector.expected["json"], "{}", vector.name);
        }
        // The watermark names another app, which only who opens it can know. One sample's AppID is masked.
        assert_eq!(open("wx1", key), Err(Error::ForeignApp), "{}", vector.name);
        assert_eq!(open("wx1", "AAAAAAAAAAAAAAAAAAAAAA=="), Err(Error::Unreadable));
    }
}

#[test]
fn what_others_have_signed_is_recognised() {
    for vector in vectors::of(&["miniprogram_rawdata_signature"]) {
        let (key, raw) = (vector.input("session_key").into(), vector.input("rawData"));
        let signature = vector.expected["signature"].as_str().unwrap();
        assert!(encrypted_data::is_signed(&key, raw, signature));
        assert!(encrypted_data::is_signed(&key, raw, &signature.to_uppercase()));
        assert!(!encrypted_data::is_signed(&key, &raw[1..], signature));
        assert!(!encrypted_data::is_signed(&key, raw, &signature[1..]));
    }
    let nothing = |vector: &vectors::Vector| vector.input("data").is_empty();
    let found: Vec<_> = vectors::of(&["session_signature"])
        .into_iter()
        .filter(nothing)
        .collect();
    assert!(!found.is_empty());
    for vector in found {
        let signature = encrypted_data::session_signature(&vector.input("session_key").into());
        assert_eq!(vector.expected["signature"], signature, "{}", vector.name);
    }
}
