//! What is left to do about accepted events: deliveries to be made, messages to be sent, replies to be asked for after a
//! crash. The store has the list; whoever accepted an event sees to it first.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::time::{Instant, sleep_until};

use super::Push;
use crate::domain::ids::EventId;
use crate::domain::time::Timestamp;
use crate::service::records::PushEvent;
use crate::store::{self, Change};
use crate::telemetry::Chain;

/// So long others leave an event to whoever accepted it.
pub(super) const GRACE: Duration = Duration::from_secs(8);
/// So long others leave an event to whoever has taken it up.
pub(super) const CLAIM: Duration = Duration::from_secs(22);
/// How often it is looked for what others have left.
const LOOK: Duration = Duration::from_secs(1);
/// How many events are seen to at once.
const AT_ONCE: usize = 64;

/// An event older than this is read again before it is handed on: the person may have been deleted meanwhile.
const FRESH: Duration = Duration::from_secs(2);
/// An event with a longer body waits in the store and not in memory.
const LARGE: usize = 16 * 1024;

/// An event that this process has just accepted or settled.
pub(super) enum Errand {
    /// As it was written.
    Known(Box<PushEvent>),
    /// To be read first.
    Named(EventId),
}

impl Errand {
    pub(super) fn of(event: &PushEvent) -> Self {
        let size = event.body.as_ref().map_or(0, String::len);
        if size > LARGE {
            Self::Named(event.id.clone())
        } else {
            Self::Known(Box::new(event.clone()))
        }
    }
}

/// Notes when somebody has to look after an event, if there is anything left to do.
pub(super) fn set_todo(event: &mut PushEvent, at: Timestamp) {
    event.note_left(at);
}

impl Push {
    /// Sees to accepted events, until the process ends.
    pub async fn attend(self: Arc<Self>) {
        let errands = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut errands) = errands else { return };
        let mut at_work: FuturesUnordered<BoxFuture<'static, ()>> = FuturesUnordered::new();
        let mut look = Instant::now();
        loop {
            let is_free = at_work.len() < AT_ONCE;
            tokio::select! {
                () = self.tools.tasks.stopping() => break,
                Some(errand) = errands.recv(), if is_free => at_work.push(self.clone().run(errand).boxed()),
                Some(()) = at_work.next(), if !at_work.is_empty() => {}
                () = sleep_until(look), if is_free => {
                    let found = self.clone().take_up(AT_ONCE - at_work.len()).await;
                    // A full hand means that there is more.
                    look = Instant::now() + if found.is_empty() { LOOK } else { Duration::ZERO };
                    for event in found {
                        at_work.push(self.clone().see_to(event).boxed());
                    }
                }
            }
        }
        // What was begun is ended: these are moments.
        while at_work.next().await.is_some() {}
    }

    async fn run(self: Arc<Self>, errand: Errand) {
        let id = match errand {
            Errand::Known(event) if self.tools.clock.store_now().since(event.accepted_at) < FRESH => {
                return self.see_to(*event).await;
            }
            Errand::Known(event) => event.id.clone(),
            Errand::Named(id) => id,
        };
        // If the store does not answer now, it is asked for what is left to do later.
        if let Ok(Some(event)) = self.tools.events.get(&id).await {
            self.see_to(event).await;
        }
    }

    /// Takes up what others have left, or could not finish.
    async fn take_up(self: Arc<Self>, most: usize) -> Vec<PushEvent> {
        let found = self.tools.events.due(most).await.unwrap_or_else(|error| {
            tracing::debug!(error = %Chain(&error), "the store does not say what is left to do");
            Vec::new()
        });
        let mut claims: FuturesUnordered<BoxFuture<'static, Option<PushEvent>>> = FuturesUnordered::new();
        for event in found {
            let push = self.clone();
            claims.push(async move { push.claim(&event).await.ok().flatten() }.boxed());
        }
        let mut claimed = Vec::new();
        while let Some(event) = claims.next().await {
            claimed.extend(event);
        }
        claimed
    }

    /// Has others keep away from an event as it was read. Nothing if somebody else has taken it up since.
    pub(super) async fn claim(&self, event: &PushEvent) -> store::Result<Option<PushEvent>> {
        let until = self.tools.clock.store_now() + CLAIM;
        let mut won = false;
        let claimed = self.tools.events.update(&event.id, |stored| {
            won = stored.todo_at == event.todo_at;
            if !won {
                return Change::Keep;
            }
            stored.todo_at = Some(until);
            Change::Save
        });
        Ok(claimed.await?.filter(|_| won))
    }

    async fn see_to(self: Arc<Self>, event: PushEvent) {
        let id = event.id.clone();
        if let Err(error) = self.work_off(event).await {
            tracing::warn!(event = %id, error = %Chain(&error), "what is left to do about an event has to wait");
        }
    }

    async fn work_off(self: &Arc<Self>, mut event: PushEvent) -> store::Result<()> {
        let soon = self.tools.clock.store_now() + GRACE;
        if !event.owes.is_empty() {
            self.tools.deliveries.expand(&event).await?;
            let expanded = std::mem::take(&mut event.owes);
            let changed = self.tools.events.update(&event.id, |stored| {
                stored.owes.retain(|webhook| !expanded.contains(webhook));
                let at = stored.todo_at.unwrap_or(soon);
                set_todo(stored, at);
                Change::Save
            });
            let Some(changed) = changed.await? else {
                return Ok(());
            };
            event = changed;
        }
        let Some(app) = self.apps.named(event.app.as_str()) else {
            // The app was taken out of the configuration: nobody can be written to.
            let ended = self.tools.events.update(&event.id, |stored| {
                stored.answer.later.clear();
                stored.answer.asking_until = None;
                set_todo(stored, soon);
                Change::Save
            });
            return ended.await.map(drop);
        };
        if !event.answer.later.is_empty() {
            self.begin_late(app, event);
            return Ok(());
        }
        let now = self.tools.clock.store_now();
        if event.answer.asking_until.is_some_and(|until| until < now) {
            // A repetition that comes now still is told that there is no reply: what the webhook says goes out as a
            // message.
            let late = self.tools.events.update(&event.id, |stored| {
                stored.answer.late = true;
                Change::Save
            });
            if let Some(late) = late.await? {
                // The one who asks goes on by itself.
                let _ = self.take_over(app, &late).await;
            }
        }
        Ok(())
    }
}
