//! When each of the company's services was heard of last. Apart from what it is, which every instance follows: that
//! changes seldom, this each minute.

use serde::{Deserialize, Serialize};

use super::stored_in;
use crate::domain::ids::CallerId;
use crate::domain::time::Timestamp;
use crate::store::{Collection, Record};

/// When a caller's key was used last.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CallerUse {
    /// The caller.
    pub id: CallerId,
    /// When, to about a minute.
    pub last_used_at: Timestamp,
}

stored_in!(
    CallerUse,
    Collection {
        name: "caller_use",
        indexes: &[],
        expires: None,
    }
);
