//! Events on their way to webhooks.

use serde::{Deserialize, Serialize};

use super::stored_in;
use crate::domain::ids::{AppName, EventId, WebhookId};
use crate::domain::time::Timestamp;
use crate::store::{Collection, Index, Record};

/// One event for one webhook. It holds nothing of the event itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Delivery {
    /// `EVENT:WEBHOOK`, so that nobody makes it twice.
    pub id: String,
    /// The app.
    pub app: AppName,
    /// What is delivered.
    pub event: EventId,
    /// To whom.
    pub webhook: WebhookId,
    /// How it stands.
    pub state: DeliveryState,
    /// When it may be tried next. While it is being tried: when others may take it over. None once it has ended. To a
    /// webhook that gets its events in order: when the event was accepted, as long as it has not ended.
    #[serde(default)]
    pub due_at: Option<Timestamp>,
    /// Not before this it may be tried or taken over, whatever `due_at` says: so the order stays as it is meanwhile.
    #[serde(default)]
    pub not_before: Option<Timestamp>,
    /// The process that tries it.
    #[serde(default)]
    pub owner: Option<String>,
    /// How often it was tried since it was made or replayed.
    #[serde(default)]
    pub tries: u32,
    /// The latest attempts, oldest first.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// When the event was accepted.
    pub created_at: Timestamp,
    /// The same, if it was given up: by this it is found again among many.
    #[serde(default)]
    pub dead: Option<Timestamp>,
    /// When it is forgotten.
    pub expires_at: Timestamp,
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is to be tried, or tried again.
    Waiting,
    /// The receiver took it.
    Delivered,
    /// It was given up after the last attempt; it can be replayed.
    Dead,
    /// There is nothing to deliver any more: the person or the webhook was deleted.
    Dropped,
}

/// One attempt of a delivery.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// The receiver's status.
    #[serde(default)]
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// What went wrong, without the address and without anything that the receiver said.
    #[serde(default)]
    pub error: Option<String>,
}

impl Delivery {
    /// The deliveries of a webhook that have not ended, by when they are due.
    pub const BY_DUE: &'static Index = &Self::COLLECTION.indexes[0];
    /// The deliveries of a webhook, by when their events were accepted.
    pub const BY_WEBHOOK: &'static Index = &Self::COLLECTION.indexes[1];

    /// The deliveries of a webhook that were given up, by when their events were accepted.
    pub const DEAD: &'static Index = &Self::COLLECTION.indexes[2];

    /// The id of this event's delivery to this webhook.
    #[must_use]
    pub fn id_of(event: &EventId, webhook: &WebhookId) -> String {
        format!("{event}:{webhook}")
    }
}

stored_in!(
    Delivery,
    Collection {
        name: "deliveries",
        indexes: &[
            Index {
                name: "due",
                fields: &["webhook", "due_at"],
                unique: false
            },
            Index {
                name: "webhook",
                fields: &["webhook", "created_at"],
                unique: false
            },
            Index {
                name: "dead",
                fields: &["webhook", "dead"],
                unique: false
            },
        ],
        expires: Some("expires_at"),
    }
);
