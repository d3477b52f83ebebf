//! Replies.

use serde::{Deserialize, Serialize};

/// Why a reply is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is empty")]
pub struct BadReply;

impl Reply {
    /// Whether it can be given.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), BadReply> {
        let Self::Text { content } = self;
        if content.is_empty() { Err(BadReply) } else { Ok(()) }
    }
}

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
