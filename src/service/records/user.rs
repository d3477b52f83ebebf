//! Users, and the ways in which they are known.

use serde::{Deserialize, Serialize};

use super::stored_in;
use crate::domain::ids::{UnionId, UserId};
use crate::domain::time::Timestamp;
use crate::service::seal::Sealed;
use crate::store::{Collection, Index, Record};

/// One way in which a user is known, and whose it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Identity {
    /// `wechat:APPID:OPENID`, `unionid::UNIONID`, `phone::+8613800000000`, `email::ann@example.com` or `username::ann`.
    pub id: String,
    /// Whose it is.
    pub user: UserId,
    /// Whether it was only claimed: an e-mail address that its owner has not confirmed by a code. It lets its user log
    /// in, but yields to whoever proves it.
    #[serde(default)]
    pub unproven: bool,
    /// The user within the Open Platform account, once the platform has told.
    #[serde(default)]
    pub unionid: Option<UnionId>,
    /// The latest session_key and the one before, latest first.
    #[serde(default)]
    pub session_keys: Vec<SessionKey>,
    /// When it was first seen.
    pub created_at: Timestamp,
}

/// A session_key of the platform's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SessionKey {
    /// The key.
    pub key: Sealed,
    /// When it was handed out.
    pub at: Timestamp,
}

stored_in!(
    Identity,
    Collection {
        name: "identities",
        indexes: &[Index {
            name: "user",
            fields: &["user"],
            unique: false
        }],
        expires: None,
    }
);

/// A user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct User {
    /// Our id of the user.
    pub id: UserId,
    /// When the user first logged in.
    pub created_at: Timestamp,
    /// The user that this one turned out to be; readers follow.
    #[serde(default)]
    pub merged_into: Option<UserId>,
    /// When the user was deleted: what is left of them is being removed.
    #[serde(default)]
    pub deleted_at: Option<Timestamp>,
    /// Raised whenever all sessions have to end, so that a login under way at that moment is noticed.
    #[serde(default)]
    pub epoch: i64,
    /// The password, hashed with Argon2id, in PHC form.
    #[serde(default)]
    pub password: Option<String>,
    /// What the user wants to be called.
    #[serde(default)]
    pub nickname: Option<String>,
    /// The path of the user's picture.
    #[serde(default)]
    pub avatar: Option<String>,
}

impl User {
    /// The users who were merged into another.
    pub const BY_SURVIVOR: &'static Index = &Self::COLLECTION.indexes[0];
    /// The users who are being deleted.
    pub const BY_DELETION: &'static Index = &Self::COLLECTION.indexes[1];

    /// A user without anything.
    #[must_use]
    pub fn new(id: UserId, now: Timestamp) -> Self {
        Self {
            id,
            created_at: now,
            merged_into: None,
            deleted_at: None,
            epoch: 0,
            password: None,
            nickname: None,
            avatar: None,
        }
    }
}

impl Identity {
    /// All identities of a user.
    pub const BY_USER: &'static Index = &Self::COLLECTION.indexes[0];
}

stored_in!(
    User,
    Collection {
        name: "users",
        indexes: &[
            Index {
                name: "merged_into",
                fields: &["merged_into"],
                unique: false
            },
            Index {
                name: "deleted_at",
                fields: &["deleted_at"],
                unique: false
            }
        ],
        expires: None
    }
);
