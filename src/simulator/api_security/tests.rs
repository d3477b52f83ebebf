//! What WeChat's own samples encrypt and sign opens and verifies with our cryptography.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

use super::keys::{PrivateKey, PublicKey, Signer, pem};
use super::symmetric::{Cipher, Encrypted, SymmetricKey};
use super::{Binding, PlatformKey};

const URL: &str = "https://api.weixin.qq.com/wxa/getuserriskrank";
const APP_ID: &str = "wxba6223c06417af7b";

/// Inputs and expected outputs of one vector.
fn vector(name: &str) -> (Value, Value) {
    let file = include_str!("../../../tests/it/simulator/api_security_vectors.json");
    let file: Vec<Value> = serde_json::from_str(file).unwrap();
    let found = file.iter().find(|vector| vector["name"] == name).unwrap();
    (found["inputs"].clone(), found["expected"].clone())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn bytes(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

/// The key in a certificate.
fn certified(der: &[u8], number: &str) -> PublicKey {
    let certificate = Certificate::from_der(der).unwrap();
    let info = certificate.tbs_certificate().subject_public_key_info();
    PublicKey::new(&pem("PUBLIC KEY", info.to_der().unwrap()), number.to_owned()).unwrap()
}

#[test]
fn a_request_is_encrypted_to_the_published_bytes() {
    let (inputs, expected) = vector("api_sec_aes256gcm_request");
    let key = SymmetricKey::new(Cipher::Aes, &text(&inputs["key_b64"]), text(&inputs["sn"])).unwrap();
    let bound = Binding {
        url: URL,
        app_id: APP_ID,
        timestamp: "1635927954",
    };
    assert_eq!(bound.associated(&key), inputs["aad"]);
    let iv = bytes(&inputs["iv_b64"]).try_into().unwrap();
    let plain = text(&inputs["plain"]);
    let sealed = key.seal(&bound.associated(&key), iv, plain.as_bytes()).unwrap();
    let written = serde_json::to_value(&sealed).unwrap();
    assert_eq!(written["data"], expected["data_b64"]);
    assert_eq!(written["authtag"], expected["authtag_b64"]);
    assert_eq!(
        key.open(&bound.associated(&key), &sealed).unwrap(),
        plain.as_bytes()
    );
    assert_eq!(key.open("another", &sealed), None);
}

#[test]
fn published_answers_open() {
    let (inputs, expected) = vector("api_sec_aes256gcm_response");
    let key = SymmetricKey::new(Cipher::Aes, &text(&inputs["key_b64"]), text(&inputs["sn"])).unwrap();
    let body = serde_json::json!({
        "iv": inputs["iv_b64"], "data": inputs["data_b64"], "authtag": inputs["authtag_b64"],
    });
    let body: Encrypted = serde_json::from_value(body).unwrap();
    let opened = key.open(&text(&inputs["aad"]), &body).unwrap();
    assert_eq!(opened, text(&expected["plain"]).as_bytes());

    let (inputs, expected) = vector("api_sec_sm4gcm_response");
    let number = text(&inputs["sym_sn"]);
    let key = SymmetricKey::new(Cipher::Sm4, &text(&inputs["key_base64"]), number).unwrap();
    let body: Encrypted = serde_json::from_str(&text(&inputs["body"])).unwrap();
    let opened = key.open(&text(&inputs["aad"]), &body).unwrap();
    assert_eq!(opened, text(&expected["plaintext"]).as_bytes());
    let iv = STANDARD.decode("b3sjwc9yvUEGH45l").unwrap().try_into().unwrap();
    let sealed = key.seal(&text(&inputs["aad"]), iv, &opened).unwrap();
    let body: Value = serde_json::from_str(&text(&inputs["body"])).unwrap();
    assert_eq!(serde_json::to_value(&sealed).unwrap(), body);
}

#[test]
fn published_signatures_verify_and_others_do_not() {
    let (inputs, expected) = vector("api_sec_rsa_pss_response");
    let certificate = pem::parse(text(&inputs["certificate_pem"])).unwrap();
    let key = certified(certificate.contents(), &text(&inputs["sn"]));
    assert_eq!(key.signer(), Signer::Rsa);
    let (message, signature) = (text(&inputs["message"]), text(&expected["signature_b64"]));
    assert!(key.verifies(message.as_bytes(), &signature));
    assert!(!key.verifies(format!("{message} ").as_bytes(), &signature));

    let (inputs, _) = vector("api_sec_sm2_verify_response");
    let der = bytes(&inputs["certificate_der_base64"]);
    let (message, signature) = (
        text(&inputs["signed_string"]),
        text(&inputs["signature_base64_der"]),
    );
    let key = certified(&der, &text(&inputs["user_id"]));
    assert_eq!(key.signer(), Signer::Sm2);
    assert!(key.verifies(message.as_bytes(), &signature));
    assert!(!key.verifies(format!("{message} ").as_bytes(), &signature));
    // The number is part of what is signed.
    assert!(!certified(&der, "another").verifies(message.as_bytes(), &signature));

    let (inputs, expected) = vector("api_sec_sm2_sign_fixed_k_selfmade");
    let pem = pem("PUBLIC KEY", bytes(&inputs["public_key_spki_base64"]));
    let key = PublicKey::new(&pem, text(&inputs["user_id"])).unwrap();
    let (message, signature) = (
        text(&inputs["signed_string"]),
        text(&expected["signature_base64_der"]),
    );
    assert!(key.verifies(message.as_bytes(), &signature));
}

#[test]
fn a_request_of_the_published_key_verifies() {
    let (inputs, expected) = vector("api_sec_rsa_pss_request");
    let key = pem::parse(text(&inputs["private_key_pem"])).unwrap();
    let key = aws_lc_rs::rsa::KeyPair::from_der(key.contents()).unwrap();
    let key = PrivateKey::Rsa(Box::new(key));
    let public = PublicKey::new(&key.public_pem(), text(&inputs["sn"])).unwrap();
    let (message, signature) = (text(&inputs["message"]), text(&expected["signature_b64"]));
    assert!(public.verifies(message.as_bytes(), &signature));
    assert!(public.verifies(message.as_bytes(), &key.sign("any", message.as_bytes())));
}

#[test]
fn made_up_keys_have_certificates_that_hold_them() {
    for signer in [Signer::Rsa, Signer::Sm2] {
        let platform = PlatformKey::generate(signer, APP_ID);
        let der = pem::parse(&platform.certificate).unwrap();
        let certificate = Certificate::from_der(der.contents()).unwrap();
        let tbs = certificate.tbs_certificate();
        assert_eq!(tbs.subject().to_string(), format!("CN={APP_ID}"));
        let signed = tbs.to_der().unwrap();
        let signature = certificate.signature().as_bytes().unwrap();
        if signer == Signer::Rsa {
            let info = tbs.subject_public_key_info().to_der().unwrap();
            UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, info)
                .verify(&signed, signature)
                .unwrap();
        } else {
            let key = certified(der.contents(), "1234567812345678");
            assert!(key.verifies(&signed, &STANDARD.encode(signature)));
        }
        let key = certified(der.contents(), &platform.number);
        assert_eq!(key.signer(), signer);
        assert!(key.verifies(b"text", &platform.key.sign(&platform.number, b"text")));
    }
}
