//! A push from its arrival to its acknowledgement: stored once, whoever gets it first; a repetition hears what the first one
//! heard.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rand::random;
use tokio::time::{Instant, sleep, timeout_at};

use super::asking::LEASE;
use super::chores::{Errand, GRACE, set_todo};
use super::{Answered, DEADLINE, Error, Figures, KNOWN, LAST_WORDS, LateFigures, Push, Pushed};
use crate::config::{App, Encryption};
use crate::domain::identity::IdentityId;
use crate::domain::ids::{EventId, OpenId};
use crate::domain::push::envelope::{self, AesKey};
use crate::domain::push::event::Event;
use crate::domain::push::payload::Format;
use crate::service::records::PushEvent;
use crate::store::{self, Change};
use crate::telemetry::Chain;

/// How often a repetition looks whether the first one has its answer.
const LOOK: Duration = Duration::from_millis(100);

/// Who is answered.
struct Asker<'a> {
    app: &'a App,
    event: &'a Event,
    key: Option<&'a AesKey>,
    nonce: &'a str,
}

impl Push {
    /// Takes a push for `app` (or the default app) and says what WeChat is answered. Then the event is durable.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn accept(self: &Arc<Self>, app: Option<&str>, pushed: Pushed) -> Result<Answered, Error> {
        let outcome = self.take(app, pushed).await;
        self.counters.note(&outcome);
        outcome
    }

    /// What became of pushes since the start.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.counters.figures()
    }

    /// What became of late replies since the start.
    #[must_use]
    pub fn late_figures(&self) -> LateFigures {
        self.counters.late()
    }

    async fn take(self: &Arc<Self>, app: Option<&str>, pushed: Pushed) -> Result<Answered, Error> {
        let deadline = pushed.arrived + DEADLINE;
        let (app, token) = self.tools.callback.account(app)?;
        let (payload, key) = self.open(app, token, &pushed)?;
        if payload.is_probe() {
            return Ok(Answered::nothing());
        }
        let format = payload.format;
        let now = self.tools.clock.store_now();
        let id = self.ids.next(now, random());
        let received_at = self.tools.clock.now().secs();
        let event = Event::normalise(&app.name, &app.app_id, id.to_string(), received_at, payload)?;
        let plan = self.plan(app, &event);
        let mut record = PushEvent {
            key: self.fingerprint("event", app, &[&event.dedupe_key()]),
            nonce: None,
            digest: None,
            subject: subject(app, &event),
            kind: event.kind.as_str().to_owned(),
            type_: event.r#type.clone(),
            body: Some(serde_json::to_string(&event).expect("an event has nothing that JSON has not")),
            owes: plan.owes,
            answer: plan.answer,
            todo_at: None,
            owed_at: None,
            accepted_at: now,
            expires_at: self.tools.events.end_of(now),
            app: app.name.clone(),
            id,
        };
        if app.encryption == Encryption::Plain {
            // The signature of a plain push does not cover its body: whoever has seen one could put another body to it.
            record.nonce = Some(self.fingerprint("nonce", app, &[&pushed.timestamp, &pushed.nonce]));
            record.digest = Some(self.fingerprint("body", app, &[&event.payload.text]));
        }
        if plan.asked.is_some() {
            record.answer.asking_until = Some(now + LEASE);
        }
        set_todo(&mut record, now + GRACE);
        let asker = Asker {
            app,
            event: &event,
            key,
            nonce: &pushed.nonce,
        };
        match timeout_at(deadline, self.tools.events.add(&record)).await {
            Ok(Ok(())) => {}
            Ok(Err(store::Error::Duplicate { .. })) => {
                self.counters.repeated.fetch_add(1, Ordering::Relaxed);
                let repeated = self.repeat(&asker, &record, deadline);
                let record = timeout_at(deadline + 2 * LAST_WORDS, repeated)
                    .await
                    .map_err(|_| Error::Slow)??;
                self.note_check(&event, deadline).await?;
                return Ok(self.answer(&asker, &record, format));
            }
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => return Err(Error::Slow),
        }
        // Others get it while the one is asked.
        self.errand(&record);
        self.note_check(&event, deadline).await?;
        let Some(webhook) = plan.asked else {
            return Ok(self.answer(&asker, &record, format));
        };
        let settled = self.ask(app.clone(), webhook, record.clone());
        if let Ok(Ok(settled)) = timeout_at(deadline, settled).await {
            return Ok(self.answer(&asker, &settled, format));
        }
        match self.give_up(&record, deadline).await {
            Some(settled) => Ok(self.answer(&asker, &settled, format)),
            // It is stored, and WeChat must not wait any longer.
            None => Ok(Answered::nothing()),
        }
    }

    /// Keeps what a check of media found for whoever asked for it. If it cannot be kept WeChat is to push it again.
    async fn note_check(&self, event: &Event, deadline: Instant) -> Result<(), Error> {
        let noted = timeout_at(deadline, self.tools.media_checks.note(event));
        Ok(noted.await.map_err(|_| Error::Slow)??)
    }

    /// What became of an event that was pushed before, as soon as it is answered.
    async fn repeat(
        self: &Arc<Self>,
        asker: &Asker<'_>,
        again: &PushEvent,
        deadline: Instant,
    ) -> Result<PushEvent, Error> {
        loop {
            let Some(first) = self.tools.events.with_key(&again.key).await? else {
                // Its nonce is another event's: somebody uses what WeChat signed for that.
                tracing::warn!(app = %asker.app.name, "a plain push with the timestamp and nonce of another one is refused");
                return Err(Error::Refused);
            };
            if first.nonce.is_some() && first.nonce == again.nonce && first.digest != again.digest {
                tracing::warn!(app = %asker.app.name, event = %first.id, "a plain push was repeated with another body and is refused");
                return Err(Error::Refused);
            }
            let Some(until) = first.answer.asking_until.filter(|_| !first.answer.late) else {
                return Ok(first);
            };
            if until < self.tools.clock.store_now()
                && let Some(taken) = self.take_over(asker.app, &first).await?
            {
                return match timeout_at(deadline, taken).await {
                    Ok(Ok(settled)) => Ok(settled),
                    Ok(Err(_)) | Err(_) => Ok(self.give_up(&first, deadline).await.unwrap_or(first)),
                };
            }
            if Instant::now() + LOOK > deadline {
                return Ok(self.give_up(&first, deadline).await.unwrap_or(first));
            }
            sleep(LOOK).await;
        }
    }

    /// Notes that WeChat is told that there is no reply, unless there is one at this very moment. Gives the event as it is
    /// then, or nothing if the store does not answer in time; it goes on being told.
    async fn give_up(self: &Arc<Self>, record: &PushEvent, deadline: Instant) -> Option<PushEvent> {
        let (push, id) = (self.clone(), record.id.clone());
        let noting = self.tools.tasks.spawn("note that there is no reply", async move {
            let noted = push.note_silence(&id).await;
            noted.inspect_err(|error| {
                let error = Chain(error);
                tracing::warn!(event = %id, %error, "WeChat was told that there is no reply, and the store does not know it");
            })
        });
        let noted = timeout_at(deadline + LAST_WORDS, noting).await;
        noted.ok()?.ok()?.ok()?
    }

    async fn note_silence(&self, id: &EventId) -> store::Result<Option<PushEvent>> {
        let noted = self.tools.events.update(id, |event| {
            if event.answer.asking_until.is_none() || event.answer.late {
                return Change::Keep;
            }
            event.answer.late = true;
            Change::Save
        });
        noted.await
    }

    /// Has this process see to what is left to do, if it is not too busy: then others find it in the store.
    pub(super) fn errand(&self, record: &PushEvent) {
        if record.todo_at.is_some() {
            let waiting = self.errands.max_capacity() - self.errands.capacity();
            let errand = if waiting < KNOWN {
                Errand::of(record)
            } else {
                Errand::Named(record.id.clone())
            };
            // A full queue loses nothing.
            let _ = self.errands.try_send(errand);
        }
    }

    fn answer(&self, asker: &Asker<'_>, record: &PushEvent, format: Format) -> Answered {
        let Asker {
            app,
            event,
            key,
            nonce,
        } = asker;
        let Some((reply, openid)) = record.answer.passive.as_ref().zip(event.openid.as_ref()) else {
            return Answered::nothing();
        };
        if event.account.is_empty() {
            // WeChat takes no reply that is from nobody.
            return Answered::nothing();
        }
        let now = self.tools.clock.now().secs();
        let mut body = reply.render(format, openid, &event.account, now);
        if let Some((key, token)) = key.zip(app.token.as_ref()) {
            body = envelope::encrypted_reply(format, token, key, &app.app_id, now, nonce, random(), &body);
        }
        Answered {
            body,
            format: Some(format),
        }
    }

    fn fingerprint(&self, used_for: &str, app: &App, parts: &[&str]) -> String {
        let mut all = vec![app.app_id.as_str()];
        all.extend(parts);
        self.tools.fingerprints.of(used_for, &all)
    }
}

impl Answered {
    /// There is nothing to say: WeChat documents `success`, which also ends its repetitions.
    fn nothing() -> Self {
        Self {
            body: "success".to_owned(),
            format: None,
        }
    }
}

/// The person an event is about, as identities are named.
fn subject(app: &App, event: &Event) -> Option<String> {
    let openid: OpenId = event.openid.as_ref()?.parse().ok()?;
    Some(IdentityId::wechat(&app.app_id, &openid).to_string())
}
