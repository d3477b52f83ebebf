//! The log of what WeChat pushed: each event once, in the order of its ids, until it is forgotten. How events come about, and who
//! gets them, is not known here.

mod arriving;
mod ids;
mod seats;
mod stream;

use std::sync::Arc;
use std::time::Duration;

pub use ids::{Ids, first_at, time_of};
pub use stream::{Follower, Item, Stream};

use self::arriving::Arriving;
use self::seats::Seats;

use super::records::{Answer, PushEvent};
use crate::clock::Clock;
use crate::domain::ids::EventId;
use crate::domain::time::Timestamp;
use crate::store::{self, Change, Engine, Find, Key, Page, Repo};

/// How many events are read at once.
const PAGE: usize = 100;
/// An insert is applied no later than this after its event's id was made, or not at all: what is older in the log does not
/// change any more. The store gives up after ten seconds at the most, and WeChat's repetition finds what came of it.
const SETTLED: Duration = Duration::from_secs(12);

/// The events of all apps.
pub struct Events {
    repo: Repo<PushEvent>,
    clock: Clock,
    retention: Duration,
    /// For those who follow.
    seats: Arc<Seats>,
    /// What is on its way to the store.
    arriving: Arriving,
}

impl Events {
    /// The events in this store, each of which is kept for `retention`.
    #[must_use]
    pub fn new(engine: &Arc<dyn Engine>, clock: Clock, retention: Duration) -> Self {
        Self {
            repo: Repo::new(engine.clone(), clock.clone()),
            clock,
            retention,
            seats: Arc::default(),
            arriving: Arriving::default(),
        }
    }

    /// When an event that is accepted at `now` is forgotten.
    #[must_use]
    pub fn end_of(&self, now: Timestamp) -> Timestamp {
        now + self.retention
    }

    /// Adds an event. Once this is done it is durable.
    ///
    /// # Errors
    /// [`store::Error::Duplicate`] if there is one already with its key or nonce.
    pub async fn add(&self, event: &PushEvent) -> store::Result<()> {
        let arrives = self.arriving.begin(&event.id);
        let added = self.repo.insert(event).await;
        // Otherwise it may still be applied.
        if added.as_ref().err().is_none_or(is_final) {
            arrives.has_ended();
        }
        added
    }

    /// The first id of those that this process is adding just now: from there on the log may still change. Whoever reads
    /// the log after this was asked finds all events with smaller ids that this process had begun to add before.
    #[must_use]
    pub fn first_arriving(&self) -> Option<EventId> {
        self.arriving.first(&first_at(self.clock.store_now() - SETTLED))
    }

    /// How many follow the log just now.
    #[must_use]
    pub fn followers(&self) -> usize {
        self.seats.taken()
    }

    /// The event with this id.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn get(&self, id: &EventId) -> store::Result<Option<PushEvent>> {
        self.repo.get(id.as_str()).await
    }

    /// The event with this key.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn with_key(&self, key: &str) -> store::Result<Option<PushEvent>> {
        self.repo
            .find_one(Find::by(PushEvent::BY_KEY, [key.into()]))
            .await
    }

    /// Changes an event, as [`Repo::update`] does.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn update(
        &self,
        id: &EventId,
        change: impl FnMut(&mut PushEvent) -> Change,
    ) -> store::Result<Option<PushEvent>> {
        self.repo.update(id.as_str(), change).await
    }

    /// Up to `limit` events with something left to do, as of now, longest overdue first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn due(&self, limit: usize) -> store::Result<Vec<PushEvent>> {
        let mut find = Find::by(PushEvent::BY_TODO, []);
        find.until = Some(Key::from(self.clock.store_now() + Duration::from_millis(1)));
        find.limit = limit;
        let found = self.repo.find_readable(find).await?;
        Ok(found.into_iter().map(|found| found.record).collect())
    }

    /// A page of the events that some webhook has no delivery of yet, in the order of their acceptance.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn owing(&self, after: Option<(Key, String)>) -> store::Result<Page<PushEvent>> {
        let mut find = Find::by(PushEvent::BY_OWED, []);
        find.after = after;
        find.limit = PAGE;
        self.repo.find_page(find).await
    }

    /// Forgets what all events say about a person, who is named as an identity is. That there were events stays.
    ///
    /// # Errors
    /// If the store does not answer. Doing it again does the rest.
    pub async fn forget(&self, subject: &str) -> store::Result<()> {
        loop {
            let mut find = Find::by(PushEvent::BY_SUBJECT, [subject.into()]);
            find.limit = PAGE;
            let found = self.repo.find(find).await?;
            if found.is_empty() {
                return Ok(());
            }
            for event in found {
                self.repo.update(event.record.id.as_str(), erase).await?;
            }
        }
    }
}

fn erase(event: &mut PushEvent) -> Change {
    event.subject = None;
    event.body = None;
    event.owes.clear();
    event.answer = Answer::default();
    // Nothing is left.
    event.note_left(Timestamp::default());
    Change::Save
}

/// Whether a refused insert will not be applied later either.
fn is_final(error: &store::Error) -> bool {
    !matches!(error, store::Error::Indeterminate(_))
}
