//! What the errors about webhooks and rules for replies become.

use super::ApiError;
use crate::service::{reply_rules, webhooks};

impl From<webhooks::Error> for ApiError {
    fn from(error: webhooks::Error) -> Self {
        match error {
            webhooks::Error::NotFound => Self::NotFound(error.to_string()),
            webhooks::Error::TooMany => Self::Conflict(error.to_string()),
            webhooks::Error::Store(error) => error.into(),
        }
    }
}

impl From<reply_rules::Error> for ApiError {
    fn from(error: reply_rules::Error) -> Self {
        match error {
            reply_rules::Error::NotFound => Self::NotFound(error.to_string()),
            reply_rules::Error::TooMany | reply_rules::Error::TooManyExpressions => {
                Self::Conflict(error.to_string())
            }
            reply_rules::Error::Store(error) => error.into(),
        }
    }
}
