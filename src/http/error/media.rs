//! Answers to errors of pictures and rooms. The rest is in the module above.

use std::time::Duration;

use super::{ApiError, store_failed};
use crate::service::{avatars, rooms};
use crate::telemetry::Chain;

impl From<avatars::Error> for ApiError {
    fn from(error: avatars::Error) -> Self {
        match error {
            avatars::Error::Refused(why @ avatars::Refused::NotAPicture) => {
                Self::UnsupportedFile(why.to_string())
            }
            avatars::Error::Refused(why @ avatars::Refused::TooManyPixels) => {
                Self::Unprocessable(why.to_string())
            }
            avatars::Error::Busy => {
                Self::Unavailable("too many pictures are being worked on", Duration::from_secs(2))
            }
            avatars::Error::NoUser => Self::Unauthorized("there is no such user any more".to_owned()),
            avatars::Error::Store(error) => {
                tracing::error!(error = %Chain(&error), "a picture could not be stored or read");
                store_failed(error.may_pass())
            }
            avatars::Error::Folder(_) => {
                tracing::error!(error = %Chain(&error), "a picture could not be stored or read");
                Self::Unavailable("pictures are not available", Duration::from_secs(5))
            }
        }
    }
}

impl From<rooms::Error> for ApiError {
    fn from(error: rooms::Error) -> Self {
        match error {
            rooms::Error::TooMany => Self::Unprocessable(error.to_string()),
            rooms::Error::Store(error) => {
                tracing::error!(error = %Chain(&error), "rooms could not be stored or read");
                store_failed(error.may_pass())
            }
        }
    }
}
