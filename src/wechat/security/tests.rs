//! What others have encrypted and signed is opened here, and what is tampered with is not.

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;
use crate::domain::api_security::{Certificate, Cipher, PrivateKey, Signer, SymmetricKey};

const URL: &str = "https://api.weixin.qq.com/wxa/getuserriskrank";
const APP_ID: &str = "wxba6223c06417af7b";
const SYMMETRIC: &str = "fa05fe1e5bcc79b81ad5ad4b58acf787";

/// Inputs and expected outputs of one vector.
fn vector(name: &str) -> (Value, Value) {
    let file: Value = serde_json::from_str(include_str!("../../../tests/it/vectors.json")).unwrap();
    let mut found = file["vectors"].as_array().unwrap().iter();
    let found = found.find(|vector| vector["name"] == name).unwrap();
    (found["inputs"].clone(), found["expected"].clone())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn pem(label: &str, base64: &str) -> String {
    format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n")
}

fn symmetric(cipher: Cipher) -> SymmetricKey {
    let (inputs, field) = match cipher {
        Cipher::Aes256 => (vector("api_sec_aes256gcm_request").0, "key_b64"),
        Cipher::Sm4 => (vector("api_sec_sm4gcm_response").0, "key_base64"),
    };
    SymmetricKey::new(cipher, &text(&inputs[field]).into(), SYMMETRIC).unwrap()
}

fn security(symmetric: SymmetricKey, private: PrivateKey, certificate: Certificate) -> Security {
    let keys = Keys {
        symmetric,
        private,
        certificate,
    };
    Security::new(APP_ID.parse().unwrap(), keys, Paths::default())
}

/// The keys of the documents' example with AES and RSA.
fn with_aes_and_rsa() -> Security {
    let (inputs, _) = vector("api_sec_rsa_pss_request");
    let pem = text(&inputs["private_key_pem"]).into();
    let private = PrivateKey::new(Signer::Rsa, &pem, text(&inputs["sn"])).unwrap();
    let (inputs, _) = vector("api_sec_rsa_pss_response");
    let certificate = Certificate::new(text(&inputs["certificate_pem"]), text(&inputs["sn"]));
    security(symmetric(Cipher::Aes256), private, certificate.unwrap())
}

/// The keys of the documents' example with SM4 and SM2.
fn with_sm() -> Security {
    let (inputs, _) = vector("api_sec_sm2_sign_fixed_k_selfmade");
    let key = pem("PRIVATE KEY", text(&inputs["private_key_pkcs8_base64"])).into();
    let private = PrivateKey::new(Signer::Sm2, &key, text(&inputs["user_id"])).unwrap();
    let (inputs, _) = vector("api_sec_sm2_verify_response");
    let certificate = pem("CERTIFICATE", text(&inputs["certificate_der_base64"]));
    let certificate = Certificate::new(&certificate, text(&inputs["user_id"])).unwrap();
    security(symmetric(Cipher::Sm4), private, certificate)
}

/// An answer as it arrives.
#[derive(Clone)]
struct Answer {
    url: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
    now: i64,
}

impl Answer {
    fn open(&self, security: &Security) -> Result<Option<String>, OpenError> {
        let header = |name: &str| self.headers.get(name).cloned();
        let now = Timestamp::from_secs(self.now);
        let opened = security.open(&self.url, header, &self.body, now)?;
        Ok(opened.map(|text| String::from_utf8(text).unwrap()))
    }

    /// The same with one header set, or without it.
    fn with(&self, name: &str, value: Option<&str>) -> Self {
        let mut other = self.clone();
        match value {
            Some(value) => other.headers.insert(name.to_owned(), value.to_owned()),
            None => other.headers.remove(name),
        };
        other
    }
}

fn answer(message: &str, serial: &str, signature: &str) -> Answer {
    let parts: Vec<_> = message.splitn(4, '\n').collect();
    let [url, app_id, timestamp, body] = parts[..] else {
        panic!("{message}")
    };
    let headers = [
        ("wechatmp-appid", app_id),
        ("wechatmp-timestamp", timestamp),
        ("wechatmp-serial", serial),
        ("wechatmp-signature", signature),
    ];
    Answer {
        url: url.to_owned(),
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        body: body.as_bytes().to_vec(),
        now: timestamp.parse().unwrap(),
    }
}

/// The documents' example.
fn example() -> Answer {
    let (inputs, expected) = vector("api_sec_rsa_pss_response");
    let [message, sn] = ["message", "sn"].map(|name| text(&inputs[name]));
    answer(message, sn, text(&expected["signature_b64"]))
}

#[test]
fn a_request_is_encrypted_as_others_encrypt_it() {
    let (inputs, expected) = vector("api_sec_aes256gcm_request");
    let (signed, _) = vector("api_sec_rsa_pss_request");
    let iv: [u8; 12] = base64::prelude::BASE64_STANDARD
        .decode(text(&inputs["iv_b64"]))
        .unwrap()
        .try_into()
        .unwrap();
    let body = br#"{"appid":"wxba6223c06417af7b","openid":"oEWzBfmdLqhFS2mTXCo2E4Y9gJAM","scene":0,"client_ip":"127.0.0.1"}"#;
    let parameters = Parameters { query: &[], body };
    let now = Timestamp::from_millis(1_635_927_954_999);
    let security = with_aes_and_rsa();
    let sealed = security.seal_with(URL, parameters, now, iv, "o89QaPVsRu1yppIZzvSZc4");
    let sealed = sealed.unwrap();
    let message = text(&signed["message"]);
    assert_eq!(sealed.body, message.rsplit('\n').next().unwrap().as_bytes());
    assert!(
        String::from_utf8(sealed.body)
            .unwrap()
            .contains(text(&expected["data_b64"]))
    );
    let headers: Vec<_> = sealed
        .headers
        .iter()
        .map(|(name, value)| (*name, value.len()))
        .collect();
    let lengths = [
        ("Wechatmp-Appid", 18),
        ("Wechatmp-TimeStamp", 10),
        ("Wechatmp-Signature", 344),
    ];
    assert_eq!(headers, lengths);
    assert_eq!(sealed.headers[1].1, "1635927954");
}

#[test]
fn the_documents_answers_open() {
    let opened = example().open(&with_aes_and_rsa()).unwrap().unwrap();
    let expected = r#"{"errcode":0,"errmsg":"getuserriskrank succ","risk_rank":0,"unoin_id":2258658297}"#;
    assert_eq!(opened, expected);

    let (inputs, expected) = vector("api_sec_sm2_verify_response");
    let [message, number] = ["signed_string", "user_id"].map(|name| text(&inputs[name]));
    assert_eq!(expected["valid"], true);
    let with_sm2 = answer(message, number, text(&inputs["signature_base64_der"]));
    let opened = with_sm2.open(&with_sm()).unwrap().unwrap();
    let (_, inside) = vector("api_sec_sm4gcm_response");
    assert!(
        text(&inside["plaintext"]).starts_with(&opened[..opened.len() - 1]),
        "{opened}"
    );
    assert!(opened.contains("oEWzBfmdLqhFS2mTXCo2E4Y9gJAM") && !opened.contains("_timestamp"));
}

#[test]
fn what_we_sign_verifies() {
    // The certificate of a key of our own: its public key is all that is looked at.
    let (inputs, expected) = vector("api_sec_sm2_sign_fixed_k_selfmade");
    let number = text(&inputs["user_id"]);
    let spki = base64::prelude::BASE64_STANDARD
        .decode(text(&inputs["public_key_spki_base64"]))
        .unwrap();
    let key = <sm2::PublicKey as sm2::pkcs8::DecodePublicKey>::from_public_key_der(&spki).unwrap();
    let key = sm2::dsa::VerifyingKey::new(number, key).unwrap();
    let verifies = |message: &[u8], signature: &str| {
        let der = base64::prelude::BASE64_STANDARD.decode(signature).unwrap();
        let signature = sm2::dsa::Signature::from_der(&der).unwrap();
        sm2::dsa::signature::Verifier::verify(&key, message, &signature).is_ok()
    };
    let message = text(&inputs["signed_string"]);
    assert!(verifies(
        message.as_bytes(),
        text(&expected["signature_base64_der"])
    ));
    let now = Timestamp::from_secs(1_692_932_963);
    let sealed = with_sm().seal(URL, &[], b"{}", now).unwrap();
    let mut signed = format!("{URL}\n{APP_ID}\n1692932963\n").into_bytes();
    signed.extend_from_slice(&sealed.body);
    assert!(verifies(&signed, &sealed.headers[2].1));
    signed.push(b'\n');
    assert!(!verifies(&signed, &sealed.headers[2].1));

    let (inputs, expected) = vector("api_sec_rsa_pss_request");
    let private = pem::parse(text(&inputs["private_key_pem"])).unwrap();
    let private = aws_lc_rs::rsa::KeyPair::from_der(private.contents()).unwrap();
    let public = aws_lc_rs::signature::KeyPair::public_key(&private);
    let algorithm = &aws_lc_rs::signature::RSA_PSS_2048_8192_SHA256;
    let public = aws_lc_rs::signature::UnparsedPublicKey::new(algorithm, public.as_ref());
    let verifies = |message: &[u8], signature: &str| {
        let bytes = base64::prelude::BASE64_STANDARD.decode(signature).unwrap();
        public.verify(message, &bytes).is_ok()
    };
    let message = text(&inputs["message"]);
    assert!(verifies(message.as_bytes(), text(&expected["signature_b64"])));
    let sealed = with_aes_and_rsa().seal(URL, &[], b"{}", now).unwrap();
    let mut signed = format!("{URL}\n{APP_ID}\n1692932963\n").into_bytes();
    signed.extend_from_slice(&sealed.body);
    assert!(verifies(&signed, &sealed.headers[2].1));
}

#[test]
fn no_two_requests_share_an_initialisation_vector_or_a_nonce() {
    let security = with_aes_and_rsa();
    let sealed = || {
        let sealed = security.seal(URL, &[], b"", Timestamp::from_secs(1)).unwrap();
        serde_json::from_slice::<BTreeMap<String, String>>(&sealed.body).unwrap()
    };
    let (one, other) = (sealed(), sealed());
    assert_eq!(one["iv"].len(), 16);
    assert_ne!(one["iv"], other["iv"]);
    assert_ne!(one["data"], other["data"]);
}

#[test]
fn nothing_of_an_answer_can_be_changed() {
    let security = with_aes_and_rsa();
    let right = example();
    for at in 0..right.body.len() {
        let mut other = right.clone();
        other.body[at] ^= 1;
        // What is no JSON of this mode any more is a file, or a success that nobody signed. It is never what it was.
        assert!(!matches!(other.open(&security), Ok(Some(_))), "{at}");
    }
    let mut elsewhere = right.clone();
    elsewhere.url.push('x');
    assert_eq!(elsewhere.open(&security), Err(OpenError::BadSignature));
    let cases = [
        ("wechatmp-timestamp", Some("1635927957"), OpenError::BadSignature),
        ("wechatmp-timestamp", None, OpenError::NoHeader),
        ("wechatmp-signature", Some("AAAA"), OpenError::BadSignature),
        ("wechatmp-signature", Some("?"), OpenError::BadSignature),
        ("wechatmp-signature", None, OpenError::NoHeader),
        ("wechatmp-serial", None, OpenError::NoHeader),
        ("wechatmp-serial", Some("other"), OpenError::ForeignCertificate),
    ];
    for (name, value, expected) in cases {
        assert_eq!(
            right.with(name, value).open(&security),
            Err(expected),
            "{name} {value:?}"
        );
    }
    let mut other_app = security.clone();
    other_app.app_id = "wx0000000000000001".parse().unwrap();
    assert_eq!(right.open(&other_app), Err(OpenError::BadSignature));
    let mut other_key = security;
    let key = base64::prelude::BASE64_STANDARD.encode([7; 32]).into();
    other_key.keys.symmetric = SymmetricKey::new(Cipher::Aes256, &key, SYMMETRIC).unwrap();
    assert_eq!(right.open(&other_key), Err(OpenError::Unreadable));
}

#[test]
fn an_answer_is_good_for_five_minutes() {
    let security = with_aes_and_rsa();
    for (offset, stale) in [(0, false), (300, false), (-300, false), (301, true), (-301, true)] {
        let mut answer = example();
        answer.now += offset;
        let opened = answer.open(&security);
        assert_eq!(opened == Err(OpenError::Stale), stale, "{offset}: {opened:?}");
    }
}

#[test]
fn while_certificates_change_either_signature_will_do() {
    let security = with_aes_and_rsa();
    let right = example();
    let [serial, signature] =
        ["serial", "signature"].map(|name| right.headers[&format!("wechatmp-{name}")].clone());
    let changed = right
        .with("wechatmp-serial", Some("new"))
        .with("wechatmp-signature", Some("c2lnbmF0dXJl"))
        .with("wechatmp-serial-deprecated", Some(&serial))
        .with("wechatmp-signature-deprecated", Some(&signature));
    assert!(changed.open(&security).unwrap().is_some());
    let foreign = changed.with("wechatmp-serial-deprecated", Some("older"));
    assert_eq!(foreign.open(&security), Err(OpenError::ForeignCertificate));
    let unsigned = changed.with("wechatmp-signature-deprecated", None);
    assert_eq!(unsigned.open(&security), Err(OpenError::NoHeader));
}

#[test]
fn errors_and_files_come_as_they_are() {
    let security = with_aes_and_rsa();
    let open = |body: &[u8]| security.open(URL, |_| None, body, Timestamp::from_secs(1));
    for body in [
        &br#"{"errcode":40234,"errmsg":"API_Invalid_Signature"}"#[..],
        br#"{"errcode":"40001","errmsg":"invalid credential"}"#,
        b"\xff\xd8\xff\xe0 a picture",
        b"<html>",
        b"",
    ] {
        assert_eq!(open(body), Ok(None));
    }
    for body in [
        &br#"{"errcode":0,"errmsg":"ok"}"#[..],
        br#"{"risk_rank":0}"#,
        br#"{"iv":"","data":""}"#,
        br#"{"errcode":"0"}"#,
    ] {
        assert_eq!(open(body), Err(OpenError::Plain));
    }
}

#[test]
fn a_key_that_is_none_is_told_from_one_that_is() {
    let short = base64::prelude::BASE64_STANDARD.encode([7; 16]);
    let [aes, sm4] =
        [Cipher::Aes256, Cipher::Sm4].map(|cipher| SymmetricKey::new(cipher, &short.clone().into(), "1"));
    assert!(aes.is_err() && sm4.is_ok());
    assert!(SymmetricKey::new(Cipher::Aes256, &"?".into(), "1").is_err());
    let (rsa, _) = vector("api_sec_rsa_pss_request");
    let (sm2, _) = vector("api_sec_sm2_sign_fixed_k_selfmade");
    let rsa = text(&rsa["private_key_pem"]).to_owned();
    let sm2 = pem("PRIVATE KEY", text(&sm2["private_key_pkcs8_base64"]));
    let works = |signer, pem: &str| PrivateKey::new(signer, &pem.into(), "1").is_ok();
    assert!(works(Signer::Rsa, &rsa) && works(Signer::Sm2, &sm2));
    assert!(!works(Signer::Sm2, &rsa) && !works(Signer::Rsa, &sm2));
    assert!(!works(Signer::Rsa, "") && !works(Signer::Rsa, &format!("{rsa}{rsa}")));
    assert!(!works(
        Signer::Sm2,
        &sm2.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")
    ));
    assert!(
        Certificate::new(&sm2, "1").is_err() && Certificate::new(&pem("CERTIFICATE", "MAA="), "1").is_err()
    );
    let shown = format!("{:?}", with_aes_and_rsa());
    assert!(shown.len() < 400 && !shown.contains("otUpngOj"), "{shown}");
}
