//! Signatures of the Standard Webhooks specification: what secrets look like, and what they sign. How a signed body gets
//! to its receiver is not known here, and neither is where secrets are kept.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

/// What every secret begins with.
const PREFIX: &str = "whsec_";
/// Texts that are longer are no secrets: the prefix and 64 bytes in base64.
pub const LONGEST_SECRET: usize = 94;

/// The header with the id of what is delivered, the same at every attempt.
pub const ID: &str = "webhook-id";
/// The header with the time of the attempt, in seconds.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// The header with the signatures.
pub const SIGNATURE: &str = "webhook-signature";

/// What both sides know: `whsec_` and 24 to 64 bytes in base64.
#[derive(Clone)]
pub struct Secret {
    text: SecretString,
    /// Shared, because it is large and secrets are handed around.
    key: Arc<hmac::Key>,
}

/// A text that is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret is whsec_ and 24 to 64 bytes in base64: echo whsec_$(openssl rand -base64 32)")]
pub struct BadSecret;

impl Secret {
    /// The secret that has these random bytes.
    #[must_use]
    pub fn of(bytes: &[u8; 32]) -> Self {
        let encoded = Zeroizing::new(BASE64_STANDARD.encode(bytes));
        Self {
            text: format!("{PREFIX}{}", *encoded).into(),
            key: Arc::new(hmac::Key::new(hmac::HMAC_SHA256, bytes)),
        }
    }

    /// Its text, for whoever has to know it.
    #[must_use]
    pub fn text(&self) -> &SecretString {
        &self.text
    }
}

impl FromStr for Secret {
    type Err = BadSecret;

    fn from_str(text: &str) -> Result<Self, BadSecret> {
        let encoded = text.strip_prefix(PREFIX).ok_or(BadSecret)?;
        let bytes = Zeroizing::new(BASE64_STANDARD.decode(encoded).map_err(|_| BadSecret)?);
        if !(24..=64).contains(&bytes.len()) {
            return Err(BadSecret);
        }
        Ok(Self {
            text: text.into(),
            key: Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &bytes)),
        })
    }
}

impl TryFrom<&SecretString> for Secret {
    type Error = BadSecret;

    fn try_from(text: &SecretString) -> Result<Self, BadSecret> {
        text.expose_secret().parse()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The value of [`SIGNATURE`]: a signature with each secret, so that receivers may know any of them.
///
/// The signed text is id, time and body, joined by points; the id has none. (Standard Webhooks, "Signature scheme".)
#[must_use]
pub fn sign(secrets: &[Secret], id: &str, timestamp: i64, body: &[u8]) -> String {
    let head = format!("{id}.{timestamp}.");
    let signatures = secrets.iter().map(|secret| {
        let mut context = hmac::Context::with_key(&secret.key);
        context.update(head.as_bytes());
        context.update(body);
        format!("v1,{}", BASE64_STANDARD.encode(context.sign()))
    });
    signatures.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_one_that_the_specifications_library_makes() {
        let (first, second) = (Secret::of(&[7; 32]), Secret::of(&[9; 32]));
        let theirs = |secret: &Secret, body: &[u8]| {
            let library = standardwebhooks::Webhook::new(secret.text().expose_secret()).unwrap();
            library.sign("evt_1", 1_700_000_000, body).unwrap()
        };
        for body in [&b"{\"a\":\"\xe4\xb8\xad\"}"[..], b"", b"a.b.c"] {
            let both = sign(&[first.clone(), second.clone()], "evt_1", 1_700_000_000, body);
            let expected = format!("{} {}", theirs(&first, body), theirs(&second, body));
            assert_eq!(both, expected);
        }
    }

    #[test]
    fn a_secret_has_24_to_64_bytes() {
        for length in [24, 32, 64] {
            let text = format!("whsec_{}", BASE64_STANDARD.encode(vec![1; length]));
            assert!(text.len() <= LONGEST_SECRET);
            let secret: Secret = text.parse().unwrap();
            assert_eq!(secret.text().expose_secret(), text);
        }
        let encoded = |length| BASE64_STANDARD.encode(vec![1; length]);
        for bad in [
            String::new(),
            "whsec_".to_owned(),
            encoded(32),
            format!("whsec_{}", encoded(23)),
            format!("whsec_{}", encoded(65)),
            format!("whsec_{} ", encoded(32)),
            format!("WHSEC_{}", encoded(32)),
            format!("whsec_{}", encoded(32).trim_end_matches('=')),
            format!("whsec_{}?", encoded(33)),
        ] {
            assert_eq!(bad.parse::<Secret>().unwrap_err(), BadSecret, "{bad}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Secret::of(&[7; 32])), "Secret(..)");
    }
}
