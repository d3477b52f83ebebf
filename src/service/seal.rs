//! Wraps secrets for the store: AES-256-GCM under the master key, bound to the place where they are kept.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A wrapped secret: nonce, ciphertext and tag in base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(String);

/// A wrapped secret that does not open: another master key, another place, or damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret in the store cannot be opened with this master key")]
pub struct CannotOpen;

/// Wraps and opens under one master key.
#[derive(Clone)]
pub struct Sealer(Arc<RandomizedNonceKey>);

/// The length of the master key in bytes.
pub const KEY_LENGTH: usize = 32;

impl Sealer {
    /// A sealer for a master key in base64; nothing if it is not 32 bytes.
    #[must_use]
    pub fn new(master_key: &SecretString) -> Option<Self> {
        let bytes = Zeroizing::new(BASE64_STANDARD.decode(master_key.expose_secret()).ok()?);
        RandomizedNonceKey::new(&AES_256_GCM, &bytes)
            .ok()
            .map(|key| Self(Arc::new(key)))
    }

    /// Wraps `secret` so that it opens only for the same `place`, for example `credentials/wx1:access_token`.
    #[must_use]
    pub fn seal(&self, place: &str, secret: &SecretString) -> Sealed {
        let mut bytes = secret.expose_secret().as_bytes().to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(place), &mut bytes)
            .expect("AES-GCM seals texts this short with a valid key");
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut bytes);
        Sealed(BASE64_STANDARD.encode(sealed))
    }

    /// Opens what was wrapped for `place`.
    ///
    /// # Errors
    /// [`CannotOpen`], whatever the reason.
    pub fn open(&self, place: &str, sealed: &Sealed) -> Result<SecretString, CannotOpen> {
        let bytes = BASE64_STANDARD.decode(&sealed.0).map_err(|_| CannotOpen)?;
        let (nonce, ciphertext) = bytes.split_at_checked(NONCE_LEN).ok_or(CannotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CannotOpen)?;
        let mut ciphertext = Zeroizing::new(ciphertext.to_vec());
        let plain = self
            .0
            .open_in_place(nonce, Aad::from(place), &mut ciphertext)
            .map_err(|_| CannotOpen)?;
        std::str::from_utf8(plain)
            .map(SecretString::from)
            .map_err(|_| CannotOpen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_with_its_key_at_its_place_only() {
        let sealer = Sealer::new(&BASE64_STANDARD.encode([1; 32]).into()).unwrap();
        let other = Sealer::new(&BASE64_STANDARD.encode([2; 32]).into()).unwrap();
        let wrapped = sealer.seal("here", &"tiihtNczf5v6AKRyjwEUhQ==".into());
        assert_eq!(
            sealer.open("here", &wrapped).unwrap().expose_secret(),
            "tiihtNczf5v6AKRyjwEUhQ=="
        );
        assert!(!wrapped.0.contains("tiiht"));
        assert_ne!(wrapped, sealer.seal("here", &"tiihtNczf5v6AKRyjwEUhQ==".into()));
        assert!(sealer.open("there", &wrapped).is_err());
        assert!(other.open("here", &wrapped).is_err());
        assert!(sealer.open("here", &Sealed("AAAA".into())).is_err());
        assert!(sealer.open("here", &Sealed("no base64".into())).is_err());
    }
}
