//! Webhooks: programs of the company's that hear of an app's events. Who may make them, and how events get to them, is
//! not decided here.

mod address;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub use address::{Address, BadAddress, LONGEST as LONGEST_ADDRESS};

use secrecy::SecretString;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::derived::Derived;
use super::feed::{Feed, TOMBSTONE};
use super::records::Webhook;
use super::seal::{CannotOpen, Sealed, Sealer};
use crate::clock::Clock;
use crate::domain::ids::{AppName, WebhookId};
use crate::domain::push::event::Event;
use crate::domain::push::filter::Filters;
use crate::domain::standard_webhooks::{BadSecret, Secret};
use crate::domain::time::Timestamp;
use crate::store::{self, Change, Engine};

/// How many webhooks an app may have.
pub const PER_APP: usize = 100;
/// How long a description may be, in characters.
pub const LONGEST_DESCRIPTION: usize = 256;
/// How long a secret that was replaced signs as well, unless it is said otherwise.
pub const OVERLAP: Duration = Duration::from_hours(24);
/// How long it may be said to.
pub const LONGEST_OVERLAP: Duration = Duration::from_hours(7 * 24);

/// What a webhook is to be.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// Where events are delivered to.
    pub url: Address,
    /// Which.
    pub events: Filters,
    /// What the operator calls it.
    pub description: Option<String>,
    /// Whether it gets one event after the other.
    pub ordered: bool,
    /// Whether it is asked for replies.
    pub reply: bool,
    /// Whether it gets nothing for now.
    pub disabled: bool,
    /// What signs; made here if it is not given.
    pub secret: Option<Secret>,
}

/// What of a webhook is to change.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Where events are delivered to.
    pub url: Option<Address>,
    /// Which.
    pub events: Option<Filters>,
    /// What the operator calls it; it may be nothing.
    pub description: Option<Option<String>>,
    /// Whether it gets one event after the other.
    pub ordered: Option<bool>,
    /// Whether it is asked for replies.
    pub reply: Option<bool>,
    /// Whether it gets nothing for now.
    pub disabled: Option<bool>,
}

/// Why a webhook is not as it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The app has none of this id.
    #[error("there is no such webhook")]
    NotFound,
    /// The app has as many as are allowed.
    #[error("the app has {PER_APP} webhooks already")]
    TooMany,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Why a webhook's secrets cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// They were sealed with another master key, or are damaged.
    #[error(transparent)]
    Sealed(#[from] CannotOpen),
    /// What was sealed is no secret.
    #[error(transparent)]
    Secret(#[from] BadSecret),
}

/// Keeps the webhooks of all apps.
pub struct Webhooks {
    feed: Arc<Feed<Webhook>>,
    enabled: Derived<Enabled>,
    sealer: Sealer,
    clock: Clock,
    /// Taken by whoever makes one, so that those who are counted are all there are.
    making: Mutex<()>,
}

/// The webhooks that get something, by app, oldest first.
type Enabled = BTreeMap<AppName, Vec<Arc<Webhook>>>;

impl Webhooks {
    /// The webhooks in this store. None is known before the feed is loaded.
    #[must_use]
    pub fn new(engine: &Arc<dyn Engine>, sealer: Sealer, clock: Clock) -> Self {
        Self {
            feed: Arc::new(Feed::new(engine.clone(), clock.clone())),
            enabled: Derived::default(),
            sealer,
            clock,
            making: Mutex::default(),
        }
    }

    /// Where they come from, for whoever loads and follows it.
    #[must_use]
    pub fn feed(&self) -> &Arc<Feed<Webhook>> {
        &self.feed
    }

    /// Makes a webhook. Its secret is told now, and never again.
    ///
    /// # Errors
    /// See [`Error`]. Instances that make webhooks of one app in the same half second may exceed the limit.
    pub async fn create(&self, app: &AppName, new: NewWebhook) -> Result<(Webhook, SecretString), Error> {
        let _turn = self.making.lock().await;
        if self.list(app).len() >= PER_APP {
            return Err(Error::TooMany);
        }
        let id = fresh_id();
        let secret = new.secret.unwrap_or_else(fresh_secret);
        let now = self.clock.store_now();
        let webhook = Webhook {
            app: app.clone(),
            url: new.url.into(),
            events: new.events,
            description: new.description,
            ordered: new.ordered,
            reply: new.reply,
            disabled: new.disabled,
            secret: self.seal(&id, &secret),
            previous_secret: None,
            previous_until: None,
            created_at: now,
            changed_at: now,
            deleted_at: None,
            expires_at: None,
            id,
        };
        self.feed.repo().insert(&webhook).await?;
        self.feed.note(&webhook);
        tracing::info!(app = %app, webhook = %webhook.id, "a webhook was made");
        Ok((webhook, secret.text().clone()))
    }

    /// An app's webhooks, oldest first, as far as this instance has heard of them.
    #[must_use]
    pub fn list(&self, app: &AppName) -> Vec<Arc<Webhook>> {
        let (_, mut all) = self.feed.all();
        all.retain(|webhook| webhook.app == *app);
        all
    }

    /// A webhook of an app, as the store has it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn read(&self, app: &AppName, id: &WebhookId) -> Result<Webhook, Error> {
        let found = self.feed.repo().get(id.as_str()).await?;
        found
            .filter(|webhook| webhook.app == *app && webhook.deleted_at.is_none())
            .ok_or(Error::NotFound)
    }

    /// Changes a webhook.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn change(&self, app: &AppName, id: &WebhookId, changes: Changes) -> Result<Webhook, Error> {
        self.update(app, id, |webhook, _| {
            let changes = changes.clone();
            if let Some(url) = changes.url {
                webhook.url = url.into();
            }
            webhook.events = changes.events.unwrap_or(std::mem::take(&mut webhook.events));
            webhook.description = changes.description.unwrap_or(webhook.description.take());
            webhook.ordered = changes.ordered.unwrap_or(webhook.ordered);
            webhook.reply = changes.reply.unwrap_or(webhook.reply);
            webhook.disabled = changes.disabled.unwrap_or(webhook.disabled);
        })
        .await
    }

    /// Deletes a webhook. What was not delivered is dropped by whoever comes to deliver it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn delete(&self, app: &AppName, id: &WebhookId) -> Result<(), Error> {
        let gone = self.update(app, id, |webhook, now| {
            webhook.deleted_at = Some(now);
            webhook.expires_at = Some(now + TOMBSTONE);
            webhook.previous_secret = None;
        });
        gone.await?;
        tracing::info!(app = %app, webhook = %id, "a webhook was deleted");
        Ok(())
    }

    /// Gives a webhook a new secret, which is told now and never again. The one before signs as well for the overlap.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn rotate(
        &self,
        app: &AppName,
        id: &WebhookId,
        overlap: Duration,
    ) -> Result<SecretString, Error> {
        let secret = fresh_secret();
        let sealed = self.seal(id, &secret);
        let rotated = self.update(app, id, |webhook, now| {
            let previous = std::mem::replace(&mut webhook.secret, sealed.clone());
            let overlaps = !overlap.is_zero();
            webhook.previous_secret = overlaps.then_some(previous);
            webhook.previous_until = overlaps.then(|| now + overlap);
        });
        rotated.await?;
        tracing::info!(app = %app, webhook = %id, "a webhook got a new secret");
        Ok(secret.text().clone())
    }

    /// The webhook of this id, whichever app's, as far as this instance has heard of it.
    #[must_use]
    pub fn get(&self, id: &WebhookId) -> Option<Arc<Webhook>> {
        self.feed.get(id.as_str())
    }

    /// The webhook of this id, also one that this instance has not heard of yet.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn find(&self, id: &WebhookId) -> store::Result<Option<Arc<Webhook>>> {
        if let Some(known) = self.get(id) {
            return Ok(Some(known));
        }
        let found = self.feed.repo().get(id.as_str()).await?;
        Ok(found.filter(|webhook| webhook.deleted_at.is_none()).map(Arc::new))
    }

    /// The webhooks that want an event, oldest first; those that are asked for replies among them.
    #[must_use]
    pub fn wanting(&self, event: &Event) -> Vec<Arc<Webhook>> {
        let enabled = self.enabled();
        let of_the_app = enabled.get(&event.app).into_iter().flatten();
        of_the_app
            .filter(|webhook| webhook.events.matches(event))
            .cloned()
            .collect()
    }

    /// The secrets that sign for a webhook at this store time: the current one, then the one before while it lasts.
    ///
    /// # Errors
    /// See [`Unusable`].
    pub fn secrets(&self, webhook: &Webhook, now: Timestamp) -> Result<Vec<Secret>, Unusable> {
        let place = Webhook::place(&webhook.id);
        let open = |sealed: &Sealed| Ok(Secret::try_from(&self.sealer.open(&place, sealed)?)?);
        let lasts = webhook.previous_until.is_some_and(|until| now < until);
        let previous = webhook.previous_secret.as_ref().filter(|_| lasts);
        std::iter::once(&webhook.secret)
            .chain(previous)
            .map(open)
            .collect()
    }

    fn enabled(&self) -> Arc<Enabled> {
        self.enabled.of(&self.feed, |webhooks| {
            let mut enabled = Enabled::new();
            for webhook in webhooks.into_iter().filter(|webhook| !webhook.disabled) {
                enabled.entry(webhook.app.clone()).or_default().push(webhook);
            }
            enabled
        })
    }

    /// Changes a webhook of an app at a time that is later than the change before.
    async fn update(
        &self,
        app: &AppName,
        id: &WebhookId,
        change: impl Fn(&mut Webhook, Timestamp),
    ) -> Result<Webhook, Error> {
        let mut is_there = false;
        let changed = self.feed.repo().update(id.as_str(), |webhook| {
            is_there = webhook.app == *app && webhook.deleted_at.is_none();
            if !is_there {
                return Change::Keep;
            }
            webhook.changed_at = self.feed.change_after(webhook.changed_at);
            change(webhook, webhook.changed_at);
            Change::Save
        });
        let changed = changed.await?;
        let changed = changed.filter(|_| is_there).ok_or(Error::NotFound)?;
        self.feed.note(&changed);
        Ok(changed)
    }

    fn seal(&self, id: &WebhookId, secret: &Secret) -> Sealed {
        self.sealer.seal(&Webhook::place(id), secret.text())
    }
}

fn fresh_id() -> WebhookId {
    let id = format!("whk_{}", Uuid::now_v7().simple());
    id.parse().expect("whk_ and 32 hexadecimal digits are an id")
}

fn fresh_secret() -> Secret {
    Secret::of(&rand::random())
}
