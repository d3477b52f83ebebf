//! A webhook that is asked for a reply: in a task of its own, which goes on when WeChat's patience is over.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::sleep;

use super::chores::{GRACE, set_todo};
use super::plan::set_reply;
use super::{Error, Push};
use crate::config::App;
use crate::domain::push::event::Event;
use crate::domain::push::reply::Reply;
use crate::service::records::{PushEvent, Webhook};
use crate::store::{self, Change};
use crate::telemetry::Chain;

/// So long after it was last heard of, whoever asks counts as dead.
pub(super) const LEASE: Duration = Duration::from_secs(4);
/// How often it says that it is not.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);

/// The event as it is once it is answered.
type Settled = oneshot::Receiver<PushEvent>;

impl Push {
    /// Asks `webhook` for the reply to an event that says so already.
    pub(super) fn ask(self: &Arc<Self>, app: App, webhook: Arc<Webhook>, record: PushEvent) -> Settled {
        let (sender, receiver) = oneshot::channel();
        let push = self.clone();
        self.tools.tasks.spawn("ask for a reply", async move {
            match push.ask_and_note(&app, &webhook, &record).await {
                Ok(Some(settled)) => {
                    push.errand(&settled);
                    // Whoever waited may have given up.
                    let _ = sender.send(settled);
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(event = %record.id, error = %Chain(&error), "a reply could not be stored");
                }
            }
        });
        receiver
    }

    /// Asks anew for an event whose asker is dead. Nothing if somebody else was faster.
    ///
    /// # Errors
    /// If the store does not answer.
    pub(super) async fn take_over(
        self: &Arc<Self>,
        app: &App,
        dead: &PushEvent,
    ) -> Result<Option<Settled>, Error> {
        let now = self.tools.clock.store_now();
        let mut won = false;
        let taken = self.tools.events.update(&dead.id, |event| {
            won = event.answer.asking_until.is_some_and(|until| until < now);
            if !won {
                return Change::Keep;
            }
            event.answer.asking_until = Some(now + LEASE);
            Change::Save
        });
        let Some(record) = taken.await?.filter(|_| won) else {
            return Ok(None);
        };
        let webhook = match &record.answer.asked {
            Some(id) => self.tools.webhooks.find(id).await?,
            None => None,
        };
        let settled = match webhook {
            Some(webhook) if !webhook.disabled => return Ok(Some(self.ask(app.clone(), webhook, record))),
            // It gets the event when it is enabled again.
            Some(webhook) => {
                self.settle(&record, |event| event.owes.push(webhook.id.clone()))
                    .await?
            }
            // It was deleted: there is nobody to ask.
            None => self.settle(&record, |_| {}).await?,
        };
        let (sender, receiver) = oneshot::channel();
        let _ = sender.send(settled.unwrap_or(record));
        Ok(Some(receiver))
    }

    async fn ask_and_note(
        &self,
        app: &App,
        webhook: &Webhook,
        record: &PushEvent,
    ) -> store::Result<Option<PushEvent>> {
        let Some(body) = &record.body else {
            return self.settle(record, |_| {}).await;
        };
        let timeout = self.settings.reply_timeout;
        let asking = self.tools.deliveries.ask(webhook, &record.id, body, timeout);
        let living = async {
            loop {
                sleep(SIGN_OF_LIFE).await;
                self.say_alive(record).await;
            }
        };
        // Both go on together: a store that is slow must not keep an answer from being heard.
        let answer = tokio::select! {
            answer = asking => answer,
            () = living => unreachable!("signs of life do not end by themselves"),
        };
        let reply = match answer {
            Ok(answer) => match reply_in(&answer) {
                Ok(reply) => reply,
                Err(problem) => {
                    tracing::warn!(event = %record.id, webhook = %webhook.id, problem, "a webhook's reply cannot be used; it gets the event delivered");
                    return self.owe(record, webhook).await;
                }
            },
            Err(failure) => {
                tracing::warn!(event = %record.id, webhook = %webhook.id, %failure, "a webhook was asked for a reply and gives none; it gets the event delivered");
                return self.owe(record, webhook).await;
            }
        };
        let event: Option<Event> = serde_json::from_str(body).ok();
        self.settle(record, |settled| {
            if let Some((reply, event)) = reply.as_ref().zip(event.as_ref()) {
                set_reply(&mut settled.answer, app, event, reply);
            }
        })
        .await
    }

    /// Has a webhook that gave no reply get the event as others do.
    async fn owe(&self, record: &PushEvent, webhook: &Webhook) -> store::Result<Option<PushEvent>> {
        self.settle(record, |event| event.owes.push(webhook.id.clone()))
            .await
    }

    /// Notes that nobody is asked any more, and what came of it.
    async fn settle(
        &self,
        record: &PushEvent,
        mut change: impl FnMut(&mut PushEvent),
    ) -> store::Result<Option<PushEvent>> {
        let now = self.tools.clock.store_now();
        self.tools
            .events
            .update(&record.id, |event| {
                if event.answer.asking_until.take().is_none() || event.body.is_none() {
                    return Change::Keep;
                }
                change(event);
                set_todo(event, now + GRACE);
                Change::Save
            })
            .await
    }

    async fn say_alive(&self, record: &PushEvent) {
        let until = self.tools.clock.store_now() + LEASE;
        let said = self.tools.events.update(&record.id, |event| {
            if event.answer.asking_until.is_none() {
                return Change::Keep;
            }
            event.answer.asking_until = Some(until);
            event.todo_at = Some(until + GRACE);
            Change::Save
        });
        if let Err(error) = said.await {
            tracing::debug!(event = %record.id, error = %Chain(&error), "nobody knows that a reply is waited for");
        }
    }
}

/// The reply in what a webhook answered, if it wants to reply.
fn reply_in(answer: &[u8]) -> Result<Option<Reply>, String> {
    let text = std::str::from_utf8(answer).map_err(|_| "it is not UTF-8".to_owned())?;
    if matches!(text.trim(), "" | "{}" | "null" | "success") {
        return Ok(None);
    }
    let reply: Reply = serde_json::from_str(text).map_err(|error| error.to_string())?;
    reply.check().map_err(|error| error.to_string())?;
    Ok(Some(reply))
}
