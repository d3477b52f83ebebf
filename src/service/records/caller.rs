//! The company's own services, and what their keys allow.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::stored_in;
use crate::domain::call_pattern::CallPattern;
use crate::domain::ids::{AppName, CallerId};
use crate::domain::time::Timestamp;
use crate::service::callers::KeyDigest;
use crate::service::feed::Fed;
use crate::store::{Collection, Index, Record};

/// A service of the company's with a key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Caller {
    /// Its id.
    pub id: CallerId,
    /// What the operator calls it.
    pub name: String,
    /// The digest of its key.
    pub key: KeyDigest,
    /// The apps it may use.
    #[serde(default)]
    pub apps: BTreeSet<AppName>,
    /// Which calls of WeChat's API it may make.
    #[serde(default)]
    pub allow: Vec<CallPattern>,
    /// What else it may do.
    #[serde(default)]
    pub grants: BTreeSet<Grant>,
    /// How many requests a second it may make, in each process.
    #[serde(default)]
    pub rate: Option<u32>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its key ends.
    #[serde(default)]
    pub ends_at: Option<Timestamp>,
    /// When it was revoked.
    #[serde(default)]
    pub revoked_at: Option<Timestamp>,
    /// When it was changed last.
    pub changed_at: Timestamp,
}

/// Something that a key does not allow by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// Having the access_token itself.
    RawToken,
    /// Having session keys.
    SessionKey,
    /// Managing webhooks and rules for replies.
    Webhooks,
    /// Following the stream of events.
    Events,
    /// Reading the metrics.
    Metrics,
}

impl Grant {
    /// The option of `wxgate caller create` that gives it.
    #[must_use]
    pub fn option(self) -> &'static str {
        match self {
            Self::RawToken => "--raw-token",
            Self::SessionKey => "--session-key",
            Self::Webhooks => "--webhooks",
            Self::Events => "--events",
            Self::Metrics => "--metrics",
        }
    }
}

impl Fed for Caller {
    const BY_CHANGE: &'static Index = &Self::COLLECTION.indexes[0];

    fn changed_at(&self) -> Timestamp {
        self.changed_at
    }

    fn is_gone(&self) -> bool {
        // A revoked one is kept in memory: whoever has its key is told so.
        false
    }
}

stored_in!(
    Caller,
    Collection {
        name: "callers",
        indexes: &[Index {
            name: "changed",
            fields: &["changed_at"],
            unique: false
        }],
        expires: None,
    }
);
