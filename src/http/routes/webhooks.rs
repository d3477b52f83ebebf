//! `/v1/apps/{app}/webhooks`: the company's programs that hear of an app's events. (docs/webhooks.md.)

use std::time::Duration;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, delete, get, patch, post, web};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use utoipa::ToSchema;

use super::opened::NO_STORE;
use crate::domain::ids::WebhookId;
use crate::domain::push::filter::Filters;
use crate::domain::standard_webhooks::{LONGEST_SECRET, Secret};
use crate::domain::time::Timestamp;
use crate::http::audited;
use crate::http::error::{ApiError, ErrorBody, missing};
use crate::http::extract::Fields;
use crate::http::managed::Managed;
use crate::service::records::Webhook;
use crate::service::webhooks::{
    Address, Changes, LONGEST_ADDRESS, LONGEST_DESCRIPTION, LONGEST_OVERLAP, NewWebhook, OVERLAP,
};
use crate::state::State;

/// A webhook to be made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NewWebhookBody {
    /// Where events are posted to: http or https, without user name and fragment, at most 2048 bytes. Unless
    /// `push.webhook_private_networks` is on, its host must be on the public internet.
    #[schema(example = "https://orders.example.com/wechat")]
    url: String,
    /// Which events it wants, up to 50 filters: `message.text`, `event.subscribe`, `event.CLICK:menu_` (keys that begin
    /// so), `event.*`, `*`. All of them if it is empty or absent.
    events: Option<Vec<String>>,
    /// What you call it: up to 256 characters.
    description: Option<String>,
    /// Whether it gets one event after the other, in the order of their acceptance. One that it does not take then keeps
    /// the later ones waiting.
    ordered: Option<bool>,
    /// Whether it is asked for replies while WeChat waits. What it is not asked about is delivered to it.
    reply: Option<bool>,
    /// Whether it gets nothing for now.
    disabled: Option<bool>,
    /// What its deliveries are signed with: `whsec_` and 24 to 64 bytes in base64. Made here if it is absent.
    secret: Option<String>,
}

/// What of a webhook is to change. What is absent stays.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WebhookChangesBody {
    /// Where events are posted to.
    url: Option<String>,
    /// Which events it wants; all of them if it is empty or null.
    events: Option<Vec<String>>,
    /// What you call it; empty or null for nothing.
    description: Option<String>,
    /// Whether it gets one event after the other.
    ordered: Option<bool>,
    /// Whether it is asked for replies.
    reply: Option<bool>,
    /// Whether it gets nothing for now.
    disabled: Option<bool>,
}

/// How a secret is to be replaced.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RotationBody {
    /// How long the secret before signs as well: `"0s"` to `"7d"`, `"24h"` if absent.
    #[schema(example = "24h")]
    overlap: Option<String>,
}

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WebhookBody<'a> {
    /// Our id of it.
    id: &'a str,
    /// Where events are posted to.
    url: &'a str,
    /// Which events it wants; all of them if it is empty.
    #[schema(value_type = Vec<String>)]
    events: &'a Filters,
    /// What you call it.
    description: Option<&'a str>,
    /// Whether it gets one event after the other.
    ordered: bool,
    /// Whether it is asked for replies.
    reply: bool,
    /// Whether it gets nothing for now.
    disabled: bool,
    /// When it was made, in seconds.
    created_at: i64,
    /// When it was changed last, in seconds.
    changed_at: i64,
    /// Until when the secret before signs as well, in seconds, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_secret_until: Option<i64>,
    /// What its deliveries are signed with. Shown when the webhook is made, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
}

/// An app's webhooks.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WebhooksBody<'a> {
    /// Oldest first.
    webhooks: Vec<WebhookBody<'a>>,
}

/// A new secret.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SecretBody<'a> {
    /// What deliveries are signed with from now on. Shown now, and never again.
    secret: &'a str,
}

impl<'a> From<&'a Webhook> for WebhookBody<'a> {
    fn from(webhook: &'a Webhook) -> Self {
        Self {
            id: webhook.id.as_str(),
            url: &webhook.url,
            events: &webhook.events,
            description: webhook.description.as_deref(),
            ordered: webhook.ordered,
            reply: webhook.reply,
            disabled: webhook.disabled,
            created_at: webhook.created_at.secs(),
            changed_at: webhook.changed_at.secs(),
            previous_secret_until: webhook.previous_until.map(Timestamp::secs),
            secret: None,
        }
    }
}

/// Make a webhook
///
/// For administrators, and for callers with `--webhooks` for the app. An app has at most 100.
#[utoipa::path(
    tag = "Events",
    params(("app" = String, Path, description = "the app's name")),
    request_body = NewWebhookBody,
    responses(
        (status = 201, description = "made; its secret is shown this once", body = WebhookBody),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 401, description = "no token or key, or not a good one", body = ErrorBody),
        (status = 403, description = "not for this one", body = ErrorBody),
        (status = 404, description = "no such app", body = ErrorBody),
        (status = 409, description = "the app has 100 webhooks", body = ErrorBody),
        (status = 503, description = "the store is away", body = ErrorBody),
    )
)]
#[post("/v1/apps/{app}/webhooks", wrap = "from_fn(audited::note)")]
pub(super) async fn create(
    managed: Managed,
    state: web::Data<State>,
    mut fields: Fields,
) -> Result<HttpResponse, ApiError> {
    if fields.lacks("url") {
        fields.problem::<()>(missing("url"));
    }
    let url = address(&mut fields, &state);
    let new = NewWebhook {
        events: fields.read("events").unwrap_or_default(),
        description: description(&mut fields),
        ordered: fields.flag("ordered").unwrap_or_default(),
        reply: fields.flag("reply").unwrap_or_default(),
        disabled: fields.flag("disabled").unwrap_or_default(),
        secret: secret(&mut fields),
        url: fields.finish(url)?,
    };
    let (webhook, secret) = state.webhooks.create(&managed.app, new).await?;
    let body = WebhookBody {
        secret: Some(secret.expose_secret()),
        ..WebhookBody::from(&webhook)
    };
    Ok(HttpResponse::Created()
        .insert_header((CACHE_CONTROL, NO_STORE))
        .json(body))
}

/// List an app's webhooks
#[utoipa::path(
    tag = "Events",
    params(("app" = String, Path, description = "the app's name")),
    responses(
        (status = 200, description = "oldest first, without their secrets", body = WebhooksBody),
        (status = 401, description = "no token or key, or not a good one", body = ErrorBody),
        (status = 403, description = "not for this one", body = ErrorBody),
        (status = 404, description = "no such app", body = ErrorBody),
    )
)]
#[get("/v1/apps/{app}/webhooks")]
pub(super) async fn list(managed: Managed, state: web::Data<State>) -> HttpResponse {
    let webhooks = state.webhooks.list(&managed.app);
    let webhooks = webhooks.iter().map(|webhook| WebhookBody::from(&**webhook));
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, NO_STORE))
        .json(WebhooksBody {
            webhooks: webhooks.collect(),
        })
}

/// See a webhook
#[utoipa::path(
    tag = "Events",
    params(
        ("app" = String, Path, description = "the app's name"),
        ("id" = String, Path, description = "the webhook's id"),
    ),
    responses(
        (status = 200, description = "without its secret", body = WebhookBody),
        (status = 401, description = "no token or key, or not a good one", body = ErrorBody),
        (status = 403, description = "not for this one", body = ErrorBody),
        (status = 404, description = "no such webhook", body = ErrorBody),
        (status = 503, description = "the store is away", body = ErrorBody),
    )
)]
#[get("/v1/apps/{app}/webhooks/{id}")]
pub(super) async fn show(
    managed: Managed,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let webhook = state.webhooks.read(&managed.app, &id(&path)?).await?;
    Ok(answer(&webhook))
}

/// Change a webhook
#[utoipa::path(
    tag = "Events",
    params(
        ("app" = String, Path, description = "the app's name"),
        ("id" = String, Path, description = "the webhook's id"),
    ),
    request_body = WebhookChangesBody,
    responses(
        (status = 200, description = "as it is now", body = WebhookBody),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 401, description = "no token or key, or not a good one", body = ErrorBody),
        (status = 403, description = "not for this one", body = ErrorBody),
        (status = 404, description = "no such webhook", body = ErrorBody),
        (status = 503, description = "the store is away", body = ErrorBody),
    )
)]
#[patch("/v1/apps/{app}/webhooks/{id}", wrap = "from_fn(audited::note)")]
pub(super) async fn change(
    managed: Managed,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
    mut fields: Fields,
) -> Result<HttpResponse, ApiError> {
    let id = id(&path)?;
    let (has_events, has_description) = (fields.has("events"), fields.has("description"));
    let changes = Changes {
        url: address(&mut fields, &state),
        events: has_events.then(|| fields.read("events").unwrap_or_default()),
        description: has_description.then(|| description(&mut fields)),
        ordered: fields.flag("ordered"),
        reply: fields.flag("reply"),
        disabled: fields.flag("disabled"),
    };
    let changes = fields.finish(Some(changes))?;
    let webhook = state.webhooks.change(&managed.app, &id, changes).await?;
    Ok(answer(&webhook))
}

/// Delete a webhook
///
/// What was not delivered to it yet is not delivered any more.
#[utoipa::path(
    tag = "Events",
    params(
        ("app" = String, Path, description = "the app's name"),
        ("id" = String, Path, description = "the webhook's id"),
    ),
    responses(
        (status = 204, description = "it is gone"),
        (status = 401, description = "no token or key, or not a good one", body = ErrorBody),
        (status = 403, description = "not for this one", body = ErrorBody),
        (status = 404, description = "no such webhook", body = ErrorBody),
        (status = 503, description = "the store is away", body = ErrorBody),
    )
)]
#[delete("/v1/apps/{app}/webhooks/{id}", wrap = "from_fn(audited::note)")]
pub(super) async fn delete(
    managed: Managed,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    state.webhooks.delete(&managed.app, &id(&path)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Give a webhook a new secret
///
/// For a while the secret before signs as well, so that the receiver can change over without losing anything.
#[utoipa::path(
    tag = "Events",
    params(
        ("app" = String, Path, description = "the app's name"),
        ("id" = String, Path, description = "the webhook's id"),
    ),
    request_body = RotationBody,
    responses(
        (status = 200, description = "the new secret, shown this once", body = SecretBody),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 401, description = "no token or key, or not a good one", body = ErrorBody),
        (status = 403, description = "not for this one", body = ErrorBody),
        (status = 404, description = "no such webhook", body = ErrorBody),
        (status = 503, description = "the store is away", body = ErrorBody),
    )
)]
#[post("/v1/apps/{app}/webhooks/{id}/secret", wrap = "from_fn(audited::note)")]
pub(super) async fn rotate(
    managed: Managed,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
    mut fields: Fields,
) -> Result<HttpResponse, ApiError> {
    let id = id(&path)?;
    let overlap = overlap(&mut fields);
    let overlap = fields.finish(overlap)?;
    let secret: SecretString = state.webhooks.rotate(&managed.app, &id, overlap).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, NO_STORE))
        .json(SecretBody {
            secret: secret.expose_secret(),
        }))
}

fn answer(webhook: &Webhook) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, NO_STORE))
        .json(WebhookBody::from(webhook))
}

pub(super) fn id(path: &web::Path<(String, String)>) -> Result<WebhookId, ApiError> {
    let no_webhook = |_| ApiError::NotFound("there is no such webhook".to_owned());
    path.1.parse().map_err(no_webhook)
}

fn address(fields: &mut Fields, state: &State) -> Option<Address> {
    let text = fields.optional_text("url", LONGEST_ADDRESS)?;
    match Address::parse(&text, state.config.push.webhook_private_networks) {
        Ok(address) => Some(address),
        Err(error) => fields.problem(format!("url: {error}")),
    }
}

fn description(fields: &mut Fields) -> Option<String> {
    // A character has up to four bytes.
    let text = fields.optional_text("description", 4 * LONGEST_DESCRIPTION)?;
    if text.chars().count() > LONGEST_DESCRIPTION || text.chars().any(char::is_control) {
        return fields.problem(format!(
            "description must have at most {LONGEST_DESCRIPTION} characters and no control characters"
        ));
    }
    Some(text)
}

fn secret(fields: &mut Fields) -> Option<Secret> {
    let text: SecretString = fields.optional_text("secret", LONGEST_SECRET)?.into();
    match Secret::try_from(&text) {
        Ok(secret) => Some(secret),
        Err(error) => fields.problem(format!("secret: {error}")),
    }
}

fn overlap(fields: &mut Fields) -> Option<Duration> {
    if fields.lacks("overlap") {
        return Some(OVERLAP);
    }
    let text = fields.text("overlap", 32)?;
    match humantime::parse_duration(&text) {
        Ok(overlap) if overlap <= LONGEST_OVERLAP => Some(overlap),
        _ => fields.problem("overlap must be a duration of at most \"7d\", such as \"24h\"".to_owned()),
    }
}
