//! What users see and change of themselves. Sessions, pictures and passwords have files of their own.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, delete, get, patch, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::opened::NO_STORE;
use crate::domain::identity::{IdentityId, IdentityKind};
use crate::domain::ids::UserId;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::Fields;
use crate::http::signed_in::SignedIn;
use crate::service::records::{Identity, User};
use crate::state::State;

/// The longest nickname, in characters: WeChat's own have 32 at most.
const MAX_NICKNAME: usize = 64;

/// The user's own account.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AccountBody {
    /// Our id of the user.
    id: String,
    /// When the user first logged in, in seconds.
    created_at: i64,
    /// What the user wants to be called.
    nickname: Option<String>,
    /// The path of the user's picture.
    avatar: Option<String>,
    /// Whether the user can log in with a password.
    has_password: bool,
    /// How the user is known.
    identities: Vec<IdentityBody>,
}

/// One way in which a user is known.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IdentityBody {
    /// `wechat`, `unionid`, `phone`, `email` or `username`.
    kind: &'static str,
    /// Of a WeChat identity: our name of the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    app: Option<String>,
    /// The value, with its middle hidden if it is a phone number or an e-mail address. WeChat's ids are not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// Whether the user has proven it.
    proven: bool,
    /// Since when, in seconds.
    created_at: i64,
}

impl IdentityBody {
    fn of(identity: &Identity, state: &State) -> Option<Self> {
        let id: IdentityId = identity.id.parse().ok()?;
        let value = match id.kind() {
            // An openid is WeChat's name for the user, and a browser has no use for it.
            IdentityKind::WeChat | IdentityKind::UnionId => None,
            IdentityKind::Phone => Some(mask(id.value(), 5, 4)),
            IdentityKind::Email => Some(mask_email(id.value())),
            IdentityKind::Username => Some(id.value().to_owned()),
        };
        let app = state.config.apps.with_id(id.scope());
        Some(Self {
            kind: id.kind().as_str(),
            app: app.map(|app| app.name.to_string()),
            value,
            proven: !identity.unproven,
            created_at: identity.created_at.secs(),
        })
    }
}

/// `head` and `tail` characters of a text with its middle hidden.
fn mask(text: &str, head: usize, tail: usize) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= head + tail {
        return "****".to_owned();
    }
    let (first, last) = (&characters[..head], &characters[characters.len() - tail..]);
    format!("{}****{}", String::from_iter(first), String::from_iter(last))
}

fn mask_email(text: &str) -> String {
    let (local, domain) = text.rsplit_once('@').unwrap_or((text, ""));
    let first: String = local.chars().take(1).collect();
    format!("{first}****@{domain}")
}

/// See who the user is
#[utoipa::path(
    tag = "Users",
    responses(
        (status = 200, body = AccountBody),
        (status = 401, description = "no token, or not a good one", body = ErrorBody),
    )
)]
#[get("/v1/user")]
pub(super) async fn show(state: web::Data<State>, signed_in: SignedIn) -> Result<HttpResponse, ApiError> {
    let user = current(&state, &signed_in.user).await?;
    account(&state, user).await
}

/// Change the nickname
#[utoipa::path(
    tag = "Users",
    request_body = ChangeBody,
    responses(
        (status = 200, body = AccountBody),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 401, description = "no token, or not a good one", body = ErrorBody),
    )
)]
#[patch("/v1/user")]
pub(super) async fn change(
    state: web::Data<State>,
    signed_in: SignedIn,
    mut fields: Fields,
) -> Result<HttpResponse, ApiError> {
    let clears = fields.lacks("nickname");
    let nickname = if clears && fields.has("nickname") {
        Some(None)
    } else {
        fields.text("nickname", 4 * MAX_NICKNAME).map(Some)
    };
    let unfit = |text: &String| text.chars().count() > MAX_NICKNAME || text.chars().any(char::is_control);
    if nickname.iter().flatten().any(unfit) {
        fields.problem::<()>(format!("nickname字段不能超过{MAX_NICKNAME}个字符"));
    }
    let nickname = fields.finish(nickname)?;
    let changed = state
        .users
        .update(&signed_in.user, |user| user.nickname.clone_from(&nickname));
    let user = changed.await?.ok_or(ApiError::InvalidToken)?;
    account(&state, user).await
}

/// What of a user can be changed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChangeBody {
    /// What the user wants to be called; empty or null for nothing.
    nickname: Option<String>,
}

/// Delete the account
///
/// Everything personal goes: identities, sessions, pictures, rooms.
#[utoipa::path(
    tag = "Users",
    responses(
        (status = 204, description = "it is gone"),
        (status = 401, description = "no token, or not a good one", body = ErrorBody),
    )
)]
#[delete("/v1/user")]
pub(super) async fn delete(state: web::Data<State>, signed_in: SignedIn) -> Result<HttpResponse, ApiError> {
    state.users.delete(&signed_in.user).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The user of a good token. One who was deleted a moment ago has none any more.
pub(super) async fn current(state: &State, id: &UserId) -> Result<User, ApiError> {
    state.users.get(id).await?.ok_or(ApiError::InvalidToken)
}

pub(super) async fn account(state: &State, user: User) -> Result<HttpResponse, ApiError> {
    let identities = state.users.identities(&user.id).await?;
    let body = AccountBody {
        id: user.id.to_string(),
        created_at: user.created_at.secs(),
        nickname: user.nickname,
        avatar: user.avatar,
        has_password: user.password.is_some(),
        identities: identities
            .iter()
            .filter_map(|identity| IdentityBody::of(identity, state))
            .collect(),
    };
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, NO_STORE))
        .json(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_hidden() {
        assert_eq!(mask("+8613800001234", 5, 4), "+8613****1234");
        assert_eq!(mask("+1234", 5, 4), "****");
        assert_eq!(mask_email("ann@example.com"), "a****@example.com");
    }
}
