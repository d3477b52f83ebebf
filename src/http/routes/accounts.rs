//! Accounts with a name and a password, and the further ways in which their users are known.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, delete, post, web};
use secrecy::SecretString;
use serde::Serialize;
use utoipa::ToSchema;

use super::codes::contact;
use super::opened::{self, TokenBody};
use super::token::{MAX_SECRET, visitor};
use super::users::{AccountBody, account, current};
use crate::domain::contact::{Email, Username};
use crate::domain::identity::IdentityId;
use crate::http::client_ip::ClientIp;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::Fields;
use crate::http::signed_in::SignedIn;
use crate::service::accounts::Proof;
use crate::service::login::{LoggedIn, Visitor};
use crate::service::records::User;
use crate::state::State;

/// Who wants an account. One of `username`, `email` and `phone`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RegisterBody {
    /// A name without `@`.
    username: Option<String>,
    /// An e-mail address. Without `code` it counts as claimed until a code proves it.
    email: Option<String>,
    /// A phone number; only with `code`.
    phone: Option<String>,
    /// The code that was sent to `email` or `phone` for the purpose `register`.
    code: Option<String>,
    /// 8 to 128 characters, and none of the common ones.
    password: String,
    /// Whether the tokens are wanted as cookies too.
    cookie: Option<bool>,
}

/// Register
///
/// Makes an account and logs in.
#[utoipa::path(
    tag = "Users",
    request_body = RegisterBody,
    responses(
        (status = 201, description = "the account is made and logged in", body = TokenBody),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 403, description = "the code is wrong", body = ErrorBody),
        (status = 409, description = "the name is taken", body = ErrorBody),
        (status = 429, description = "too many failures", body = ErrorBody),
        (status = 503, description = "the server is busy", body = ErrorBody),
    )
)]
#[post("/v1/users")]
pub(super) async fn register(
    state: web::Data<State>,
    client: ClientIp,
    mut fields: Fields,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let visitor = visitor(&request, client);
    if !fields.lacks("code") || !fields.lacks("phone") {
        let contact = if fields.lacks("username") {
            contact(&mut fields)
        } else {
            fields.problem("a code proves a phone or an email, not a username".to_owned())
        };
        let code = fields.text("code", 64).map(SecretString::from);
        let password = fields.text("password", MAX_SECRET).map(SecretString::from);
        let wants_cookie = fields.flag("cookie").unwrap_or_default();
        let ((contact, code), password) = fields.finish(contact.zip(code).zip(password))?;
        let made = state
            .accounts
            .register_proven(&contact, &code, password, visitor.address);
        return made_and_logged_in(&request, &state, made.await?, &visitor, wants_cookie).await;
    }
    let name = match (fields.lacks("username"), fields.lacks("email")) {
        (false, true) => fields
            .parse::<Username>("username", 512)
            .as_ref()
            .map(IdentityId::from),
        (true, false) => fields.parse::<Email>("email", 512).as_ref().map(IdentityId::from),
        _ => fields.problem("exactly one of username and email is needed".to_owned()),
    };
    let password = fields.text("password", MAX_SECRET).map(SecretString::from);
    let wants_cookie = fields.flag("cookie").unwrap_or_default();
    let (name, password) = fields.finish(name.zip(password))?;
    let user = state.accounts.register(&name, password).await?;
    made_and_logged_in(&request, &state, user, &visitor, wants_cookie).await
}

async fn made_and_logged_in(
    request: &HttpRequest,
    state: &State,
    user: User,
    visitor: &Visitor,
    wants_cookie: bool,
) -> Result<HttpResponse, ApiError> {
    let LoggedIn { opened, user } = state.login.registered(user, visitor).await?;
    let mut response = opened::answer(request, state, &opened, Some(&user), wants_cookie);
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// A new password, and what proves that it is the user who sets it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PasswordBody {
    /// The password there is.
    old: Option<String>,
    /// Instead of `old`: a phone number of the user's, to which `code` was sent for the purpose `password`.
    phone: Option<String>,
    /// Instead of `old`: an e-mail address.
    email: Option<String>,
    /// The code that was sent there.
    code: Option<String>,
    /// 8 to 128 characters, and none of the common ones.
    new: String,
}

/// Set a new password
///
/// Ends every other session. A user who has no password yet needs no proof but the token. Whoever has forgotten the
/// password sends a code without a token: then all sessions end.
#[utoipa::path(
    tag = "Users",
    request_body = PasswordBody,
    responses(
        (status = 204, description = "it is set"),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 401, description = "no good token", body = ErrorBody),
        (status = 403, description = "the proof is wrong", body = ErrorBody),
        (status = 429, description = "too many failures", body = ErrorBody),
    )
)]
#[post("/v1/user/password")]
pub(super) async fn set_password(
    state: web::Data<State>,
    client: ClientIp,
    signed_in: Result<SignedIn, ApiError>,
    mut fields: Fields,
) -> Result<HttpResponse, ApiError> {
    let signed_in = match signed_in {
        Ok(signed_in) => signed_in,
        // No token at all; one that is not good is told so.
        Err(ApiError::Unauthorized(_)) if !fields.lacks("code") && fields.lacks("old") => {
            return reset_password(&state, client, fields).await;
        }
        Err(error) => return Err(error),
    };
    let new = fields.text("new", MAX_SECRET).map(SecretString::from);
    let proof = if !fields.lacks("old") {
        let old = fields.text("old", MAX_SECRET);
        old.map(|old| Proof::Old(old.into()))
    } else if !fields.lacks("code") {
        let contact = contact(&mut fields);
        let code = fields.text("code", 64);
        let proven = contact.zip(code);
        proven.map(|(contact, code)| Proof::Code(contact, code.into()))
    } else {
        Some(Proof::None)
    };
    let (new, proof) = fields.finish(new.zip(proof))?;
    let SignedIn { user, session, .. } = &signed_in;
    state
        .accounts
        .set_password(user, session, proof, new, client.0)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Forgotten: who it is, is known by the code alone.
async fn reset_password(
    state: &State,
    client: ClientIp,
    mut fields: Fields,
) -> Result<HttpResponse, ApiError> {
    let new = fields.text("new", MAX_SECRET).map(SecretString::from);
    let contact = contact(&mut fields);
    let code = fields.text("code", 64).map(SecretString::from);
    let ((new, contact), code) = fields.finish(new.zip(contact).zip(code))?;
    state
        .accounts
        .reset_password(&contact, &code, new, client.0)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A further way in which the user is known.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LinkBody {
    /// A phone number, to which `code` was sent for the purpose `link`.
    phone: Option<String>,
    /// Or an e-mail address.
    email: Option<String>,
    /// The code that was sent there.
    code: String,
}

/// Add a phone number or an e-mail address
///
/// Whoever had proven it before is the same person: the two users become one.
#[utoipa::path(
    tag = "Users",
    request_body = LinkBody,
    responses(
        (status = 200, description = "the account as it is now", body = AccountBody),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 401, description = "no good token", body = ErrorBody),
        (status = 403, description = "the code is wrong", body = ErrorBody),
        (status = 409, description = "the user has too many", body = ErrorBody),
    )
)]
#[post("/v1/user/identities")]
pub(super) async fn link(
    state: web::Data<State>,
    signed_in: SignedIn,
    mut fields: Fields,
) -> Result<HttpResponse, ApiError> {
    let contact = contact(&mut fields);
    let code = fields.text("code", 64).map(SecretString::from);
    let (contact, code) = fields.finish(contact.zip(code))?;
    let user = state.accounts.link(&signed_in.user, &contact, &code).await?;
    account(&state, user).await
}

/// Which way in which the user is known should go: exactly one of the three.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UnlinkBody {
    /// A phone number.
    phone: Option<String>,
    /// An e-mail address.
    email: Option<String>,
    /// Our name of the mini program or official account.
    app: Option<String>,
}

/// Remove a phone number, an e-mail address or an app
#[utoipa::path(
    tag = "Users",
    request_body = UnlinkBody,
    responses(
        (status = 200, description = "the account as it is now", body = AccountBody),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 401, description = "no good token", body = ErrorBody),
        (status = 404, description = "the user has no such identity", body = ErrorBody),
        (status = 409, description = "it is the last one by which the user can log in", body = ErrorBody),
    )
)]
#[delete("/v1/user/identities")]
pub(super) async fn unlink(
    state: web::Data<State>,
    signed_in: SignedIn,
    mut fields: Fields,
) -> Result<HttpResponse, ApiError> {
    let user = current(&state, &signed_in.user).await?;
    let id = if fields.lacks("app") {
        let contact = contact(&mut fields);
        let contact = fields.finish(contact)?;
        Some(IdentityId::from(&contact))
    } else {
        let name = fields.text("app", 32);
        let name = fields.finish(name)?;
        let app = state.config.apps.named(&name);
        let mut known = state.users.identities(&user.id).await?.into_iter();
        known.find_map(|identity| {
            let id: IdentityId = identity.id.parse().ok()?;
            (Some(id.scope()) == app.map(|app| app.app_id.as_str())).then_some(id)
        })
    };
    let id = id.ok_or_else(|| ApiError::NotFound("the user has no such identity".to_owned()))?;
    state.users.unlink(&user.id, &id).await?;
    account(&state, user).await
}
