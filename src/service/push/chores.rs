//! What is left to do about accepted events: deliveries to be made, messages to be sent, replies to be asked for after a
//! crash. The store has the list; whoever accepted an event sees to it first.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::time::{Instant, sleep_until};

use super::Push;
use crate::domain::time::Timestamp;
use crate::service::records::PushEvent;
use crate::store::{self, Change};
use crate::telemetry::Chain;

/// So long others leave an event to whoever accepted it.
pub(super) const GRACE: Duration = Duration::from_secs(8);
/// So long others leave an event to whoever has taken it up.
pub(super) const CLAIM: Duration = Duration::from_secs(30);
/// How often it is looked for what others have left.
const LOOK: Duration = Duration::from_secs(1);
/// How many events are seen to at once.
const AT_ONCE: usize = 64;

/// An event that this process has just accepted or settled.
pub(super) struct Errand(pub(super) PushEvent);

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
                () = self.tools.tasks.stopping() => return,
                Some(Errand(event)) = errands.recv(), if is_free => at_work.push(self.clone().see_to(event).boxed()),
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
    }

    /// Takes up what others have left, or could not finish.
    async fn take_up(self: Arc<Self>, most: usize) -> Vec<PushEvent> {
        let found = self.tools.events.due(most).await.unwrap_or_else(|error| {
            tracing::debug!(error = %Chain(&error), "the store does not say what is left to do");
            Vec::new()
        });
        let mut claims: FuturesUnordered<BoxFuture<'static, Option<PushEvent>>> = FuturesUnordered::new();
        for event in found {
            claims.push(self.clone().claim(event).boxed());
        }
        let mut claimed = Vec::new();
        while let Some(event) = claims.next().await {
            claimed.extend(event);
        }
        claimed
    }

    async fn claim(self: Arc<Self>, event: PushEvent) -> Option<PushEvent> {
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
        claimed.await.ok().flatten().filter(|_| won)
    }

    async fn see_to(self: Arc<Self>, event: PushEvent) {
        let id = event.id.clone();
        if let Err(error) = self.work_off(event).await {
            tracing::warn!(event = %id, error = %Chain(&error), "what is left to do about an event has to wait");
        }
    }

    async fn work_off(self: &Arc<Self>, mut event: PushEvent) -> store::Result<()> {
        if !event.owes.is_empty() {
            self.tools.deliveries.expand(&event).await?;
            let expanded = std::mem::take(&mut event.owes);
            let changed = self.tools.events.update(&event.id, |stored| {
                stored.owes.retain(|webhook| !expanded.contains(webhook));
                let at = stored.todo_at.unwrap_or_default();
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
            return Ok(());
        };
        if !event.answer.later.is_empty() {
            return self.send_late(app, event).await;
        }
        let now = self.tools.clock.store_now();
        if event.answer.asking_until.is_some_and(|until| until < now) {
            // WeChat does not repeat a push any more by now: what the webhook says goes out as a message.
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
