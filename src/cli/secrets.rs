//! Makes up what WeChat's console would otherwise hand out, for `demo` and `simulate`. Nothing is kept here.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rand::RngExt as _;
use rand::distr::Alphanumeric;

/// An AppID as WeChat writes them.
pub(super) fn app_id() -> String {
    format!("wx{}", hex::encode(rand::random::<[u8; 8]>()))
}

/// An AppSecret as WeChat writes them.
pub(super) fn app_secret() -> String {
    hex::encode(rand::random::<[u8; 16]>())
}

/// So many letters and digits.
pub(super) fn word(length: usize) -> String {
    rand::rng()
        .sample_iter(Alphanumeric)
        .take(length)
        .map(char::from)
        .collect()
}

/// 43 letters and digits that are the base64 of 32 bytes without its `=`. Such a text must not use the two other
/// characters of base64, and its last character carries two bits that must be 0.
pub(super) fn aes_key() -> String {
    format!("{}A", word(42))
}

/// 32 bytes in base64.
pub(super) fn master_key() -> String {
    BASE64_STANDARD.encode(rand::random::<[u8; 32]>())
}
