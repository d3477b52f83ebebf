//! `/v1/apps/{app}/messages/…`: messages to one user.

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse, post};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Asked, body};
use crate::http::error::{ApiError, ErrorBody};
use crate::service::typed::Message;
use crate::state::State;

/// A message that was sent.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http::routes) struct SentBody {
    /// WeChat's number of it, if it gives one: a whole number of up to 63 bits. A template message's event
    /// `TEMPLATESENDJOBFINISH` has the same number, as the text `ids.msg_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>, example = 200_228_332)]
    msgid: Option<Value>,
}

async fn send<T: DeserializeOwned>(
    state: &State,
    app: &str,
    request: &HttpRequest,
    payload: Payload,
    message: impl FnOnce(T) -> Message,
    path: impl FnOnce(&Asked<'_>) -> &'static str,
) -> Result<HttpResponse, ApiError> {
    let asked = Asked::of(request, app)?;
    asked.demand(path(&asked))?;
    let message = message(body(request, payload).await?);
    let msgid = state.typed.send(asked.app, &asked.behalf(), message).await?;
    Ok(HttpResponse::Ok().json(SentBody { msgid }))
}

/// Send a subscribe message
///
/// 订阅消息. A mini program's needs `POST /cgi-bin/message/subscribe/send`, an official account's
/// `POST /cgi-bin/message/subscribe/bizsend`.
#[utoipa::path(
    tag = "Typed calls",
    params(("app" = String, Path, description = "the app's name")),
    request_body(content = Object, description = "`touser`, `template_id`, `data`; mini programs: `page`, `miniprogram_state`, `lang`; official accounts: `page`, `miniprogram`", example = json!({"touser": "oQz1S0", "template_id": "9Aw5ZV1j9xdWTFEkqCpZ7jWySL7aGN6rQom4gXINfJs", "page": "index?id=1", "data": {"thing1": {"value": "A parcel"}}})),
    responses(
        (status = 200, description = "sent", body = SentBody),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 401, description = "no key, or not a good one", body = ErrorBody),
        (status = 403, description = "the key does not allow the call", body = ErrorBody),
        (status = 404, description = "no such app", body = ErrorBody),
        (status = 429, description = "the caller's rate, or WeChat's quota", body = ErrorBody),
        (status = 502, description = "WeChat refuses; see errcode (43101: the user has not subscribed)", body = ErrorBody),
        (status = 503, description = "WeChat does not answer; the message may have been sent", body = ErrorBody),
    )
)]
#[post("/v1/apps/{app}/messages/subscribe")]
pub(in crate::http::routes) async fn subscribe(
    state: Data<State>,
    app: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let path = |asked: &Asked<'_>| Message::subscribe_path(asked.app.kind);
    send(&state, &app, &request, payload, Message::Subscribe, path).await
}

/// Send a template message
///
/// 模板消息, of official accounts. Needs `POST /cgi-bin/message/template/send`. What became of it is told by the event
/// `TEMPLATESENDJOBFINISH`, whose `ids.msg_id` is the `msgid` answered here.
#[utoipa::path(
    tag = "Typed calls",
    params(("app" = String, Path, description = "the app's name")),
    request_body(content = Object, description = "`touser`, `template_id`, `data`; `url`, `miniprogram`, `client_msg_id`", example = json!({"touser": "oQz1S0", "template_id": "Doclyl5uP7Aciu-qZ7mJNPtWkbkYnWBWVja26EGbNyk", "url": "https://www.example.com/", "data": {"keyword1": {"value": "A parcel"}}})),
    responses(
        (status = 200, description = "WeChat takes it", body = SentBody),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 401, description = "no key, or not a good one", body = ErrorBody),
        (status = 403, description = "the key does not allow the call", body = ErrorBody),
        (status = 404, description = "no such app", body = ErrorBody),
        (status = 429, description = "the caller's rate, or WeChat's quota", body = ErrorBody),
        (status = 502, description = "WeChat refuses; see errcode (43004: the user does not follow)", body = ErrorBody),
        (status = 503, description = "WeChat does not answer; the message may have been sent", body = ErrorBody),
    )
)]
#[post("/v1/apps/{app}/messages/template")]
pub(in crate::http::routes) async fn template(
    state: Data<State>,
    app: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let path = |_: &Asked<'_>| Message::TEMPLATE_PATH;
    send(&state, &app, &request, payload, Message::Template, path).await
}

/// Send a customer-service message
///
/// 客服消息, to somebody who wrote or did something lately. Needs `POST /cgi-bin/message/custom/send`.
#[utoipa::path(
    tag = "Typed calls",
    params(("app" = String, Path, description = "the app's name")),
    request_body(content = Object, description = "`touser`, `msgtype`, and the member that `msgtype` names; `customservice`, `aimsgcontext`", example = json!({"touser": "oQz1S0", "msgtype": "text", "text": {"content": "It is on its way."}})),
    responses(
        (status = 200, description = "sent", body = SentBody),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 401, description = "no key, or not a good one", body = ErrorBody),
        (status = 403, description = "the key does not allow the call", body = ErrorBody),
        (status = 404, description = "no such app", body = ErrorBody),
        (status = 429, description = "the caller's rate, or WeChat's quota", body = ErrorBody),
        (status = 502, description = "WeChat refuses; see errcode (45015: too long ago, 45047: enough were sent)", body = ErrorBody),
        (status = 503, description = "WeChat does not answer; the message may have been sent", body = ErrorBody),
    )
)]
#[post("/v1/apps/{app}/messages/custom")]
pub(in crate::http::routes) async fn custom(
    state: Data<State>,
    app: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let path = |_: &Asked<'_>| Message::CUSTOM_PATH;
    send(&state, &app, &request, payload, Message::Custom, path).await
}
