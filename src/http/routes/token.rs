//! `/v1/token`: logins and the check of tokens, in the wire forms of founding document 003.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, post, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::ids::LoginCode;
use crate::http::error::{ApiError, ErrorBody, respond};
use crate::http::extract::Fields;
use crate::service::tokens::MAX_LENGTH;
use crate::state::State;

/// Mini-program login.
const MINI_PROGRAM: i64 = 100;
/// What a token is and whether it is good is for the one who asked.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Who wants to log in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LoginBody {
    /// How: 100 is a mini-program user.
    #[schema(example = 100)]
    r#type: i64,
    /// Type 100: the code of `wx.login`.
    account: String,
}

/// A login that succeeded.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenBody<'a> {
    /// The user's access token, a JWT.
    token: &'a str,
    /// How it is presented: `Bearer`.
    token_type: &'a str,
    /// How long it is good for, in seconds.
    expires_in: u64,
    /// The user.
    user: UserBody<'a>,
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UserBody<'a> {
    /// Our id of the user, the same at every login.
    id: &'a str,
    /// When the user first logged in, in seconds.
    created_at: i64,
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
    /// True if it is ours and has not expired.
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
) -> Result<HttpResponse, ApiError> {
    create(&state, None, fields).await
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
) -> Result<HttpResponse, ApiError> {
    create(&state, Some(&app), fields).await
}

async fn create(state: &State, app: Option<&str>, fields: Fields) -> Result<HttpResponse, ApiError> {
    let code = login_code(fields)?;
    let logged_in = state.login.mini_program(app, code).await?;
    let token = &logged_in.issued.token;
    let body = TokenBody {
        token,
        token_type: "Bearer",
        expires_in: logged_in.issued.expires_in.as_secs(),
        user: UserBody {
            id: logged_in.user.id.as_str(),
            created_at: logged_in.user.created_at.secs(),
        },
    };
    Ok(HttpResponse::Ok()
        .insert_header((HeaderName::from_static("token"), token.as_str()))
        .insert_header((CACHE_CONTROL, NO_STORE))
        .json(body))
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
            result: state.tokens.verify(&token).is_ok(),
        }))
}
