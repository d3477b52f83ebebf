//! Floods of messages: begins one, tells how it goes, stops it.

use actix_web::HttpRequest;
use actix_web::web::{Bytes, Data, Json, Path};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::AdminError;
use super::input::{check_count, check_length};
use super::{input, users};
use crate::simulator::platform::Platform;
use crate::simulator::push::deliver::Pace;
use crate::simulator::push::flood::{self, Plan};

const MOST_MESSAGES: usize = 200_000;
const MOST_USERS: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    app_id: String,
    count: usize,
    /// Absent, all are due at once.
    per_second: Option<u32>,
    concurrency: Option<usize>,
    users: Option<usize>,
    copies: Option<usize>,
    #[serde(default)]
    urls: Vec<String>,
    /// These three stand in the place of the server's rules.
    timeout_ms: Option<u32>,
    deliveries: Option<u32>,
    retry_after_ms: Option<u32>,
}

pub(super) async fn create(platform: Data<Platform>, body: Bytes) -> Result<Json<Value>, AdminError> {
    let order: Order = input::body(&body)?;
    let concurrency = order.concurrency.unwrap_or(64);
    let count = order.users.unwrap_or(10);
    let copies = order.copies.unwrap_or(1);
    check_count("copies", copies, 10)?;
    check_count("messages", order.count, MOST_MESSAGES)?;
    check_count("users", count, MOST_USERS)?;
    check_count("urls", order.urls.len(), 20)?;
    for url in &order.urls {
        check_length("each of urls", url, 512)?;
    }
    if count == 0 || copies == 0 || !(1..=1_000).contains(&concurrency) || order.per_second == Some(0) {
        let text = "users, copies and per_second are at least 1, concurrency is 1 to 1000";
        return Err(AdminError::Invalid(text.into()));
    }
    let (number, plan) = {
        let mut world = platform.world();
        let app = world.apps.get(&order.app_id).ok_or(AdminError::NotFound("app"))?;
        let server = app.server.as_ref().ok_or(AdminError::NotFound("server"))?;
        let mut rules = server.settings.rules.clone();
        rules.timeout_ms = order.timeout_ms.unwrap_or(rules.timeout_ms);
        rules.deliveries = order.deliveries.unwrap_or(rules.deliveries);
        rules.retry_after_ms = order.retry_after_ms.unwrap_or(rules.retry_after_ms);
        if let Some(problem) = rules.problem() {
            return Err(AdminError::Invalid(problem));
        }
        let pace = Pace::from(&rules);
        let name = |number| Some(format!("flood-user-{number}"));
        let found: Result<Vec<_>, _> = (0..count)
            .map(|number| users::find_or_add(&mut world, name(number)))
            .collect();
        let plan = Plan {
            app_id: order.app_id,
            count: order.count,
            per_second: order.per_second.unwrap_or(u32::MAX),
            concurrency,
            users: found?,
            urls: order.urls,
            copies,
            pace,
        };
        (world.floods.add(&plan), plan)
    };
    actix_web::rt::spawn(flood::run(platform.clone(), number, plan));
    Ok(Json(json!({"flood_id": format!("flood-{number}")})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Whether the messages are named, else they are counted.
    #[serde(default = "yes")]
    ids: bool,
}

fn yes() -> bool {
    true
}

pub(super) async fn show(
    platform: Data<Platform>,
    path: Path<String>,
    request: HttpRequest,
) -> Result<Json<Value>, AdminError> {
    let Wanted { ids } = input::query(request.query_string())?;
    let world = platform.world();
    let flood = world.floods.get(&path).ok_or(AdminError::NotFound("flood"))?;
    Ok(Json(flood.view(ids)))
}

pub(super) async fn stop(platform: Data<Platform>, path: Path<String>) -> Result<Json<Value>, AdminError> {
    let mut world = platform.world();
    let flood = world.floods.stop(&path).ok_or(AdminError::NotFound("flood"))?;
    Ok(Json(flood.view(false)))
}
