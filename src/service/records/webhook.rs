//! Programs of the company's that want to hear of events.

use serde::{Deserialize, Serialize};

use super::stored_in;
use crate::domain::ids::{AppName, WebhookId};
use crate::domain::push::filter::Filters;
use crate::domain::time::Timestamp;
use crate::service::feed::Fed;
use crate::service::seal::Sealed;
use crate::store::{Collection, Index, Record};

/// Where events of an app are delivered to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// The app.
    pub app: AppName,
    /// The receiver's address.
    pub url: String,
    /// Which events it wants; all if there are none.
    #[serde(default)]
    pub events: Filters,
    /// What the operator calls it.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether it gets one event after the other, in the order of their acceptance.
    #[serde(default)]
    pub ordered: bool,
    /// Whether it is asked for replies while WeChat waits.
    #[serde(default)]
    pub reply: bool,
    /// Whether it gets nothing for now.
    #[serde(default)]
    pub disabled: bool,
    /// Signs what it gets.
    pub secret: Sealed,
    /// The secret before that, which signs as well for a while.
    #[serde(default)]
    pub previous_secret: Option<Sealed>,
    /// Until when.
    #[serde(default)]
    pub previous_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub changed_at: Timestamp,
    /// When it was deleted.
    #[serde(default)]
    pub deleted_at: Option<Timestamp>,
    /// When a deleted one is forgotten.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

impl Webhook {
    /// All of them, by when they were changed last.
    pub const BY_CHANGE: &'static Index = &Self::COLLECTION.indexes[0];
    /// The place where its secrets are sealed for.
    #[must_use]
    pub fn place(id: &WebhookId) -> String {
        format!("webhooks/{id}")
    }
}

impl Fed for Webhook {
    const BY_CHANGE: &'static Index = Self::BY_CHANGE;

    fn changed_at(&self) -> Timestamp {
        self.changed_at
    }

    fn is_gone(&self) -> bool {
        self.deleted_at.is_some()
    }
}

stored_in!(
    Webhook,
    Collection {
        name: "webhooks",
        indexes: &[Index {
            name: "changed",
            fields: &["changed_at"],
            unique: false
        }],
        expires: Some("expires_at"),
    }
);
