//! An app's events one after the other, from a place in the log on, for those who follow it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

use super::ids::{first_at, time_of};
use super::{Events, PAGE};
use crate::domain::ids::{AppName, EventId};
use crate::domain::time::Timestamp;
use crate::service::records::PushEvent;
use crate::store::{self, Find, Key};

/// An event's id has the time of its acceptance and is in the store a little later, so that a younger one can be there
/// before an older one: events this young are left for the next look.
const LAG: Duration = Duration::from_secs(1);
/// An insert takes no longer than this, so that older places of the log do not change any more.
const SETTLED: Duration = Duration::from_secs(8);
/// How often it is looked for events that came late.
const STRAGGLERS: Duration = Duration::from_secs(2);
/// Who comes back gets what is that much older again: it may not have been there.
const OVERLAP: Duration = Duration::from_secs(5);

/// What a follower gets.
#[derive(Debug)]
pub enum Item {
    /// An event: its id and its JSON.
    Event(EventId, String),
    /// What was between these two times is forgotten.
    Gap(Timestamp, Timestamp),
}

/// A place in an app's log, for one of those who may follow at the same time.
pub struct Follower {
    stream: Stream,
    _seat: OwnedSemaphorePermit,
}

impl Follower {
    /// See [`Stream::next`].
    ///
    /// # Errors
    /// If the store does not answer; nothing is lost by it.
    pub async fn next(&mut self) -> store::Result<Vec<Item>> {
        self.stream.next().await
    }
}

impl Events {
    /// From now on, or from the event `after` on. Nothing if too many follow already.
    #[must_use]
    pub fn follow(self: &Arc<Self>, app: AppName, after: Option<&EventId>) -> Option<Follower> {
        Some(Follower {
            _seat: self.seats.clone().try_acquire_owned().ok()?,
            stream: Stream::new(self.clone(), app, after),
        })
    }
}

/// A place in an app's log.
pub struct Stream {
    events: Arc<Events>,
    app: AppName,
    /// Everything before this id has been looked at.
    seen: String,
    /// What was given lately.
    given: BTreeSet<EventId>,
    /// When it was looked for stragglers last.
    looked: Timestamp,
    gap: Option<(Timestamp, Timestamp)>,
}

impl Stream {
    /// From now on, or from the event `after` on.
    #[must_use]
    pub fn new(events: Arc<Events>, app: AppName, after: Option<&EventId>) -> Self {
        let now = events.clock.store_now();
        let (mut from, mut gap) = (now, None);
        if let Some(time) = after.and_then(time_of) {
            from = time - OVERLAP;
            let kept = now - events.retention;
            if from < kept {
                gap = Some((from, kept));
                from = kept;
            }
        }
        Self {
            events,
            app,
            seen: first_at(from),
            given: BTreeSet::new(),
            looked: now,
            gap,
        }
    }

    /// Whether a stream can begin behind this id.
    #[must_use]
    pub fn knows(id: &EventId) -> bool {
        time_of(id).is_some()
    }

    /// What is new since the last time. Nothing, if there is nothing new.
    ///
    /// # Errors
    /// If the store does not answer; nothing is lost by it.
    pub async fn next(&mut self) -> store::Result<Vec<Item>> {
        let now = self.events.clock.store_now();
        let mut items = Vec::new();
        let behind = first_at(now - SETTLED);
        if now.since(self.looked) >= STRAGGLERS && behind < self.seen {
            let mut from = behind.clone();
            while from < self.seen {
                let found = self.read(&from, &self.seen).await?;
                let Some(last) = found.last() else { break };
                from = last.id.to_string();
                self.give(found, &behind, &mut items);
            }
            self.looked = now;
            self.given.retain(|id| id.as_str() > behind.as_str());
        }
        let until = first_at(now - LAG);
        if self.seen < until {
            let found = self.read(&self.seen, &until).await?;
            self.seen = match found.last() {
                Some(last) if found.len() == PAGE => last.id.to_string(),
                _ => until,
            };
            self.give(found, &behind, &mut items);
        }
        if let Some((from, until)) = self.gap.take() {
            items.insert(0, Item::Gap(from, until));
        }
        Ok(items)
    }

    /// A page of the app's events behind `from` and before `until`.
    async fn read(&self, from: &str, until: &str) -> store::Result<Vec<PushEvent>> {
        let app = Key::from(self.app.as_str());
        let mut find = Find::by(PushEvent::BY_APP, [app.clone()]);
        find.after = Some((app, from.to_owned()));
        find.limit = PAGE;
        let mut found: Vec<_> = self.events.repo.find(find).await?;
        found.retain(|found| found.record.id.as_str() < until);
        Ok(found.into_iter().map(|found| found.record).collect())
    }

    /// Gives what was not given before. Behind `settled` nothing comes twice, so it is not remembered.
    fn give(&mut self, found: Vec<PushEvent>, settled: &str, items: &mut Vec<Item>) {
        for event in found {
            let Some(body) = event.body else { continue };
            if event.id.as_str() <= settled || self.given.insert(event.id.clone()) {
                items.push(Item::Event(event.id, body));
            }
        }
    }
}
