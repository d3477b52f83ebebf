//! The app's private key, whose public half the console knows: RSA or SM2.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::rand as random;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PSS_SHA256;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use sm2::dsa::SigningKey;
use sm2::dsa::signature::Signer as _;
use sm2::pkcs8::DecodePrivateKey as _;
use zeroize::Zeroizing;

use super::{BadKey, Context, pem_block};

/// PKCS#8, PKCS#1 and SEC 1. (RFC 7468.)
const LABELS: [&str; 3] = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"];

/// How requests are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    /// `RSAwithSHA256`: RSASSA-PSS with SHA-256 and a salt of 32 bytes.
    Rsa,
    /// `SM2withSM3`, with the key's number as the signer's id.
    Sm2,
}

/// The key that requests are signed with.
#[derive(Clone)]
pub struct PrivateKey(Key);

#[derive(Clone)]
enum Key {
    Rsa(Arc<KeyPair>),
    Sm2(Arc<SigningKey>),
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

impl PrivateKey {
    /// A key in PEM, with its number.
    ///
    /// # Errors
    /// [`BadKey`] if there is no such key in it, or more than one.
    pub fn new(signer: Signer, pem: &SecretString, number: &str) -> Result<Self, BadKey> {
        if pem.expose_secret().contains("ENCRYPTED") {
            return Err(BadKey("is encrypted with a password; it must be without one"));
        }
        let block = pem_block(pem.expose_secret(), &LABELS);
        let (label, der) = block.ok_or(BadKey(
            "must be one private key in PEM: -----BEGIN PRIVATE KEY-----…",
        ))?;
        let der = Zeroizing::new(der);
        match signer {
            Signer::Rsa => rsa(label, &der),
            Signer::Sm2 => sm2(label, &der, number),
        }
    }

    /// The signature over `body`, in base64. An RSA signature is another one each time.
    #[must_use]
    pub fn sign(&self, context: Context<'_>, body: &[u8], source: &dyn random::SecureRandom) -> String {
        let text = context.signed(body);
        let signature = match &self.0 {
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                // The salt is as long as the digest. (aws-lc-rs, RSA_PSS_SHA256.)
                key.sign(&RSA_PSS_SHA256, source, &text, &mut signature)
                    .expect("there is room for the salt in 2048 bits");
                signature
            }
            Key::Sm2(key) => der(&key.sign(&text)),
        };
        BASE64_STANDARD.encode(signature)
    }
}

fn rsa(label: &str, der: &[u8]) -> Result<PrivateKey, BadKey> {
    let key = match label {
        "RSA PRIVATE KEY" => KeyPair::from_der(der),
        _ => KeyPair::from_pkcs8(der),
    };
    let key = key.map_err(|_| BadKey("is no RSA key of 2048 to 8192 bits"))?;
    Ok(PrivateKey(Key::Rsa(Arc::new(key))))
}

fn sm2(label: &str, der: &[u8], number: &str) -> Result<PrivateKey, BadKey> {
    let key = match label {
        "EC PRIVATE KEY" => sm2::SecretKey::from_sec1_der(der).ok(),
        _ => sm2::SecretKey::from_pkcs8_der(der).ok(),
    };
    let key = key.and_then(|key| SigningKey::new(number, &key).ok());
    let key = key.ok_or(BadKey("is no SM2 key"))?;
    Ok(PrivateKey(Key::Sm2(Arc::new(key))))
}

/// WeChat writes SM2 signatures as ASN.1: a sequence of two numbers. (服务端 API 签名加密, `SM2withSM3`.)
fn der(signature: &sm2::dsa::Signature) -> Vec<u8> {
    AsRef::<[u8]>::as_ref(&signature.to_der()).to_vec()
}
