//! Up to which event the deliveries of a webhook are complete, so that those that have to be in order do not overtake one
//! that is still to be made. How events become deliveries is not known here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::domain::ids::{EventId, WebhookId};
use crate::domain::time::Timestamp;
use crate::service::events::{Events, first_at};
use crate::store::{self, Key};

/// So long after its time an event may still be on its way to the store from another instance. Of its own events an
/// instance knows.
const LAG: Duration = Duration::from_secs(3);
/// For how long what was read last is good enough, at least; more if the reading itself takes long.
const FRESH: Duration = Duration::from_millis(50);
/// So many pages of events are read at the most; then everything behind them counts as owed.
const PAGES: usize = 10;

/// What was found when the events that some webhook has no delivery of were read last.
pub(super) struct Expanded {
    events: Arc<Events>,
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
    pub(super) fn new(events: Arc<Events>, clock: Clock) -> Self {
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
        let mut edge = first_at(self.clock.store_now() - LAG);
        // Asked before the log is read: what has arrived by now is found there.
        if let Some(first) = self.events.first_arriving() {
            edge = edge.min(first.into());
        }
        let mut owed: HashMap<WebhookId, EventId> = HashMap::new();
        let mut after = None;
        for _ in 0..PAGES {
            let page = self.events.owing(after).await?;
            for event in page.found.into_iter().map(|found| found.record) {
                for webhook in event.owes {
                    let first = owed.entry(webhook).or_insert_with(|| event.id.clone());
                    if event.id < *first {
                        *first = event.id.clone();
                    }
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        if let Some((Key::Int(reached), _)) = after {
            // Those behind were accepted at that time or later, and their ids are no older than that.
            edge = edge.min(first_at(Timestamp::from_millis(reached)));
        }
        Ok(Look {
            until: Instant::now() + FRESH.max(began.elapsed() * 4),
            edge,
            owed,
        })
    }
}
