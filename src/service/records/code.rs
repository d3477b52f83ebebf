//! One-time codes, and when they were sent.

use serde::{Deserialize, Serialize};

use super::stored_in;
use crate::domain::time::Timestamp;
use crate::store::{Collection, Record};

/// The code that a phone number or e-mail address was sent last for one purpose.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Code {
    /// The fingerprint of channel, target and purpose.
    pub id: String,
    /// The fingerprint of the same and the code.
    pub code: String,
    /// How often it was tried.
    #[serde(default)]
    pub tries: u32,
    /// Whether it was used.
    #[serde(default)]
    pub used: bool,
    /// Its end.
    pub expires_at: Timestamp,
}

stored_in!(
    Code,
    Collection {
        name: "codes",
        indexes: &[],
        expires: Some("expires_at"),
    }
);

/// When codes were sent to one target, or for one client address.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sendings {
    /// Of what kind, and the fingerprint of the target or address.
    pub id: String,
    /// When, oldest first; older ones than any limit looks at are left out.
    #[serde(default)]
    pub times: Vec<Timestamp>,
    /// When no limit looks at the latest any more.
    pub expires_at: Timestamp,
}

stored_in!(
    Sendings,
    Collection {
        name: "sendings",
        indexes: &[],
        expires: Some("expires_at"),
    }
);
