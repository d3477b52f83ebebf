//! Phone numbers, and what a mini program gets encrypted and signed.

use aws_lc_rs::cipher::{AES_128, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};

use super::support::{Answered, MINI, Sim};

async fn phone_code(sim: &Sim, user: &str) -> String {
    let body = json!({"app_id": MINI, "user": user, "kind": "phone"});
    let made = sim.admin(Method::POST, "/codes", body).await;
    made["code"].as_str().unwrap().to_owned()
}

async fn phone(sim: &Sim, token: &str, body: Value) -> Answered {
    let path = format!("/wxa/business/getuserphonenumber?access_token={token}");
    sim.post(&path, &body).await
}

async fn log_in(sim: &Sim, user: &str) -> String {
    sim.log_in(MINI, &sim.code(user).await)
        .await
        .text_of("session_key")
}

async fn encrypted(sim: &Sim, more: Value) -> Value {
    let mut body = json!({"app_id": MINI, "user": "ann"});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    sim.admin(Method::POST, "/encrypted", body).await
}

/// Opens it as WeChat's documents say.
fn open(key: &str, data: &Value) -> Option<Value> {
    let bytes = |text: &str| BASE64_STANDARD.decode(text).unwrap();
    let iv: [u8; 16] = bytes(data["iv"].as_str().unwrap()).try_into().unwrap();
    let key = UnboundCipherKey::new(&AES_128, &bytes(key)).unwrap();
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).unwrap();
    let mut sealed = bytes(data["encryptedData"].as_str().unwrap());
    let plain = key
        .decrypt(&mut sealed, DecryptionContext::Iv128(iv.into()))
        .ok()?;
    serde_json::from_slice(plain).ok()
}

#[tokio::test]
async fn a_phone_code_works_once_and_for_five_minutes() {
    let sim = Sim::start();
    let token = sim.classic(MINI).await.token();
    let ann = json!({"id": "ann", "phone": "13800138000"});
    sim.admin(Method::POST, "/users", ann).await;
    let code = phone_code(&sim, "ann").await;
    let info = phone(&sim, &token, json!({"code": code})).await.json()["phone_info"].clone();
    assert_eq!(info["phoneNumber"], "13800138000");
    assert_eq!(info["purePhoneNumber"], "13800138000");
    assert_eq!(info["countryCode"], "86");
    assert_eq!(info["watermark"]["appid"], MINI);
    let late = phone_code(&sim, "ann").await;
    let login = sim.code("ann").await;
    for wrong in [code.as_str(), login.as_str(), "unknown", ""] {
        assert_eq!(phone(&sim, &token, json!({"code": wrong})).await.errcode(), 40029);
    }
    let foreign = json!({"code": late, "openid": "oOther"});
    assert_eq!(phone(&sim, &token, foreign).await.errcode(), 40003);
    sim.advance(300).await;
    assert_eq!(phone(&sim, &token, json!({"code": late})).await.errcode(), 40029);
    assert_eq!(
        phone(&sim, "unknown", json!({"code": late})).await.errcode(),
        40014
    );
}

#[tokio::test]
async fn a_foreign_number_has_its_country_code() {
    let sim = Sim::start();
    let token = sim.classic(MINI).await.token();
    let bob = json!({"id": "bob", "phone": "2071838750", "country_code": "44"});
    sim.admin(Method::POST, "/users", bob).await;
    let code = phone_code(&sim, "bob").await;
    let info = phone(&sim, &token, json!({"code": code})).await.json()["phone_info"].clone();
    assert_eq!(info["phoneNumber"], "+44 2071838750");
    assert_eq!(info["purePhoneNumber"], "2071838750");
    assert_eq!(info["countryCode"], "44");
}

#[tokio::test]
async fn user_data_is_encrypted_and_signed_with_the_users_key() {
    let sim = Sim::start();
    let key = log_in(&sim, "ann").await;
    let ann = sim.admin(Method::GET, "/users/ann", json!({})).await;
    let data = encrypted(&sim, json!({})).await;
    let plain = open(&key, &data).unwrap();
    assert_eq!(plain["openId"], ann["openids"][MINI]);
    assert_eq!(plain["nickName"], "ann");
    assert_eq!(plain["watermark"]["appid"], MINI);
    let signed = format!("{}{key}", data["rawData"].as_str().unwrap());
    assert_eq!(data["signature"], hex::encode(Sha1::digest(signed)));
    let plain = open(&key, &encrypted(&sim, json!({"kind": "phone"})).await).unwrap();
    assert_eq!(plain["purePhoneNumber"], ann["phone"]);
    let other = json!({"watermark_app_id": "wx-other"});
    let plain = open(&key, &encrypted(&sim, other).await).unwrap();
    assert_eq!(plain["watermark"]["appid"], "wx-other");
}

#[tokio::test]
async fn data_can_be_encrypted_with_the_key_before() {
    let sim = Sim::start();
    let first = log_in(&sim, "ann").await;
    let second = log_in(&sim, "ann").await;
    let data = encrypted(&sim, json!({"stale": true})).await;
    assert!(open(&first, &data).is_some());
    assert_eq!(open(&second, &data), None);
    let nobody = json!({"app_id": MINI, "user": "nobody"});
    let answered = sim.post("/_sim/encrypted", &nobody).await;
    assert_eq!(answered.status, 404, "{}", answered.text);
}
