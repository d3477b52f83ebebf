//! `[auth]`: logins, sessions and our own tokens.

use std::time::Duration;

use super::passwords::{Argon2, FailureLimits};
use super::reader::Reader;
use super::sections::{DAY, MINUTE, SECOND, named};

/// A new key is published ten minutes before it signs, so that changing keys more often would not be of use.
const LEAST_KEY_LIFETIME: Duration = Duration::from_hours(1);

/// `[auth]`: our own tokens.
#[derive(Debug, Clone)]
pub struct Auth {
    /// The claim iss.
    pub issuer: String,
    /// The claim aud.
    pub audience: String,
    /// How tokens are signed.
    pub algorithm: Algorithm,
    /// How old a key that signs may become before the next one is made; zero is any age.
    pub key_lifetime: Duration,
    /// How long a token is good for.
    pub access_ttl: Duration,
    /// How long a session lasts without use.
    pub refresh_ttl: Duration,
    /// How long a session lasts at most.
    pub session_ttl: Duration,
    /// How long a refresh token that was used already still yields its successor.
    pub refresh_grace: Duration,
    /// Whether logins set cookies.
    pub cookie: CookieUse,
    /// `[auth.argon2]`
    pub argon2: Argon2,
    /// `[auth.limits]`
    pub limits: FailureLimits,
}

/// Whether logins set cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieUse {
    /// If the client asks for them.
    OnRequest,
    /// Always.
    Always,
    /// Never; and none is accepted.
    Never,
}

/// How tokens are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519: others verify with the public key.
    EdDsa,
    /// HMAC with SHA-256: only we can verify.
    Hs256,
}

impl Auth {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let auth = Self {
            issuer: named(reader, "auth.issuer"),
            audience: named(reader, "auth.audience"),
            algorithm: reader
                .choice(
                    "auth.algorithm",
                    &[("EdDSA", Algorithm::EdDsa), ("HS256", Algorithm::Hs256)],
                )
                .unwrap_or(Algorithm::EdDsa),
            key_lifetime: reader.duration("auth.key_lifetime", Duration::ZERO, 4000 * DAY),
            access_ttl: reader.duration("auth.access_ttl", SECOND, DAY),
            refresh_ttl: reader.duration("auth.refresh_ttl", SECOND, 400 * DAY),
            session_ttl: reader.duration("auth.session_ttl", SECOND, 4000 * DAY),
            refresh_grace: reader.duration("auth.refresh_grace", Duration::ZERO, 10 * MINUTE),
            cookie: {
                let choices = [
                    ("on-request", CookieUse::OnRequest),
                    ("always", CookieUse::Always),
                    ("never", CookieUse::Never),
                ];
                reader.choice("auth.cookie", &choices).unwrap_or(CookieUse::Never)
            },
            argon2: Argon2::read(reader),
            limits: FailureLimits::read(reader),
        };
        if !auth.key_lifetime.is_zero() && auth.key_lifetime < LEAST_KEY_LIFETIME {
            reader.problem("auth.key_lifetime", "must be \"0s\" (never) or at least \"1h\"");
        }
        if auth.refresh_ttl < auth.access_ttl {
            reader.problem("auth.refresh_ttl", "must not be shorter than auth.access_ttl");
        }
        if auth.refresh_grace >= auth.refresh_ttl {
            reader.problem("auth.refresh_grace", "must be shorter than auth.refresh_ttl");
        }
        if auth.session_ttl < auth.refresh_ttl {
            reader.problem("auth.session_ttl", "must not be shorter than auth.refresh_ttl");
        }
        auth
    }
}
