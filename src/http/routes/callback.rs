//! `/auth`: WeChat checks that this server is the one the console names.

use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse, get, web};

use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::Query;
use crate::service::callback::{Check, Error};
use crate::state::State;

/// Server check for the default app
///
/// WeChat calls this when the server configuration (服务器配置) is saved. The default app is the first official
/// account, else the first mini program. 接入指南.
#[utoipa::path(
    tag = "WeChat",
    params(
        ("signature" = String, Query, description = "SHA-1 of the sorted and joined token, timestamp and nonce"),
        ("timestamp" = String, Query), ("nonce" = String, Query),
        ("echostr" = String, Query, description = "returned as it is if the signature is right"),
    ),
    responses(
        (status = 200, description = "echostr, exactly", body = String, content_type = "text/plain"),
        (status = 400, description = "a parameter is missing, repeated or malformed", body = ErrorBody),
        (status = 403, description = "`Error! No Auth`", body = String, content_type = "text/plain"),
    )
)]
#[get("/auth")]
pub(super) async fn check_default(
    state: web::Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    check(&state, None, &request)
}

/// Server check for a named app
#[utoipa::path(
    tag = "WeChat",
    params(
        ("app" = String, Path, description = "the app's name in the configuration"),
        ("signature" = String, Query), ("timestamp" = String, Query), ("nonce" = String, Query), ("echostr" = String, Query),
    ),
    responses(
        (status = 200, description = "echostr, exactly", body = String, content_type = "text/plain"),
        (status = 400, description = "a parameter is missing, repeated or malformed", body = ErrorBody),
        (status = 403, description = "`Error! No Auth`", body = String, content_type = "text/plain"),
        (status = 404, description = "there is no such app", body = ErrorBody),
    )
)]
#[get("/auth/{app}")]
pub(super) async fn check_named(
    state: web::Data<State>,
    app: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    check(&state, Some(&app), &request)
}

fn check(state: &State, app: Option<&str>, request: &HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::read(request)?;
    let check = Check {
        signature: query.once("signature", 128)?,
        timestamp: query.once("timestamp", 32)?,
        nonce: query.once("nonce", 128)?,
        echostr: query.once("echostr", 1024)?,
    };
    match state.callback.verify(app, check) {
        Ok(echostr) => Ok(plain(StatusCode::OK, echostr)),
        // Founding document 004 answers this text, and no envelope.
        Err(Error::Refused) => Ok(plain(StatusCode::FORBIDDEN, "Error! No Auth".to_owned())),
        Err(error @ Error::NoApp) => Err(error.into()),
    }
}

fn plain(status: StatusCode, text: String) -> HttpResponse {
    HttpResponse::build(status)
        .content_type(ContentType::plaintext())
        .body(text)
}
