//! What the errors of pictures and rooms become.

use std::time::Duration;

use super::ApiError;
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
            avatars::Error::NoUser => Self::InvalidToken,
            avatars::Error::Store(error) => error.into(),
            avatars::Error::Folder(_) => {
                tracing::error!(error = %Chain(&error), "a picture could not be kept or read");
                Self::Unavailable("pictures are not available", Duration::from_secs(5))
            }
        }
    }
}

impl From<rooms::Error> for ApiError {
    fn from(error: rooms::Error) -> Self {
        match error {
            rooms::Error::TooMany => Self::Unprocessable(error.to_string()),
            rooms::Error::NoUser => Self::InvalidToken,
            rooms::Error::Store(error) => error.into(),
        }
    }
}
