//! Which sessions were ended lately: held in memory by every instance, so that no request has to ask the store. It
//! does not end sessions.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::records::Session;
use crate::clock::Clock;
use crate::domain::ids::SessionId;
use crate::domain::time::Timestamp;
use crate::store::{self, Engine, Find, Key, Repo};
use crate::tasks::Tasks;

/// How often the store is asked what other instances have ended.
const INTERVAL: Duration = Duration::from_millis(500);
/// A write may become visible long after the time it carries (one whose answer was lost may be carried out late), and
/// the instances' ideas of the store's time differ a little: so far back is looked each time.
const OVERLAP: Duration = Duration::from_secs(30);
/// Without news for so long, what only administrators may do is refused.
const BLIND_AFTER: Duration = Duration::from_secs(5);
/// How many records are read at once.
const PAGE: usize = 1000;

/// The sessions that were ended and whose access tokens may not have expired yet.
pub struct Revocations {
    repo: Repo<Session>,
    clock: Clock,
    /// Until when each has to be known.
    ended: RwLock<HashMap<SessionId, Timestamp>>,
    /// When this was made; what follows is measured from here, by a clock that nobody sets.
    began: Instant,
    /// When the store was asked last and answered, in milliseconds.
    heard: AtomicU64,
}

impl Revocations {
    /// Knows none yet; see [`Self::catch_up`].
    #[must_use]
    pub fn new(engine: Arc<dyn Engine>, clock: Clock) -> Self {
        Self {
            repo: Repo::new(engine, clock.clone()),
            clock,
            ended: RwLock::default(),
            began: Instant::now(),
            heard: AtomicU64::new(0),
        }
    }

    /// Whether this session was ended.
    #[must_use]
    pub fn has_ended(&self, session: &SessionId) -> bool {
        let ended = self.ended.read().unwrap_or_else(PoisonError::into_inner);
        ended.contains_key(session)
    }

    /// Whether what other instances ended would be known by now.
    #[must_use]
    pub fn is_current(&self) -> bool {
        let heard = Duration::from_millis(self.heard.load(Ordering::Relaxed));
        self.began.elapsed().saturating_sub(heard) < BLIND_AFTER
    }

    /// Notes a session that has just been ended here.
    pub fn note(&self, session: &Session) {
        let mut ended = self.ended.write().unwrap_or_else(PoisonError::into_inner);
        ended.insert(session.id.clone(), session.expires_at);
    }

    /// Reads what was ended since `from`.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn catch_up(&self, from: Timestamp) -> store::Result<()> {
        let asked = self.began.elapsed();
        let mut find = Find::by(Session::BY_END, []);
        find.from = Some(from.into());
        find.limit = PAGE;
        loop {
            let found = self.repo.find(find.clone()).await?;
            let is_last_page = found.len() < PAGE;
            for session in found.iter().map(|found| &found.record) {
                self.note(session);
            }
            if is_last_page {
                break;
            }
            find.after = found.last().map(|found| {
                let ended_at: Key = found.record.ended_at.unwrap_or_default().into();
                (ended_at, found.record.id.to_string())
            });
        }
        let asked = u64::try_from(asked.as_millis()).unwrap_or(u64::MAX);
        self.heard.store(asked, Ordering::Relaxed);
        self.forget_expired(self.clock.store_now());
        Ok(())
    }

    fn forget_expired(&self, now: Timestamp) {
        let mut ended = self.ended.write().unwrap_or_else(PoisonError::into_inner);
        ended.retain(|_, until| *until > now);
    }

    /// Follows what other instances end, until the process does.
    pub async fn follow(&self, tasks: Tasks) {
        let mut known = self.clock.store_now();
        loop {
            tokio::select! {
                () = tasks.stopping() => return,
                () = tokio::time::sleep(INTERVAL) => {}
            }
            let asked = self.clock.store_now();
            match self.catch_up(known - OVERLAP).await {
                Ok(()) => known = asked,
                // That the store does not answer is logged by the one who watches it.
                Err(error) => {
                    tracing::debug!(error = %crate::telemetry::Chain(&error), "no news of ended sessions");
                }
            }
        }
    }
}
