//! `/v1/apps/{app}/access_token` and `/v1/apps/{app}/jsapi_ticket`: WeChat's tokens and tickets themselves, for those of the
//! company's services that may have them.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use utoipa::ToSchema;

use super::opened::NO_STORE;
use crate::config::{App, AppKind};
use crate::domain::ids::AppName;
use crate::http::audited;
use crate::http::caller::{self, RawToken};
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{Fields, Query};
use crate::service::credentials::{Held, Kind};
use crate::state::State;

/// WeChat's own path for tickets, which a key must allow.
const TICKET: &str = "/cgi-bin/ticket/getticket";
/// WeChat asks for room for 512 characters. (获取接口调用凭据.)
const LONGEST_TOKEN: usize = 2048;

/// An access_token.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AccessTokenBody<'a> {
    /// WeChat's access_token of the app.
    access_token: &'a str,
    #[serde(flatten)]
    times: Times,
}

/// A ticket.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TicketBody<'a> {
    /// WeChat's ticket of the official account.
    ticket: &'a str,
    #[serde(flatten)]
    times: Times,
}

/// How old it is and how long it lasts.
#[derive(Debug, Serialize, ToSchema)]
struct Times {
    /// Counts the values of this app: of two, the one with the higher number is newer. It is the same in all instances.
    version: i64,
    /// Seconds until its end. It may die before, if somebody ends it at WeChat.
    expires_in: u64,
    /// Seconds after which it should be asked for again: soon after the gateway began to renew it, and well before its
    /// end. Never more than `expires_in`.
    renew_after: u64,
}

/// A token that WeChat does not take.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeadTokenBody {
    /// The access_token with which WeChat answered 40001, 40014 or 42001.
    access_token: String,
}

/// The access_token of an app
///
/// For callers with `--raw-token` for the app. It comes from memory, and is renewed ahead of its end by the gateway. Keep it no
/// longer than `renew_after`; never fetch tokens of this app from WeChat yourself.
#[utoipa::path(
    tag = "Gateway",
    params(("app" = String, Path, description = "the app's name in the configuration")),
    responses(
        (status = 200, description = "a token that is good, as far as is known", body = AccessTokenBody),
        (status = 401, description = "there is no key, or it is not good", body = ErrorBody),
        (status = 403, description = "the key does not allow this", body = ErrorBody),
        (status = 404, description = "there is no such app", body = ErrorBody),
        (status = 429, description = "above the key's rate", body = ErrorBody),
        (status = 502, description = "WeChat refuses; see errcode", body = ErrorBody),
        (status = 503, description = "there is no token at the moment", body = ErrorBody),
    )
)]
#[get("/v1/apps/{app}/access_token")]
pub(super) async fn show(state: web::Data<State>, caller: RawToken) -> Result<HttpResponse, ApiError> {
    let held = state
        .credentials
        .access_token(&app(&state, &caller.app)?.app_id)
        .await?;
    Ok(token(&state, &held))
}

/// Report a dead access_token
///
/// For callers with `--raw-token` for the app, when WeChat answers 40001, 40014 or 42001. If it is the current one, it is replaced,
/// once for all who report it; if not, nothing happens. The answer is the current one.
#[utoipa::path(
    tag = "Gateway",
    params(("app" = String, Path, description = "the app's name in the configuration")),
    request_body = DeadTokenBody,
    responses(
        (status = 200, description = "another token than the one that was reported", body = AccessTokenBody),
        (status = 400, description = "the token is missing or too long", body = ErrorBody),
        (status = 401, description = "there is no key, or it is not good", body = ErrorBody),
        (status = 403, description = "the key does not allow this", body = ErrorBody),
        (status = 404, description = "there is no such app", body = ErrorBody),
        (status = 429, description = "above the key's rate", body = ErrorBody),
        (status = 502, description = "WeChat refuses; see errcode", body = ErrorBody),
        (status = 503, description = "it cannot be replaced now; Retry-After says when", body = ErrorBody),
    )
)]
#[post("/v1/apps/{app}/access_token/refresh", wrap = "from_fn(audited::note)")]
pub(super) async fn refresh(
    caller: RawToken,
    state: web::Data<State>,
    mut fields: Fields,
) -> Result<HttpResponse, ApiError> {
    let dead = fields.text("access_token", LONGEST_TOKEN).map(SecretString::from);
    let dead = fields.finish(dead)?;
    let app = app(&state, &caller.app)?;
    let held = state.credentials.replace_dead(&app.app_id, &dead).await?;
    Ok(token(&state, &held))
}

/// A ticket of an official account
///
/// For callers that may make the call `GET /cgi-bin/ticket/getticket`. A ticket for cards is fetched when it is asked for first, and
/// renewed as long as it is asked for now and then.
#[utoipa::path(
    tag = "Gateway",
    params(
        ("app" = String, Path, description = "the official account's name in the configuration"),
        ("type" = Option<String>, Query, description = "`jsapi`, which is what is meant if it is absent, or `wx_card`"),
    ),
    responses(
        (status = 200, description = "a ticket that is good now", body = TicketBody),
        (status = 400, description = "there is no such type", body = ErrorBody),
        (status = 401, description = "there is no key, or it is not good", body = ErrorBody),
        (status = 403, description = "the key does not allow this", body = ErrorBody),
        (status = 404, description = "there is no such official account", body = ErrorBody),
        (status = 429, description = "above the key's rate", body = ErrorBody),
        (status = 502, description = "WeChat refuses; see errcode", body = ErrorBody),
        (status = 503, description = "there is no ticket at the moment", body = ErrorBody),
    )
)]
#[get("/v1/apps/{app}/jsapi_ticket")]
pub(super) async fn ticket(
    state: web::Data<State>,
    name: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let (_, name) = caller::allowed(&request, &name, "GET", TICKET)?;
    let kind = match Query::read(&request)?.at_most_once("type", 16)?.as_deref() {
        None | Some("jsapi") => Kind::JsapiTicket,
        Some("wx_card") => Kind::CardTicket,
        Some(_) => {
            return Err(ApiError::Invalid(vec![
                "type must be jsapi or wx_card".to_owned(),
            ]));
        }
    };
    let app = app(&state, &name)?;
    if app.kind != AppKind::Official {
        return Err(ApiError::NotFound("a mini program has no tickets".to_owned()));
    }
    let held = state.credentials.get(&app.app_id, kind).await?;
    let body = TicketBody {
        ticket: held.value.expose_secret(),
        times: times(&state, &held),
    };
    Ok(answer(&body))
}

fn app<'a>(state: &'a State, name: &AppName) -> Result<&'a App, ApiError> {
    // Whoever was admitted was admitted to an app that is configured.
    state.config.apps.named(name.as_str()).ok_or(ApiError::Internal)
}

fn token(state: &State, held: &Held) -> HttpResponse {
    answer(&AccessTokenBody {
        access_token: held.value.expose_secret(),
        times: times(state, held),
    })
}

fn times(state: &State, held: &Held) -> Times {
    let lasting = state.credentials.lasting(held);
    Times {
        version: held.generation,
        expires_in: lasting.expires_in.as_secs(),
        renew_after: lasting.renew_after.as_secs(),
    }
}

fn answer(body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, NO_STORE))
        .json(body)
}
