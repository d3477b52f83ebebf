//! WeChat's side of a push, made with other code than the gateway's: signatures, the AES layer, requests of any shape.

use aes::Aes256;
use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_STANDARD;
use rand::random;
use sha1::{Digest as _, Sha1};

use super::app::{SHOP, TOKEN, TestApp};
use super::reply::Reply;

/// An EncodingAESKey whose last character has bits that no byte takes.
pub(crate) const AES_KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

/// An account as WeChat knows it.
#[derive(Clone)]
pub(crate) struct Pusher {
    pub(crate) path: String,
    pub(crate) token: String,
    pub(crate) app_id: String,
    pub(crate) key: Option<String>,
}

impl Pusher {
    /// The official account `shop` of the tests, in plain mode.
    pub(crate) fn plain() -> Self {
        Self {
            path: "/auth/shop".to_owned(),
            token: TOKEN.to_owned(),
            app_id: SHOP.to_owned(),
            key: None,
        }
    }

    /// The same in safe mode.
    pub(crate) fn safe() -> Self {
        Self {
            key: Some(AES_KEY.to_owned()),
            ..Self::plain()
        }
    }

    /// Pushes `body` as WeChat does.
    pub(crate) async fn push(&self, app: &TestApp, body: &str) -> Reply {
        let (query, body) = self.written(&app.now().secs().to_string(), body);
        self.post(app, &query, body).await
    }

    /// A request of any shape.
    pub(crate) async fn post(&self, app: &TestApp, query: &str, body: impl Into<reqwest::Body>) -> Reply {
        let path = format!("{}?{query}", self.path);
        app.post_raw(&path, "text/xml", body).await
    }

    /// Query and body of a push.
    pub(crate) fn written(&self, timestamp: &str, body: &str) -> (String, String) {
        let nonce = random::<u32>().to_string();
        let Some(key) = &self.key else {
            return (self.query(timestamp, &nonce), body.to_owned());
        };
        let encrypted = encrypt(key, body, &self.app_id);
        let query = self.query_of(timestamp, &nonce, &encrypted);
        let envelope = if body.trim_start().starts_with('{') {
            format!(r#"{{"ToUserName":"gh_1","Encrypt":"{encrypted}"}}"#)
        } else {
            format!(
                "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
            )
        };
        (query, envelope)
    }

    /// The query of a plain push.
    pub(crate) fn query(&self, timestamp: &str, nonce: &str) -> String {
        let signature = sign(&[&self.token, timestamp, nonce]);
        format!("signature={signature}&timestamp={timestamp}&nonce={nonce}&openid=o1")
    }

    /// The query of an encrypted push.
    pub(crate) fn query_of(&self, timestamp: &str, nonce: &str, encrypted: &str) -> String {
        let signature = sign(&[&self.token, timestamp, nonce, encrypted]);
        format!(
            "{}&encrypt_type=aes&msg_signature={signature}",
            self.query(timestamp, nonce)
        )
    }

    /// What an encrypted reply says, in XML, if its signature is right.
    pub(crate) fn open_reply(&self, reply: &str) -> String {
        let member = |name: &str| between(reply, name);
        let encrypted = member("Encrypt");
        let expected = sign(&[&self.token, &member("TimeStamp"), &member("Nonce"), &encrypted]);
        assert_eq!(member("MsgSignature"), expected, "{reply}");
        decrypt(self.key.as_ref().unwrap(), &encrypted, &self.app_id)
    }
}

/// The text of a simple element.
pub(crate) fn between(xml: &str, name: &str) -> String {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let begin = xml.find(&open).unwrap_or_else(|| panic!("no {name}: {xml}")) + open.len();
    let end = begin + xml[begin..].find(&close).unwrap();
    let text = &xml[begin..end];
    let text = text.strip_prefix("<![CDATA[").unwrap_or(text);
    text.strip_suffix("]]>").unwrap_or(text).to_owned()
}

/// The SHA-1 of the sorted and joined values.
pub(crate) fn sign(values: &[&str]) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    hex::encode(Sha1::digest(sorted.concat()))
}

pub(crate) fn encrypt(key: &str, text: &str, app_id: &str) -> String {
    let mut full = random::<[u8; 16]>().to_vec();
    full.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
    full.extend(text.as_bytes());
    full.extend(app_id.as_bytes());
    let pad = 32 - full.len() % 32;
    full.extend(vec![u8::try_from(pad).unwrap(); pad]);
    encrypt_raw(key, &full)
}

/// Encrypts what may be no message at all, in whole blocks.
pub(crate) fn encrypt_raw(key: &str, full: &[u8]) -> String {
    let key = key_bytes(key);
    let cipher = cbc::Encryptor::<Aes256>::new_from_slices(&key, &key[..16]).unwrap();
    BASE64_STANDARD.encode(cipher.encrypt_padded_vec::<NoPadding>(full))
}

fn decrypt(key: &str, encrypted: &str, app_id: &str) -> String {
    let key = key_bytes(key);
    let cipher = cbc::Decryptor::<Aes256>::new_from_slices(&key, &key[..16]).unwrap();
    let bytes = BASE64_STANDARD.decode(encrypted).unwrap();
    let mut full = cipher.decrypt_padded_vec::<NoPadding>(&bytes).unwrap();
    let pad = usize::from(*full.last().unwrap());
    assert!((1..=32).contains(&pad) && full.len() % 32 == 0, "{pad}");
    full.truncate(full.len() - pad);
    let length = u32::from_be_bytes(full[16..20].try_into().unwrap()) as usize;
    assert_eq!(&full[20 + length..], app_id.as_bytes());
    String::from_utf8(full[20..20 + length].to_vec()).unwrap()
}

fn key_bytes(key: &str) -> Vec<u8> {
    let lenient = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&STANDARD, lenient).decode(key).unwrap()
}

/// A text message in XML.
pub(crate) fn text_message(openid: &str, msg_id: u64, content: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[{openid}]]></FromUserName>\
         <CreateTime>1700000000</CreateTime><MsgType><![CDATA[text]]></MsgType>\
         <Content><![CDATA[{content}]]></Content><MsgId>{msg_id}</MsgId></xml>"
    )
}

/// An event in XML.
pub(crate) fn event(openid: &str, created_at: i64, name: &str, key: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[{openid}]]></FromUserName>\
         <CreateTime>{created_at}</CreateTime><MsgType><![CDATA[event]]></MsgType>\
         <Event><![CDATA[{name}]]></Event><EventKey><![CDATA[{key}]]></EventKey></xml>"
    )
}
