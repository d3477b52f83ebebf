//! The received calls: the latest of them, exact counts of all.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::AdminError;
use super::input;
use crate::simulator::calls::MOST;
use crate::simulator::platform::Platform;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    path: Option<String>,
    app_id: Option<String>,
    limit: Option<usize>,
}

pub(super) async fn list(platform: Data<Platform>, request: HttpRequest) -> Result<Json<Value>, AdminError> {
    let Wanted { path, app_id, limit } = input::query(request.query_string())?;
    let limit = limit.unwrap_or(100).min(MOST);
    let calls = platform
        .world()
        .calls
        .latest(path.as_deref(), app_id.as_deref(), limit);
    Ok(Json(json!({"calls": calls})))
}

pub(super) async fn count(platform: Data<Platform>, request: HttpRequest) -> Result<Json<Value>, AdminError> {
    let Wanted { path, app_id, .. } = input::query(request.query_string())?;
    let count = platform.world().calls.counted(path.as_deref(), app_id.as_deref());
    Ok(Json(json!({"count": count})))
}

pub(super) async fn clear(platform: Data<Platform>) -> Json<Value> {
    platform.world().calls.clear();
    Json(json!({"ok": true}))
}
