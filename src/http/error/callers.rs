//! What the errors of callers' keys become.

use super::ApiError;
use crate::service::callers;

impl From<callers::Denied> for ApiError {
    fn from(denied: callers::Denied) -> Self {
        Self::InvalidKey(denied)
    }
}

impl From<callers::Error> for ApiError {
    fn from(error: callers::Error) -> Self {
        match error {
            callers::Error::Unknown => Self::NotFound(error.to_string()),
            callers::Error::Store(error) => error.into(),
        }
    }
}
