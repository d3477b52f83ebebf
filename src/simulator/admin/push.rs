//! Lets users act: what they do is pushed to the app's server, and the answer tells how that went.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::rt::time::sleep;
use actix_web::web::{Bytes, Data, Json, Path};
use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::AdminError;
use super::input::{check_count, check_length};
use super::{input, users};
use crate::simulator::platform::Platform;
use crate::simulator::push::act::Doing;
use crate::simulator::push::begin::{self, Manner, Parcel};
use crate::simulator::push::deliver;
use crate::simulator::push::records::{MOST_ENTRIES, MOST_PUSHES, Report};
use crate::simulator::push::server::Forged;
use crate::simulator::push::settings::Hazards;

/// Pushes of one batch, and copies of one push.
const MOST_AT_ONCE: usize = 1_000;

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    app_id: Option<String>,
    user: Option<String>,
    message: Option<Map<String, Value>>,
    event: Option<Map<String, Value>>,
    raw: Option<Value>,
    /// Whether the answer waits for the outcome.
    wait: Option<bool>,
    /// How often the same push is made in all.
    copies: Option<usize>,
    /// The copies go out together, else each when the one before has been answered.
    #[serde(default)]
    concurrent: bool,
    #[serde(default)]
    delay_ms: u32,
    #[serde(default)]
    age_seconds: u32,
    hazards: Option<Hazards>,
    #[serde(default)]
    forge: Forged,
    #[serde(default)]
    urls: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    app_id: Option<String>,
    user: Option<String>,
    pushes: Vec<Order>,
    #[serde(default)]
    order: Sequence,
    /// All go out together, else each when the one before has been answered.
    #[serde(default)]
    concurrent: bool,
    wait: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "snake_case")]
enum Sequence {
    #[default]
    Given,
    Reversed,
    Shuffled,
}

/// One push.
pub(super) async fn create(platform: Data<Platform>, body: Bytes) -> Result<Json<Value>, AdminError> {
    let order: Order = input::body(&body)?;
    let wait = order.wait.unwrap_or(true);
    let (concurrent, delay) = (order.concurrent, Duration::from_millis(order.delay_ms.into()));
    if delay > Duration::from_secs(600) {
        return Err(AdminError::Invalid("delay_ms is at most 600000".into()));
    }
    let copies = order.copies.unwrap_or(1);
    check_count("copies", copies, MOST_AT_ONCE)?;
    let mut parcels = vec![begin(&platform, &order)?];
    for _ in 1..copies {
        let copy = begin::copy(&mut platform.world(), &parcels[0]);
        parcels.push(copy);
    }
    let mut reports = send(&platform, parcels, concurrent, delay, wait)
        .await?
        .into_iter();
    let mut answer = json!(reports.next());
    if copies > 1 {
        answer["copies"] = json!(reports.collect::<Vec<_>>());
    }
    Ok(Json(answer))
}

/// Many pushes, which happen in the order given and go out in another one or together.
pub(super) async fn batch(platform: Data<Platform>, body: Bytes) -> Result<Json<Value>, AdminError> {
    let batch: Batch = input::body(&body)?;
    check_count("pushes", batch.pushes.len(), MOST_AT_ONCE)?;
    let mut parcels = Vec::new();
    for mut order in batch.pushes {
        let whole = ["wait", "copies", "delay_ms", "concurrent"];
        if order.wait.is_some() || order.copies.is_some() || order.delay_ms > 0 || order.concurrent {
            return Err(AdminError::Invalid(format!(
                "{whole:?} cannot stand at one push of a batch"
            )));
        }
        order.app_id = order.app_id.or_else(|| batch.app_id.clone());
        order.user = order.user.or_else(|| batch.user.clone());
        match begin(&platform, &order) {
            Ok(parcel) => parcels.push(parcel),
            Err(error) => {
                for parcel in parcels {
                    deliver::give_up(&platform, parcel, "the batch had an error");
                }
                return Err(error);
            }
        }
    }
    match batch.order {
        Sequence::Given => {}
        Sequence::Reversed => parcels.reverse(),
        Sequence::Shuffled => platform.world().random.shuffle(&mut parcels),
    }
    let wait = batch.wait.unwrap_or(true);
    let reports = send(&platform, parcels, batch.concurrent, Duration::ZERO, wait).await?;
    Ok(Json(json!({"pushes": reports})))
}

/// Lets happen what is ordered.
pub(super) fn begin(platform: &Platform, order: &Order) -> Result<Parcel, AdminError> {
    let text;
    let doing = match (&order.message, &order.event, &order.raw) {
        (Some(message), None, None) => Doing::Message(message),
        (None, Some(event), None) => Doing::Event(event),
        (None, None, Some(Value::Object(members))) => Doing::Raw(members),
        (None, None, Some(Value::String(raw))) => {
            text = raw.clone();
            Doing::Text(&text)
        }
        _ => {
            let text = "there is one of message (an object), event (an object), raw (an object or a text)";
            return Err(AdminError::Invalid(text.into()));
        }
    };
    check_count("urls", order.urls.len(), 20)?;
    order
        .urls
        .iter()
        .try_for_each(|url| check_length("each of urls", url, 512))?;
    let app_id = order.app_id.as_deref().unwrap_or_default();
    let (now, mut world) = (platform.clock.now(), platform.world());
    if !world.apps.contains_key(app_id) {
        return Err(AdminError::NotFound("app"));
    }
    let user = users::find_or_add(&mut world, order.user.clone())?;
    let manner = Manner {
        age_seconds: order.age_seconds,
        hazards: order.hazards,
        forged: order.forge.clone(),
        urls: order.urls.clone(),
        unlogged: false,
    };
    begin::begin(&mut world, app_id, user, &doing, manner, now).map_err(AdminError::Invalid)
}

/// Delivers on the server's own thread, so that it goes on when the caller leaves, and ends with the simulator.
pub(super) async fn send(
    platform: &Data<Platform>,
    parcels: Vec<Parcel>,
    concurrent: bool,
    delay: Duration,
    wait: bool,
) -> Result<Vec<Report>, AdminError> {
    let begun: Vec<Report> = parcels.iter().map(|parcel| parcel.report.clone()).collect();
    let platform = platform.clone();
    let sending = actix_web::rt::spawn(async move {
        sleep(delay).await;
        let mut reports = Vec::new();
        if concurrent {
            let carried = parcels
                .into_iter()
                .map(|parcel| deliver::carry(platform.clone(), parcel));
            reports = join_all(carried).await;
        } else {
            for parcel in parcels {
                reports.push(deliver::carry(platform.clone(), parcel).await);
            }
        }
        reports
    });
    if !wait {
        return Ok(begun);
    }
    let stopped = |_| AdminError::Conflict("the simulator is stopping".into());
    sending.await.map_err(stopped)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    app_id: Option<String>,
    user: Option<String>,
    limit: Option<usize>,
}

/// The log of pushes.
pub(super) async fn list(platform: Data<Platform>, request: HttpRequest) -> Result<Json<Value>, AdminError> {
    let Wanted { app_id, limit, .. } = input::query(request.query_string())?;
    let limit = limit.unwrap_or(100).min(MOST_PUSHES);
    let world = platform.world();
    let pushes = world.pushes.latest(app_id.as_deref(), limit);
    Ok(Json(json!({"pushes": pushes})))
}

/// One push of the log.
pub(super) async fn show(platform: Data<Platform>, path: Path<String>) -> Result<Json<Value>, AdminError> {
    let world = platform.world();
    let report = world.pushes.get(&path).ok_or(AdminError::NotFound("push"))?;
    Ok(Json(json!(report)))
}

/// What users and apps saw of each other.
pub(super) async fn transcript(
    platform: Data<Platform>,
    request: HttpRequest,
) -> Result<Json<Value>, AdminError> {
    let Wanted { app_id, user, limit } = input::query(request.query_string())?;
    let limit = limit.unwrap_or(100).min(MOST_ENTRIES);
    let world = platform.world();
    let entries = world.transcript.latest(app_id.as_deref(), user.as_deref(), limit);
    Ok(Json(json!({"entries": entries})))
}
