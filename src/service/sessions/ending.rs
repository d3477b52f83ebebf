//! How sessions end, whoever ends them: a process that serves, or a command beside it.

use std::sync::Arc;
use std::time::Duration;

use super::{PAGE, after, by_user};
use crate::clock::Clock;
use crate::domain::ids::{SessionId, UserId};
use crate::domain::time::Timestamp;
use crate::service::records::Session;
use crate::service::revocations::Revocations;
use crate::store::{self, Change, Engine, Repo};

/// Access tokens of an ended session must be known as long as one may still be good; clocks differ a little.
const SLACK: Duration = Duration::from_mins(1);

/// Ends sessions. Cloning it gives another handle.
#[derive(Clone)]
pub struct Ending {
    repo: Repo<Session>,
    revocations: Arc<Revocations>,
    access_ttl: Duration,
    clock: Clock,
}

impl Ending {
    /// `revocations` are those of this process, and `access_ttl` is how long an access token is good for at most.
    #[must_use]
    pub fn new(
        engine: Arc<dyn Engine>,
        revocations: Arc<Revocations>,
        access_ttl: Duration,
        clock: Clock,
    ) -> Self {
        Self {
            repo: Repo::new(engine, clock.clone()),
            revocations,
            access_ttl,
            clock,
        }
    }

    /// Ends a session: from the answer on none of its tokens is good here, and within two seconds nowhere. Ending it
    /// again changes nothing.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn end(&self, id: &SessionId) -> store::Result<()> {
        self.end_if(id, |_| true).await.map(|_| ())
    }

    /// Ends a session of this user. Says whether there was one.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn end_of(&self, user: &UserId, id: &SessionId) -> store::Result<bool> {
        self.end_if(id, |session| session.user == *user && session.ended_at.is_none())
            .await
    }

    async fn end_if(&self, id: &SessionId, may: impl Fn(&Session) -> bool) -> store::Result<bool> {
        let mut was = false;
        let ended = self
            .repo
            .update(id.as_str(), |session| {
                was = may(session);
                if was && session.ended_at.is_none() {
                    // The time of this attempt: others look for it among what ended lately.
                    self.mark(session, self.clock.store_now());
                    Change::Save
                } else {
                    Change::Keep
                }
            })
            .await?;
        if let Some(session) = ended.filter(|_| was) {
            self.publish(&session);
            return Ok(true);
        }
        Ok(false)
    }

    /// Ends every session of a user or administrator but `except`.
    ///
    /// One that begins meanwhile is not found by this; whoever begins it looks at the user's `epoch` afterwards, which
    /// the caller has raised before.
    ///
    /// # Errors
    /// If the store does not answer; some may have been ended then.
    pub async fn end_all(&self, user: &UserId, except: Option<&SessionId>) -> store::Result<()> {
        let mut find = by_user(user);
        loop {
            let found = self.repo.find(find.clone()).await?;
            let last = found.last().map(|found| after(&found.record));
            for session in found.iter().map(|found| &found.record) {
                if Some(&session.id) == except {
                    continue;
                }
                match session.ended_at {
                    None => self.end(&session.id).await?,
                    // By another instance, or by a call that died: it has to be known here by the time of the answer.
                    Some(_) => self.publish(session),
                }
            }
            if found.len() < PAGE {
                return Ok(());
            }
            find.after = last;
        }
    }

    /// What stays of an ended session is needed to refuse its access tokens, and nothing else.
    pub(super) fn mark(&self, session: &mut Session, now: Timestamp) {
        session.ended_at = Some(now);
        session.expires_at = now + self.access_ttl + SLACK;
        session.device = None;
    }

    /// Lets this process know at once; the others learn it from the store.
    pub(super) fn publish(&self, session: &Session) {
        self.revocations.note(session);
    }
}
