//! Replies that came too late, or are too long for one, as customer-service messages. (客服消息)

use std::time::Duration;

use super::Push;
use super::chores::{CLAIM, set_todo};
use crate::config::App;
use crate::domain::push::event::Event;
use crate::service::credentials;
use crate::service::records::{Answer, PushEvent};
use crate::store::{self, Change};
use crate::wechat;

/// WeChat takes no message so long after the user's last action. (客服消息下发条件)
const WINDOW: Duration = Duration::from_hours(48);
/// Between attempts that may succeed later.
const PAUSE: Duration = Duration::from_secs(10);
/// How often one is tried.
const TRIES: u32 = 5;

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
enum Unsent {
    #[error(transparent)]
    Platform(#[from] wechat::Error),
    #[error("there is no access_token")]
    Credentials(#[from] credentials::Error),
}

impl Unsent {
    fn may_pass(&self) -> bool {
        match self {
            Self::Platform(error) => error.may_pass(),
            Self::Credentials(_) => true,
        }
    }
}

impl Push {
    /// Sends what is still to be sent, one message after the other; each that was sent is taken off the record.
    ///
    /// # Errors
    /// If the store does not answer. What was sent last may then be sent again.
    pub(super) async fn send_late(&self, app: &App, record: PushEvent) -> store::Result<()> {
        let Some(mut record) = self.claim_later(&record).await? else {
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
                Ok(()) => record = self.taken_off(record).await?,
                Err(error) if error.may_pass() && record.answer.tries + 1 < TRIES => {
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

    /// Has others keep away. Nothing if one of them is at it already.
    async fn claim_later(&self, record: &PushEvent) -> store::Result<Option<PushEvent>> {
        let until = self.tools.clock.store_now() + CLAIM;
        let mut won = false;
        let claimed = self.tools.events.update(&record.id, |event| {
            won = event.todo_at == record.todo_at && !event.answer.later.is_empty();
            if !won {
                return Change::Keep;
            }
            event.todo_at = Some(until);
            Change::Save
        });
        Ok(claimed.await?.filter(|_| won))
    }

    async fn send(&self, app: &App, message: &serde_json::Value) -> Result<(), Unsent> {
        self.tools
            .credentials
            .with_token(&app.app_id, |held| async move {
                self.tools.client.send_custom_message(&held.value, message).await
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
        let at = self.tools.clock.store_now() + PAUSE;
        let changed = self.tools.events.update(&record.id, |event| {
            event.answer.tries += 1;
            event.todo_at = Some(at);
            Change::Save
        });
        changed.await.map(drop)
    }

    async fn drop_later(&self, record: &PushEvent) -> store::Result<()> {
        let at = self.tools.clock.store_now();
        let changed = self.tools.events.update(&record.id, |event| {
            event.answer.later.clear();
            set_todo(event, at);
            Change::Save
        });
        changed.await.map(drop)
    }
}
