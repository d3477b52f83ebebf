//! Rooms.

use serde::{Deserialize, Serialize};

use super::stored_in;
use crate::domain::ids::UserId;
use crate::domain::time::Timestamp;
use crate::store::{Collection, Index, Record};

/// A room: an entry of the list that the founding documents protect.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Room {
    /// Our id of the room.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// Who made it.
    pub owner: UserId,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Room {
    /// All rooms, oldest first.
    pub const BY_TIME: &'static Index = &Self::COLLECTION.indexes[0];
    /// All rooms of a user, oldest first.
    pub const BY_OWNER: &'static Index = &Self::COLLECTION.indexes[1];
}

stored_in!(
    Room,
    Collection {
        name: "rooms",
        indexes: &[
            Index {
                name: "created",
                fields: &["created_at"],
                unique: false
            },
            Index {
                name: "owner",
                fields: &["owner", "created_at"],
                unique: false
            }
        ],
        expires: None
    }
);
