//! How often something was tried lately.

use serde::{Deserialize, Serialize};

use super::stored_in;
use crate::domain::time::Timestamp;
use crate::store::{Collection, Record};

/// Failures of one account or from one address. Gone when their window is over.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attempts {
    /// Of what kind, and the fingerprint of the account or address.
    pub id: String,
    /// How many there were.
    pub count: u32,
    /// The first of them.
    pub first: Timestamp,
    /// The end of the window.
    pub expires_at: Timestamp,
}

stored_in!(
    Attempts,
    Collection {
        name: "attempts",
        indexes: &[],
        expires: Some("expires_at"),
    }
);
