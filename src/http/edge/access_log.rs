//! One log line per request, for those that are to have one. Never a query, a header or a body.

use std::time::Duration;

use actix_web::HttpMessage as _;
use actix_web::http::StatusCode;

use super::peer::ClientAddress;
use super::{Asked, Edge};
use crate::config::RequestLog;
use crate::domain::ids::CallerId;
use crate::http::caller::Known;

const SLOW: Duration = Duration::from_secs(1);
const LONGEST_PATH: usize = 256;

/// Whether this request has a line.
pub(super) fn wants(choice: RequestLog, status: StatusCode, took: Duration) -> bool {
    match choice {
        RequestLog::All => true,
        RequestLog::Failed => status.is_server_error() || took > SLOW,
        RequestLog::None => false,
    }
}

/// Writes the line.
pub(super) fn write(edge: &Edge, asked: &Asked<'_>, status: StatusCode, took: Duration) {
    let client = asked.request.and_then(|request| {
        let ClientAddress { ip, .. } = edge.client_address(request);
        ip
    });
    let caller = asked
        .request
        .and_then(|request| request.extensions().get::<Known>().map(|known| known.0.clone()));
    let end = asked.path.floor_char_boundary(LONGEST_PATH);
    let path = &asked.path[..end];
    // Debug escapes what could forge a line or drive a terminal.
    tracing::info!(
        target: "wxgate::request",
        method = asked.method.as_str(),
        ?path,
        status = status.as_u16(),
        duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        request_id = asked.id.as_str(),
        client = client.map(tracing::field::display),
        caller = caller.as_ref().map(CallerId::as_str),
        "{} {path:?} {}",
        asked.method,
        status.as_u16(),
    );
}
