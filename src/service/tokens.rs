//! Our own tokens: JWTs that say who a user is to us, never who to WeChat. Sessions are not looked up here.

use std::fmt;
use std::time::Duration;

use jsonwebtoken::{Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::records::{Scope, Session};
use super::signing_keys::{Key, Known};
use crate::clock::Clock;
use crate::config::Auth;
use crate::domain::ids::{SessionId, UserId};

/// Longer texts are no tokens of ours; parsing them would cost time. (RFC 8725, 3.11; ours have about 500 bytes.)
pub const MAX_LENGTH: usize = 8 * 1024;
/// The header's `typ`, which keeps other kinds of JWT from being taken for access tokens. (RFC 9068, 2.1.)
const TYPE: &str = "at+jwt";
/// How long an administrator's token is good for at most.
const ADMIN_TTL: Duration = Duration::from_mins(15);
/// How far in the future a token may begin: clocks of instances differ a little.
const LEEWAY_SECS: i64 = 5;

/// What an access token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// Our id of the user.
    pub sub: UserId,
    /// For whom it is.
    pub aud: String,
    /// Its end, in seconds.
    pub exp: i64,
    /// Its beginning.
    pub nbf: i64,
    /// When it was issued.
    pub iat: i64,
    /// Its own id.
    pub jti: String,
    /// What it allows.
    pub scope: Scope,
    /// The session it belongs to.
    pub sid: SessionId,
    /// The app where the user logged in; empty for logins without WeChat.
    pub app: String,
}

/// A token as it is handed out.
#[derive(Clone)]
pub struct Issued {
    /// The token.
    pub token: String,
    /// How long it is good for.
    pub expires_in: Duration,
}

/// Whoever has the token is the user.
impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued")
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

/// A text that is no valid token. Why is nobody's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token is not valid")]
pub struct Invalid;

/// Issues and verifies access tokens.
pub struct Tokens {
    keys: Known,
    validation: Validation,
    auth: Auth,
    clock: Clock,
}

impl Tokens {
    /// Signs and verifies with `keys` as the configuration says.
    #[must_use]
    pub fn new(keys: Known, auth: Auth, clock: Clock) -> Self {
        let mut validation = Validation::new(keys.load().newest().algorithm);
        validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
        validation.set_audience(&[&auth.audience]);
        validation.set_issuer(&[&auth.issuer]);
        // Times are checked below against our own clock.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self {
            keys,
            validation,
            auth,
            clock,
        }
    }

    /// A token for a session. It does not outlive the session.
    ///
    /// # Errors
    /// If the cryptographic library fails.
    pub fn issue(&self, session: &Session) -> Result<Issued, jsonwebtoken::errors::Error> {
        let now = self.clock.now();
        let lifetime = match session.scope {
            Scope::User => self.auth.access_ttl,
            Scope::Admin => self.auth.access_ttl.min(ADMIN_TTL),
        };
        // The session's end is in the store's time.
        let left = session.ends_at.since(self.clock.store_now());
        let expires_in = lifetime.min(left);
        let claims = Claims {
            iss: self.auth.issuer.clone(),
            sub: session.user.clone(),
            aud: self.auth.audience.clone(),
            exp: (now + expires_in).secs(),
            nbf: now.secs(),
            iat: now.secs(),
            jti: Uuid::new_v4().simple().to_string(),
            scope: session.scope,
            sid: session.id.clone(),
            app: session.app.as_ref().map(ToString::to_string).unwrap_or_default(),
        };
        let ring = self.keys.load();
        let key = ring.signing(self.clock.store_now());
        let token = jsonwebtoken::encode(&header(key), &claims, &key.encoding)?;
        Ok(Issued { token, expires_in })
    }

    /// What a token says, if it is ours and good now. The algorithm is the configured one, whatever the token claims.
    ///
    /// # Errors
    /// [`Invalid`], whatever the reason.
    pub fn verify(&self, token: &str) -> Result<Claims, Invalid> {
        if token.len() > MAX_LENGTH {
            return Err(Invalid);
        }
        let presented = jsonwebtoken::decode_header(token).map_err(|_| Invalid)?;
        let kid = presented.kid.as_deref().ok_or(Invalid)?;
        let ring = self.keys.load();
        let key = ring.verifying(kid, self.clock.store_now()).ok_or(Invalid)?;
        // Nothing but what we write: neither another type or algorithm, nor keys and addresses of keys, nor extensions
        // that have to be understood (`crit`), which the library would pass over.
        if presented != header(key) {
            return Err(Invalid);
        }
        let data =
            jsonwebtoken::decode::<Claims>(token, &key.decoding, &self.validation).map_err(|_| Invalid)?;
        let now = self.clock.now().secs();
        if now >= data.claims.exp || now + LEEWAY_SECS < data.claims.nbf {
            return Err(Invalid);
        }
        Ok(data.claims)
    }

    /// The public keys that verify our tokens now or soon (RFC 7517), as `(kid, x)` of Ed25519 keys. Empty with HS256.
    #[must_use]
    pub fn public_keys(&self) -> Vec<(String, String)> {
        let ring = self.keys.load();
        let keys = ring.in_use(self.clock.store_now());
        keys.filter_map(|key| Some((key.kid.clone(), key.public.clone()?)))
            .collect()
    }
}

/// The whole header of the tokens that a key signs.
fn header(key: &Key) -> Header {
    let mut header = Header::new(key.algorithm);
    header.kid = Some(key.kid.clone());
    header.typ = Some(TYPE.to_owned());
    header
}
