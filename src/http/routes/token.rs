//! `/v1/token`: logins and the check of tokens, in the wire forms of founding document 003.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, USER_AGENT};
use actix_web::{HttpRequest, HttpResponse, post, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::opened::{self, NO_STORE, TokenBody};
use crate::domain::ids::LoginCode;
use crate::http::error::{ApiError, ErrorBody, respond};
use crate::http::extract::Fields;
use crate::service::login::{LoggedIn, Visitor};
use crate::service::tokens::MAX_LENGTH;
use crate::state::State;

/// Mini-program login.
const MINI_PROGRAM: i64 = 100;
/// So much of what a client calls itself is kept.
const MAX_DEVICE: usize = 200;
/// Who wants to log in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LoginBody {
    /// How: 100 is a mini-program user.
    #[schema(example = 100)]
    r#type: i64,
    /// Type 100: the code of `wx.login`.
    account: String,
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

/// Log in to the first mini program
///
/// Type 100: `account` is the code of `wx.login`. A code works once: sent again within 5 seconds it gives another
/// token of the same user, later it is refused. 小程序登录.
#[utoipa::path(
    tag = "Login",
    request_body = LoginBody,
    responses(
        (status = 200, description = "logged in; the header `token` has the token too", body = TokenBody),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 401, description = "WeChat refuses the code", body = ErrorBody),
        (status = 429, description = "too often for this user", body = ErrorBody),
        (status = 502, description = "WeChat refuses us; see errcode", body = ErrorBody),
        (status = 503, description = "WeChat or the store cannot be reached", body = ErrorBody),
    )
)]
#[post("/v1/token")]
pub(super) async fn create_default(
    state: web::Data<State>,
    fields: Fields,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    create(&request, &state, None, fields).await
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
    app: web::Path<String>,
    fields: Fields,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    create(&request, &state, Some(&app), fields).await
}

async fn create(
    request: &HttpRequest,
    state: &State,
    app: Option<&str>,
    mut fields: Fields,
) -> Result<HttpResponse, ApiError> {
    let wants_cookie = fields.flag("cookie").unwrap_or_default();
    let code = login_code(fields)?;
    let logged_in = state.login.mini_program(app, code, &visitor(request)).await?;
    let LoggedIn { opened, user } = &logged_in;
    Ok(opened::answer(request, state, opened, Some(user), wants_cookie))
}

/// Who asks. What a client calls itself is for the user's own eyes, so it is cut and kept as it is.
pub(super) fn visitor(request: &HttpRequest) -> Visitor {
    let agent = request
        .headers()
        .get(USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    let device = agent.map(|agent| agent.chars().take(MAX_DEVICE).collect());
    Visitor { device }
}

fn login_code(mut fields: Fields) -> Result<LoginCode, ApiError> {
    let kind = fields.integer("type");
    if kind.is_some_and(|kind| kind != MINI_PROGRAM) {
        fields.problem::<()>("type字段不支持; 100 is supported".to_owned());
    }
    let code = fields.parse("account", 512);
    fields.finish(code)
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
