//! Data that a mini program gets from WeChat encrypted or signed with the user's session_key. (开放数据校验与解密.)
//! Whose session_key it is, and which of several, is not decided here.

use aws_lc_rs::cipher::{AES_128, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use sha1::{Digest as _, Sha1};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::ids::AppId;

/// Longer texts are refused unread; what WeChat sends has less than a kilobyte.
pub const MAX_LENGTH: usize = 16 * 1024;

/// Why encrypted data is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It does not open with this key. The reason is not told: it would help whoever tries.
    #[error("the data does not open with this session_key")]
    Unreadable,
    /// It opens, and was made for another app.
    #[error("the data was made for another app")]
    ForeignApp,
}

/// Opens `encrypted_data`, which must have been made for `app`.
///
/// AES-128-CBC with PKCS#7; key, iv and data are base64. There is no tag: a wrong key shows only in what comes out,
/// so that must be a JSON object with a watermark.
///
/// # Errors
/// See [`Error`].
pub fn open(
    app: &AppId,
    session_key: &SecretString,
    encrypted_data: &str,
    iv: &str,
) -> Result<Map<String, Value>, Error> {
    let plain = decrypt(session_key, encrypted_data, iv).ok_or(Error::Unreadable)?;
    let data: Map<String, Value> = serde_json::from_slice(&plain).map_err(|_| Error::Unreadable)?;
    let watermark = data.get("watermark").and_then(|watermark| watermark.get("appid"));
    match watermark.and_then(Value::as_str) {
        Some(made_for) if made_for == app.as_str() => Ok(data),
        Some(_) => Err(Error::ForeignApp),
        None => Err(Error::Unreadable),
    }
}

/// Whether the two are written as WeChat writes them: whole blocks in base64. Whether a key opens them is another matter.
#[must_use]
pub fn is_well_formed(encrypted_data: &str, iv: &str) -> bool {
    let length = |text: &str| BASE64_STANDARD.decode(text).map(|bytes| bytes.len());
    let is_blocks = |length: usize| length > 0 && length.is_multiple_of(16);
    encrypted_data.len() <= MAX_LENGTH
        && iv.len() <= MAX_LENGTH
        && length(encrypted_data).is_ok_and(is_blocks)
        && length(iv) == Ok(16)
}

fn decrypt(session_key: &SecretString, encrypted_data: &str, iv: &str) -> Option<Zeroizing<Vec<u8>>> {
    if encrypted_data.len() > MAX_LENGTH || iv.len() > MAX_LENGTH {
        return None;
    }
    let key = Zeroizing::new(BASE64_STANDARD.decode(session_key.expose_secret()).ok()?);
    let iv: [u8; 16] = BASE64_STANDARD.decode(iv).ok()?.try_into().ok()?;
    let mut bytes = Zeroizing::new(BASE64_STANDARD.decode(encrypted_data).ok()?);
    let key = UnboundCipherKey::new(&AES_128, &key).ok()?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
    let context = DecryptionContext::Iv128(FixedLength::from(iv));
    let length = key.decrypt(&mut bytes, context).ok()?.len();
    bytes.truncate(length);
    Some(bytes)
}

/// Whether `signature` is `sha1(rawData + session_key)`: the raw data came from WeChat and was not changed since.
#[must_use]
pub fn is_signed(session_key: &SecretString, raw_data: &str, signature: &str) -> bool {
    let mut digest = Sha1::new();
    digest.update(raw_data);
    digest.update(session_key.expose_secret());
    let expected = hex::encode(digest.finalize());
    expected
        .as_bytes()
        .ct_eq(signature.to_ascii_lowercase().as_bytes())
        .into()
}

/// What proves to WeChat that we have the session_key: HMAC-SHA256 over nothing, keyed with the key as text, not with
/// what its base64 stands for. (检验登录态.)
#[must_use]
pub fn session_signature(session_key: &SecretString) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, session_key.expose_secret().as_bytes());
    hex::encode(hmac::sign(&key, b""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "tiihtNczf5v6AKRyjwEUhQ==";
    const IV: &str = "r7BXXKkLb8qrSNn05n0qiA==";

    fn opened(data: &str, iv: &str) -> Option<Error> {
        open(&"wx4f4bc4dec97d474b".parse().unwrap(), &KEY.into(), data, iv).err()
    }

    #[test]
    fn whatever_is_wrong_there_is_one_error() {
        for (data, iv) in [
            ("", IV),
            ("AAAA", IV),
            ("not base64", IV),
            ("AAAAAAAAAAAAAAAAAAAAAA==", IV),
            ("AAAAAAAAAAAAAAAAAAAAAA==", ""),
            ("AAAAAAAAAAAAAAAAAAAAAA==", "AAAA"),
        ] {
            assert_eq!(opened(data, iv), Some(Error::Unreadable), "{data} {iv}");
        }
        assert_eq!(opened(&"A".repeat(MAX_LENGTH + 4), IV), Some(Error::Unreadable));
    }

    #[test]
    fn a_signature_is_compared_whole() {
        let key = "HyVFkGl5F5OQWJZZaNzBBg==".into();
        assert!(is_signed(
            &key,
            "",
            &hex::encode(Sha1::digest("HyVFkGl5F5OQWJZZaNzBBg=="))
        ));
        assert!(!is_signed(&key, "", ""));
        assert!(!is_signed(
            &key,
            "x",
            &hex::encode(Sha1::digest("HyVFkGl5F5OQWJZZaNzBBg=="))
        ));
    }
}
