//! A webhook's own lane: it takes what is due out of the store, a little at a time, and has it sent. A receiver that is
//! slow or gone holds up nobody but itself. What a single attempt does is not known here.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use rand::seq::SliceRandom as _;
use tokio::sync::{Notify, Semaphore};

use super::ask::WAITING;
use super::course::{self, Sequence};
use super::places::Place;
use super::queue::Queue;
use super::shared::{Claimed, Shared, Verdict};
use crate::domain::ids::WebhookId;
use crate::domain::time::Timestamp;
use crate::service::circuit::{Circuit, Pass};
use crate::service::records::{Delivery, Webhook};
use crate::store::{self, Versioned};
use crate::telemetry::Chain;

/// How many deliveries of a webhook are on their way at once.
const IN_FLIGHT: usize = 64;
/// So many ended before the store is asked for more, so that it is not asked for each of them.
const BATCH: usize = 16;
/// How often it is looked whether anything has become due: store time may be turned, and others may have died.
const LOOK: Duration = Duration::from_secs(1);
/// How often a lane looks that has nothing to do.
pub(super) const IDLE: Duration = Duration::from_secs(5);

pub(super) struct Lane {
    pub(super) webhook: WebhookId,
    pub(super) shared: Arc<Shared>,
    /// Places for those who wait for an answer.
    pub(super) asking: Semaphore,
    circuit: Mutex<Circuit>,
    slots: Arc<Semaphore>,
    wake: Notify,
    started: AtomicBool,
    ended: AtomicBool,
    /// What has not ended.
    queue: Queue,
    /// Whether something is due that nobody has claimed.
    backlog: AtomicBool,
    /// Whether something has not ended.
    waiting: AtomicBool,
    /// Whether it is looked often enough to find what becomes due.
    attentive: AtomicBool,
    /// Whether other processes are taking deliveries of this webhook as well.
    contended: AtomicBool,
    /// Whether all deliveries are known to be in the order that an ordered webhook wants.
    in_order: AtomicBool,
}

/// What a lane does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Look,
    Pause(Duration),
    End,
}

impl Lane {
    pub(super) fn new(webhook: WebhookId, shared: Arc<Shared>) -> Self {
        Self {
            queue: Queue::new(shared.repo.clone(), shared.clock.clone(), webhook.clone()),
            webhook,
            shared,
            asking: Semaphore::new(WAITING),
            circuit: Mutex::default(),
            slots: Arc::new(Semaphore::new(IN_FLIGHT)),
            wake: Notify::new(),
            started: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            backlog: AtomicBool::new(false),
            waiting: AtomicBool::new(false),
            attentive: AtomicBool::new(false),
            contended: AtomicBool::new(false),
            in_order: AtomicBool::new(false),
        }
    }

    /// Whether this is the first time that somebody asks.
    pub(super) fn start(&self) -> bool {
        !self.started.swap(true, Ordering::Relaxed)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(super) fn is_open(&self) -> bool {
        self.circuit().is_open()
    }

    /// There is something new to do.
    pub(super) fn wake(&self) {
        self.backlog.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// A place for a delivery that is sent without having waited, if nothing else waits.
    pub(super) fn place(&self, webhook: &Webhook) -> Option<Place> {
        let waits = webhook.ordered
            || webhook.disabled
            || self.backlog.load(Ordering::Relaxed)
            || self.shared.tasks.is_stopping()
            || self.is_open();
        if waits {
            return None;
        }
        let used = IN_FLIGHT - self.slots.available_permits();
        let slot = self.slots.clone().try_acquire_owned().ok()?;
        self.shared.places.another(used, slot)
    }

    /// Sends what was claimed.
    pub(super) fn begin(self: &Arc<Self>, claimed: Claimed, place: Place) {
        let lane = self.clone();
        self.waiting.store(true, Ordering::Relaxed);
        self.shared.tasks.spawn("deliver an event", async move {
            let verdict = lane.shared.attempt(claimed).await;
            drop(place);
            lane.judge(verdict).await;
        });
    }

    /// Goes on until the webhook or the process ends.
    pub(super) async fn run(self: Arc<Self>) {
        loop {
            // What a turn has begun it ends: claims that nobody follows up would have to run out.
            if self.shared.tasks.is_stopping() {
                return;
            }
            let pause = match self.turn().await {
                Ok(Next::Look) => continue,
                Ok(Next::Pause(pause)) => pause,
                Ok(Next::End) => break,
                // That the store does not answer is logged by the one who watches it.
                Err(error) => {
                    tracing::debug!(error = %Chain(&error), webhook = %self.webhook, "deliveries wait for the store");
                    LOOK
                }
            };
            self.attentive.store(pause <= LOOK, Ordering::Relaxed);
            tokio::select! {
                () = self.shared.tasks.stopping() => return,
                () = self.wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.ended.store(true, Ordering::Relaxed);
    }

    async fn turn(self: &Arc<Self>) -> store::Result<Next> {
        let Some(webhook) = self.shared.webhooks.get(&self.webhook) else {
            self.queue.drop_all().await?;
            return Ok(Next::End);
        };
        if webhook.disabled {
            return Ok(Next::Pause(LOOK));
        }
        let sequence = Sequence::of(&webhook);
        if sequence == Sequence::Any {
            self.in_order.store(false, Ordering::Relaxed);
        } else if !self.in_order.load(Ordering::Relaxed) {
            self.queue.put_in_order().await?;
            self.in_order.store(true, Ordering::Relaxed);
        }
        let pass = self.circuit().pass(self.shared.clock.store_now());
        match (pass, sequence) {
            (Pass::Wait(rest), _) => Ok(Next::Pause(rest.clamp(Duration::from_millis(10), LOOK))),
            (Pass::All, Sequence::Any) => self.take_batch().await,
            (Pass::All, Sequence::Ordered) => self.take_next(false, &mut false).await,
            (Pass::One, sequence) => {
                let mut tried = false;
                let next = match sequence {
                    Sequence::Any => self.take_one(&mut tried).await,
                    Sequence::Ordered => self.take_next(true, &mut tried).await,
                };
                if tried {
                    self.circuit().tried();
                } else {
                    self.circuit().not_tried(self.shared.clock.store_now());
                }
                next
            }
        }
    }

    /// Has what is due sent, as much of it as there are places.
    async fn take_batch(self: &Arc<Self>) -> store::Result<Next> {
        let limit = self.slots.available_permits().max(BATCH);
        let contended = self.contended.load(Ordering::Relaxed);
        let found = self.queue.first(if contended { 4 * limit } else { limit });
        let found = found.await?;
        let now = self.shared.clock.store_now();
        let next = found.iter().filter_map(|found| course::due(&found.record)).min();
        let mut due: Vec<_> = found.into_iter().filter(|found| is_due(found, now)).collect();
        self.waiting.store(next.is_some(), Ordering::Relaxed);
        if due.is_empty() {
            self.backlog.store(false, Ordering::Relaxed);
            let pause = next.map(|next| next.since(now).clamp(Duration::from_millis(10), LOOK));
            return Ok(Next::Pause(pause.unwrap_or_else(idle)));
        }
        if contended {
            // Others look at the same page: whoever begins somewhere else meets them less often.
            due.shuffle(&mut rand::rng());
        }
        let Some(places) = self.places(due.len().min(limit)).await else {
            return Ok(Next::Look);
        };
        let is_more = due.len() >= limit || due.len() > places.len();
        self.backlog.store(is_more, Ordering::Relaxed);
        due.truncate(places.len());
        let all = due.len();
        let claims = due
            .into_iter()
            .map(|found| self.shared.claim(found, Sequence::Any));
        let mut won = 0;
        let mut failed = None;
        for (claimed, place) in join_all(claims).await.into_iter().zip(places) {
            match claimed {
                Ok(Some(claimed)) => {
                    won += 1;
                    self.begin(claimed, place);
                }
                Ok(None) => {}
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        self.contended.store(won < all, Ordering::Relaxed);
        Ok(Next::Look)
    }

    /// While the circuit is open: has one delivery sent, if there is one, and waits for what comes of it.
    async fn take_one(self: &Arc<Self>, tried: &mut bool) -> store::Result<Next> {
        let now = self.shared.clock.store_now();
        let found = self.queue.first(2 * IN_FLIGHT).await?;
        self.waiting.store(!found.is_empty(), Ordering::Relaxed);
        if found.is_empty() {
            return Ok(Next::Pause(idle()));
        }
        // One that is due, else one that is not: so it is found out soon that the receiver is back, however long its
        // deliveries would have to wait.
        let one = found
            .into_iter()
            .find(|found| is_due(found, now) || found.record.owner.is_none());
        if let Some(one) = one {
            *tried = self.attempt_alone(one, Sequence::Any).await?;
        }
        Ok(Next::Pause(LOOK))
    }

    /// Sends the webhook's first delivery if it is its turn, and waits for what comes of it.
    async fn take_next(self: &Arc<Self>, although_early: bool, tried: &mut bool) -> store::Result<Next> {
        let complete = self.shared.expanded.before(&self.webhook).await?;
        // After that, so that nothing has come in between.
        let Some(head) = self.queue.first(1).await?.pop() else {
            self.waiting.store(false, Ordering::Relaxed);
            return Ok(Next::Pause(idle()));
        };
        self.waiting.store(true, Ordering::Relaxed);
        if head.record.event.as_str() >= complete.as_str() {
            return Ok(Next::Pause(Duration::from_millis(100)));
        }
        let now = self.shared.clock.store_now();
        let rest = course::due(&head.record).unwrap_or(now).since(now);
        let early = although_early && head.record.owner.is_none();
        if !rest.is_zero() && !early {
            return Ok(Next::Pause(rest.clamp(Duration::from_millis(10), LOOK)));
        }
        *tried = self.attempt_alone(head, Sequence::Ordered).await?;
        if although_early && !*tried {
            // Without a pause it would be looked again at once.
            return Ok(Next::Pause(Duration::from_millis(100)));
        }
        Ok(Next::Look)
    }

    /// Claims a delivery and waits for what comes of it. Says whether it was sent.
    async fn attempt_alone(
        self: &Arc<Self>,
        found: Versioned<Delivery>,
        sequence: Sequence,
    ) -> store::Result<bool> {
        let place = tokio::select! {
            () = self.shared.tasks.stopping() => return Ok(false),
            place = self.shared.places.one(None) => place,
        };
        let Some(claimed) = self.shared.claim(found, sequence).await? else {
            return Ok(false);
        };
        let lane = self.clone();
        let attempt = async move {
            let verdict = lane.shared.attempt(claimed).await;
            drop(place);
            lane.judge(verdict).await;
            verdict != Verdict::Unknown
        };
        // In a task of its own, so that it ends properly when the lane is stopped. It fails only if it panics, which is
        // logged where it happens; the claim runs out then.
        let sent = self.shared.tasks.spawn("deliver an event", attempt).await;
        Ok(sent.unwrap_or(true))
    }

    pub(super) async fn judge(self: &Arc<Self>, verdict: Verdict) {
        let good = matches!(verdict, Verdict::Good(_));
        if !good && !self.attentive.swap(true, Ordering::Relaxed) {
            // There is something to try again now.
            self.wake.notify_one();
        }
        match verdict {
            Verdict::Unknown => {}
            Verdict::Bad(ended, failure) => {
                if self.circuit().note_failure(ended) {
                    let webhook = self.shared.webhooks.get(&self.webhook);
                    let app = webhook.as_ref().map(|webhook| webhook.app.as_str());
                    tracing::warn!(webhook = %self.webhook, app, reason = failure.word(), %failure, "a webhook takes nothing: its deliveries wait");
                }
            }
            Verdict::Good(ended) => {
                if !self.circuit().note_success(ended) {
                    return;
                }
                tracing::info!(webhook = %self.webhook, "a webhook takes events again");
                if let Err(error) = self.queue.hasten().await {
                    tracing::debug!(error = %Chain(&error), webhook = %self.webhook, "deliveries wait for their time");
                }
                self.wake();
            }
        }
    }

    /// Places for so many deliveries, or for some of them. Nothing if meanwhile the process is ending or the circuit was
    /// opened.
    async fn places(&self, count: usize) -> Option<Vec<Place>> {
        let slots = self.slots.clone();
        let some = u32::try_from(count.min(BATCH)).unwrap_or(1);
        let some = async {
            let mut some = slots.clone().acquire_many_owned(some).await;
            let mut some: Vec<_> = std::iter::from_fn(|| some.as_mut().ok()?.split(1)).collect();
            let first = self.shared.places.one(some.pop()).await;
            (first, some)
        };
        let (first, mut some) = tokio::select! {
            () = self.shared.tasks.stopping() => return None,
            some = some => some,
        };
        if self.is_open() {
            return None;
        }
        let missing = count.saturating_sub(1 + some.len());
        let more = std::iter::from_fn(|| slots.clone().try_acquire_owned().ok());
        some.extend(more.take(missing));
        let unused = slots.available_permits() + some.len();
        let mut places = vec![first];
        for (number, slot) in some.into_iter().enumerate() {
            let used = (IN_FLIGHT + number).saturating_sub(unused);
            let Some(place) = self.shared.places.another(used, slot) else {
                break;
            };
            places.push(place);
        }
        Some(places)
    }

    pub(super) fn circuit(&self) -> MutexGuard<'_, Circuit> {
        // Every change of it is a single step, so a panic elsewhere leaves nothing half done.
        self.circuit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_due(found: &Versioned<Delivery>, now: Timestamp) -> bool {
    course::due(&found.record).is_some_and(|due| due <= now)
}

/// Not all lanes at once.
fn idle() -> Duration {
    IDLE.mul_f64(0.6 + 0.4 * rand::random::<f64>())
}
