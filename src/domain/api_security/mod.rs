//! The signed and encrypted mode of WeChat's API: what is encrypted and signed, with which keys. (服务端 API 签名加密.)
//! Bodies and headers are put together by `wechat::security`. Nothing here reads a clock.
//!
//! Initialisation vectors, nonces and the source of randomness come in as arguments. The k of SM2 is nobody's to choose:
//! `sm2` derives it from key and message (RFC 6979), so that no bad source of randomness can betray the key.

mod certificate;
mod cipher;
mod paths;
mod plain;
mod private_key;

pub use certificate::Certificate;
pub use cipher::{Cipher, Encrypted, SymmetricKey};
pub use paths::{Path, Paths};
pub use plain::{NotSealable, Parameters, opened};
pub use private_key::{PrivateKey, Signer};

use crate::domain::ids::AppId;

/// One app's keys. Each is with the number that the console shows beside it.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Encrypts requests and opens answers. (API 对称密钥)
    pub symmetric: SymmetricKey,
    /// Signs requests. (API 非对称密钥)
    pub private: PrivateKey,
    /// The platform's: answers are signed with its private key. (平台证书)
    pub certificate: Certificate,
}

/// Something that is no such key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadKey(pub &'static str);

/// A text whose signature is not the certificate's, or a body that does not open with the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it was not made with the other side's key")]
pub struct Refused;

/// Where and when a body is sent: what is bound to it. `url` is scheme, host and path, without the query.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The address that is called.
    pub url: &'a str,
    /// For which app.
    pub app_id: &'a AppId,
    /// The header `Wechatmp-TimeStamp`, as it is sent.
    pub timestamp: &'a str,
}

impl Context<'_> {
    /// What is authenticated with the encrypted data, but not in it.
    fn associated(&self, key_number: &str) -> String {
        format!("{}|{}|{}|{key_number}", self.url, self.app_id, self.timestamp)
    }

    /// What is signed: the body byte for byte, and what it is bound to.
    fn signed(&self, body: &[u8]) -> Vec<u8> {
        let mut text = format!("{}\n{}\n{}\n", self.url, self.app_id, self.timestamp).into_bytes();
        text.extend_from_slice(body);
        text
    }
}

/// Whether `text` can be a number of the console's: 32 hexadecimal digits in practice.
#[must_use]
pub fn is_number(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The only block of a PEM text whose label is one of `labels`, as its label and its bytes.
fn pem_block(text: &str, labels: &[&'static str]) -> Option<(&'static str, Vec<u8>)> {
    let blocks = pem::parse_many(text).ok()?;
    let mut found = blocks.into_iter().filter_map(|block| {
        let label = labels.iter().find(|label| **label == block.tag())?;
        Some((*label, block.into_contents()))
    });
    let first = found.next();
    first.filter(|_| found.next().is_none())
}
