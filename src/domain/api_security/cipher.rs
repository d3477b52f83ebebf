//! The symmetric key: AES-256 or SM4, both with GCM, an initialisation vector of 12 bytes and a tag of 16.

use std::fmt;
use std::sync::Arc;

use aes_gcm::AesGcm;
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sm4::Sm4;
use zeroize::Zeroizing;

use super::{BadKey, Context, Refused};

const TAG: usize = 16;

/// How bodies are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cipher {
    /// `AES256_GCM`, with a key of 32 bytes.
    Aes256,
    /// `SM4_GCM`, with a key of 16 bytes.
    Sm4,
}

/// The key that both sides have.
#[derive(Clone)]
pub struct SymmetricKey {
    number: String,
    key: Key,
}

#[derive(Clone)]
enum Key {
    Aes(Arc<LessSafeKey>),
    Sm4(Arc<AesGcm<Sm4, U12>>),
}

/// A body as it is sent, everything in base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encrypted {
    iv: String,
    data: String,
    authtag: String,
}

impl fmt::Debug for SymmetricKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = &self.number;
        write!(f, "SymmetricKey({number}, ..)")
    }
}

impl SymmetricKey {
    /// A key in base64, as the console shows it, with its number.
    ///
    /// # Errors
    /// [`BadKey`] if it is not base64 of as many bytes as the cipher needs.
    pub fn new(cipher: Cipher, key: &SecretString, number: &str) -> Result<Self, BadKey> {
        let bytes = BASE64_STANDARD.decode(key.expose_secret().trim());
        let bytes = Zeroizing::new(bytes.unwrap_or_default());
        let key = match cipher {
            Cipher::Aes256 => UnboundKey::new(&AES_256_GCM, &bytes)
                .ok()
                .map(|key| Key::Aes(Arc::new(LessSafeKey::new(key))))
                .ok_or(BadKey("must be 32 bytes in base64 for AES256_GCM")),
            Cipher::Sm4 => AesGcm::new_from_slice(&bytes)
                .ok()
                .map(|key| Key::Sm4(Arc::new(key)))
                .ok_or(BadKey("must be 16 bytes in base64 for SM4_GCM")),
        }?;
        let number = number.to_owned();
        Ok(Self { number, key })
    }

    /// Encrypts `text`. `iv` must never be used with this key a second time: 12 random bytes.
    #[must_use]
    pub fn seal(&self, context: Context<'_>, iv: [u8; NONCE_LEN], text: &[u8]) -> Encrypted {
        let associated = context.associated(&self.number);
        let mut data = text.to_vec();
        let tag = match &self.key {
            Key::Aes(key) => {
                let nonce = Nonce::assume_unique_for_key(iv);
                let tag = key.seal_in_place_separate_tag(nonce, Aad::from(associated), &mut data);
                tag.expect("bodies are shorter than GCM's limit")
                    .as_ref()
                    .to_vec()
            }
            Key::Sm4(key) => {
                let data = data.as_mut_slice().into();
                let tag = key.encrypt_inout_detached(&iv.into(), associated.as_bytes(), data);
                tag.expect("bodies are shorter than GCM's limit").to_vec()
            }
        };
        Encrypted {
            iv: BASE64_STANDARD.encode(iv),
            data: BASE64_STANDARD.encode(data),
            authtag: BASE64_STANDARD.encode(tag),
        }
    }

    /// What was encrypted for `context`.
    ///
    /// # Errors
    /// [`Refused`], whatever the reason.
    pub fn open(&self, context: Context<'_>, body: &Encrypted) -> Result<Zeroizing<Vec<u8>>, Refused> {
        let decode = |text: &str| BASE64_STANDARD.decode(text).map_err(|_| Refused);
        let iv: [u8; NONCE_LEN] = decode(&body.iv)?.try_into().map_err(|_| Refused)?;
        let tag: [u8; TAG] = decode(&body.authtag)?.try_into().map_err(|_| Refused)?;
        let mut data = Zeroizing::new(decode(&body.data)?);
        let associated = context.associated(&self.number);
        match &self.key {
            Key::Aes(key) => {
                let nonce = Nonce::assume_unique_for_key(iv);
                data.extend_from_slice(&tag);
                let opened = key.open_in_place(nonce, Aad::from(associated), &mut data);
                let length = opened.map_err(|_| Refused)?.len();
                data.truncate(length);
            }
            Key::Sm4(key) => {
                let inside = data.as_mut_slice().into();
                key.decrypt_inout_detached(&iv.into(), associated.as_bytes(), inside, &tag.into())
                    .map_err(|_| Refused)?;
            }
        }
        Ok(data)
    }
}
