//! `/jsapi`: signatures for pages that use the JS-SDK.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use secrecy::ExposeSecret;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::page_url::{MAX_LENGTH, PageUrl};
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{Fields, page_parameter};
use crate::state::State;

/// What `wx.config` wants to know about a page.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsConfigBody<'a> {
    /// The official account.
    app_id: &'a str,
    /// The moment of signing, in seconds.
    timestamp: i64,
    /// The random text, as `wx.config` spells it.
    nonce_str: &'a str,
    /// The same, as the signed string spells it.
    noncestr: &'a str,
    /// SHA-1 of `jsapi_ticket=…&noncestr=…&timestamp=…&url=…`.
    signature: &'a str,
    /// The page that was signed: what was asked for, without its fragment.
    url: &'a str,
    /// The ticket, only if `jsapi.expose_ticket` is on.
    #[serde(rename = "jsapi_ticket", skip_serializing_if = "Option::is_none")]
    jsapi_ticket: Option<&'a str>,
}

/// The page to sign.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PageBody {
    /// `location.href.split('#')[0]`
    url: String,
}

/// Sign a page for the first official account
///
/// Send `url=encodeURIComponent(location.href.split('#')[0])`. The value is percent-decoded once and signed byte
/// for byte without its fragment. JS-SDK 说明文档.
#[utoipa::path(
    tag = "JS-SDK",
    params(("url" = String, Query, description = "the page's address; unencoded only as the last parameter")),
    responses(
        (status = 200, description = "what wx.config wants", body = JsConfigBody),
        (status = 400, description = "the URL is missing, ambiguous or malformed", body = ErrorBody),
        (status = 403, description = "its host is not in js_domains", body = ErrorBody),
        (status = 404, description = "there is no official account", body = ErrorBody),
        (status = 502, description = "WeChat refuses; see errcode", body = ErrorBody),
        (status = 503, description = "there is no ticket at the moment", body = ErrorBody),
    )
)]
#[get("/jsapi")]
pub(super) async fn sign_default(
    state: web::Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    sign(&state, None, &page_parameter(request.query_string())?).await
}

/// Sign a page for a named official account
#[utoipa::path(
    tag = "JS-SDK",
    params(("app" = String, Path), ("url" = String, Query)),
    responses((status = 200, body = JsConfigBody), (status = "default", body = ErrorBody))
)]
#[get("/jsapi/{app}")]
pub(super) async fn sign_named(
    state: web::Data<State>,
    app: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    sign(&state, Some(&app), &page_parameter(request.query_string())?).await
}

/// Sign a page for the first official account, address in the body
#[utoipa::path(
    tag = "JS-SDK",
    request_body = PageBody,
    responses((status = 200, body = JsConfigBody), (status = "default", body = ErrorBody))
)]
#[post("/jsapi")]
pub(super) async fn sign_body_default(
    state: web::Data<State>,
    fields: Fields,
) -> Result<HttpResponse, ApiError> {
    sign(&state, None, &page_member(fields)?).await
}

/// Sign a page for a named official account, address in the body
#[utoipa::path(
    tag = "JS-SDK",
    params(("app" = String, Path)),
    request_body = PageBody,
    responses((status = 200, body = JsConfigBody), (status = "default", body = ErrorBody))
)]
#[post("/jsapi/{app}")]
pub(super) async fn sign_body_named(
    state: web::Data<State>,
    app: web::Path<String>,
    fields: Fields,
) -> Result<HttpResponse, ApiError> {
    sign(&state, Some(&app), &page_member(fields)?).await
}

fn page_member(mut fields: Fields) -> Result<String, ApiError> {
    // A fragment may be as long again as the address; it is cut off before the address is measured.
    let url = fields.text("url", 2 * MAX_LENGTH);
    fields.finish(url)
}

async fn sign(state: &State, app: Option<&str>, url: &str) -> Result<HttpResponse, ApiError> {
    let page = PageUrl::parse(url).map_err(|error| ApiError::Invalid(vec![error.to_string()]))?;
    let config = state.jsapi.sign(app, &page).await?;
    let body = JsConfigBody {
        app_id: config.app_id.as_str(),
        timestamp: config.timestamp,
        nonce_str: &config.nonce,
        noncestr: &config.nonce,
        signature: config.signature.as_str(),
        url: page.as_str(),
        jsapi_ticket: config.ticket.as_ref().map(ExposeSecret::expose_secret),
    };
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .json(body))
}
