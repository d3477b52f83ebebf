//! Rules for replies that are not in the configuration.

use serde::{Deserialize, Serialize};

use super::stored_in;
use crate::domain::ids::{AppName, RuleId};
use crate::domain::push::rule::Rule;
use crate::domain::time::Timestamp;
use crate::service::feed::Fed;
use crate::store::{Collection, Index, Record};

/// A rule of an app.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReplyRule {
    /// Its id.
    pub id: RuleId,
    /// The app.
    pub app: AppName,
    /// What it says.
    pub rule: Rule,
    /// Smaller ones are tried first; equal ones in the order in which they were made.
    #[serde(default)]
    pub position: i64,
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

impl Fed for ReplyRule {
    const BY_CHANGE: &'static Index = &Self::COLLECTION.indexes[0];

    fn changed_at(&self) -> Timestamp {
        self.changed_at
    }

    fn is_gone(&self) -> bool {
        self.deleted_at.is_some()
    }
}

stored_in!(
    ReplyRule,
    Collection {
        name: "reply_rules",
        indexes: &[Index {
            name: "changed",
            fields: &["changed_at"],
            unique: false
        }],
        expires: Some("expires_at"),
    }
);
