//! What operators and their machines ask: whether the process lives, whether it can work, and its figures.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, get, route, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::config::MetricsAccess;
use crate::http::caller;
use crate::http::edge::Edge;
use crate::http::edge::metrics::CONTENT_TYPE;
use crate::http::edge::peer::ClientAddress;
use crate::http::error::{ApiError, ErrorBody};
use crate::service::records::Grant;
use crate::state::State;

/// How the process is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StatusBody {
    /// Always `ok`: a process that does not live does not answer.
    status: &'static str,
}

/// Whether the process can do its work.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReadyBody {
    /// `ok`, `degraded`, or `stopping`.
    status: &'static str,
    /// What does not work at the moment: `store`, or `APPID:access_token` and the like.
    degraded: Vec<String>,
}

/// Whether the process lives
#[utoipa::path(get, path = "/healthz", tag = "Operations", responses((status = 200, body = StatusBody)))]
#[route("/healthz", method = "GET", method = "HEAD")]
pub(super) async fn healthz() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(no_store())
        .json(StatusBody { status: "ok" })
}

/// Whether the process can do its work
///
/// 503 only while shutting down. What does not work at the moment is listed; WeChat is never asked.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "Operations",
    responses((status = 200, body = ReadyBody), (status = 503, body = ReadyBody))
)]
#[route("/readyz", method = "GET", method = "HEAD")]
pub(super) async fn readyz(state: web::Data<State>) -> HttpResponse {
    let mut degraded = state.credentials.missing();
    if !state.health.store_answers() {
        degraded.insert(0, "store".to_owned());
    }
    let (mut response, status) = match (state.health.is_stopping(), degraded.is_empty()) {
        (true, _) => (HttpResponse::ServiceUnavailable(), "stopping"),
        (false, true) => (HttpResponse::Ok(), "ok"),
        (false, false) => (HttpResponse::Ok(), "degraded"),
    };
    response
        .insert_header(no_store())
        .json(ReadyBody { status, degraded })
}

/// Figures for Prometheus
#[utoipa::path(
    tag = "Operations",
    responses(
        (status = 200, description = "OpenMetrics text", body = String, content_type = "application/openmetrics-text"),
        (status = 401, description = "the key of the caller is not good", body = ErrorBody),
        (status = 403, description = "neither on a private network nor a caller with --metrics", body = ErrorBody),
        (status = 404, description = "server.metrics is off", body = ErrorBody),
        (status = 429, description = "above the caller's rate", body = ErrorBody),
    )
)]
#[get("/metrics")]
pub(super) async fn metrics(
    state: web::Data<State>,
    edge: web::Data<Edge>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    match state.config.server.metrics {
        MetricsAccess::Off => return Err(ApiError::NotFound("server.metrics is off".to_owned())),
        MetricsAccess::Private if !is_near(edge.client_address(&request)) => {
            if caller::key(&request).is_none() {
                return Err(ApiError::Forbidden(
                    "metrics are for private networks and callers with --metrics; see server.metrics"
                        .to_owned(),
                ));
            }
            let caller = caller::authenticate(&request)?;
            caller::demand(&caller, Grant::Metrics)?;
        }
        MetricsAccess::Private | MetricsAccess::Open => {}
    }
    let text = edge.metrics.encode();
    Ok(HttpResponse::Ok()
        .content_type(CONTENT_TYPE)
        .insert_header(no_store())
        .body(text))
}

/// Whether the request comes from a private network. One that claims to be forwarded by a peer that is not trusted
/// may come from anywhere.
fn is_near(client: ClientAddress) -> bool {
    !client.forwarded_by_untrusted && client.ip.is_some_and(is_private)
}

fn is_private(address: std::net::IpAddr) -> bool {
    match address.to_canonical() {
        std::net::IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        std::net::IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

fn no_store() -> (actix_web::http::header::HeaderName, HeaderValue) {
    (CACHE_CONTROL, HeaderValue::from_static("no-store"))
}
