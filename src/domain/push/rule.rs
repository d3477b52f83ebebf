//! Rules that find a reply for an event.

use serde::{Deserialize, Serialize};

use super::reply::Reply;

/// When which reply is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// What is answered.
    pub reply: Reply,
}
