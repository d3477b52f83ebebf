//! Sessions over HTTP: refresh, logout, and the list of a user's logins.

use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::opened;
use super::users::current;
use crate::domain::ids::SessionId;
use crate::http::cookies;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{Fields, Query};
use crate::http::signed_in::{SignedIn, authenticate, guard_cookie};
use crate::service::records::{Scope, Session};
use crate::service::refresh::Refreshed;
use crate::service::sessions;
use crate::state::State;

/// Longer texts are no refresh tokens.
const MAX_LENGTH: usize = 512;

/// What a refresh needs, if it is not in the header `refresh-token` or in the cookie.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RefreshBody {
    /// The refresh token.
    refresh_token: Option<String>,
    /// Whether the new tokens are wanted as cookies too.
    cookie: Option<bool>,
}

/// A refresh token, and whether it came in the cookie.
struct Presented {
    token: String,
    by_cookie: bool,
}

/// Finds the refresh token: in the body, the header, or the cookie. Body and header must agree.
fn presented(request: &HttpRequest, fields: &mut Fields) -> Result<Option<Presented>, ApiError> {
    let by_header = header_token(request)?;
    let by_body = if fields.lacks("refresh_token") {
        None
    } else {
        fields.text("refresh_token", MAX_LENGTH)
    };
    let explicit = match (by_body, by_header) {
        (Some(body), Some(header)) if body != header => return Err(ApiError::InvalidToken),
        (body, header) => body.or(header),
    };
    if let Some(token) = explicit {
        return Ok(Some(Presented {
            token,
            by_cookie: false,
        }));
    }
    Ok(cookies::refresh(request).map(|token| Presented {
        token,
        by_cookie: true,
    }))
}

/// The refresh token in the header, by the names that the founding documents' clients use.
pub(super) fn header_token(request: &HttpRequest) -> Result<Option<String>, ApiError> {
    let mut found: Option<String> = None;
    for name in ["refresh-token", "refreshtoken"] {
        for value in request.headers().get_all(name) {
            let token = value.to_str().map_err(|_| ApiError::InvalidToken)?.trim();
            match &found {
                _ if token.is_empty() => {}
                Some(other) if other != token => return Err(ApiError::InvalidToken),
                _ => found = Some(token.to_owned()),
            }
        }
    }
    Ok(found)
}

/// Get the next tokens
///
/// A refresh token works once. Sent again within `auth.refresh_grace` (by a request at the same time, or because the
/// answer was lost) it gives the same successor; sent later, the session ends, because somebody has a copy.
#[utoipa::path(
    tag = "Login",
    request_body = RefreshBody,
    params(("refresh-token" = Option<String>, Header)),
    responses(
        (status = 200, description = "the next tokens, in the headers too", body = opened::TokenBody),
        (status = 401, description = "the refresh token is not valid", body = ErrorBody),
        (status = 403, description = "a cookie from a foreign page", body = ErrorBody),
        (status = 429, description = "too many refreshes in a short time", body = ErrorBody),
        (status = 503, description = "the store cannot be reached", body = ErrorBody),
    )
)]
#[post("/v1/token/refresh")]
pub(super) async fn refresh(
    state: web::Data<State>,
    mut fields: Fields,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let found = presented(&request, &mut fields)?;
    let wants_cookie = fields.flag("cookie").unwrap_or_default();
    let found = fields.finish(Some(found))?;
    let Some(Presented { token, by_cookie }) = found else {
        return Err(ApiError::Unauthorized("a refresh token is required".to_owned()));
    };
    if by_cookie {
        guard_cookie(&request, &state)?;
    }
    let refreshed = state.refresh.run(&token).await;
    let Refreshed { opened, user } = refreshed.map_err(|error| match error {
        // One that was overtaken is another tab's loss of a race, and the cookie there is newer.
        sessions::Error::Refused if by_cookie => ApiError::StaleCookie,
        error => error.into(),
    })?;
    Ok(opened::answer(
        &request,
        &state,
        &opened,
        user.as_ref(),
        wants_cookie || by_cookie,
    ))
}

/// Log out
///
/// Ends the session of the access token, or of the refresh token if that is all the client has; with `?all=true` every
/// session of the user.
#[utoipa::path(
    tag = "Login",
    params(("all" = Option<bool>, Query, description = "every session of the user")),
    request_body = RefreshBody,
    responses(
        (status = 204, description = "the session has ended"),
        (status = 403, description = "a cookie from a foreign page", body = ErrorBody),
        (status = 401, description = "no token, or none of ours", body = ErrorBody),
        (status = 503, description = "the store cannot be reached", body = ErrorBody),
    )
)]
#[post("/v1/token/revoke")]
pub(super) async fn revoke(
    state: web::Data<State>,
    mut fields: Fields,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let all = Query::read(&request)?.flag("all")?;
    let (user, session, scope) = match authenticate(&request) {
        Ok(claims) => (claims.sub, claims.sid, claims.scope),
        Err(error @ ApiError::Forbidden(_)) => return Err(error),
        Err(denied) => {
            let found = presented(&request, &mut fields)?;
            let found = fields.finish(Some(found))?;
            // A header that is refused is not replaced by a cookie.
            let replaces = |found: &Presented| !found.by_cookie || !matches!(denied, ApiError::InvalidToken);
            let Some(found) = found.filter(replaces) else {
                return Err(denied);
            };
            if found.by_cookie {
                guard_cookie(&request, &state)?;
            }
            if all {
                // An old token is enough to end its own session, which is all that a thief could be hindered in.
                state.refresh.run(&found.token).await?;
            }
            let id = state
                .sessions
                .session_of(&found.token)
                .ok_or(ApiError::InvalidToken)?;
            let Some(session) = state.sessions.get(&id).await? else {
                // It has ended already, perhaps elsewhere and without this instance's knowledge.
                state.sessions.ending().end(&id).await?;
                return Ok(ended(&request));
            };
            (session.user, id, session.scope)
        }
    };
    match (all, scope) {
        (true, Scope::User) => state.users.end_sessions(&user, None).await?,
        (true, Scope::Admin) => state.sessions.ending().end_all(&user, None).await?,
        (false, _) => {}
    }
    // By itself as well: the user may be gone.
    state.sessions.ending().end(&session).await?;
    Ok(ended(&request))
}

fn ended(request: &HttpRequest) -> HttpResponse {
    let mut response = HttpResponse::NoContent().finish();
    cookies::clear(request, &mut response);
    response
}

/// A login that is still good.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionBody {
    /// Its id.
    id: String,
    /// The app where the user logged in, if it was one.
    app: Option<String>,
    /// What the client calls itself.
    device: Option<String>,
    /// When it began, in seconds.
    created_at: i64,
    /// When its tokens were renewed last, in seconds.
    used_at: i64,
    /// When it ends without use, in seconds.
    expires_at: i64,
    /// Whether it is the one that asks.
    current: bool,
}

impl SessionBody {
    fn of(session: Session, signed_in: &SignedIn) -> Self {
        Self {
            current: session.id == signed_in.session,
            id: session.id.to_string(),
            app: session.app.map(|app| app.to_string()),
            device: session.device,
            created_at: session.created_at.secs(),
            used_at: session.rotations.last().unwrap_or(&session.created_at).secs(),
            expires_at: session.expires_at.min(session.ends_at).secs(),
        }
    }
}

fn no_session() -> ApiError {
    ApiError::NotFound("there is no such session".to_owned())
}

/// The user's sessions.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionsBody {
    /// The latest first, 100 at most.
    sessions: Vec<SessionBody>,
}

/// List the sessions
#[utoipa::path(
    tag = "Users",
    responses(
        (status = 200, body = SessionsBody),
        (status = 401, description = "no token, or not a good one", body = ErrorBody),
    )
)]
#[get("/v1/user/sessions")]
pub(super) async fn list(state: web::Data<State>, signed_in: SignedIn) -> Result<HttpResponse, ApiError> {
    let user = current(&state, &signed_in.user).await?;
    let sessions = state.sessions.list(&user.id).await?;
    let body = |session| SessionBody::of(session, &signed_in);
    Ok(HttpResponse::Ok()
        .insert_header((actix_web::http::header::CACHE_CONTROL, opened::NO_STORE))
        .json(SessionsBody {
            sessions: sessions.into_iter().map(body).collect(),
        }))
}

/// End all sessions but this one
#[utoipa::path(
    tag = "Users",
    responses(
        (status = 204, description = "they have ended"),
        (status = 401, description = "no token, or not a good one", body = ErrorBody),
    )
)]
#[delete("/v1/user/sessions")]
pub(super) async fn end_others(
    state: web::Data<State>,
    signed_in: SignedIn,
) -> Result<HttpResponse, ApiError> {
    state
        .users
        .end_sessions(&signed_in.user, Some(&signed_in.session))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// End a session
#[utoipa::path(
    tag = "Users",
    params(("id" = String, Path)),
    responses(
        (status = 204, description = "it has ended"),
        (status = 401, description = "no token, or not a good one", body = ErrorBody),
        (status = 404, description = "the user has no such session", body = ErrorBody),
    )
)]
#[delete("/v1/user/sessions/{id}")]
pub(super) async fn end_one(
    state: web::Data<State>,
    signed_in: SignedIn,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id: SessionId = id.parse().map_err(|_| no_session())?;
    let user = current(&state, &signed_in.user).await?;
    if state.sessions.ending().end_of(&user.id, &id).await? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(no_session())
    }
}

/// Show a session
#[utoipa::path(
    tag = "Users",
    params(("id" = String, Path)),
    responses(
        (status = 200, body = SessionBody),
        (status = 401, description = "no token, or not a good one", body = ErrorBody),
        (status = 404, description = "the user has no such session", body = ErrorBody),
    )
)]
#[get("/v1/user/sessions/{id}")]
pub(super) async fn show(
    state: web::Data<State>,
    signed_in: SignedIn,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id: SessionId = id.parse().map_err(|_| no_session())?;
    let user = current(&state, &signed_in.user).await?;
    let session = state.sessions.get(&id).await?;
    let session = session
        .filter(|session| session.user == user.id)
        .ok_or_else(no_session)?;
    Ok(HttpResponse::Ok()
        .insert_header((actix_web::http::header::CACHE_CONTROL, opened::NO_STORE))
        .json(SessionBody::of(session, &signed_in)))
}
