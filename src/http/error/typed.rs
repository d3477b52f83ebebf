//! What the errors of typed calls become.

use super::ApiError;
use crate::service::typed;

impl From<typed::Error> for ApiError {
    fn from(error: typed::Error) -> Self {
        match error {
            typed::Error::Invalid(problems) => Self::Invalid(problems),
            typed::Error::Limited(wait) => Self::Limited(wait),
            typed::Error::NoCheck => Self::NotFound("there is no such check, or not any more".to_owned()),
            typed::Error::Relay(error) => error.into(),
            typed::Error::Store(error) => error.into(),
        }
    }
}
