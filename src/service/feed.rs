//! Small collections that every instance holds in memory, so that no request has to ask the store: changes are read each
//! half second. What the records mean is not known here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use crate::clock::Clock;
use crate::domain::time::Timestamp;
use crate::store::{self, Engine, Find, Index, Record, Repo, Versioned};
use crate::tasks::Tasks;

/// How often the store is asked for changes.
const INTERVAL: Duration = Duration::from_millis(500);
/// A write may become visible long after the time it carries (one whose answer was lost may be carried out late), and
/// the instances' ideas of the store's time differ a little: so far back is looked each time.
const OVERLAP: Duration = Duration::from_secs(30);
/// How long what was deleted stays in the store, so that every instance hears of it.
pub const TOMBSTONE: Duration = Duration::from_secs(24 * 60 * 60);
/// After so long without news everything is read anew: tombstones may have gone meanwhile.
const FORGETFUL_AFTER: Duration = Duration::from_secs(12 * 60 * 60);
/// How many records are read at once.
const PAGE: usize = 1000;

/// A record that is held in memory.
pub trait Fed: Record + Clone {
    /// The index by [`Self::changed_at`] alone.
    const BY_CHANGE: &'static Index;

    /// When it was changed last, by the store's time.
    fn changed_at(&self) -> Timestamp;

    /// Whether it is only kept so that others hear of its end.
    fn is_gone(&self) -> bool;
}

/// The records of one kind, as far as this instance has heard of them.
pub struct Feed<R> {
    repo: Repo<R>,
    clock: Clock,
    known: RwLock<Known<R>>,
    /// The records that cannot be read and were named in the log.
    told: Mutex<BTreeSet<String>>,
}

/// What is known, and a number that changes with it.
struct Known<R> {
    records: BTreeMap<String, Arc<R>>,
    revision: u64,
}

impl<R: Fed> Feed<R> {
    /// Knows none yet; see [`Self::load`].
    #[must_use]
    pub fn new(engine: Arc<dyn Engine>, clock: Clock) -> Self {
        Self {
            repo: Repo::new(engine, clock.clone()),
            clock,
            known: RwLock::new(Known {
                records: BTreeMap::new(),
                revision: 0,
            }),
            told: Mutex::default(),
        }
    }

    /// The records in the store, for those who change them. What they change they [`Self::note`].
    #[must_use]
    pub fn repo(&self) -> &Repo<R> {
        &self.repo
    }

    /// The record with this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Arc<R>> {
        self.read(|known| known.records.get(id).cloned())
    }

    /// All records, in the order of their ids, with a number that is another one after each change.
    #[must_use]
    pub fn all(&self) -> (u64, Vec<Arc<R>>) {
        self.read(|known| (known.revision, known.records.values().cloned().collect()))
    }

    /// The number that [`Self::all`] gives now: whoever derived something from that can tell whether it still holds.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.read(|known| known.revision)
    }

    /// The time of a change that is made now to a record that was changed last at `before`: later in any case, so that
    /// nobody takes the two for one.
    #[must_use]
    pub fn change_after(&self, before: Timestamp) -> Timestamp {
        self.clock.store_now().max(before + Duration::from_millis(1))
    }

    /// Notes what has just been written here.
    pub fn note(&self, record: &R) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.take(record.clone());
    }

    /// Reads everything there is.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn load(&self) -> store::Result<()> {
        let found = self.changed_since(Timestamp::default()).await?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.records.clear();
        for record in found {
            known.take(record);
        }
        known.revision += 1;
        Ok(())
    }

    /// Follows what others change, until the process ends.
    pub async fn follow(&self, tasks: Tasks) {
        let mut heard = self.clock.store_now();
        loop {
            tokio::select! {
                () = tasks.stopping() => return,
                () = tokio::time::sleep(INTERVAL) => {}
            }
            let asked = self.clock.store_now();
            let news = if asked.since(heard) > FORGETFUL_AFTER {
                self.load().await
            } else {
                self.catch_up(heard - OVERLAP).await
            };
            match news {
                Ok(()) => heard = asked,
                // That the store does not answer is logged by the one who watches it.
                Err(error) => {
                    let collection = R::COLLECTION.name;
                    tracing::debug!(error = %crate::telemetry::Chain(&error), collection, "no news");
                }
            }
        }
    }

    async fn catch_up(&self, from: Timestamp) -> store::Result<()> {
        let found = self.changed_since(from).await?;
        if !found.is_empty() {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            for record in found {
                known.take(record);
            }
        }
        Ok(())
    }

    async fn changed_since(&self, from: Timestamp) -> store::Result<Vec<R>> {
        let mut find = Find::by(R::BY_CHANGE, []);
        find.from = Some(from.into());
        find.limit = PAGE;
        let mut all = Vec::new();
        loop {
            let found = self.repo.find_each(find.clone()).await?;
            let is_last_page = found.len() < PAGE;
            let readable = found.into_iter().filter_map(|found| self.readable(found));
            let before = all.len();
            all.extend(readable);
            let Some(last) = all[before..].last().filter(|_| !is_last_page) else {
                return Ok(all);
            };
            find.after = Some((last.changed_at().into(), last.id().to_owned()));
        }
    }

    /// One record that cannot be read must not hide the changes of all others: a newer version may have written it.
    fn readable(&self, found: store::Result<Versioned<R>>) -> Option<R> {
        let error = match found {
            Ok(found) => return Some(found.record),
            Err(error) => error,
        };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        // It is read again and again.
        if told.insert(error.to_string()) {
            tracing::error!(error = %crate::telemetry::Chain(&error), "a record is left out: it cannot be read");
        }
        None
    }

    fn read<T>(&self, read: impl FnOnce(&Known<R>) -> T) -> T {
        read(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<R: Fed> Known<R> {
    /// Takes a record unless a newer state of it is known.
    fn take(&mut self, record: R) {
        let id = record.id().to_owned();
        let known = self.records.get(&id).map(|known| known.changed_at());
        if known.is_some_and(|known| known > record.changed_at()) {
            return;
        }
        // What the overlap brings again is no change.
        if known == Some(record.changed_at()) {
            return;
        }
        if !record.is_gone() {
            self.records.insert(id, Arc::new(record));
        } else if self.records.remove(&id).is_none() {
            return;
        }
        self.revision += 1;
    }
}
