//! `[codes]`: who brings one-time codes to phones and mailboxes. Nothing is sent here.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::platform::is_near;
use super::problem::Problem;
use super::reader::Reader;
use super::sections::is_web;

/// What every secret of the Standard Webhooks specification begins with.
const PREFIX: &str = "whsec_";

/// `[codes]`: who brings one-time codes to phones and mailboxes.
#[derive(Debug, Clone)]
pub struct Codes {
    /// Where codes are handed over, if anywhere.
    pub hook: Option<CodesHook>,
    /// How long one call of it may take.
    pub timeout: Duration,
}

/// The program that brings codes to people.
#[derive(Debug, Clone)]
pub struct CodesHook {
    /// Its address.
    pub url: Url,
    /// Signs what it is given.
    pub secret: SecretString,
}

impl CodesHook {
    /// The key within the secret.
    ///
    /// # Panics
    /// If the secret is not of the form that the configuration requires.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        key(&self.secret).expect("a configuration with another codes.secret is refused")
    }
}

impl Codes {
    pub(super) fn read(reader: &mut Reader<'_>, warnings: &mut Vec<Problem>) -> Self {
        let url: Option<Url> = reader.optional_parse("codes.url", "it must be an http or https URL");
        let secret = reader
            .secret("codes.secret")
            .filter(|secret| !secret.expose_secret().is_empty());
        if let Some(url) = &url
            && is_web("codes.url", url, reader)
        {
            if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
                reader.problem("codes.url", "must not have a user name, a password or a fragment");
            }
            if url.scheme() == "http" && !is_near(url) {
                let text = "is plain http to a public host: login codes cross the network readably";
                warnings.push(Problem::new("codes.url", text));
            }
        }
        if let Some(secret) = &secret
            && key(secret).is_none()
        {
            let text = "must be whsec_ and 24 to 64 bytes in base64: echo whsec_$(openssl rand -base64 32)";
            reader.problem("codes.secret", text);
        }
        if url.is_some() && secret.is_none() && !reader.is_unreadable("codes.secret") {
            reader.problem(
                "codes.secret",
                "is missing; the program at codes.url knows us by it",
            );
        }
        if secret.is_some() && url.is_none() && !reader.is_unreadable("codes.url") {
            reader.problem("codes.url", "is missing, but there is a codes.secret");
        }
        Self {
            hook: url.zip(secret).map(|(url, secret)| CodesHook { url, secret }),
            timeout: reader.duration(
                "codes.timeout",
                Duration::from_millis(100),
                Duration::from_secs(5),
            ),
        }
    }
}

fn key(secret: &SecretString) -> Option<Vec<u8>> {
    let key = BASE64_STANDARD
        .decode(secret.expose_secret().strip_prefix(PREFIX)?)
        .ok()?;
    (24..=64).contains(&key.len()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(secret: &str) -> CodesHook {
        CodesHook {
            url: "https://codes.example.com/".parse().unwrap(),
            secret: secret.into(),
        }
    }

    #[test]
    fn a_key_is_what_the_secret_has_in_base64() {
        let key = BASE64_STANDARD.encode([7; 32]);
        assert_eq!(hook(&format!("whsec_{key}")).key(), [7; 32]);
    }

    #[test]
    #[should_panic(expected = "is refused")]
    fn a_secret_of_another_form_is_no_empty_key() {
        let _ = hook("whsec_").key();
    }
}
