//! Who changed what: calls that changed something, without what they carried.

use serde::{Deserialize, Serialize};

use super::stored_in;
use crate::domain::ids::{AppName, CallerId, UserId};
use crate::domain::time::Timestamp;
use crate::store::{Collection, Index, Record};

/// A call that changed something, or was to.
///
/// Its id begins with its time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditRecord {
    /// Ours.
    pub id: String,
    /// When it was answered.
    pub at: Timestamp,
    /// The app it was about.
    pub app: AppName,
    /// The service of the company's that made it.
    #[serde(default)]
    pub caller: Option<CallerId>,
    /// The user or administrator who made it.
    #[serde(default)]
    pub user: Option<UserId>,
    /// Its method.
    pub method: String,
    /// Its path without the query.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
    /// WeChat's errcode, if it gave one.
    #[serde(default)]
    pub errcode: Option<i64>,
    /// WeChat's own id of the call.
    #[serde(default)]
    pub rid: Option<String>,
    /// Our id of the request.
    #[serde(default)]
    pub request_id: Option<String>,
    /// When it is forgotten.
    pub expires_at: Timestamp,
}

impl AuditRecord {
    /// All of them by time.
    pub const BY_TIME: &'static Index = &Self::COLLECTION.indexes[0];
    /// Those of an app by time.
    pub const BY_APP: &'static Index = &Self::COLLECTION.indexes[1];
    /// Those of a caller by time.
    pub const BY_CALLER: &'static Index = &Self::COLLECTION.indexes[2];
}

stored_in!(
    AuditRecord,
    Collection {
        name: "audit",
        indexes: &[
            Index {
                name: "time",
                fields: &["at"],
                unique: false
            },
            Index {
                name: "app",
                fields: &["app", "at"],
                unique: false
            },
            Index {
                name: "caller",
                fields: &["caller", "at"],
                unique: false
            },
        ],
        expires: Some("expires_at"),
    }
);
