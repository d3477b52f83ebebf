//! The platform's tokens and tickets, as all instances share them.

use serde::{Deserialize, Serialize};

use super::stored_in;
use crate::domain::time::Timestamp;
use crate::service::seal::Sealed;
use crate::store::{Collection, Index, Record};

/// A token or ticket of the platform, shared by all instances.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Credential {
    /// `APPID:KIND`.
    pub id: String,
    /// The value, once there is one.
    #[serde(default)]
    pub value: Option<Sealed>,
    /// Counts the values.
    #[serde(default)]
    pub generation: i64,
    /// The value's real end.
    #[serde(default)]
    pub expires_at: Timestamp,
    /// When to fetch the next one.
    #[serde(default)]
    pub renew_at: Timestamp,
    /// What is known of the value's age.
    #[serde(default)]
    pub age: Age,
    /// Who is fetching.
    #[serde(default)]
    pub lease: Option<Lease>,
    /// Calls left; see `service::credentials::budget`.
    #[serde(default)]
    pub budget: Budget,
    /// Forced refreshes, which the platform limits to 20 a day.
    #[serde(default)]
    pub forced: Forced,
    /// When a value was put here last. Records of older versions have none, and are found
    /// by their ids alone until their next value.
    #[serde(default)]
    pub changed_at: Option<Timestamp>,
}

impl Credential {
    /// By when they were changed last.
    pub const BY_CHANGE: &'static Index = &Self::COLLECTION.indexes[0];
}

/// What is known of the age of a value that the platform hands out more than once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Age {
    /// It was made after this moment: the platform returned another value then, or could not have kept it longer.
    pub born_after: Timestamp,
    /// When the platform returned it first.
    pub first_seen: Timestamp,
    /// When the platform returned it last.
    pub last_seen: Timestamp,
}

/// The right of one instance to fetch. It ends by itself, and only its owner may publish.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Lease {
    /// The instance.
    pub owner: String,
    /// Until when.
    pub until: Timestamp,
}

/// A bucket of calls.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Budget {
    /// Thousandths of calls spent and not yet given back.
    pub spent: i64,
    /// When `spent` was true.
    pub at: Timestamp,
}

/// Forced refreshes of one day.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Forced {
    /// Days since the epoch, in the platform's time zone.
    pub day: i64,
    /// How many on that day.
    pub count: u32,
    /// The last of all.
    pub last: Timestamp,
}

stored_in!(
    Credential,
    Collection {
        name: "credentials",
        indexes: &[Index {
            name: "changed",
            fields: &["changed_at"],
            unique: false
        }],
        expires: None
    }
);
