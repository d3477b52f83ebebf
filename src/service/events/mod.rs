//! The log of what WeChat pushed: each event once, in the order of its ids, until it is forgotten. How events come about, and who
//! gets them, is not known here.

mod ids;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

pub use ids::{Ids, time_of};
pub use stream::{Follower, Item, Stream};

use super::records::{Answer, PushEvent};
use crate::clock::Clock;
use crate::domain::ids::EventId;
use crate::domain::time::Timestamp;
use crate::store::{self, Change, Engine, Find, Key, Repo};

/// How many events are read at once.
const PAGE: usize = 100;
/// How many may follow the log at once.
const FOLLOWERS: usize = 200;

/// The events of all apps.
pub struct Events {
    repo: Repo<PushEvent>,
    clock: Clock,
    retention: Duration,
    /// One for each who may follow.
    seats: Arc<Semaphore>,
}

impl Events {
    /// The events in this store, each of which is kept for `retention`.
    #[must_use]
    pub fn new(engine: &Arc<dyn Engine>, clock: Clock, retention: Duration) -> Self {
        Self {
            repo: Repo::new(engine.clone(), clock.clone()),
            clock,
            retention,
            seats: Arc::new(Semaphore::new(FOLLOWERS)),
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
        self.repo.insert(event).await
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
        let found = self.repo.find(find).await?;
        Ok(found.into_iter().map(|found| found.record).collect())
    }

    /// Whether an event of this app that is older than `id` is still owed to somebody who has no delivery of it.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn owes_older(&self, than: &PushEvent) -> store::Result<bool> {
        let mut find = Find::by(PushEvent::BY_TODO, []);
        loop {
            let found = self.repo.find(find.clone()).await?;
            let older = found
                .iter()
                .map(|found| &found.record)
                .any(|event| event.app == than.app && event.id < than.id && !event.owes.is_empty());
            let Some(last) = found.last().filter(|_| found.len() == find.limit && !older) else {
                return Ok(older);
            };
            find.after = last
                .record
                .todo_at
                .map(|at| (Key::from(at), last.record.id.to_string()));
        }
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
    event.todo_at = None;
    Change::Save
}
