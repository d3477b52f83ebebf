//! `/auth`: WeChat checks that this server is the one the console names, and pushes messages and events to it.

use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use tokio::time::Instant;

use crate::domain::push::payload::{Format, MAX_BODY};
use crate::http::edge::body;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::Query;
use crate::service::callback::{Check, Error};
use crate::service::push::{self, Pushed};
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

/// Push for the default app
///
/// WeChat sends messages and events of users here (接收普通消息, 接收事件推送). What is acknowledged is stored. The answer is
/// `success`, or a reply, encrypted as the push was. In compatible and safe mode only what `msg_signature` covers is used.
#[utoipa::path(
    tag = "WeChat",
    request_body(content = String, content_type = "text/xml", description = "XML or JSON, whatever it calls itself; at most 64 KiB"),
    params(
        ("signature" = Option<String>, Query, description = "SHA-1 of the sorted and joined token, timestamp and nonce"),
        ("timestamp" = String, Query), ("nonce" = String, Query),
        ("encrypt_type" = Option<String>, Query, description = "`aes` if the body is encrypted"),
        ("msg_signature" = Option<String>, Query, description = "as `signature`, over the ciphertext as well"),
    ),
    responses(
        (status = 200, description = "`success`, or a reply", body = String, content_type = "text/xml"),
        (status = 400, description = "a parameter or the body is missing, repeated or malformed", body = ErrorBody),
        (status = 403, description = "`Error! No Auth`", body = String, content_type = "text/plain"),
        (status = 413, description = "the body is larger than 64 KiB", body = ErrorBody),
        (status = 503, description = "it could not be stored; WeChat pushes it again", body = ErrorBody),
    )
)]
#[post("/auth")]
pub(super) async fn receive_default(
    state: web::Data<State>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    receive(&state, None, &request, payload).await
}

/// Push for a named app
#[utoipa::path(
    tag = "WeChat",
    request_body(content = String, content_type = "text/xml", description = "XML or JSON, whatever it calls itself; at most 64 KiB"),
    params(
        ("app" = String, Path, description = "the app's name in the configuration"),
        ("signature" = Option<String>, Query), ("timestamp" = String, Query), ("nonce" = String, Query),
        ("encrypt_type" = Option<String>, Query), ("msg_signature" = Option<String>, Query),
    ),
    responses(
        (status = 200, description = "`success`, or a reply", body = String, content_type = "text/xml"),
        (status = 400, description = "a parameter or the body is missing, repeated or malformed", body = ErrorBody),
        (status = 403, description = "`Error! No Auth`", body = String, content_type = "text/plain"),
        (status = 404, description = "there is no such app", body = ErrorBody),
        (status = 413, description = "the body is larger than 64 KiB", body = ErrorBody),
        (status = 503, description = "it could not be stored; WeChat pushes it again", body = ErrorBody),
    )
)]
#[post("/auth/{app}")]
pub(super) async fn receive_named(
    state: web::Data<State>,
    app: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    receive(&state, Some(&app), &request, payload).await
}

async fn receive(
    state: &State,
    app: Option<&str>,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let arrived = Instant::now();
    let query = Query::read(request)?;
    let signature = query.at_most_once("signature", 128)?;
    let msg_signature = query.at_most_once("msg_signature", 128)?;
    if signature.is_none() && msg_signature.is_none() {
        return Err(ApiError::missing("signature"));
    }
    let timestamp = query.once("timestamp", 12)?;
    if !timestamp.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ApiError::Invalid(vec![
            "timestamp must be seconds, in digits".to_owned(),
        ]));
    }
    let pushed = Pushed {
        signature,
        msg_signature,
        timestamp,
        nonce: query.once("nonce", 128)?,
        encrypt_type: query.at_most_once("encrypt_type", 32)?,
        body: body::read(request, &mut payload.into_inner(), MAX_BODY).await?,
        arrived,
    };
    match state.push.accept(app, pushed).await {
        Ok(answer) => Ok(HttpResponse::Ok()
            .content_type(match answer.format {
                None => "text/plain; charset=utf-8",
                Some(Format::Xml) => "text/xml; charset=utf-8",
                Some(Format::Json) => "application/json",
            })
            .body(answer.body)),
        Err(push::Error::Refused) => Ok(plain(StatusCode::FORBIDDEN, "Error! No Auth".to_owned())),
        Err(error) => Err(error.into()),
    }
}

fn plain(status: StatusCode, text: String) -> HttpResponse {
    HttpResponse::build(status)
        .content_type(ContentType::plaintext())
        .body(text)
}
