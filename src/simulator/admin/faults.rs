//! Fault rules: list, show, make, replace, remove.

use actix_web::web::{Bytes, Data, Json, Path};
use serde_json::{Value, json};

use super::error::AdminError;
use super::input::{self, check_id};
use crate::simulator::faults::NewRule;
use crate::simulator::platform::Platform;

pub(super) async fn list(platform: Data<Platform>) -> Json<Value> {
    Json(json!({"faults": platform.world().faults.all()}))
}

pub(super) async fn show(platform: Data<Platform>, path: Path<String>) -> Result<Json<Value>, AdminError> {
    let world = platform.world();
    let rule = world
        .faults
        .get(&path)
        .ok_or(AdminError::NotFound("fault rule"))?;
    Ok(Json(json!(rule)))
}

pub(super) async fn create(platform: Data<Platform>, body: Bytes) -> Result<Json<Value>, AdminError> {
    let rule = checked(&body)?;
    let mut world = platform.world();
    let taken = || AdminError::Conflict("there is such a rule already, or there are too many".into());
    let rule = world.faults.add(rule).ok_or_else(taken)?;
    Ok(Json(json!(rule)))
}

/// Another rule in the place of one; its counters start anew.
pub(super) async fn replace(
    platform: Data<Platform>,
    path: Path<String>,
    body: Bytes,
) -> Result<Json<Value>, AdminError> {
    let rule = checked(&body)?;
    let mut world = platform.world();
    let rule = world
        .faults
        .replace(&path, rule)
        .ok_or(AdminError::NotFound("fault rule"))?;
    Ok(Json(json!(rule)))
}

pub(super) async fn remove(platform: Data<Platform>, path: Path<String>) -> Result<Json<Value>, AdminError> {
    if !platform.world().faults.remove(&path) {
        return Err(AdminError::NotFound("fault rule"));
    }
    Ok(Json(json!({"ok": true})))
}

pub(super) async fn clear(platform: Data<Platform>) -> Json<Value> {
    platform.world().faults.clear();
    Json(json!({"ok": true}))
}

fn checked(body: &[u8]) -> Result<NewRule, AdminError> {
    let rule: NewRule = input::body(body)?;
    rule.id.as_deref().map_or(Ok(()), |id| check_id("id", id))?;
    rule.problem()
        .map_or(Ok(rule), |problem| Err(AdminError::Invalid(problem)))
}
