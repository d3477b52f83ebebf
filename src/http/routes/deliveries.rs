//! `/v1/apps/{app}/webhooks/{id}/deliveries` and `…/replay`: what became of events on their way to a webhook, and having
//! them delivered once more. (docs/webhooks.md.)

use actix_web::http::header::CACHE_CONTROL;
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::opened::NO_STORE;
use super::webhooks::id;
use crate::domain::time::Timestamp;
use crate::http::audited;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{Fields, Query};
use crate::http::managed::Managed;
use crate::service::deliveries::{Place, Replay};
use crate::service::records::{Attempt, Delivery, DeliveryState};
use crate::state::State;

/// How many deliveries one answer has at most.
const PAGE: usize = 100;
/// The longest id of an event.
const LONGEST_EVENT: usize = 64;
/// The longest place in a list.
const LONGEST_PLACE: usize = 96;

/// An event on its way to a webhook.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeliveryBody<'a> {
    /// The event's id, which the webhook gets as `webhook-id`.
    event: &'a str,
    /// `waiting`, `delivered`, `dead` (given up after the last attempt), `dropped` (the person or the webhook is gone).
    #[schema(value_type = String, example = "delivered")]
    state: DeliveryState,
    /// How often it was tried since it was made or replayed.
    tries: u32,
    /// When the event was accepted, in seconds.
    accepted_at: i64,
    /// When it may be tried next, in seconds, if it waits. While the webhook takes nothing at all, it may be later.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<i64>,
    /// The latest attempts, oldest first.
    attempts: Vec<AttemptBody<'a>>,
}

/// An attempt.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AttemptBody<'a> {
    /// When it began, in seconds.
    at: i64,
    /// How long it took, in milliseconds.
    millis: u64,
    /// The receiver's status, if it answered.
    status: Option<u16>,
    /// What went wrong.
    error: Option<&'a str>,
}

/// A part of a webhook's deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeliveriesBody<'a> {
    /// Newest event first; those that wait in the order in which they are due.
    deliveries: Vec<DeliveryBody<'a>>,
    /// The `after` of the next part; absent at the end. A part may have fewer than `limit`, even none, and a next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// What is to be delivered once more: one event, or those of a time.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReplayBody {
    /// One event's id; it is delivered even if the webhook was never to get it.
    #[schema(example = "evt_1763690000123ab12cd34ef56ab78")]
    event: Option<String>,
    /// Instead of `event`: the first second of the time in which the events were accepted.
    from: Option<i64>,
    /// And its end, which is not part of it.
    until: Option<i64>,
    /// `dead` for what was given up, `all` for what was delivered as well; `dead` if absent.
    state: Option<String>,
    /// `next` of the answer before, with the same `from`, `until` and `state`.
    after: Option<String>,
}

/// How many are delivered once more.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReplayedBody {
    /// So many. What is being tried just now is not among them.
    replayed: u64,
    /// If there is more than one request looks through, 10,000 deliveries: the `after` of the next request.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl<'a> From<&'a Delivery> for DeliveryBody<'a> {
    fn from(delivery: &'a Delivery) -> Self {
        let due = delivery.due_at.max(delivery.not_before);
        Self {
            event: delivery.event.as_str(),
            state: delivery.state,
            tries: delivery.tries,
            accepted_at: delivery.created_at.secs(),
            next_attempt_at: due
                .filter(|_| delivery.state == DeliveryState::Waiting && delivery.owner.is_none())
                .map(Timestamp::secs),
            attempts: delivery.attempts.iter().map(AttemptBody::from).collect(),
        }
    }
}

impl<'a> From<&'a Attempt> for AttemptBody<'a> {
    fn from(attempt: &'a Attempt) -> Self {
        Self {
            at: attempt.at.secs(),
            millis: attempt.millis,
            status: attempt.status,
            error: attempt.error.as_deref(),
        }
    }
}

/// List a webhook's deliveries
#[utoipa::path(
    tag = "Events",
    params(
        ("app" = String, Path, description = "the app's name"),
        ("id" = String, Path, description = "the webhook's id"),
        ("state" = Option<String>, Query, description = "waiting, delivered, dead or dropped; all if absent"),
        ("limit" = Option<usize>, Query, description = "1 to 100; 100 if absent"),
        ("after" = Option<String>, Query, description = "`next` of the part before"),
    ),
    responses(
        (status = 200, description = "newest event first", body = DeliveriesBody),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 401, description = "no token or key, or not a good one", body = ErrorBody),
        (status = 403, description = "not for this one", body = ErrorBody),
        (status = 404, description = "no such webhook", body = ErrorBody),
        (status = 503, description = "the store is away", body = ErrorBody),
    )
)]
#[get("/v1/apps/{app}/webhooks/{id}/deliveries")]
pub(super) async fn list(
    managed: Managed,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let webhook = id(&path)?;
    let query = Query::read(&request)?;
    let limit = query.limit(PAGE)?;
    let wanted = match query.at_most_once("state", 16)?.as_deref() {
        None => None,
        Some("waiting") => Some(DeliveryState::Waiting),
        Some("delivered") => Some(DeliveryState::Delivered),
        Some("dead") => Some(DeliveryState::Dead),
        Some("dropped") => Some(DeliveryState::Dropped),
        Some(_) => {
            let text = "state must be waiting, delivered, dead or dropped";
            return Err(wrong(text.to_owned()));
        }
    };
    let after: Option<Place> = match query.at_most_once("after", LONGEST_PLACE)? {
        None => None,
        Some(text) => {
            let no_place = |()| wrong("after must be the next of an answer".to_owned());
            Some(text.parse().map_err(no_place)?)
        }
    };
    state.webhooks.read(&managed.app, &webhook).await?;
    let found = state.deliveries.list(&webhook, wanted, after, limit).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, NO_STORE))
        .json(DeliveriesBody {
            deliveries: found.deliveries.iter().map(DeliveryBody::from).collect(),
            next: found.next.map(|place| place.to_string()),
        }))
}

/// Deliver events once more
///
/// They are delivered under their old ids, so a receiver that has seen one can tell. Events are kept for
/// `push.retention`. One request looks through 10,000 deliveries at most, and says in `next` where the next one has to
/// go on.
#[utoipa::path(
    tag = "Events",
    params(
        ("app" = String, Path, description = "the app's name"),
        ("id" = String, Path, description = "the webhook's id"),
    ),
    request_body = ReplayBody,
    responses(
        (status = 200, description = "they are due", body = ReplayedBody),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 401, description = "no token or key, or not a good one", body = ErrorBody),
        (status = 403, description = "not for this one", body = ErrorBody),
        (status = 404, description = "no such webhook", body = ErrorBody),
        (status = 503, description = "the store is away; some may be due", body = ErrorBody),
    )
)]
#[post("/v1/apps/{app}/webhooks/{id}/replay", wrap = "from_fn(audited::note)")]
pub(super) async fn replay(
    managed: Managed,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
    mut fields: Fields,
) -> Result<HttpResponse, ApiError> {
    let webhook = id(&path)?;
    let which = which(&mut fields);
    let which = fields.finish(which)?;
    state.webhooks.read(&managed.app, &webhook).await?;
    let replayed = state.deliveries.replay(&webhook, which).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, NO_STORE))
        .json(ReplayedBody {
            replayed: replayed.count,
            next: replayed.next.map(|place| place.to_string()),
        }))
}

/// One event or a time, and never both: whoever gives both means something else than we would do.
fn which(fields: &mut Fields) -> Option<Replay> {
    let of_a_time = ["from", "until", "state", "after"];
    if of_a_time.iter().all(|name| fields.lacks(name)) {
        return fields.parse("event", LONGEST_EVENT).map(Replay::One);
    }
    if !fields.lacks("event") {
        return fields.problem("event stands alone, without from, until, state and after".to_owned());
    }
    let (from, until) = (fields.integer("from"), fields.integer("until"));
    let only_dead = match fields.optional_text("state", 16).as_deref() {
        None | Some("dead") => true,
        Some("all") => false,
        Some(_) => fields.problem("state must be dead or all".to_owned())?,
    };
    let after = match fields
        .optional_text("after", LONGEST_PLACE)
        .map(|text| text.parse())
    {
        None => None,
        Some(Ok(place)) => Some(place),
        Some(Err(())) => fields.problem("after must be the next of an answer".to_owned())?,
    };
    let (from, until) = from.zip(until)?;
    if from < 0 || until < from {
        return fields.problem("until must not be before from, and from not before 1970".to_owned());
    }
    Some(Replay::Range {
        from: Timestamp::from_secs(from),
        until: Timestamp::from_secs(until),
        only_dead,
        after,
    })
}

fn wrong(text: String) -> ApiError {
    ApiError::Invalid(vec![text])
}
