//! `/v1/apps/{app}/events`: an app's events as they come, for the company's own services, as Server-Sent Events.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, HeaderMap};
use actix_web::web::Bytes;
use actix_web::{Error, HttpRequest, HttpResponse, get, web};
use futures_util::stream;
use tokio::time::Instant;

use crate::domain::ids::EventId;
use crate::http::caller;
use crate::http::edge::connections::Guard;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::Query;
use crate::service::events::{Follower, Item, Stream};
use crate::service::records::Caller;
use crate::state::State;
use crate::telemetry::Chain;

/// How often it is looked for new events.
const LOOK: Duration = Duration::from_millis(500);
/// A silent stream says so often that it lives; proxies end connections that are silent for longer.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// So long a client may leave what it was sent unread.
const PATIENCE: Duration = Duration::from_secs(45);
/// The name of the header in which clients say where they were.
const LAST_EVENT_ID: &str = "last-event-id";

/// Follow an app's events
///
/// Server-Sent Events. Each has the event's id and its JSON, the one that webhooks get, in one line of `data`. A client that comes back
/// with `Last-Event-ID` gets what came since, and may get some events again: the ids tell. If some of it is kept no more,
/// an event named `gap` comes first. Without `Last-Event-ID` the stream begins now. It is for callers with `--events`.
#[utoipa::path(
    tag = "Events",
    params(
        ("app" = String, Path, description = "the app's name in the configuration"),
        ("Last-Event-ID" = Option<String>, Header, description = "the id of the last event that was received"),
        ("last_event_id" = Option<String>, Query, description = "the same, for clients that cannot set headers"),
    ),
    responses(
        (status = 200, description = "a stream without end", body = String, content_type = "text/event-stream"),
        (status = 400, description = "Last-Event-ID is none of ours", body = ErrorBody),
        (status = 401, description = "there is no key, or it is not good", body = ErrorBody),
        (status = 403, description = "the key does not allow this", body = ErrorBody),
        (status = 404, description = "there is no such app", body = ErrorBody),
        (status = 503, description = "too many follow already, in all or with this key, or the server is stopping", body = ErrorBody),
    )
)]
#[get("/v1/apps/{app}/events")]
pub(super) async fn follow(
    state: web::Data<State>,
    app: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let (caller, app) = caller::follower(&request, &app)?;
    let after = last_event_id(request.headers(), &Query::read(&request)?)?;
    let busy = || ApiError::Unavailable("too many follow the events already", Duration::from_secs(30));
    let place = state.events.follow(&caller.id, app, after.as_ref());
    let place = place.ok_or_else(busy)?;
    let following = Following {
        state: state.into_inner(),
        caller,
        guard: request.conn_data::<Guard>().cloned(),
        heard: Instant::now(),
        is_new: true,
        place,
    };
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        // nginx holds answers back otherwise. (ngx_http_proxy_module, X-Accel-Buffering.)
        .insert_header(("x-accel-buffering", "no"))
        .streaming(stream::unfold(following, Following::next)))
}

/// Who follows.
struct Following {
    state: Arc<State>,
    caller: Arc<Caller>,
    guard: Option<Guard>,
    place: Follower,
    /// When something was sent last.
    heard: Instant,
    is_new: bool,
}

impl Following {
    /// What is sent next; nothing more when the server stops or the key has ended.
    async fn next(mut self) -> Option<(Result<Bytes, Error>, Self)> {
        loop {
            if self.state.health.is_stopping() || !self.state.callers.is_good(&self.caller.id) {
                return None;
            }
            let items = self.place.next().await.unwrap_or_else(|error| {
                // The stream goes on when the store does.
                tracing::debug!(error = %Chain(&error), "events cannot be read");
                Vec::new()
            });
            let mut text: String = items.iter().map(written).collect();
            if text.is_empty() && (self.is_new || self.heard.elapsed() >= HEARTBEAT) {
                ":\n\n".clone_into(&mut text);
            }
            if !text.is_empty() {
                self.is_new = false;
                self.heard = Instant::now();
                if let Some(guard) = &self.guard {
                    guard.allow(std::time::Instant::now() + PATIENCE);
                }
                return Some((Ok(text.into()), self));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

fn written(item: &Item) -> String {
    match item {
        // The JSON has no line breaks of its own: in texts they are escaped.
        Item::Event(id, body) => format!("id: {id}\ndata: {body}\n\n"),
        Item::Gap(from, until) => format!(
            "event: gap\ndata: {{\"from\":{},\"until\":{}}}\n\n",
            from.secs().max(0),
            until.secs()
        ),
    }
}

fn last_event_id(headers: &HeaderMap, query: &Query) -> Result<Option<EventId>, ApiError> {
    let header = headers
        .get(LAST_EVENT_ID)
        .map(|value| value.to_str().unwrap_or("?"));
    let given = match header {
        Some(text) => Some(text.to_owned()),
        None => query.at_most_once("last_event_id", 64)?,
    };
    let Some(text) = given.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let id: Option<EventId> = text.parse().ok();
    match id.filter(Stream::knows) {
        Some(id) => Ok(Some(id)),
        None => Err(ApiError::Invalid(vec![
            "Last-Event-ID is not an id of ours".to_owned(),
        ])),
    }
}
