//! A refresh token for the next tokens: the session's own rule, and whether its owner still stands behind it.

use std::sync::Arc;

use super::administrators::Administrators;
use super::records::{Scope, User};
use super::sessions::{Error, Opened, Sessions};
use super::users::Users;

/// What a refresh has given.
#[derive(Debug)]
pub struct Refreshed {
    /// The session and its tokens.
    pub opened: Opened,
    /// The user; none for an administrator.
    pub user: Option<User>,
}

/// Refreshes.
pub struct Refresh {
    sessions: Arc<Sessions>,
    users: Arc<Users>,
    administrators: Administrators,
}

impl Refresh {
    /// Refreshes sessions of these.
    #[must_use]
    pub fn new(sessions: Arc<Sessions>, users: Arc<Users>, administrators: Administrators) -> Self {
        Self {
            sessions,
            users,
            administrators,
        }
    }

    /// The next tokens for a refresh token.
    ///
    /// Whoever ends all sessions of somebody raises the owner's `epoch` first. If they die before they have found all
    /// sessions, those that are left end here.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn run(&self, token: &str) -> Result<Refreshed, Error> {
        let opened = self.sessions.refresh(token).await?;
        let session = &opened.session;
        let (user, stands) = match session.scope {
            Scope::User => {
                let user = self.users.get(&session.user).await?;
                // A session that was not given to its owner's survivor yet counts by another epoch.
                let stands = user
                    .as_ref()
                    .is_some_and(|user| user.id != session.user || user.epoch <= session.epoch);
                (user, stands)
            }
            Scope::Admin => {
                let owner = self.administrators.get(&session.user).await?;
                let stands = owner.is_some_and(|owner| !owner.disabled && owner.epoch <= session.epoch);
                (None, stands)
            }
        };
        if stands {
            return Ok(Refreshed { opened, user });
        }
        self.sessions.ending().end(&session.id).await?;
        Err(Error::Refused)
    }
}
