//! Administrators. They are no users: neither kind of login finds the other's.

use serde::{Deserialize, Serialize};

use super::stored_in;
use crate::domain::ids::UserId;
use crate::domain::time::Timestamp;
use crate::service::seal::Sealed;
use crate::store::{Collection, Index, Record};

/// An administrator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Administrator {
    /// What its tokens name.
    pub id: UserId,
    /// The address it logs in with, in lower case.
    pub email: String,
    /// The password, hashed with Argon2id, in PHC form.
    pub password: String,
    /// The secret of its second factor, if it has one.
    #[serde(default)]
    pub totp: Option<Sealed>,
    /// The latest time step whose code was used: each works once.
    #[serde(default)]
    pub totp_step: i64,
    /// Whether it may not log in any more.
    #[serde(default)]
    pub disabled: bool,
    /// Raised whenever all its sessions have to end, so that a login under way at that moment is noticed.
    #[serde(default)]
    pub epoch: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Administrator {
    /// The one with an e-mail address, and all of them in the order of their addresses.
    pub const BY_EMAIL: &'static Index = &Self::COLLECTION.indexes[0];
}

stored_in!(
    Administrator,
    Collection {
        name: "administrators",
        indexes: &[Index {
            name: "email",
            fields: &["email"],
            unique: true
        }],
        expires: None,
    }
);
