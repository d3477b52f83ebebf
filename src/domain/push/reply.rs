//! Replies.

use serde::{Deserialize, Serialize};

/// A reply to a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Reply {
    /// A text.
    Text {
        /// It.
        content: String,
    },
}
