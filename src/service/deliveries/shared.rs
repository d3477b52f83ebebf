//! What the lanes of all webhooks have in common, and what becomes of one delivery that was claimed. Which deliveries are
//! claimed, and when, is the lanes' matter.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::course::{self, Sequence};
use super::expanded::Expanded;
use super::failure::Failure;
use super::figures::Counters;
use super::places::Places;
use super::post::Sender;
use crate::clock::Clock;
use crate::domain::time::Timestamp;
use crate::service::events::Events;
use crate::service::records::{Delivery, DeliveryState, Webhook};
use crate::service::webhooks::Webhooks;
use crate::store::{self, Repo, Versioned};
use crate::tasks::Tasks;
use crate::telemetry::Chain;

/// How long attempts may go on when the process is ending; a little less than is waited for background work.
const LAST_CALL: Duration = Duration::from_millis(1200);
/// Pauses before the end of a delivery is written again that the store did not take.
const AGAIN: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
];

pub(super) struct Shared {
    pub(super) repo: Repo<Delivery>,
    pub(super) events: Arc<Events>,
    pub(super) webhooks: Arc<Webhooks>,
    pub(super) sender: Sender,
    pub(super) expanded: Expanded,
    pub(super) clock: Clock,
    pub(super) tasks: Tasks,
    /// This process, as claims name it.
    pub(super) owner: String,
    pub(super) counters: Counters,
    /// For the deliveries of all webhooks.
    pub(super) places: Places,
}

/// A delivery that this process has claimed.
pub(super) struct Claimed {
    pub(super) delivery: Versioned<Delivery>,
    /// When it was due before that; if this is not over yet, the attempt does not count.
    pub(super) due: Option<Timestamp>,
    /// What is sent, if it is known already.
    pub(super) body: Option<Arc<str>>,
}

/// What an attempt says of the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It took an event at this time.
    Good(Timestamp),
    /// It did not take one.
    Bad(Timestamp, Failure),
    /// Nothing: it was not asked.
    Unknown,
}

impl Shared {
    /// Claims a delivery as it was read. Nothing if somebody else has touched it since.
    pub(super) async fn claim(
        &self,
        mut found: Versioned<Delivery>,
        sequence: Sequence,
    ) -> store::Result<Option<Claimed>> {
        let due = course::due(&found.record);
        course::claim(&mut found.record, &self.owner, self.clock.store_now(), sequence);
        if !self.repo.replace(&found).await? {
            return Ok(None);
        }
        found.version += 1;
        Ok(Some(Claimed {
            delivery: found,
            due,
            body: None,
        }))
    }

    /// Tries a delivery once and writes down what came of it.
    pub(super) async fn attempt(&self, claimed: Claimed) -> Verdict {
        self.counters.in_flight.fetch_add(1, Ordering::Relaxed);
        let verdict = self.attempt_counted(claimed).await;
        self.counters.in_flight.fetch_sub(1, Ordering::Relaxed);
        verdict
    }

    async fn attempt_counted(&self, claimed: Claimed) -> Verdict {
        let Claimed {
            mut delivery,
            due,
            body,
        } = claimed;
        let record = &mut delivery.record;
        let body = match body {
            Some(body) => Ok(Some(body)),
            None => self.body(record).await,
        };
        let Some(webhook) = self.webhooks.get(&record.webhook) else {
            course::end(record, DeliveryState::Dropped);
            self.write(delivery).await;
            return Verdict::Unknown;
        };
        let sequence = Sequence::of(&webhook);
        let body = match body {
            Ok(Some(body)) if !webhook.disabled && !self.tasks.is_stopping() => body,
            Ok(None) => {
                course::end(record, DeliveryState::Dropped);
                self.write(delivery).await;
                return Verdict::Unknown;
            }
            Ok(Some(_)) | Err(_) => {
                course::release(record, due, sequence);
                self.write(delivery).await;
                return Verdict::Unknown;
            }
        };
        let began = self.clock.store_now();
        let Some(result) = self.deliver(&webhook, record, &body).await else {
            course::release(record, due, sequence);
            self.write(delivery).await;
            return Verdict::Unknown;
        };
        let ended = self.clock.store_now();
        self.counters.note(result.err());
        if let Err(failure) = result {
            tracing::debug!(webhook = %webhook.id, event = %record.event, tries = record.tries, %failure, "an event was not delivered");
        }
        if result.is_err() && due.is_some_and(|due| due > began) {
            // It was only to find out whether the receiver is there.
            course::release(record, due, sequence);
        } else {
            course::attempted(record, began, ended, result, sequence);
        }
        if record.state == DeliveryState::Dead {
            self.counters.dead.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(webhook = %webhook.id, event = %record.event, "a delivery is given up after the last attempt");
        }
        self.write(delivery).await;
        match result {
            Ok(_) => Verdict::Good(ended),
            Err(failure) => Verdict::Bad(ended, failure),
        }
    }

    /// Nothing if the process ended meanwhile.
    async fn deliver(
        &self,
        webhook: &Webhook,
        delivery: &Delivery,
        body: &str,
    ) -> Option<Result<u16, Failure>> {
        let last_call = async {
            self.tasks.stopping().await;
            tokio::time::sleep(LAST_CALL).await;
        };
        tokio::select! {
            result = self.sender.deliver(webhook, &delivery.event, body) => Some(result),
            () = last_call => None,
        }
    }

    /// What is sent; nothing if there is nothing to send any more.
    async fn body(&self, delivery: &Delivery) -> store::Result<Option<Arc<str>>> {
        let event = self.events.get(&delivery.event).await?;
        Ok(event.and_then(|event| event.body).map(Arc::from))
    }

    /// Writes what became of a claimed delivery. If the store does not take it, the claim runs out and it is tried
    /// again: at least once is what is promised.
    async fn write(&self, delivery: Versioned<Delivery>) {
        for pause in AGAIN.into_iter().map(Some).chain([None]) {
            match self.repo.replace(&delivery).await {
                // Somebody else has it: the claim ran out, or it was replayed meanwhile.
                Ok(_) => return,
                Err(error) => {
                    let again = pause.filter(|_| error.may_pass() && !self.tasks.is_stopping());
                    let Some(pause) = again else {
                        let id = delivery.record.id;
                        tracing::warn!(error = %Chain(&error), delivery = id, "it was not noted what became of a delivery");
                        return;
                    };
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }
}
