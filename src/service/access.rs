//! Whether an access token is good now: the token itself, and whether its session was ended. No store is asked.

use std::sync::Arc;

use super::records::Scope;
use super::revocations::Revocations;
use super::tokens::{Claims, Tokens};

/// Why a token does not give access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It is not ours, has expired, or its session was ended.
    #[error("the token is not valid")]
    Invalid,
    /// It is an administrator's, and this instance has not heard for a while which sessions were ended.
    #[error("it is not known which sessions were ended")]
    Blind,
}

/// Checks access tokens.
pub struct Access {
    tokens: Arc<Tokens>,
    revocations: Arc<Revocations>,
}

impl Access {
    /// Checks with these.
    #[must_use]
    pub fn new(tokens: Arc<Tokens>, revocations: Arc<Revocations>) -> Self {
        Self { tokens, revocations }
    }

    /// What the token says, if it is good now.
    ///
    /// # Errors
    /// See [`Denied`].
    pub fn check(&self, token: &str) -> Result<Claims, Denied> {
        let claims = self.tokens.verify(token).map_err(|_| Denied::Invalid)?;
        if self.revocations.has_ended(&claims.sid) {
            return Err(Denied::Invalid);
        }
        // Users go on while the store is away, for as long as their tokens last; what administrators may do is too
        // much for that.
        if claims.scope == Scope::Admin && !self.revocations.is_current() {
            return Err(Denied::Blind);
        }
        Ok(claims)
    }
}
