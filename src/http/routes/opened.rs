//! The answer to whoever has logged in or refreshed: body, headers and cookies. The founding documents' other shapes are
//! in `compat`.

use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use secrecy::ExposeSecret;
use serde::Serialize;
use utoipa::ToSchema;

use crate::config::CookieUse;
use crate::http::cookies;
use crate::http::signed_in::{Page, page};
use crate::service::records::User;
use crate::service::sessions::Opened;
use crate::state::State;

/// What a token is and whether it is good is for the one who asked.
pub(super) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// A login or a refresh that succeeded.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenBody<'a> {
    /// The access token, a JWT.
    token: &'a str,
    /// How it is presented: `Bearer`.
    token_type: &'a str,
    /// How long it is good for, in seconds.
    expires_in: u64,
    /// What gives the next tokens at `POST /v1/token/refresh`, once.
    refresh_token: &'a str,
    /// How long that is good for if it is not used, in seconds.
    refresh_expires_in: u64,
    /// The user.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserBody<'a>>,
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UserBody<'a> {
    /// Our id of the user, the same at every login.
    id: &'a str,
    /// When the user first logged in, in seconds.
    created_at: i64,
    /// What the user wants to be called.
    nickname: Option<&'a str>,
    /// The path of the user's picture.
    avatar: Option<&'a str>,
}

impl<'a> From<&'a User> for UserBody<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            id: user.id.as_str(),
            created_at: user.created_at.secs(),
            nickname: user.nickname.as_deref(),
            avatar: user.avatar.as_deref(),
        }
    }
}

/// `200` with the tokens in body and headers, and in cookies if the client wants them and the operator allows it.
pub(super) fn answer(
    request: &HttpRequest,
    state: &State,
    opened: &Opened,
    user: Option<&User>,
    wants_cookie: bool,
) -> HttpResponse {
    let body = TokenBody {
        token: &opened.access.token,
        token_type: "Bearer",
        expires_in: opened.access.expires_in.as_secs(),
        refresh_token: opened.refresh.expose_secret(),
        refresh_expires_in: opened.refresh_expires_in.as_secs(),
        user: user.map(UserBody::from),
    };
    let mut response = HttpResponse::Ok().json(body);
    carry(request, state, &mut response, opened, wants_cookie);
    response
}

/// Puts the tokens into the headers of an answer, and into cookies.
pub(super) fn carry(
    request: &HttpRequest,
    state: &State,
    response: &mut HttpResponse,
    opened: &Opened,
    wants_cookie: bool,
) {
    let headers = response.headers_mut();
    put(headers, "token", &opened.access.token);
    put(headers, "refresh-token", opened.refresh.expose_secret());
    headers.insert(CACHE_CONTROL, NO_STORE);
    let sets = match state.config.auth.cookie {
        CookieUse::Always => true,
        CookieUse::OnRequest => wants_cookie,
        CookieUse::Never => false,
    };
    // A foreign page must not log a browser in as somebody of its choice.
    if sets && page(request, state) != Page::Foreign {
        cookies::set(request, response, opened);
    }
}

fn put(headers: &mut HeaderMap, name: &'static str, token: &str) {
    // Tokens are visible ASCII.
    if let Ok(value) = HeaderValue::from_str(token) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
