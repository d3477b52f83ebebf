//! Who makes a request: the access token it carries, wherever it carries it. What a user may do is not decided here.
//!
//! A token comes as `Authorization: Bearer`, as the user name of `Authorization: Basic` (founding document 003), in the
//! header `token` (founding document 002), or in a cookie (001). A header wins over the cookie; two headers must agree.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, ORIGIN};
use actix_web::{FromRequest, HttpRequest, web};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::cookies;
use super::error::ApiError;
use crate::domain::ids::{SessionId, UserId};
use crate::service::access::Denied;
use crate::service::records::Scope;
use crate::service::tokens::{Claims, MAX_LENGTH};
use crate::state::State;

/// A request of a user.
#[derive(Debug, Clone)]
pub(super) struct SignedIn {
    /// The user, who may have been merged into another since.
    pub(super) user: UserId,
    /// The session.
    pub(super) session: SessionId,
    /// The app where the user logged in; empty for logins without WeChat.
    pub(super) app: String,
}

impl FromRequest for SignedIn {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authenticate(request).and_then(|claims| match claims.scope {
            Scope::User => Ok(Self {
                user: claims.sub,
                session: claims.sid,
                app: claims.app,
            }),
            Scope::Admin => Err(ApiError::Forbidden("this is for users".to_owned())),
        }))
    }
}

/// A request of an administrator.
#[derive(Debug, Clone, Copy)]
pub(super) struct Administrator;

impl FromRequest for Administrator {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authenticate(request).and_then(|claims| match claims.scope {
            Scope::Admin => Ok(Self),
            Scope::User => Err(ApiError::Forbidden("this is for administrators".to_owned())),
        }))
    }
}

/// What the request's token says.
///
/// # Errors
/// If there is none, or it is not good now.
pub(super) fn authenticate(request: &HttpRequest) -> Result<Claims, ApiError> {
    let state = request.app_data::<web::Data<State>>().ok_or(ApiError::Internal)?;
    let (token, by_cookie) = match from_headers(request)? {
        Some(token) => (token, false),
        None => match cookies::access(request) {
            Some(token) => (token, true),
            None => return Err(ApiError::Unauthorized("a token is required".to_owned())),
        },
    };
    let claims = state.access.check(&token).map_err(|denied| match denied {
        Denied::Invalid if by_cookie => ApiError::StaleCookie,
        Denied::Invalid => ApiError::InvalidToken,
        Denied::Blind => ApiError::Unavailable(
            "the store does not answer; administrators have to wait",
            std::time::Duration::from_secs(5),
        ),
    })?;
    if by_cookie {
        guard_cookie(request, state)?;
    }
    Ok(claims)
}

/// The token that the headers carry.
fn from_headers(request: &HttpRequest) -> Result<Option<String>, ApiError> {
    let headers = request.headers();
    let mut found: Option<String> = None;
    let mut values = headers.get_all(AUTHORIZATION).map(|value| {
        let text = value.to_str().map_err(|_| ApiError::InvalidToken)?;
        from_authorization(text).ok_or(ApiError::InvalidToken)
    });
    let mut tokens = headers.get_all("token").filter_map(|value| {
        let text = value.to_str().map_err(|_| ApiError::InvalidToken);
        // A client that has no token yet may send the header all the same.
        text.map(|text| (!text.trim().is_empty()).then(|| text.trim().to_owned()))
            .transpose()
    });
    while let Some(token) = values.next().or_else(|| tokens.next()) {
        let token = token?;
        match &found {
            Some(other) if *other != token => return Err(ApiError::InvalidToken),
            _ => found = Some(token),
        }
    }
    Ok(found)
}

/// `Bearer <token>`, or `Basic base64(<token>:)`; the scheme in any case. (RFC 9110, 11.1; RFC 7617, 2.)
fn from_authorization(text: &str) -> Option<String> {
    if text.len() > 2 * MAX_LENGTH {
        return None;
    }
    let (scheme, value) = text.trim().split_once(' ')?;
    let value = value.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(value.to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(BASE64_STANDARD.decode(value).ok()?).ok()?;
        let (user, password) = decoded.split_once(':')?;
        return password.is_empty().then(|| user.to_owned());
    }
    None
}

/// Browsers send cookies with requests that other sites make, so what changes something must come from a site of ours.
///
/// # Errors
/// If it does not, or does not say.
pub(super) fn guard_cookie(request: &HttpRequest, state: &State) -> Result<(), ApiError> {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
        || page(request, state) == Page::Ours
    {
        return Ok(());
    }
    Err(ApiError::Forbidden(
        "a request with a cookie must come from a page of this site or of one in cors.origins".to_owned(),
    ))
}

/// Which page makes a request, as the browser tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// One of this site or of `cors.origins`.
    Ours,
    /// Another one.
    Foreign,
    /// None, or the browser does not say.
    Unknown,
}

/// Which page makes this request.
pub(super) fn page(request: &HttpRequest, state: &State) -> Page {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let site = header("sec-fetch-site");
    if site == Some("same-origin") {
        return Page::Ours;
    }
    let config = &state.config;
    let own = cookies::site(request).map(|url| url.origin().ascii_serialization());
    let allowed = |origin: &str| {
        own.as_deref() == Some(origin) || config.cors.origins.iter().any(|known| known == origin)
    };
    match header(ORIGIN.as_str()) {
        Some(origin) if allowed(origin) => Page::Ours,
        Some(_) => Page::Foreign,
        None if matches!(site, Some("cross-site" | "same-site")) => Page::Foreign,
        None => Page::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_read_in_any_case() {
        // echo -n 'a.b.c:' | base64
        for text in [
            "Bearer a.b.c",
            "bearer a.b.c",
            "BASIC YS5iLmM6",
            "basic  YS5iLmM6 ",
        ] {
            assert_eq!(from_authorization(text).as_deref(), Some("a.b.c"), "{text}");
        }
        // echo -n 'a.b.c:x' | base64; echo -n 'a.b.c' | base64
        for text in [
            "",
            "Bearer",
            "a.b.c",
            "Digest a.b.c",
            "Basic YS5iLmM6eA==",
            "Basic YS5iLmM=",
            "Basic ?",
        ] {
            assert_eq!(from_authorization(text), None, "{text}");
        }
    }
}
