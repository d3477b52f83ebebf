//! Sessions: what a login begins, refreshes continue and a logout ends. Who the user is was decided before.

mod ending;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use secrecy::{ExposeSecret, SecretString};

use super::fresh_id;
use super::records::{Scope, Session};
use super::tokens::{Issued, Tokens};
use crate::clock::Clock;
use crate::config::Auth;
use crate::domain::ids::{AppName, SessionId, UserId};
use crate::domain::refresh_token::{self, Generation, Presented};
use crate::domain::rotation::Verdict;
use crate::store::{self, Change, Engine, Find, Key, Order, Repo};

pub use ending::Ending;

/// A user sees and ends so many sessions at once; the index gives the rest on the next call.
const PAGE: usize = 100;

/// Who begins a session, and where.
#[derive(Debug, Clone)]
pub struct Start {
    /// The user or administrator.
    pub user: UserId,
    /// What the session allows.
    pub scope: Scope,
    /// The user's or administrator's `epoch`, as it was when they proved who they are.
    pub epoch: i64,
    /// The app where the user logged in.
    pub app: Option<AppName>,
    /// What the client calls itself.
    pub device: Option<String>,
}

/// What a client gets for a login or a refresh.
#[derive(Clone)]
pub struct Opened {
    /// The session.
    pub session: Session,
    /// The access token.
    pub access: Issued,
    /// The refresh token.
    pub refresh: SecretString,
    /// How long the refresh token is good for if it is not used.
    pub refresh_expires_in: Duration,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("session", &self.session.id)
            .finish_non_exhaustive()
    }
}

/// Why a session does not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The token is not ours, or not good any more. Why is nobody's business.
    #[error("the refresh token is not valid")]
    Refused,
    /// The token's successor was used already, a moment ago: the client has a newer one.
    #[error("the refresh token was replaced already")]
    Overtaken,
    /// More refreshes in a short time than any client needs.
    #[error("too many refreshes in a short time")]
    TooMany(Duration),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The access token cannot be signed.
    #[error(transparent)]
    Signing(#[from] jsonwebtoken::errors::Error),
}

/// What a presented token led to, as far as the closure of an update can say.
enum Outcome {
    Rotated,
    Again,
    Refused,
    Overtaken,
    Stolen,
    TooMany,
}

/// Begins, continues and ends sessions.
pub struct Sessions {
    repo: Repo<Session>,
    key: hmac::Key,
    tokens: Arc<Tokens>,
    ending: Ending,
    auth: Auth,
    clock: Clock,
}

impl Sessions {
    /// The name of the key among the settings.
    pub const KEY: &'static str = "refresh_key";

    /// `key` makes the tags of refresh tokens; all instances have the same.
    #[must_use]
    pub fn new(
        engine: Arc<dyn Engine>,
        key: &SecretString,
        tokens: Arc<Tokens>,
        ending: Ending,
        auth: Auth,
        clock: Clock,
    ) -> Self {
        Self {
            repo: Repo::new(engine, clock.clone()),
            key: hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret().as_bytes()),
            tokens,
            ending,
            auth,
            clock,
        }
    }

    /// Begins a session.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn begin(&self, start: Start) -> Result<Session, Error> {
        let now = self.clock.store_now();
        let session = Session {
            id: fresh_id(),
            user: start.user,
            scope: start.scope,
            epoch: start.epoch,
            app: start.app,
            device: start.device,
            created_at: now,
            generation: 0,
            rotations: vec![now],
            expires_at: now + self.auth.refresh_ttl.min(self.auth.session_ttl),
            ends_at: now + self.auth.session_ttl,
            ended_at: None,
        };
        self.repo.insert(&session).await?;
        Ok(session)
    }

    /// The tokens of a session as it is now.
    ///
    /// # Errors
    /// If the access token cannot be signed.
    pub fn open(&self, session: Session) -> Result<Opened, Error> {
        let access = self.tokens.issue(&session)?;
        let generation = Generation {
            session: session.id.clone(),
            number: session.generation,
        };
        let tag = hmac::sign(&self.key, generation.message().as_bytes());
        Ok(Opened {
            refresh: generation.with_tag(tag.as_ref()).into(),
            // A few milliseconds after the session was written; what is told is whole seconds.
            refresh_expires_in: session
                .expires_at
                .since(self.clock.store_now() - Duration::from_millis(500)),
            access,
            session,
        })
    }

    /// The next tokens, for a refresh token. Used again within `auth.refresh_grace` it gives the same successor; used
    /// later it ends the session, because somebody has a copy of it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn refresh(&self, token: &str) -> Result<Opened, Error> {
        // A forged token does not reach the store.
        let presented = self.authentic(token).ok_or(Error::Refused)?;
        let mut outcome = Outcome::Refused;
        let change = |session: &mut Session| {
            let (next, change) = self.use_generation(session, presented.number);
            outcome = next;
            change
        };
        let found = self.repo.update(presented.session.as_str(), change).await?;
        // It ended, and may be gone by now: whatever it was before, this is the end of the matter.
        let session = found.ok_or(Error::Refused)?;
        match outcome {
            Outcome::Rotated | Outcome::Again => self.open(session),
            Outcome::Refused => {
                // Perhaps by another instance a moment ago.
                if session.ended_at.is_some() {
                    self.ending.publish(&session);
                }
                Err(Error::Refused)
            }
            Outcome::Overtaken => Err(Error::Overtaken),
            Outcome::TooMany => Err(Error::TooMany(self.auth.refresh_grace)),
            Outcome::Stolen => {
                self.ending.publish(&session);
                tracing::warn!(
                    session = %session.id, user = %session.user, generation = presented.number,
                    "a refresh token was used again long after its use: the session has been ended"
                );
                Err(Error::Refused)
            }
        }
    }

    fn use_generation(&self, session: &mut Session, presented: i64) -> (Outcome, Change) {
        let (now, grace) = (self.clock.store_now(), self.auth.refresh_grace);
        if session.ended_at.is_some() || session.ends_at <= now {
            return (Outcome::Refused, Change::Keep);
        }
        let mut rotation = session.rotation();
        match rotation.judge(presented, now, grace) {
            Verdict::Rotate => match rotation.rotate(now, grace) {
                Ok(()) => {
                    session.set_rotation(rotation);
                    session.expires_at = session.ends_at.min(now + self.auth.refresh_ttl);
                    (Outcome::Rotated, Change::Save)
                }
                Err(_) => (Outcome::TooMany, Change::Keep),
            },
            Verdict::Successor => (Outcome::Again, Change::Keep),
            Verdict::Overtaken => (Outcome::Overtaken, Change::Keep),
            Verdict::Unknown => (Outcome::Refused, Change::Keep),
            Verdict::Stolen => {
                self.ending.mark(session, now);
                (Outcome::Stolen, Change::Save)
            }
        }
    }

    /// A session that has not ended.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn get(&self, id: &SessionId) -> store::Result<Option<Session>> {
        let found = self.repo.get(id.as_str()).await?;
        Ok(found.filter(|session| session.ended_at.is_none()))
    }

    /// The session that a refresh token belongs to, for a logout with nothing else at hand. Whether the token is still
    /// good is not looked at: who has an old one may end the session too.
    #[must_use]
    pub fn session_of(&self, token: &str) -> Option<SessionId> {
        self.authentic(token).map(|generation| generation.session)
    }

    fn authentic(&self, token: &str) -> Option<Generation> {
        let Presented { generation, tag } = refresh_token::read(token)?;
        hmac::verify(&self.key, generation.message().as_bytes(), &tag).ok()?;
        Some(generation)
    }

    /// The live sessions of a user or administrator, latest first, 100 at most.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn list(&self, user: &UserId) -> store::Result<Vec<Session>> {
        let mut find = by_user(user);
        find.order = Order::Descending;
        let now = self.clock.store_now();
        let mut live = Vec::new();
        // Ended ones are kept until their access tokens have expired, and lie among the others.
        loop {
            let found = self.repo.find(find.clone()).await?;
            let last = found.last().map(|found| after(&found.record));
            let is_last_page = found.len() < PAGE;
            let sessions = found.into_iter().map(|found| found.record);
            live.extend(sessions.filter(|session| session.ended_at.is_none() && session.ends_at > now));
            if is_last_page || live.len() >= PAGE {
                live.truncate(PAGE);
                return Ok(live);
            }
            find.after = last;
        }
    }

    /// Ends sessions.
    #[must_use]
    pub fn ending(&self) -> &Ending {
        &self.ending
    }

    /// Lets a session go on although its owner's `epoch` is raised.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn carry(&self, id: &SessionId, epoch: i64) -> store::Result<()> {
        let carry = |session: &mut Session| {
            if session.ended_at.is_some() || session.epoch >= epoch {
                return Change::Keep;
            }
            session.epoch = epoch;
            Change::Save
        };
        self.repo.update(id.as_str(), carry).await.map(|_| ())
    }

    /// Gives every session of one user to another, into whom the first was merged. Each belongs to `epoch` of the new
    /// owner from then on; those of before `least` of the old one were to end, and do.
    ///
    /// # Errors
    /// If the store does not answer; some may have been given then.
    pub async fn give(&self, from: &UserId, least: i64, to: &UserId, epoch: i64) -> store::Result<()> {
        loop {
            let found = self.repo.find(by_user(from)).await?;
            for session in &found {
                if session.record.epoch < least {
                    self.ending.end(&session.record.id).await?;
                }
                let give = |session: &mut Session| {
                    // Given on by others already.
                    if session.user != *from {
                        return Change::Keep;
                    }
                    session.user = to.clone();
                    session.epoch = epoch;
                    Change::Save
                };
                self.repo.update(session.record.id.as_str(), give).await?;
            }
            if found.len() < PAGE {
                return Ok(());
            }
        }
    }
}

fn by_user(user: &UserId) -> Find {
    let mut find = Find::by(Session::BY_USER, [Key::from(user.as_str())]);
    find.limit = PAGE;
    find
}

fn after(session: &Session) -> (Key, String) {
    (session.created_at.into(), session.id.to_string())
}
