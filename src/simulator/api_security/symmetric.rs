//! The key that both sides have: AES-256 or SM4, both with GCM.

use aes_gcm::AesGcm;
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sm4::Sm4;

/// How bodies are encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Cipher {
    /// AES with 32 bytes.
    #[default]
    #[serde(rename = "AES256_GCM")]
    Aes,
    /// SM4 with 16 bytes.
    #[serde(rename = "SM4_GCM")]
    Sm4,
}

impl Cipher {
    /// A new key in base64.
    pub(crate) fn generate(self) -> String {
        match self {
            Self::Aes => STANDARD.encode(rand::random::<[u8; 32]>()),
            Self::Sm4 => STANDARD.encode(rand::random::<[u8; 16]>()),
        }
    }
}

/// A symmetric key.
pub(crate) struct SymmetricKey {
    /// The number that the console shows.
    pub(crate) number: String,
    /// How it encrypts.
    pub(crate) cipher: Cipher,
    key: Key,
}

enum Key {
    Aes(LessSafeKey),
    Sm4(Box<AesGcm<Sm4, U12>>),
}

/// A body in this mode, everything in base64.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Encrypted {
    iv: String,
    data: String,
    authtag: String,
}

impl SymmetricKey {
    /// A key in base64; `None` if it is none of this cipher.
    pub(crate) fn new(cipher: Cipher, base64: &str, number: String) -> Option<Self> {
        let bytes = STANDARD.decode(base64).ok()?;
        let key = match cipher {
            Cipher::Aes => Key::Aes(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes).ok()?)),
            Cipher::Sm4 => Key::Sm4(Box::new(AesGcm::new_from_slice(&bytes).ok()?)),
        };
        Some(Self { number, cipher, key })
    }

    /// Encrypts a text; `None` only for one longer than GCM can take.
    pub(super) fn seal(&self, associated: &str, iv: [u8; 12], text: &[u8]) -> Option<Encrypted> {
        let mut data = text.to_vec();
        let tag = match &self.key {
            Key::Aes(key) => {
                let nonce = Nonce::assume_unique_for_key(iv);
                let sealed = key.seal_in_place_separate_tag(nonce, Aad::from(associated), &mut data);
                sealed.ok()?.as_ref().to_vec()
            }
            Key::Sm4(key) => {
                let inside = data.as_mut_slice().into();
                let sealed = key.encrypt_inout_detached(&iv.into(), associated.as_bytes(), inside);
                sealed.ok()?.to_vec()
            }
        };
        Some(Encrypted {
            iv: STANDARD.encode(iv),
            data: STANDARD.encode(data),
            authtag: STANDARD.encode(tag),
        })
    }

    /// What was encrypted with this key and associated text; `None` if it was not.
    pub(super) fn open(&self, associated: &str, body: &Encrypted) -> Option<Vec<u8>> {
        let iv: [u8; 12] = STANDARD.decode(&body.iv).ok()?.try_into().ok()?;
        let tag: [u8; 16] = STANDARD.decode(&body.authtag).ok()?.try_into().ok()?;
        let mut data = STANDARD.decode(&body.data).ok()?;
        match &self.key {
            Key::Aes(key) => {
                data.extend_from_slice(&tag);
                let nonce = Nonce::assume_unique_for_key(iv);
                let length = key.open_in_place(nonce, Aad::from(associated), &mut data);
                let length = length.ok()?.len();
                data.truncate(length);
            }
            Key::Sm4(key) => {
                let inside = data.as_mut_slice().into();
                key.decrypt_inout_detached(&iv.into(), associated.as_bytes(), inside, &tag.into())
                    .ok()?;
            }
        }
        Some(data)
    }
}
