//! Signatures and the AES layer of message push, written from WeChat's document (消息加解密说明). What is signed and
//! encrypted is decided elsewhere.

use std::fmt;

use aws_lc_rs::cipher::{
    AES_256, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use sha1::{Digest as _, Sha1};

/// The last character of a key stands for two bits more than the key has, and they need not be zero.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// WeChat: the padding's block has 32 bytes, whatever the cipher's has.
const BLOCK: usize = 32;

/// WeChat: SHA-1 over the parts, sorted by bytes and joined, in lower-case hexadecimal.
pub(crate) fn signature(parts: &[&str]) -> String {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    hex::encode(Sha1::digest(parts.concat()))
}

/// An app's EncodingAESKey.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct AesKey([u8; 32]);

impl AesKey {
    /// Reads 43 letters and digits; `None` if they are none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != 43 || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        let bytes = LENIENT.decode(format!("{text}=")).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// Encrypts a payload for the receiver with this `AppID`.
    ///
    /// WeChat: 16 random bytes, the payload's length as four bytes, the payload, the `AppID`; padded to a multiple of
    /// 32 with bytes that say how many they are; AES-256-CBC, the key's first half being the IV.
    pub(crate) fn encrypt(&self, random: [u8; 16], payload: &str, app_id: &str) -> Option<String> {
        let mut bytes = random.to_vec();
        bytes.extend(u32::try_from(payload.len()).ok()?.to_be_bytes());
        bytes.extend(payload.as_bytes());
        bytes.extend(app_id.as_bytes());
        let pad = BLOCK - bytes.len() % BLOCK;
        bytes.resize(bytes.len() + pad, u8::try_from(pad).ok()?);
        let key = EncryptingKey::cbc(UnboundCipherKey::new(&AES_256, &self.0).ok()?).ok()?;
        let context = EncryptionContext::Iv128(FixedLength::from(self.iv()));
        key.less_safe_encrypt(&mut bytes, context).ok()?;
        Some(STANDARD.encode(bytes))
    }

    /// The payload and the `AppID` behind it, or why there are none.
    pub(crate) fn decrypt(&self, text: &str) -> Result<(String, String), &'static str> {
        let mut bytes = STANDARD.decode(text).map_err(|_| "Encrypt is no base64")?;
        let key = UnboundCipherKey::new(&AES_256, &self.0).and_then(DecryptingKey::cbc);
        let key = key.map_err(|_| "the key is no key")?;
        let context = DecryptionContext::Iv128(FixedLength::from(self.iv()));
        if bytes.is_empty() || key.decrypt(&mut bytes, context).is_err() {
            return Err("Encrypt is not whole blocks");
        }
        let pad = bytes.last().map_or(0, |byte| usize::from(*byte));
        if !(1..=BLOCK).contains(&pad) || pad > bytes.len() {
            return Err("the padding is wrong, as after another key");
        }
        bytes.truncate(bytes.len() - pad);
        let length = bytes.get(16..20).ok_or("the decrypted text is too short")?;
        let length = length.iter().fold(0, |sum, byte| sum * 256 + usize::from(*byte));
        let (payload, app_id) = bytes[20..]
            .split_at_checked(length)
            .ok_or("the decrypted length is wrong")?;
        let text =
            |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| "the decrypted text is no UTF-8");
        Ok((text(payload)?, text(app_id)?))
    }

    fn iv(&self) -> [u8; 16] {
        let mut iv = [0; 16];
        iv.copy_from_slice(&self.0[..16]);
        iv
    }
}

impl fmt::Debug for AesKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AesKey")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn vectors(kind: &str) -> Vec<Value> {
        let file: Vec<Value> =
            serde_json::from_str(include_str!("../../../tests/it/simulator/push_vectors.json")).unwrap();
        file.into_iter().filter(|vector| vector["kind"] == kind).collect()
    }

    fn text<'a>(vector: &'a Value, part: &str, name: &str) -> &'a str {
        vector[part][name].as_str().unwrap()
    }

    #[test]
    fn signatures_are_those_of_the_documents() {
        let vectors = vectors("push_msg_signature");
        assert_eq!(vectors.len(), 2);
        for vector in vectors {
            let parts = ["token", "timestamp", "nonce", "encrypt"].map(|name| text(&vector, "inputs", name));
            assert_eq!(signature(&parts), text(&vector, "expected", "msg_signature"));
        }
    }

    #[test]
    fn what_wechat_encrypted_is_encrypted_to_the_same_bytes() {
        let vectors = vectors("push_aes_encrypt");
        assert_eq!(vectors.len(), 2);
        for vector in vectors {
            let input = |name| text(&vector, "inputs", name);
            let key = AesKey::parse(input("encoding_aes_key")).unwrap();
            let random = input("random").as_bytes().try_into().unwrap();
            let encrypted = key.encrypt(random, input("plain"), input("appid")).unwrap();
            assert_eq!(encrypted, text(&vector, "expected", "Encrypt"));
            let parts = [input("token"), input("timestamp"), input("nonce"), &encrypted];
            assert_eq!(signature(&parts), text(&vector, "expected", "MsgSignature"));
        }
    }

    #[test]
    fn what_wechat_encrypted_is_decrypted() {
        let vectors = vectors("push_aes_decrypt");
        assert_eq!(vectors.len(), 2);
        for vector in vectors {
            let key = AesKey::parse(text(&vector, "inputs", "encoding_aes_key")).unwrap();
            let (payload, app_id) = key.decrypt(text(&vector, "inputs", "encrypt")).unwrap();
            assert_eq!(payload, text(&vector, "expected", "plain"));
            assert_eq!(app_id, text(&vector, "expected", "appid"));
        }
    }

    #[test]
    fn what_was_not_encrypted_so_is_told() {
        let key = AesKey::parse(&"A".repeat(43)).unwrap();
        let other = AesKey::parse(&"B".repeat(43)).unwrap();
        let encrypted = key.encrypt([7; 16], "hello", "wx1").unwrap();
        assert!(key.decrypt(&encrypted).is_ok());
        assert!(other.decrypt(&encrypted).is_err());
        assert!(key.decrypt("").is_err());
        assert!(key.decrypt("AAAA").is_err());
        assert!(key.decrypt("no base64").is_err());
        assert_eq!(AesKey::parse(&"A".repeat(42)), None);
        assert_eq!(AesKey::parse(&"+".repeat(43)), None);
    }
}
