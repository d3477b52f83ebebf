//! Fingerprints: what stands in the store for a phone number, an address or a code. They are keyed, because there are
//! few enough phone numbers to try them all. What is counted or kept under them is not known here.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// Makes fingerprints with the key of one store, so that all its instances make the same.
#[derive(Clone)]
pub struct Fingerprints(Key);

impl Fingerprints {
    /// The name of the key among the settings.
    pub const KEY: &'static str = "fingerprint_key";

    /// With a key in base64, as [`super::settings::Settings::secret`] makes and seals it.
    ///
    /// # Panics
    /// If it is none, or empty: with an empty key anybody could make fingerprints.
    #[must_use]
    pub fn new(key: &SecretString) -> Self {
        let bytes = BASE64_STANDARD
            .decode(key.expose_secret())
            .ok()
            .filter(|bytes| !bytes.is_empty())
            .expect(
                "a key among the settings is sealed, so that it is as we made it: random bytes in base64",
            );
        let bytes = Zeroizing::new(bytes);
        Self(Key::new(HMAC_SHA256, &bytes))
    }

    /// The fingerprint of `parts` for one use of it.
    #[must_use]
    pub fn of(&self, used_for: &str, parts: &[&str]) -> String {
        let mut text = Zeroizing::new(String::new());
        for part in [used_for].iter().chain(parts) {
            // With their lengths no two lists are the same text.
            text.push_str(&part.len().to_string());
            text.push(':');
            text.push_str(part);
        }
        BASE64_URL_SAFE_NO_PAD.encode(sign(&self.0, text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "random bytes in base64")]
    fn an_empty_key_makes_nothing() {
        let _ = Fingerprints::new(&"".into());
    }

    #[test]
    #[should_panic(expected = "random bytes in base64")]
    fn a_key_that_cannot_be_read_makes_nothing() {
        let _ = Fingerprints::new(&"not base64!".into());
    }

    #[test]
    fn a_fingerprint_tells_uses_parts_and_keys_apart() {
        let make = |byte| Fingerprints::new(&BASE64_STANDARD.encode([byte; 32]).into());
        let fingerprints = make(1);
        let first = fingerprints.of("code", &["phone", "+8613800138000"]);
        assert_eq!(first, make(1).of("code", &["phone", "+8613800138000"]));
        assert_eq!(first.len(), 43);
        for other in [
            fingerprints.of("try", &["phone", "+8613800138000"]),
            fingerprints.of("code", &["phone+", "8613800138000"]),
            fingerprints.of("code", &["phone", "+8613800138000", ""]),
            make(2).of("code", &["phone", "+8613800138000"]),
        ] {
            assert_ne!(first, other);
        }
    }
}
