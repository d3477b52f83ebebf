//! Tokens in cookies: how they are named, set, read and cleared. Whether a request may use them is decided in
//! `signed_in`.

use actix_web::cookie::time::Duration as Age;
use actix_web::cookie::{Cookie, CookieBuilder, SameSite};
use actix_web::http::header::{COOKIE, HOST, HeaderValue, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse};
use secrecy::ExposeSecret;
use url::Url;

use crate::config::CookieUse;
use crate::domain::return_url::is_loopback;
use crate::service::sessions::Opened;
use crate::state::State;

/// The only paths that need the refresh token.
const REFRESH_PATH: &str = "/v1/token";

/// How cookies of this request are named.
///
/// The prefixes bind a cookie to this host and to TLS, in the browser. (RFC 6265bis, 4.1.3.) Without TLS, which is for
/// loopback only, they are not to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Names {
    access: &'static str,
    refresh: &'static str,
    secure: bool,
}

const SECURE: Names = Names {
    access: "__Host-wxgate",
    refresh: "__Secure-wxgate-refresh",
    secure: true,
};
const LOOPBACK: Names = Names {
    access: "wxgate",
    refresh: "wxgate-refresh",
    secure: false,
};

impl Names {
    fn of(request: &HttpRequest) -> Self {
        let public_url = request
            .app_data::<actix_web::web::Data<State>>()
            .and_then(|state| state.config.server.public_url.clone());
        let asked = || {
            let host = request.headers().get(HOST)?.to_str().ok()?;
            Url::parse(&format!("http://{host}/")).ok()
        };
        match public_url.or_else(asked) {
            Some(url) if url.scheme() == "http" && is_loopback(&url) => LOOPBACK,
            _ => SECURE,
        }
    }
}

/// The access token's cookie.
pub(super) fn access(request: &HttpRequest) -> Option<String> {
    accepted(request, |names| names.access)
}

/// The refresh token's cookie.
pub(super) fn refresh(request: &HttpRequest) -> Option<String> {
    accepted(request, |names| names.refresh)
}

fn accepted(request: &HttpRequest, name: impl FnOnce(Names) -> &'static str) -> Option<String> {
    let state = request.app_data::<actix_web::web::Data<State>>()?;
    // Also those that were set while the configuration was another.
    if state.config.auth.cookie == CookieUse::Never {
        return None;
    }
    read(request, name(Names::of(request)))
}

fn read(request: &HttpRequest, name: &str) -> Option<String> {
    // Looked for first, because most requests have no cookies and parsing them costs an allocation.
    if !request.headers().contains_key(COOKIE) {
        return None;
    }
    let cookie = request.cookie(name)?;
    Some(cookie.value().to_owned()).filter(|value| !value.is_empty())
}

/// Gives the browser the tokens of a session.
pub(super) fn set(request: &HttpRequest, response: &mut HttpResponse, opened: &Opened) {
    let names = Names::of(request);
    let age =
        |duration: std::time::Duration| Age::seconds(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX));
    let access = cookie(names, names.access, "/", &opened.access.token);
    append(response, &access.max_age(age(opened.access.expires_in)).finish());
    let refresh = cookie(names, names.refresh, REFRESH_PATH, opened.refresh.expose_secret());
    append(
        response,
        &refresh.max_age(age(opened.refresh_expires_in)).finish(),
    );
}

/// Makes the browser forget the tokens that it sent. An access token that has ended takes no refresh token with it: that
/// one is sent to other paths only, and is what the browser goes on with.
pub(super) fn clear(request: &HttpRequest, response: &mut HttpResponse) {
    let names = Names::of(request);
    for (name, path) in [(names.access, "/"), (names.refresh, REFRESH_PATH)] {
        if read(request, name).is_some() {
            append(
                response,
                &cookie(names, name, path, "").max_age(Age::ZERO).finish(),
            );
        }
    }
}

fn cookie<'c>(names: Names, name: &'static str, path: &'static str, value: &'c str) -> CookieBuilder<'c> {
    Cookie::build(name, value)
        .path(path)
        .http_only(true)
        .secure(names.secure)
        .same_site(SameSite::Lax)
}

fn append(response: &mut HttpResponse, cookie: &Cookie<'_>) {
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}
