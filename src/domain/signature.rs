//! Signatures the platform defines: callback checks and JS-SDK configurations.
//! Pure functions: no clock, no randomness, no I/O. Secrets come in, digests go out.

use secrecy::{ExposeSecret, SecretString};
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

use super::page_url::PageUrl;

/// A SHA-1 digest in lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 40]);

impl Signature {
    fn of(parts: &[&[u8]]) -> Self {
        let mut sha1 = Sha1::new();
        for part in parts {
            sha1.update(part);
        }
        let mut digits = [0; 40];
        hex::encode_to_slice(sha1.finalize(), &mut digits).expect("20 bytes are 40 digits");
        Self(digits)
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hexadecimal digits are ASCII")
    }

    /// Whether `given` is this signature. Takes the same time wherever the two differ.
    #[must_use]
    pub fn matches(&self, given: &str) -> bool {
        self.0.ct_eq(given.as_bytes()).into()
    }
}

/// Signs a callback of the platform.
///
/// The platform sorts the values byte by byte, joins them and takes the SHA-1. For `signature` these are token,
/// timestamp and nonce; for `msg_signature` the ciphertext joins them. (接入指南, 消息加解密说明.)
#[must_use]
pub fn callback(token: &SecretString, values: &[&str]) -> Signature {
    let mut parts: Vec<&[u8]> = values.iter().map(|value| value.as_bytes()).collect();
    parts.push(token.expose_secret().as_bytes());
    parts.sort_unstable();
    Signature::of(&parts)
}

/// Signs a page for the JS-SDK.
///
/// The platform fixes the names and their order, and signs raw values: the URL is not encoded, and goes without
/// its fragment, which [`PageUrl`] has already cut off. (JS-SDK 说明文档, 附录1.)
#[must_use]
pub fn jsapi(ticket: &SecretString, nonce: &str, timestamp: i64, page: &PageUrl) -> Signature {
    Signature::of(&[
        b"jsapi_ticket=",
        ticket.expose_secret().as_bytes(),
        b"&noncestr=",
        nonce.as_bytes(),
        b"&timestamp=",
        timestamp.to_string().as_bytes(),
        b"&url=",
        page.as_str().as_bytes(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_matches_itself_only() {
        let signature = callback(&"AAAAA".into(), &["1714036504", "1514711492"]);
        assert_eq!(signature.as_str(), "f464b24fc39322e44b38aa78f5edd27bd1441696");
        assert!(signature.matches("f464b24fc39322e44b38aa78f5edd27bd1441696"));
        assert!(!signature.matches("F464B24FC39322E44B38AA78F5EDD27BD1441696"));
        assert!(!signature.matches("f464b24fc39322e44b38aa78f5edd27bd144169"));
        assert!(!signature.matches(""));
    }
}
