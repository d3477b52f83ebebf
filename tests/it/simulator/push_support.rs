//! An app's server as the pushes of the simulator meet it, and WeChat's signatures and encryption once more, written
//! for the tests alone.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::cipher::{
    AES_256, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use reqwest::Method;
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::support::Sim;

pub(crate) const TOKEN: &str = "AAAAA";
pub(crate) const KEY: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";
pub(crate) const OTHER_KEY: &str = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR";

/// What the server was sent.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) method: String,
    pub(crate) query: HashMap<String, String>,
    pub(crate) content_type: String,
    pub(crate) body: String,
}

/// What it answers.
pub(crate) enum Say {
    Body(String),
    Status(u16),
    Late(Duration),
    HangUp,
}

impl Say {
    pub(crate) fn success() -> Self {
        Self::Body("success".to_owned())
    }
}

type Answer = dyn Fn(&Got, usize) -> Say + Send + Sync;

/// A server of the test's. It ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct Hook {
    pub(crate) address: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
    answer: Arc<Answer>,
}

impl Hook {
    /// It echoes verifications; the closure answers pushes, of which it is told the number from 0.
    pub(crate) async fn start(answer: impl Fn(&Got, usize) -> Say + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let hook = Self {
            address: listener.local_addr().unwrap(),
            got: Arc::default(),
            answer: Arc::new(answer),
        };
        let own = hook.clone();
        spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                spawn(own.clone().serve(stream));
            }
        });
        hook
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/auth", self.address)
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// The only push since the last time.
    pub(crate) fn take_one(&self) -> Got {
        let mut got = std::mem::take(&mut *self.got.lock().unwrap());
        assert_eq!(got.len(), 1, "{got:?}");
        got.remove(0)
    }

    async fn serve(self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        while let Some(got) = read(&mut stream).await {
            let say = if got.method == "GET" {
                Say::Body(got.query.get("echostr").cloned().unwrap_or_default())
            } else {
                let number = {
                    let mut all = self.got.lock().unwrap();
                    all.push(got.clone());
                    all.len() - 1
                };
                (self.answer)(&got, number)
            };
            let (status, body) = match say {
                Say::Body(body) => (200, body),
                Say::Status(status) => (status, String::new()),
                Say::Late(pause) => {
                    tokio::time::sleep(pause).await;
                    (200, "success".to_owned())
                }
                Say::HangUp => return,
            };
            let answer = format!(
                "HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Got> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    let (mut length, mut content_type) = (0, String::new());
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).await.ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "content-type" => value.trim().clone_into(&mut content_type),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let mut words = line.split(' ');
    let method = words.next()?.to_owned();
    let (_, query) = words.next()?.split_once('?')?;
    Some(Got {
        method,
        query: url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
        content_type,
        body: String::from_utf8(body).ok()?,
    })
}

impl Got {
    pub(crate) fn param(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    /// The text of a CDATA element; the simulator's own texts are not split.
    pub(crate) fn cdata(&self, name: &str) -> String {
        cdata(&self.body, name)
    }

    /// What is encrypted, after the signature has been checked.
    pub(crate) fn decrypted(&self, key: &str, app_id: &str) -> String {
        let encrypted = match serde_json::from_str::<Value>(&self.body) {
            Ok(json) => json["Encrypt"].as_str().unwrap().to_owned(),
            Err(_) => self.cdata("Encrypt"),
        };
        let signed = [TOKEN, self.param("timestamp"), self.param("nonce"), &encrypted];
        assert_eq!(self.param("msg_signature"), sign(&signed));
        assert_eq!(self.param("encrypt_type"), "aes");
        let (text, whose) = decrypt(key, &encrypted);
        assert_eq!(whose, app_id);
        text
    }
}

pub(crate) fn cdata(text: &str, name: &str) -> String {
    let (begin, end) = (format!("<{name}><![CDATA["), format!("]]></{name}>"));
    let (_, rest) = text
        .split_once(&begin)
        .unwrap_or_else(|| panic!("no {name}: {text}"));
    rest.split_once(&end).unwrap().0.to_owned()
}

pub(crate) fn sign(parts: &[&str]) -> String {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    Sha1::digest(parts.concat())
        .iter()
        .fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
}

fn key_bytes(key: &str) -> Vec<u8> {
    let config = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    let lenient = GeneralPurpose::new(&alphabet::STANDARD, config);
    lenient.decode(format!("{key}=")).unwrap()
}

fn iv(key: &[u8]) -> FixedLength<16> {
    let iv: [u8; 16] = key[..16].try_into().unwrap();
    iv.into()
}

pub(crate) fn decrypt(key: &str, encrypted: &str) -> (String, String) {
    let key = key_bytes(key);
    let mut bytes = STANDARD.decode(encrypted).unwrap();
    let cipher = DecryptingKey::cbc(UnboundCipherKey::new(&AES_256, &key).unwrap()).unwrap();
    cipher
        .decrypt(&mut bytes, DecryptionContext::Iv128(iv(&key)))
        .unwrap();
    assert_eq!(bytes.len() % 32, 0);
    let pad = usize::from(*bytes.last().unwrap());
    assert!((1..=32).contains(&pad), "{pad}");
    bytes.truncate(bytes.len() - pad);
    let length: [u8; 4] = bytes[16..20].try_into().unwrap();
    let end = 20 + usize::try_from(u32::from_be_bytes(length)).unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&bytes[20..end]), text(&bytes[end..]))
}

pub(crate) fn encrypt(key: &str, text: &str, app_id: &str) -> String {
    let key = key_bytes(key);
    let mut bytes = b"0123456789abcdef".to_vec();
    bytes.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
    bytes.extend(text.bytes().chain(app_id.bytes()));
    let pad = 32 - bytes.len() % 32;
    bytes.extend(std::iter::repeat_n(u8::try_from(pad).unwrap(), pad));
    let cipher = EncryptingKey::cbc(UnboundCipherKey::new(&AES_256, &key).unwrap()).unwrap();
    cipher
        .less_safe_encrypt(&mut bytes, EncryptionContext::Iv128(iv(&key)))
        .unwrap();
    STANDARD.encode(bytes)
}

/// An encrypted reply in XML.
pub(crate) fn sealed(key: &str, text: &str, app_id: &str) -> String {
    let encrypted = encrypt(key, text, app_id);
    let signature = sign(&[TOKEN, "1713424427", "415670741", &encrypted]);
    format!(
        "<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>\
         <TimeStamp>1713424427</TimeStamp><Nonce><![CDATA[415670741]]></Nonce></xml>"
    )
}

/// A reply to a plain push in XML, with this inside.
pub(crate) fn reply(push: &str, kind: &str, inner: &str) -> String {
    let (to, from) = (cdata(push, "FromUserName"), cdata(push, "ToUserName"));
    format!(
        "<xml><ToUserName><![CDATA[{to}]]></ToUserName><FromUserName><![CDATA[{from}]]></FromUserName>\
         <CreateTime>12345678</CreateTime><MsgType><![CDATA[{kind}]]></MsgType>{inner}</xml>"
    )
}

pub(crate) fn text_reply(push: &str, content: &str) -> String {
    reply(push, "text", &format!("<Content><![CDATA[{content}]]></Content>"))
}

impl Sim {
    /// Saves a server configuration without a verification, and with these members besides.
    pub(crate) async fn serve_at(&self, app_id: &str, hook: &Hook, more: Value) -> Value {
        let mut body = json!({"url": hook.url(), "token": TOKEN, "verify": false});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        self.admin(Method::PUT, &format!("/apps/{app_id}/server"), body)
            .await
    }

    /// What a push came to.
    pub(crate) async fn push(&self, order: Value) -> Value {
        self.admin(Method::POST, "/push", order).await
    }

    /// A text of a user's.
    pub(crate) async fn say(&self, app_id: &str, user: &str, content: &str) -> Value {
        self.push(json!({"app_id": app_id, "user": user, "message": {"type": "text", "content": content}}))
            .await
    }

    /// An event of a user's.
    pub(crate) async fn happen(&self, app_id: &str, user: &str, event: Value) -> Value {
        self.push(json!({"app_id": app_id, "user": user, "event": event}))
            .await
    }

    /// Kinds and contents of a conversation.
    pub(crate) async fn talk(&self, app_id: &str, user: &str) -> Vec<(String, Value)> {
        let path = format!("/transcript?app_id={app_id}&user={user}");
        let shown = self.admin(Method::GET, &path, json!({})).await;
        let entries = shown["entries"].as_array().unwrap().clone();
        let kind = |entry: &Value| entry["kind"].as_str().unwrap().to_owned();
        entries
            .into_iter()
            .map(|entry| (kind(&entry), entry["content"].clone()))
            .collect()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the server is another party, not a task of the gateway's"
)]
fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(future);
}
