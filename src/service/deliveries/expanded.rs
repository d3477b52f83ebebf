//! Up to which event the deliveries of a webhook are complete, so that those that have to be in order do not overtake one
//! that is still to be made. How events become deliveries is not known here.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::course;
use crate::clock::Clock;
use crate::domain::ids::{EventId, WebhookId};
use crate::domain::time::Timestamp;
use crate::service::records::PushEvent;
use crate::store::{self, Find, Key, Repo};

/// An event is looked for so long after its time: until then it may still be on its way to the store, from this instance
/// or another.
const LAG: Duration = Duration::from_secs(1);
/// For how long what was read last is good enough, at least; more if the reading itself takes long.
const FRESH: Duration = Duration::from_millis(50);
/// How many events are read at once.
const PAGE: usize = 500;

/// What was found when the events that somebody still has to look after were read last.
pub(super) struct Expanded {
    events: Repo<PushEvent>,
    clock: Clock,
    latest: Mutex<Option<Look>>,
}

struct Look {
    /// When it is too old.
    until: Instant,
    /// Events from here on may not be in the store yet.
    edge: String,
    /// The first event that a webhook has no delivery of yet.
    owed: HashMap<WebhookId, EventId>,
}

impl Expanded {
    pub(super) fn new(events: Repo<PushEvent>, clock: Clock) -> Self {
        Self {
            events,
            clock,
            latest: Mutex::default(),
        }
    }

    /// The id before which every event has its delivery to this webhook by now, if it is to have one.
    pub(super) async fn before(&self, webhook: &WebhookId) -> store::Result<String> {
        // Whoever comes meanwhile waits and is content with the same.
        let mut latest = self.latest.lock().await;
        if latest.as_ref().is_none_or(|look| look.until <= Instant::now()) {
            *latest = Some(self.look().await?);
        }
        Ok(latest.as_ref().map_or_else(String::new, |look| {
            let owed = look.owed.get(webhook).map(EventId::as_str);
            owed.map_or(look.edge.as_str(), |owed| look.edge.as_str().min(owed))
                .to_owned()
        }))
    }

    async fn look(&self) -> store::Result<Look> {
        let began = Instant::now();
        let edge = course::ids_before(self.clock.store_now() - LAG);
        let mut owed: HashMap<WebhookId, EventId> = HashMap::new();
        let mut find = Find::by(PushEvent::BY_TODO, []);
        find.limit = PAGE;
        loop {
            let found = self.events.find(find.clone()).await?;
            let is_last_page = found.len() < PAGE;
            find.after = found.last().map(|last| {
                let todo_at: Key = last.record.todo_at.unwrap_or(Timestamp::default()).into();
                (todo_at, last.record.id.to_string())
            });
            for event in found.into_iter().map(|found| found.record) {
                for webhook in event.owes {
                    let first = owed.entry(webhook).or_insert_with(|| event.id.clone());
                    if event.id < *first {
                        *first = event.id.clone();
                    }
                }
            }
            if is_last_page {
                break;
            }
        }
        Ok(Look {
            until: Instant::now() + FRESH.max(began.elapsed() * 4),
            edge,
            owed,
        })
    }
}
