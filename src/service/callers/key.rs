//! The keys of callers: how they look, and what stands in the store for one. Whose a key is, is not known here.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What every key begins with, so that people and programs that look for leaked secrets recognise it.
pub const PREFIX: &str = "wxk_";
/// The random part: 32 bytes in base64.
const RANDOM: usize = 43;

/// What stands in the store for a key. The key is random, so that nobody finds it from its digest by trying; and looking
/// a digest up tells by its time nothing about a key.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyDigest(String);

impl KeyDigest {
    /// The digest of a text that looks like a key. Nothing else is hashed, however long it is.
    pub(super) fn of(key: &str) -> Option<Self> {
        let random = key.strip_prefix(PREFIX)?;
        let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if random.len() != RANDOM || !random.bytes().all(is_base64) {
            return None;
        }
        Some(Self(hex::encode(digest(&SHA256, key.as_bytes()))))
    }
}

/// It is of no use to anybody, and all the same not for logs.
impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest(..)")
    }
}

/// A new key, and its digest.
pub(super) fn generate() -> (SecretString, KeyDigest) {
    let random = Zeroizing::new(rand::random::<[u8; 32]>());
    let key = format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(*random));
    let digest = KeyDigest::of(&key).expect("32 bytes are 43 characters");
    (key.into(), digest)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn only_what_looks_like_a_key_is_looked_at() {
        let (key, digest) = generate();
        let key = key.expose_secret();
        assert_eq!(KeyDigest::of(key), Some(digest));
        assert!(KeyDigest::of(&key.to_uppercase()).is_none());
        for wrong in [
            "",
            "wxk_",
            &key[4..],
            &key[..46],
            &format!("{key}A"),
            &format!(" {key}"),
            &format!("wxk_{}", "茶".repeat(15)),
            &format!("wxk_{}", "=".repeat(43)),
        ] {
            assert!(KeyDigest::of(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn keys_differ_and_digests_are_not_shown() {
        let (one, other) = (generate(), generate());
        assert_ne!(one.0.expose_secret(), other.0.expose_secret());
        assert_ne!(one.1, other.1);
        assert_eq!(format!("{:?}", one.1), "KeyDigest(..)");
    }
}
