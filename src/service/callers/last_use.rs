//! When each caller was heard of last: in memory at once, in the store each minute. What callers are is not known here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use crate::clock::Clock;
use crate::domain::ids::CallerId;
use crate::domain::time::Timestamp;
use crate::service::records::CallerUse;
use crate::store::{self, Change, Engine, Error, Repo};
use crate::tasks::Tasks;
use crate::telemetry::Chain;

/// How much older what the store says may be.
const INTERVAL: Duration = Duration::from_mins(1);
/// How often it is looked whether that time is over.
const LOOK: Duration = Duration::from_secs(1);

/// The last use of every caller's key.
pub(super) struct LastUse {
    repo: Repo<CallerUse>,
    clock: Clock,
    /// In milliseconds. All requests read this map, and one of a caller that was not heard of before writes it.
    latest: RwLock<HashMap<CallerId, AtomicI64>>,
    /// What of it the store has.
    written: Mutex<HashMap<CallerId, i64>>,
}

impl LastUse {
    pub(super) fn new(engine: &Arc<dyn Engine>, clock: Clock) -> Self {
        Self {
            repo: Repo::new(engine.clone(), clock.clone()),
            clock,
            latest: RwLock::default(),
            written: Mutex::default(),
        }
    }

    /// Notes that a caller is heard of now.
    pub(super) fn note(&self, caller: &CallerId) {
        let now = self.clock.store_now().millis();
        let known = self.latest.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(latest) = known.get(caller) {
            latest.fetch_max(now, Ordering::Relaxed);
            return;
        }
        drop(known);
        let mut known = self.latest.write().unwrap_or_else(PoisonError::into_inner);
        let latest = known.entry(caller.clone()).or_default();
        latest.fetch_max(now, Ordering::Relaxed);
    }

    /// What the store has of a caller.
    pub(super) async fn read(&self, caller: &CallerId) -> store::Result<Option<Timestamp>> {
        let found = self.repo.get(caller.as_str()).await?;
        Ok(found.map(|found| found.last_used_at))
    }

    /// Writes each minute what is new, until the process ends, and then what is left.
    pub(super) async fn keep(&self, tasks: &Tasks) {
        let mut written_at = self.clock.store_now();
        loop {
            let is_last = tokio::select! {
                () = tasks.stopping() => true,
                () = tokio::time::sleep(LOOK) => false,
            };
            let now = self.clock.store_now();
            if is_last || now.since(written_at) >= INTERVAL {
                self.write().await;
                written_at = now;
            }
            if is_last {
                return;
            }
        }
    }

    async fn write(&self) {
        for (caller, at) in self.news() {
            match self.write_one(&caller, Timestamp::from_millis(at)).await {
                Ok(()) => {
                    let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
                    written.insert(caller, at);
                }
                // It is written a minute later, with what has come since.
                Err(error) => {
                    tracing::debug!(error = %Chain(&error), "the last uses of callers have to wait");
                    return;
                }
            }
        }
    }

    fn news(&self) -> Vec<(CallerId, i64)> {
        let known = self.latest.read().unwrap_or_else(PoisonError::into_inner);
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let all = known
            .iter()
            .map(|(caller, at)| (caller, at.load(Ordering::Relaxed)));
        let news = all.filter(|(caller, at)| written.get(*caller) != Some(at));
        news.map(|(caller, at)| (caller.clone(), at)).collect()
    }

    /// It never moves back, whichever instance was the last to write.
    async fn write_one(&self, caller: &CallerId, at: Timestamp) -> store::Result<()> {
        loop {
            let later = |known: &mut CallerUse| {
                if known.last_used_at >= at {
                    return Change::Keep;
                }
                known.last_used_at = at;
                Change::Save
            };
            if self.repo.update(caller.as_str(), later).await?.is_some() {
                return Ok(());
            }
            let first = CallerUse {
                id: caller.clone(),
                last_used_at: at,
            };
            match self.repo.insert(&first).await {
                // Another instance was faster.
                Err(Error::Duplicate { .. }) => {}
                done => return done,
            }
        }
    }
}
