//! What the admin API refuses, as JSON with a status of its own: `{"error": "…"}`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use serde_json::json;

/// A refused admin request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdminError {
    /// The request makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The request comes from a page of another host.
    #[error("{0}")]
    Forbidden(&'static str),
    /// There is no such thing.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The path knows other methods.
    #[error("method not allowed here")]
    WrongMethod,
    /// The thing exists already, or there is no room for more.
    #[error("{0}")]
    Conflict(String),
}

impl ResponseError for AdminError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(_) => StatusCode::CONFLICT,
        }
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).json(json!({"error": self.to_string()}))
    }
}
