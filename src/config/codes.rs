//! `[codes]`: who brings one-time codes to phones and mailboxes. Nothing is sent here.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use url::Url;

use super::platform::is_near;
use super::problem::Problem;
use super::reader::Reader;
use super::sections::is_web;
use crate::domain::standard_webhooks::Secret;

const SECRET_RULE: &str =
    "must be whsec_ and 24 to 64 bytes in base64: echo whsec_$(openssl rand -base64 32)";

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
    pub secret: Secret,
}

impl Codes {
    pub(super) fn read(reader: &mut Reader<'_>, warnings: &mut Vec<Problem>) -> Self {
        let url: Option<Url> = reader.optional_parse("codes.url", "it must be an http or https URL");
        let secret = reader
            .secret("codes.secret")
            .filter(|secret| !secret.expose_secret().is_empty())
            .and_then(|secret| {
                let read = Secret::try_from(&secret);
                read.map_or_else(|_| reader.wrong("codes.secret", SECRET_RULE), Some)
            });
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
