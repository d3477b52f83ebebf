//! The keys that sign our tokens.

use serde::{Deserialize, Serialize};

use super::stored_in;
use crate::domain::time::Timestamp;
use crate::service::seal::Sealed;
use crate::store::{Collection, Index, Record};

/// A key that signs our tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SigningKey {
    /// Which algorithm it is for, and the how-manieth of its kind.
    pub id: String,
    /// The name that tokens carry in their header.
    pub kid: String,
    /// The private key or shared secret.
    pub secret: Sealed,
    /// The public key in base64url, for algorithms that have one.
    #[serde(default)]
    pub public: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl SigningKey {
    /// All keys, oldest first.
    pub const BY_AGE: &'static Index = &Self::COLLECTION.indexes[0];
}

stored_in!(
    SigningKey,
    Collection {
        name: "signing_keys",
        indexes: &[Index {
            name: "age",
            fields: &["created_at"],
            unique: false
        }],
        expires: None
    }
);
