//! The one place that maps errors to HTTP. Internal text never reaches a client; WeChat's errcode does.

mod callers;
mod media;
mod push;
mod services;
mod typed;

use std::fmt;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use super::cookies;
use super::edge::Asked;
use crate::service::callers::Denied;

/// Why a request is not answered as asked.
#[derive(Debug)]
pub enum ApiError {
    /// Parameters that are missing or wrong, one text for each.
    Invalid(Vec<String>),
    /// The body's content type is none that the route takes.
    UnsupportedType,
    /// The file's kind is none that the route takes.
    UnsupportedFile(String),
    /// What was sent can be read but not worked with.
    Unprocessable(String),
    /// The body is too large.
    TooLarge,
    /// The request did not arrive in time.
    TooSlow,
    /// The client did not prove who it is.
    Unauthorized(String),
    /// The token that the client presents is not good, or not any more.
    InvalidToken,
    /// The key of a caller that the client presents is not good, or not any more.
    InvalidKey(Denied),
    /// The token in the cookie is not good, or not any more: the browser is to forget it.
    StaleCookie,
    /// The client may not do this.
    Forbidden(String),
    /// There is no such thing.
    NotFound(String),
    /// There is, but not with this method; these are the ones it has.
    MethodNotAllowed(String),
    /// There is such a thing already, or it cannot be had in this state.
    Conflict(String),
    /// No session_key of the user fits: the mini program has to call `wx.login` again.
    SessionKeyExpired,
    /// Too often.
    Limited(Duration),
    /// The platform refused, for a reason that asking again does not change.
    Upstream(i64),
    /// Login only: neither the platform's yes nor its no could be had. (founding document 003)
    LoginUnavailable,
    /// Something that is needed does not work right now.
    Unavailable(&'static str, Duration),
    /// Our fault; the log has the cause under the request's id.
    Internal,
    /// An answer of the framework's own, such as to a malformed request.
    Framework(StatusCode),
}

/// The body of every error.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody<'a> {
    /// What is wrong: a text, or a list of texts about parameters.
    msg: Message<'a>,
    /// A stable code; see docs/api.md.
    #[schema(example = 10004)]
    error_code: u32,
    /// The method and path that were asked for.
    #[schema(example = "POST /v1/token")]
    request: String,
    /// WeChat's own code, where WeChat refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    errcode: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum Message<'a> {
    One(&'a str),
    Many(&'a [String]),
}

/// The stable codes.
mod code {
    pub(super) const PARAMETERS: u32 = 10001;
    pub(super) const NOT_FOUND: u32 = 10002;
    pub(super) const METHOD: u32 = 10003;
    pub(super) const AUTHENTICATION: u32 = 10004;
    pub(super) const FORBIDDEN: u32 = 10005;
    pub(super) const LIMITED: u32 = 10006;
    pub(super) const PLATFORM: u32 = 10007;
    pub(super) const UNAVAILABLE: u32 = 10008;
    pub(super) const INTERNAL: u32 = 10009;
    pub(super) const REQUEST: u32 = 10010;
    pub(super) const CONFLICT: u32 = 10011;
    pub(super) const SESSION_KEY: u32 = 10012;
}

impl ApiError {
    fn status_and_code(&self) -> (StatusCode, u32) {
        match self {
            Self::Invalid(_) => (StatusCode::BAD_REQUEST, code::PARAMETERS),
            Self::UnsupportedType | Self::UnsupportedFile(_) => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, code::PARAMETERS)
            }
            Self::Unprocessable(_) => (StatusCode::UNPROCESSABLE_ENTITY, code::PARAMETERS),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, code::PARAMETERS),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, code::REQUEST),
            Self::Unauthorized(_) | Self::InvalidToken | Self::InvalidKey(_) | Self::StaleCookie => {
                (StatusCode::UNAUTHORIZED, code::AUTHENTICATION)
            }
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, code::FORBIDDEN),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, code::NOT_FOUND),
            Self::MethodNotAllowed(_) => (StatusCode::METHOD_NOT_ALLOWED, code::METHOD),
            Self::Conflict(_) => (StatusCode::CONFLICT, code::CONFLICT),
            Self::SessionKeyExpired => (StatusCode::UNAUTHORIZED, code::SESSION_KEY),
            Self::Limited(_) => (StatusCode::TOO_MANY_REQUESTS, code::LIMITED),
            Self::Upstream(_) => (StatusCode::BAD_GATEWAY, code::PLATFORM),
            Self::LoginUnavailable => (StatusCode::SERVICE_UNAVAILABLE, code::AUTHENTICATION),
            Self::Unavailable(..) => (StatusCode::SERVICE_UNAVAILABLE, code::UNAVAILABLE),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, code::INTERNAL),
            Self::Framework(status) => (*status, code::REQUEST),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Limited(wait) | Self::Unavailable(_, wait) => Some(*wait),
            Self::LoginUnavailable => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    /// A parameter that is missing, in the words of founding document 003.
    #[must_use]
    pub fn missing(name: &str) -> Self {
        Self::Invalid(vec![missing(name)])
    }
}

/// The text about a parameter that is missing.
#[must_use]
pub fn missing(name: &str) -> String {
    format!("{name}字段是必填参数")
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(texts) => f.write_str(&texts.join("; ")),
            Self::UnsupportedType => f.write_str("the Content-Type must be application/json"),
            Self::TooLarge => f.write_str("the request is too large"),
            Self::TooSlow => f.write_str("the request did not arrive in time"),
            Self::UnsupportedFile(text)
            | Self::Unprocessable(text)
            | Self::Unauthorized(text)
            | Self::Forbidden(text)
            | Self::NotFound(text)
            | Self::Conflict(text) => f.write_str(text),
            Self::InvalidToken | Self::StaleCookie => f.write_str("the token is not valid"),
            Self::InvalidKey(denied) => denied.fmt(f),
            Self::MethodNotAllowed(_) => f.write_str("this path does not take this method"),
            Self::SessionKeyExpired => f.write_str("session expired, call wx.login again"),
            Self::Limited(_) => f.write_str("too many requests; try again later"),
            Self::Upstream(errcode) => write!(f, "WeChat refused with errcode {errcode}"),
            Self::LoginUnavailable => f.write_str("openid acquisition failed due to network problems"),
            Self::Unavailable(what, _) => f.write_str(what),
            Self::Internal => {
                f.write_str("an error of this server; its log has the cause under the X-Request-Id")
            }
            Self::Framework(status) => {
                f.write_str(status.canonical_reason().unwrap_or("the request was refused"))
            }
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status_and_code().0
    }

    /// The status alone: the body needs the request, and is made by [`render`] at the edge.
    fn error_response(&self) -> HttpResponse<BoxBody> {
        HttpResponse::new(self.status_code())
    }
}

/// The answer to a request that failed: with `error` if a handler gave one, else with what its status says.
#[must_use]
pub fn render(
    asked: &Asked<'_>,
    status: StatusCode,
    error: Option<&actix_web::Error>,
) -> HttpResponse<BoxBody> {
    let mut response = match error.and_then(|error| error.as_error::<ApiError>()) {
        Some(error) => respond(asked.method, asked.path, error, error.status_code()),
        None => respond(asked.method, asked.path, &from_status(status), status),
    };
    let is_stale = error
        .and_then(|error| error.as_error())
        .is_some_and(|error| matches!(error, ApiError::StaleCookie));
    if let Some(request) = asked.request.filter(|_| is_stale) {
        // The client goes to its login page, and not with the old cookie.
        cookies::clear(request, &mut response);
    }
    response
}

/// An error's body with another status: some founding documents answer 200 to wrong parameters.
#[must_use]
pub fn respond(method: &Method, path: &str, error: &ApiError, status: StatusCode) -> HttpResponse<BoxBody> {
    let text = error.to_string();
    let msg = match error {
        ApiError::Invalid(texts) => Message::Many(texts),
        _ => Message::One(&text),
    };
    let errcode = match error {
        ApiError::Upstream(errcode) => Some(*errcode),
        _ => None,
    };
    let mut response = HttpResponse::build(status);
    if let Some(wait) = error.retry_after() {
        // Whole seconds, rounded up.
        response.insert_header((
            header::RETRY_AFTER,
            (wait.as_millis().div_ceil(1000)).max(1).to_string(),
        ));
    }
    if let ApiError::MethodNotAllowed(allowed) = error {
        response.insert_header((header::ALLOW, allowed.as_str()));
    }
    if status == StatusCode::UNAUTHORIZED {
        // (RFC 6750, 3.)
        let challenge = match error {
            ApiError::InvalidToken | ApiError::InvalidKey(_) | ApiError::StaleCookie => {
                "Bearer error=\"invalid_token\""
            }
            _ => "Bearer",
        };
        response.insert_header((header::WWW_AUTHENTICATE, challenge));
    }
    let request = format!("{method} {path}");
    response.json(ErrorBody {
        msg,
        error_code: error.status_and_code().1,
        request,
        errcode,
    })
}

fn from_status(status: StatusCode) -> ApiError {
    match status {
        StatusCode::NOT_FOUND => ApiError::NotFound("there is nothing at this path".to_owned()),
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::TooLarge,
        StatusCode::REQUEST_TIMEOUT => ApiError::TooSlow,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ApiError::UnsupportedType,
        StatusCode::INTERNAL_SERVER_ERROR => ApiError::Internal,
        StatusCode::SERVICE_UNAVAILABLE => services::busy(),
        status => ApiError::Framework(status),
    }
}
