//! `POST /_sim/encrypted`: what a mini program gets of its user, opened and checked by means of our own.

use aws_lc_rs::cipher::{AES_128, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};

use super::support::{MINI, OFFICIAL, Sim};
use crate::vectors;

/// AES-128-CBC; the padding is checked and taken off by hand.
fn decrypt(key: &str, iv: &str, data: &str) -> Option<String> {
    let key = STANDARD.decode(key).ok()?;
    let iv: [u8; 16] = STANDARD.decode(iv).ok()?.try_into().ok()?;
    let mut bytes = STANDARD.decode(data).ok()?;
    let key = DecryptingKey::cbc(UnboundCipherKey::new(&AES_128, &key).ok()?).ok()?;
    let context = DecryptionContext::Iv128(FixedLength::from(iv));
    let plain = key.decrypt(&mut bytes, context).ok()?;
    let padding = *plain.last()?;
    let end = plain.len().checked_sub(usize::from(padding))?;
    let (plain, filling) = plain.split_at(end);
    let whole = (1..=16).contains(&padding) && filling.iter().all(|byte| *byte == padding);
    whole.then(|| String::from_utf8(plain.to_vec()).ok())?
}

fn sign_raw(raw: &str, key: &str) -> String {
    let mut digest = Sha1::new();
    digest.update(raw);
    digest.update(key);
    hex::encode(digest.finalize())
}

/// A user who has logged in.
struct Session {
    sim: Sim,
    openid: String,
    key: String,
}

impl Session {
    async fn start() -> Self {
        let sim = Sim::start();
        let answered = sim.log_in(MINI, &sim.code("ann").await).await;
        Self {
            openid: answered.text_of("openid"),
            key: answered.text_of("session_key"),
            sim,
        }
    }

    async fn encrypted(&self, wanted: Value) -> Value {
        let mut body = json!({"app_id": MINI, "user": "ann"});
        body.as_object_mut()
            .unwrap()
            .extend(wanted.as_object().unwrap().clone());
        self.sim.admin(Method::POST, "/encrypted", body).await
    }

    fn open(&self, data: &Value) -> Option<Value> {
        let text = |name| data[name].as_str().unwrap();
        let plain = decrypt(&self.key, text("iv"), text("encryptedData"))?;
        Some(serde_json::from_str(&plain).unwrap())
    }
}

#[test]
fn our_means_open_and_sign_what_wechat_published() {
    for vector in vectors::of(&["miniprogram_encrypted_data"]) {
        let opened = decrypt(
            vector.input("session_key"),
            vector.input("iv"),
            vector.input("encryptedData"),
        );
        let plain = vector.expected["plain"].as_str();
        assert_eq!(opened.as_deref(), plain, "{}", vector.name);
        let wrong = decrypt(
            "7MG7jbTToVVRWRXVA885rg==",
            vector.input("iv"),
            vector.input("encryptedData"),
        );
        assert_eq!(wrong, None, "{}", vector.name);
    }
    for vector in vectors::of(&["miniprogram_rawdata_signature"]) {
        let signature = sign_raw(vector.input("rawData"), vector.input("session_key"));
        assert_eq!(vector.expected["signature"], signature, "{}", vector.name);
    }
    for vector in vectors::of(&["session_signature"]) {
        let key = hmac::Key::new(hmac::HMAC_SHA256, vector.input("session_key").as_bytes());
        let signature = hex::encode(hmac::sign(&key, vector.input("data").as_bytes()));
        assert_eq!(vector.expected["signature"], signature, "{}", vector.name);
    }
}

#[tokio::test]
async fn a_users_data_opens_with_the_session_key() {
    let session = Session::start().await;
    let named = json!({"nickname": "小安🙂", "avatar_url": "https://thirdwx.qlogo.cn/a/132"});
    session.sim.admin(Method::PATCH, "/users/ann", named).await;
    let data = session.encrypted(json!({})).await;
    let opened = session.open(&data).unwrap();
    let time = &opened["watermark"]["timestamp"];
    let expected = json!({
        "openId": session.openid, "nickName": "小安🙂", "gender": 0, "language": "zh_CN", "city": "",
        "province": "", "country": "", "avatarUrl": "https://thirdwx.qlogo.cn/a/132",
        "watermark": {"timestamp": time, "appid": MINI},
    });
    assert_eq!(opened.to_string(), expected.to_string());
    assert!(time.is_i64(), "{opened}");
    let raw = data["rawData"].as_str().unwrap();
    assert_eq!(data["signature"], sign_raw(raw, &session.key));
    let raw: Value = serde_json::from_str(raw).unwrap();
    assert_eq!(raw["nickName"], "小安🙂");
    assert!(raw.get("openId").is_none() && raw.get("watermark").is_none());
    // No two are alike.
    let again = session.encrypted(json!({})).await;
    assert_ne!(again["iv"], data["iv"]);
    assert_ne!(again["encryptedData"], data["encryptedData"]);
}

#[tokio::test]
async fn the_unionid_is_in_the_data_of_a_bound_app() {
    let session = Session::start().await;
    session.sim.switch(MINI, json!({"open_account": "open"})).await;
    let data = session.encrypted(json!({})).await;
    let login = session.sim.log_in(MINI, &session.sim.code("ann").await).await;
    assert_eq!(session.open(&data).unwrap()["unionId"], login.text_of("unionid"));
}

#[tokio::test]
async fn a_phone_number_is_encrypted_without_signed_data() {
    let session = Session::start().await;
    let abroad = json!({"phone": "2079460000", "country_code": "44"});
    session.sim.admin(Method::PATCH, "/users/ann", abroad).await;
    let data = session.encrypted(json!({"kind": "phone"})).await;
    let members: Vec<&String> = data.as_object().unwrap().keys().collect();
    assert_eq!(members, ["encryptedData", "iv"]);
    let opened = session.open(&data).unwrap();
    let time = &opened["watermark"]["timestamp"];
    let expected = json!({
        "phoneNumber": "+44 2079460000", "purePhoneNumber": "2079460000", "countryCode": "44",
        "watermark": {"timestamp": time, "appid": MINI},
    });
    assert_eq!(opened.to_string(), expected.to_string());
}

#[tokio::test]
async fn nobodys_name_and_another_apps_mark_can_be_had() {
    let session = Session::start().await;
    let data = session
        .encrypted(json!({"anonymous": true, "watermark_app_id": "wx9"}))
        .await;
    let opened = session.open(&data).unwrap();
    assert_eq!(opened["nickName"], "微信用户");
    assert_eq!(opened["avatarUrl"], "");
    assert_eq!(opened["openId"], session.openid);
    assert_eq!(opened["watermark"]["appid"], "wx9");
}

#[tokio::test]
async fn an_older_key_opens_only_what_was_encrypted_too_early() {
    let session = Session::start().await;
    let early = session.encrypted(json!({})).await;
    session.sim.log_in(MINI, &session.sim.code("ann").await).await;
    let late = session.encrypted(json!({})).await;
    let stale = session.encrypted(json!({"stale": true})).await;
    assert!(session.open(&early).is_some() && session.open(&stale).is_some());
    assert_eq!(session.open(&late), None);
}

#[tokio::test]
async fn without_a_session_key_there_is_nothing_to_encrypt_with() {
    let session = Session::start().await;
    let status = async |body: Value| session.sim.post("/_sim/encrypted", &body).await.status.as_u16();
    let ann = json!({"app_id": MINI, "user": "ann"});
    assert_eq!(status(ann.clone()).await, 200);
    assert_eq!(
        status(json!({"app_id": MINI, "user": "ann", "stale": true})).await,
        404
    );
    assert_eq!(status(json!({"app_id": MINI, "user": "nobody"})).await, 404);
    assert_eq!(status(json!({"app_id": "none", "user": "ann"})).await, 404);
    assert_eq!(status(json!({"app_id": OFFICIAL, "user": "ann"})).await, 400);
    assert_eq!(
        status(json!({"app_id": MINI, "user": "ann", "kind": "other"})).await,
        400
    );
    session.sim.code("bob").await;
    assert_eq!(status(json!({"app_id": MINI, "user": "bob"})).await, 404);
    session.sim.advance(3 * 86_400).await;
    assert_eq!(status(ann).await, 404);
}
