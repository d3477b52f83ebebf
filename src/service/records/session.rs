//! Logins and what follows from them.

use serde::{Deserialize, Serialize};

use super::stored_in;
use crate::domain::ids::{AppName, SessionId, UserId};
use crate::domain::rotation::Rotation;
use crate::domain::time::Timestamp;
use crate::store::{Collection, Index, Record};

/// A login and what follows from it: the family of refresh tokens that descend from it.
///
/// Ending a session is a change of this one document, so that it cannot come between the reading and the writing of a
/// refresh.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    /// The claim `sid`.
    pub id: SessionId,
    /// Whose it is: a user, or an administrator if the scope says so.
    pub user: UserId,
    /// What its tokens allow.
    #[serde(default)]
    pub scope: Scope,
    /// The app where the user logged in; none for logins without WeChat.
    #[serde(default)]
    pub app: Option<AppName>,
    /// The owner's `epoch` when it began. Once the owner's is higher the session is over, found by those who end sessions
    /// or not.
    #[serde(default)]
    pub epoch: i64,
    /// What the client calls itself.
    #[serde(default)]
    pub device: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// The generation of the refresh token that is good now.
    #[serde(default)]
    pub generation: i64,
    /// When the latest generations were made, the current one last; older ones than the grace are left out.
    #[serde(default)]
    pub rotations: Vec<Timestamp>,
    /// When it ends without use. Once ended: when every access token of it has expired.
    pub expires_at: Timestamp,
    /// When it ends in any case.
    pub ends_at: Timestamp,
    /// When it was ended.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
}

/// What the tokens of a session allow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// What a user may do.
    #[default]
    User,
    /// What an administrator may do.
    Admin,
}

impl Session {
    /// All sessions of a user or administrator, oldest first.
    pub const BY_USER: &'static Index = &Self::COLLECTION.indexes[0];
    /// The sessions that were ended, by when.
    pub const BY_END: &'static Index = &Self::COLLECTION.indexes[1];

    /// The generations of its refresh token.
    #[must_use]
    pub fn rotation(&self) -> Rotation {
        Rotation {
            generation: self.generation,
            made: self.rotations.clone(),
        }
    }

    /// Keeps what a refresh has changed.
    pub fn set_rotation(&mut self, rotation: Rotation) {
        self.generation = rotation.generation;
        self.rotations = rotation.made;
    }
}

stored_in!(
    Session,
    Collection {
        name: "sessions",
        indexes: &[
            Index {
                name: "user",
                fields: &["user", "created_at"],
                unique: false
            },
            Index {
                name: "ended",
                fields: &["ended_at"],
                unique: false
            }
        ],
        expires: Some("expires_at"),
    }
);
