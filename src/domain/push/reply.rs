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

/// WeChat shows no more articles than this.
pub(super) const MAX_ARTICLES: usize = 8;
