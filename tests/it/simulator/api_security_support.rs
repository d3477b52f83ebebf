//! A client's side of calls that are encrypted and signed, written once more for these tests.

use aes::Aes256;
use aes_gcm::AesGcm;
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Map, Value, json};
use sm2::dsa::signature::{Signer as _, Verifier as _};
use sm2::dsa::{Signature, SigningKey, VerifyingKey};
use sm2::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _};
use sm4::Sm4;
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

use super::support::{Answered, MINI, Sim};

/// What calls to WeChat itself are bound to.
pub(crate) const WECHAT: &str = "https://api.weixin.qq.com";

/// An app that calls in this mode, with the keys that the platform made up for it.
pub(crate) struct Client {
    pub(crate) keys: Value,
    pub(crate) app_id: String,
    /// The beginning of the addresses that calls are bound to.
    pub(crate) base: String,
    pub(crate) timestamp: i64,
}

/// A body with its headers.
pub(crate) struct Sealed {
    pub(crate) body: String,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Client {
    pub(crate) async fn of(sim: &Sim, wanted: Value) -> Self {
        let path = format!("/apps/{MINI}/api_security");
        let keys = sim.admin(Method::PUT, &path, wanted).await;
        let now = sim.admin(Method::GET, "/clock", json!({})).await;
        Self {
            keys,
            app_id: MINI.to_owned(),
            base: WECHAT.to_owned(),
            timestamp: now["now"].as_i64().expect("a number"),
        }
    }

    pub(crate) fn key(&self, name: &str) -> &str {
        self.keys[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name}: {}", self.keys))
    }

    pub(crate) fn sealed(&self, path: &str, fields: &Value) -> Sealed {
        let mut all =
            json!({"_n": "o89QaPVsRu1yppIZzvSZc4", "_appid": self.app_id, "_timestamp": self.timestamp});
        let members = all.as_object_mut().expect("an object");
        members.extend(fields.as_object().expect("an object").clone());
        let url = format!("{}{path}", self.base);
        let associated = self.associated(&url, &self.timestamp.to_string());
        let (iv, text) = (*b"123456789012", all.to_string());
        let payload = Payload {
            msg: text.as_bytes(),
            aad: associated.as_bytes(),
        };
        let key = STANDARD.decode(self.key("symmetric_key")).expect("base64");
        let sealed = match self.key("cipher") {
            "SM4_GCM" => AesGcm::<Sm4, U12>::new_from_slice(&key)
                .expect("a key")
                .encrypt(&iv.into(), payload),
            _ => AesGcm::<Aes256, U12>::new_from_slice(&key)
                .expect("a key")
                .encrypt(&iv.into(), payload),
        };
        let sealed = sealed.expect("a short text");
        let (data, tag) = sealed.split_at(sealed.len() - 16);
        let encode = |bytes: &[u8]| STANDARD.encode(bytes);
        let body = json!({"iv": encode(&iv), "data": encode(data), "authtag": encode(tag)}).to_string();
        let signed = format!("{url}\n{}\n{}\n{body}", self.app_id, self.timestamp);
        let headers = vec![
            ("Wechatmp-Appid", self.app_id.clone()),
            ("Wechatmp-TimeStamp", self.timestamp.to_string()),
            ("Wechatmp-Signature", self.sign(signed.as_bytes())),
        ];
        Sealed { body, headers }
    }

    fn associated(&self, url: &str, timestamp: &str) -> String {
        format!("{url}|{}|{timestamp}|{}", self.app_id, self.key("symmetric_sn"))
    }

    pub(crate) fn sign(&self, text: &[u8]) -> String {
        let pem = self.key("private_key");
        if self.key("signer") == "SM2" {
            let key = sm2::SecretKey::from_pkcs8_der(pem::parse(pem).expect("PEM").contents());
            let key = SigningKey::new(self.key("private_key_sn"), &key.expect("a key")).expect("a short id");
            let signature: Signature = key.sign(text);
            return STANDARD.encode(signature.to_der());
        }
        let key = KeyPair::from_pkcs8(pem::parse(pem).expect("PEM").contents()).expect("a key");
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PSS_SHA256, &SystemRandom::new(), text, &mut signature)
            .expect("a signature");
        STANDARD.encode(signature)
    }

    /// What a sealed answer says, after everything about it has been checked.
    pub(crate) fn opened(&self, path: &str, answered: &Answered) -> Map<String, Value> {
        let header = |name: &str| {
            answered
                .header(name)
                .unwrap_or_else(|| panic!("no {name}: {}", answered.text))
        };
        assert_eq!(header("wechatmp-appid"), self.app_id);
        assert_eq!(header("wechatmp-serial"), self.key("certificate_sn"));
        let (url, timestamp) = (format!("{}{path}", self.base), header("wechatmp-timestamp"));
        let signed = format!("{url}\n{}\n{timestamp}\n{}", self.app_id, answered.text);
        let certificate = self.key("certificate");
        let sn = self.key("certificate_sn");
        assert!(verifies(certificate, sn, &signed, header("wechatmp-signature")));
        let part = |name: &str| STANDARD.decode(answered.text_of(name)).expect("base64");
        let iv: [u8; 12] = part("iv").try_into().expect("12 bytes");
        let text = [part("data"), part("authtag")].concat();
        let associated = self.associated(&url, timestamp);
        let payload = Payload {
            msg: &text,
            aad: associated.as_bytes(),
        };
        let key = STANDARD.decode(self.key("symmetric_key")).expect("base64");
        let opened = match self.key("cipher") {
            "SM4_GCM" => AesGcm::<Sm4, U12>::new_from_slice(&key)
                .expect("a key")
                .decrypt(&iv.into(), payload),
            _ => AesGcm::<Aes256, U12>::new_from_slice(&key)
                .expect("a key")
                .decrypt(&iv.into(), payload),
        };
        let mut opened: Map<String, Value> =
            serde_json::from_slice(&opened.expect("it opens")).expect("JSON");
        assert!(opened.remove("_n").is_some_and(|nonce| nonce.is_string()));
        assert_eq!(opened.remove("_appid"), Some(json!(self.app_id)));
        assert_eq!(
            opened
                .remove("_timestamp")
                .map(|time| time.to_string())
                .as_deref(),
            Some(timestamp)
        );
        opened
    }
}

pub(crate) fn verifies(certificate: &str, sn: &str, text: &str, signature: &str) -> bool {
    let der = pem::parse(certificate).expect("PEM");
    let certificate = Certificate::from_der(der.contents()).expect("a certificate");
    let info = certificate.tbs_certificate().subject_public_key_info();
    let info = info.to_der().expect("a key");
    let signature = STANDARD.decode(signature).expect("base64");
    if let Ok(key) = sm2::PublicKey::from_public_key_der(&info) {
        let key = VerifyingKey::new(sn, key).expect("a short id");
        let signature = Signature::from_der(&signature).expect("ASN.1");
        return key.verify(text.as_bytes(), &signature).is_ok();
    }
    UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, info)
        .verify(text.as_bytes(), &signature)
        .is_ok()
}
