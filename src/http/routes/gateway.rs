//! `/v1/apps/{app}/api/…`: WeChat's API for the company's services, with the access_token put in.

use actix_web::dev::Payload;
use actix_web::{HttpRequest, HttpResponse, route, web};

use crate::domain::api_path::{ApiTarget, BadTarget};
use crate::http::audited;
use crate::http::caller;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::relaying::{self, Failed};
use crate::service::relay::figures::Reason;
use crate::service::relay::{Party, Treatment, permits};
use crate::state::State;

/// Call WeChat's API
///
/// The path after `/api` is WeChat's; the query, the body and the answer are handed on as they are, files too. The
/// access_token is put in, so it must not be there. A call that meets a dead token is made again with the next one, if
/// its body has at most 1 MiB. The answer is WeChat's, its errcode included, with WeChat's status, which is 200 for errors
/// too. It is for callers whose `--allow` has the method and the path.
#[utoipa::path(
    method(get, post, put, patch, delete),
    path = "/v1/apps/{app}/api/{path}",
    tag = "Gateway",
    params(
        ("app" = String, Path, description = "the app's name in the configuration"),
        ("path" = String, Path, description = "WeChat's path, such as `cgi-bin/user/info`"),
    ),
    request_body(content = Vec<u8>, content_type = "*/*", description = "whatever WeChat takes there"),
    responses(
        (status = 200, description = "WeChat's answer, an error too", content_type = "*/*", body = Vec<u8>),
        (status = 400, description = "the path can be read in two ways, or there is an access_token", body = ErrorBody),
        (status = 401, description = "there is no key, or it is not good", body = ErrorBody),
        (status = 403, description = "the key does not allow this call", body = ErrorBody),
        (status = 404, description = "there is no such app", body = ErrorBody),
        (status = 413, description = "the body is larger than gateway.body", body = ErrorBody),
        (status = 429, description = "the caller's rate", body = ErrorBody),
        (status = 502, description = "WeChat refuses our credentials; its errcode is there", body = ErrorBody),
        (status = 503, description = "WeChat does not answer, or too many calls of the app are under way", body = ErrorBody),
    )
)]
#[route(
    "/v1/apps/{app}/api/{path:.*}",
    method = "GET",
    method = "HEAD",
    method = "POST",
    method = "PUT",
    method = "PATCH",
    method = "DELETE",
    method = "OPTIONS"
)]
pub(super) async fn call(
    state: web::Data<State>,
    path: web::Path<(String, String)>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let caller = caller::authenticate(&request).inspect_err(|error| {
        if let (ApiError::Limited(_), Some(app)) = (error, state.config.apps.named(&path.0)) {
            state.relay.figures().refused(&app.name, Reason::Limited);
        }
    })?;
    let app = caller::app(&request, &path.0)?;
    let target = target(&request)?;
    if !caller.may_use(&app.name) || !permits(&caller, request.method().as_str(), &target) {
        audited::refused(&state, &request, (&app.name, &caller.id), target.decoded());
        return Err(ApiError::Forbidden(refusal(target.decoded()).to_owned()));
    }
    if Treatment::of(target.decoded()) == Treatment::Foreign {
        let text = "it carries a person's own credential: WeChat's own path at the root relays it";
        return Err(ApiError::Forbidden(text.to_owned()));
    }
    let mut payload: Payload = payload.into_inner();
    let begun = relaying::begin(&state, &request, &mut payload).await?;
    let call = (app.app_id.clone(), Party::Caller(caller.id.clone()), target);
    let answer = relaying::relay(&state, &request, payload, begun, call).await?;
    Ok(relaying::respond(&state, &request, answer))
}

/// Why a call is not allowed, as far as the path tells.
fn refusal(path: &str) -> &'static str {
    match Treatment::of(path) {
        Treatment::Refused => "calls that make an access_token, or take none of an app's, are not relayed",
        Treatment::Secret(_) => "it needs a pattern without wildcards; jscode2session --session-key as well",
        _ => "the key does not allow this call",
    }
}

/// What stands behind `/v1/apps/{app}/api`, byte for byte.
fn target(request: &HttpRequest) -> Result<ApiTarget, ApiError> {
    // The empty text before the first slash, then v1, apps, the app, api.
    let path = request.uri().path();
    let start = path.match_indices('/').nth(4).map_or(path.len(), |(at, _)| at);
    let target = ApiTarget::parse(&path[start..], request.uri().query())?;
    if target.token().is_some() {
        return Err(ApiError::Invalid(vec![
            "access_token is put in by the gateway: leave it out".to_owned(),
        ]));
    }
    Ok(target)
}

impl From<BadTarget> for ApiError {
    fn from(error: BadTarget) -> Self {
        Self::Invalid(vec![error.to_string()])
    }
}

impl From<Failed> for ApiError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Body(error) => error.into(),
            Failed::Header => Self::Invalid(vec![
                "headers must not have _ in their names, and Content-Type comes once".to_owned(),
            ]),
            Failed::Method => {
                Self::MethodNotAllowed("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS".to_owned())
            }
            Failed::Relay(error) => error.into(),
            // Nobody reads this.
            Failed::Left => Self::TooSlow,
        }
    }
}
