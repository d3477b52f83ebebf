//! Replies that came too late, or are too long for one, as customer-service messages. (客服消息)

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Push;
use super::chores::{CLAIM, set_todo};
use crate::config::App;
use crate::domain::push::event::Event;
use crate::service::credentials;
use crate::service::records::{Answer, PushEvent};
use crate::store::{self, Change};
use crate::telemetry::Chain;
use crate::wechat;

/// WeChat takes no message so long after the user's last action. (客服消息下发条件)
const WINDOW: Duration = Duration::from_hours(48);
/// Between attempts that may succeed later; the last one is repeated until the window is over.
const PAUSES: [Duration; 6] = [
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_mins(30),
    Duration::from_hours(1),
];
/// How often a message is sent again of which it is not known whether WeChat has taken it: each may be a second one.
const DOUBTS: u32 = 2;
/// How many messages of one app are on their way at once.
pub(super) const AT_ONCE: usize = 16;

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
enum Unsent {
    #[error(transparent)]
    Platform(#[from] wechat::Error),
    #[error("there is no access_token")]
    Credentials(#[from] credentials::Error),
}

impl Unsent {
    /// Whether it is worth trying again after so many tries.
    fn may_pass(&self, tries: u32) -> bool {
        match self {
            Self::Platform(error) if error.may_have_arrived() => tries < DOUBTS,
            Self::Platform(error) => error.may_pass(),
            Self::Credentials(_) => true,
        }
    }
}

impl Push {
    /// Sends what is still to be sent, beside everything else. If too many of the app's are on their way already, or the
    /// process is ending, it waits in the store.
    pub(super) fn begin_late(self: &Arc<Self>, app: &App, record: PushEvent) {
        let place = self.late.get(&app.app_id).cloned();
        let place = place.and_then(|places| places.try_acquire_owned().ok());
        let Some(place) = place.filter(|_| !self.tools.tasks.is_stopping()) else {
            return;
        };
        let (push, app) = (self.clone(), app.clone());
        self.tools.tasks.spawn("send late replies", async move {
            let id = record.id.clone();
            if let Err(error) = push.send_late(&app, record).await {
                tracing::warn!(event = %id, error = %Chain(&error), "late replies have to wait");
            }
            drop(place);
        });
    }

    /// Sends what is still to be sent, one message after the other; each that was sent is taken off the record.
    ///
    /// # Errors
    /// If the store does not answer. What was sent last may then be sent again.
    async fn send_late(&self, app: &App, record: PushEvent) -> store::Result<()> {
        let Some(mut record) = self.claim(&record).await? else {
            return Ok(());
        };
        let event: Option<Event> = record
            .body
            .as_deref()
            .and_then(|body| serde_json::from_str(body).ok());
        let Some(openid) = event.and_then(|event| event.openid) else {
            self.drop_later(&record).await?;
            return Ok(());
        };
        while let Some(reply) = record.answer.later.first().cloned() {
            if self.tools.tasks.is_stopping() {
                return Ok(());
            }
            let age = self.tools.clock.store_now().since(record.accepted_at);
            let id = &record.id;
            if age > WINDOW {
                tracing::warn!(event = %id, app = %app.name, "a reply comes too late for WeChat, which takes no message so long after the user's last action, and is dropped");
                return self.drop_later(&record).await;
            }
            let Some(message) = reply.custom_message(&openid) else {
                tracing::warn!(event = %id, app = %app.name, "a transfer to customer service came too late and is dropped: it cannot be sent as a message");
                record = self.taken_off(record).await?;
                continue;
            };
            match self.send(app, &message).await {
                Ok(()) => {
                    self.counters.late_sent.fetch_add(1, Ordering::Relaxed);
                    record = self.taken_off(record).await?;
                }
                Err(error) if error.may_pass(record.answer.tries) => {
                    tracing::info!(event = %id, app = %app.name, %error, "a message could not be sent, and is tried again");
                    return self.put_off(&record).await;
                }
                // 45015: the user did nothing for too long, or follows no more. 45047: enough messages since then.
                Err(error) => {
                    tracing::warn!(event = %id, app = %app.name, %error, "a reply could not be sent as a message and is dropped");
                    return self.drop_later(&record).await;
                }
            }
        }
        Ok(())
    }

    async fn send(&self, app: &App, message: &serde_json::Value) -> Result<(), Unsent> {
        self.tools
            .credentials
            .with_token(&app.app_id, |held| async move {
                let client = &self.tools.client;
                client
                    .send_custom_message(&app.app_id, &held.value, message)
                    .await
            })
            .await
    }

    async fn taken_off(&self, record: PushEvent) -> store::Result<PushEvent> {
        let at = self.tools.clock.store_now() + CLAIM;
        let changed = self.tools.events.update(&record.id, |event| {
            if event.answer.later.is_empty() {
                return Change::Keep;
            }
            event.answer.later.remove(0);
            event.answer.tries = 0;
            set_todo(event, at);
            Change::Save
        });
        Ok(changed.await?.unwrap_or_else(|| PushEvent {
            answer: Answer::default(),
            ..record
        }))
    }

    async fn put_off(&self, record: &PushEvent) -> store::Result<()> {
        let tries = record.answer.tries as usize;
        let pause = PAUSES[tries.min(PAUSES.len() - 1)];
        let at = self.tools.clock.store_now() + pause;
        let changed = self.tools.events.update(&record.id, |event| {
            // It may have been erased meanwhile.
            if event.answer.later.is_empty() {
                return Change::Keep;
            }
            event.answer.tries += 1;
            event.todo_at = Some(at);
            Change::Save
        });
        changed.await.map(drop)
    }

    async fn drop_later(&self, record: &PushEvent) -> store::Result<()> {
        self.counters.late_dropped.fetch_add(1, Ordering::Relaxed);
        let at = self.tools.clock.store_now();
        let changed = self.tools.events.update(&record.id, |event| {
            event.answer.later.clear();
            set_todo(event, at);
            Change::Save
        });
        changed.await.map(drop)
    }
}
