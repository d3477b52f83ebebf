//! Pictures that users have uploaded.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::stored_in;
use crate::domain::ids::UserId;
use crate::domain::time::Timestamp;
use crate::store::{Collection, Index, Record};

/// A picture, of one size. It is never changed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Media {
    /// Its file name.
    pub id: String,
    /// Whose it is. No two users share one, not even of the same picture.
    pub owner: UserId,
    /// The file's bytes in base64; absent if they are in a file of that name.
    #[serde(default)]
    pub data: Option<String>,
    /// The SHA-256 of the upload that it was made from, in hexadecimal digits.
    #[serde(default)]
    pub source: Option<String>,
    /// When it was stored.
    pub created_at: Timestamp,
}

/// Nobody wants to read the bytes.
impl fmt::Debug for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Media")
            .field("id", &self.id)
            .field("owner", &self.owner)
            .field("created_at", &self.created_at)
            .finish_non_exhaustive()
    }
}

impl Media {
    /// All pictures of a user, oldest first.
    pub const BY_OWNER: &'static Index = &Self::COLLECTION.indexes[0];
}

stored_in!(
    Media,
    Collection {
        name: "media",
        indexes: &[Index {
            name: "owner",
            fields: &["owner", "created_at"],
            unique: false
        }],
        expires: None
    }
);
