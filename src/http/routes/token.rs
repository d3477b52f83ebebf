//! `/v1/token`: logins and the check of tokens, in the wire forms of founding document 003.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, USER_AGENT};
use actix_web::{HttpRequest, HttpResponse, post, web};
use secrecy::SecretString;
use serde::Serialize;
use utoipa::ToSchema;

use super::opened::{self, NO_STORE, TokenBody};
use crate::http::client_ip::ClientIp;
use crate::http::error::{ApiError, ErrorBody, respond};
use crate::http::extract::Fields;
use crate::service::login::{LoggedIn, Visitor};
use crate::service::tokens::MAX_LENGTH;
use crate::state::State;

/// So much of what a client calls itself is kept.
const MAX_DEVICE: usize = 200;
/// The longest secret: a password of 128 characters.
pub(super) const MAX_SECRET: usize = 1024;

/// How a login is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    MiniProgram,
    Password,
    Phone,
    WebPage,
    Administrator,
}

impl Kind {
    /// By the numbers of founding document 003.
    fn of(number: i64) -> Option<Self> {
        match number {
            100 => Some(Self::MiniProgram),
            101 => Some(Self::Password),
            102 => Some(Self::Phone),
            103 => Some(Self::WebPage),
            200 => Some(Self::Administrator),
            _ => None,
        }
    }
}

/// Who wants to log in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LoginBody {
    /// How: 100 a mini program, 101 a password, 102 a phone, 103 a reader of an H5 page, 200 an administrator.
    #[schema(example = 100)]
    r#type: i64,
    /// 100: the code of `wx.login`. 101: a user name or e-mail address. 102: a phone number; without `secret` the code of
    /// a mini program's phone number button. 103: the code that the page got back. 200: an e-mail address.
    account: String,
    /// 101 and 200: the password. 102: the code.
    secret: Option<String>,
    /// 200: the code of the second factor, for an administrator who has one.
    totp: Option<String>,
    /// Whether the tokens are wanted as cookies too.
    cookie: Option<bool>,
}

/// A token to check.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VerifyBody {
    /// The token, at most 8 KiB.
    token: String,
}

/// Whether the token is good.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VerifiedBody {
    /// True if it is an access token of ours, has not expired, and its session has not ended.
    result: bool,
}

/// Log in
///
/// Type 100 (小程序登录) is for the first mini program. A code works once: sent again within 5 seconds it gives another
/// token of the same user, later it is refused.
#[utoipa::path(
    tag = "Login",
    request_body = LoginBody,
    responses(
        (status = 200, description = "logged in; the headers `token` and `refresh-token` have the tokens too", body = TokenBody),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 401, description = "WeChat refuses the code, or account or secret is wrong", body = ErrorBody),
        (status = 429, description = "too often for this user, or too many failures", body = ErrorBody),
        (status = 502, description = "WeChat refuses us; see errcode", body = ErrorBody),
        (status = 503, description = "WeChat or the store cannot be reached", body = ErrorBody),
    )
)]
#[post("/v1/token")]
pub(super) async fn create_default(
    state: web::Data<State>,
    client: ClientIp,
    fields: Fields,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    create(&request, &state, None, client, fields).await
}

/// Log in to a named mini program
#[utoipa::path(
    tag = "Login",
    params(("app" = String, Path)),
    request_body = LoginBody,
    responses((status = 200, body = TokenBody), (status = "default", body = ErrorBody))
)]
#[post("/v1/apps/{app}/token")]
pub(super) async fn create_named(
    state: web::Data<State>,
    client: ClientIp,
    app: web::Path<String>,
    fields: Fields,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    create(&request, &state, Some(&app), client, fields).await
}

async fn create(
    request: &HttpRequest,
    state: &State,
    app: Option<&str>,
    client: ClientIp,
    mut fields: Fields,
) -> Result<HttpResponse, ApiError> {
    if app.is_some_and(|name| state.config.apps.named(name).is_none()) {
        return Err(ApiError::NotFound("there is no such app".to_owned()));
    }
    let wants_cookie = fields.flag("cookie").unwrap_or_default();
    let kind = fields.integer("type");
    let Some(kind) = kind.and_then(Kind::of) else {
        if kind.is_some() {
            fields.problem::<()>("type字段不支持; 100, 101, 102, 103 and 200 are supported".to_owned());
        }
        return Err(fields.finish::<()>(None).err().unwrap_or(ApiError::Internal));
    };
    let visitor = visitor(request, client);
    let LoggedIn { opened, user } = match kind {
        Kind::MiniProgram => {
            let code = fields.parse("account", 512);
            let code = fields.finish(code)?;
            state.login.mini_program(app, code, &visitor).await?
        }
        Kind::Password => {
            let (account, secret) = account_and_secret(fields)?;
            state.login.password(&account, secret, &visitor).await?
        }
        Kind::Phone if fields.lacks("secret") => {
            let code = fields.parse("account", 512);
            let code = fields.finish(code)?;
            state.login.mini_program_phone(app, &code, &visitor).await?
        }
        Kind::Phone => {
            let phone = fields.parse("account", 64);
            let code = fields.text("secret", 64);
            let (phone, code) = fields.finish(phone.zip(code))?;
            state.login.phone(phone, &code.into(), &visitor).await?
        }
        Kind::WebPage => {
            let code = fields.text("account", 128);
            let code = fields.finish(code)?;
            state.login.web_page(app, &code, &visitor).await?
        }
        Kind::Administrator => {
            let totp = (!fields.lacks("totp")).then(|| fields.text("totp", 16)).flatten();
            let (email, secret) = account_and_secret(fields)?;
            let entered = state
                .login
                .administrator(&email, secret, totp.as_deref(), &visitor);
            let opened = entered.await?;
            return Ok(opened::answer(request, state, &opened, None, wants_cookie));
        }
    };
    Ok(opened::answer(request, state, &opened, Some(&user), wants_cookie))
}

fn account_and_secret(mut fields: Fields) -> Result<(String, SecretString), ApiError> {
    let account = fields.text("account", 512);
    let secret = fields.text("secret", MAX_SECRET).map(SecretString::from);
    fields.finish(account.zip(secret))
}

/// Who asks. What a client calls itself is for the user's own eyes, so it is cut and kept as it is.
pub(super) fn visitor(request: &HttpRequest, client: ClientIp) -> Visitor {
    let agent = request.headers().get(USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok());
    Visitor {
        device: agent.map(|agent| agent.chars().take(MAX_DEVICE).collect()),
        address: client.0,
    }
}

/// Check a token
///
/// A missing token is answered with status 200 and an error body, as founding document 003 has it.
#[utoipa::path(
    tag = "Login",
    request_body = VerifyBody,
    responses(
        (status = 200, description = "whether the token is good", body = VerifiedBody),
        (status = 400, description = "the token is no text, or longer than 8 KiB", body = ErrorBody),
    )
)]
#[post("/v1/token/verify")]
pub(super) async fn verify(
    state: web::Data<State>,
    mut fields: Fields,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    if fields.lacks("token") {
        let error = ApiError::missing("token");
        let mut response = respond(request.method(), request.path(), &error, StatusCode::OK);
        response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
        return Ok(response);
    }
    let token = fields.text("token", MAX_LENGTH);
    let token = fields.finish(token)?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, NO_STORE))
        .json(VerifiedBody {
            result: state.access.check(&token).is_ok(),
        }))
}
