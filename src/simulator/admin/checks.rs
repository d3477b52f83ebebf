//! Rules of the content checks: which keyword leads to what.

use actix_web::HttpRequest;
use actix_web::web::{Bytes, Data, Json};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::AdminError;
use super::input::{self, check_length};
use crate::simulator::checks::{MOST, Rule};
use crate::simulator::platform::Platform;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfApp {
    app_id: String,
}

/// The rules of an app.
pub(super) async fn list(platform: Data<Platform>, request: HttpRequest) -> Result<Json<Value>, AdminError> {
    let OfApp { app_id } = input::query(request.query_string())?;
    let world = platform.world();
    let app = world.apps.get(&app_id).ok_or(AdminError::NotFound("app"))?;
    Ok(Json(json!({"rules": app.checks.rules})))
}

/// Adds a rule.
pub(super) async fn add(platform: Data<Platform>, body: Bytes) -> Result<Json<Value>, AdminError> {
    let mut members: Map<String, Value> = input::body(&body)?;
    let app_id = members.remove("app_id");
    let app_id = app_id.as_ref().and_then(Value::as_str).unwrap_or_default();
    let rule: Rule = serde_json::from_value(members.into())
        .map_err(|error| AdminError::Invalid(format!("body: {error}")))?;
    check_length("keyword", &rule.keyword, 512)?;
    if rule.keyword.is_empty() {
        return Err(AdminError::Invalid("keyword is empty".into()));
    }
    let mut world = platform.world();
    let app = world.apps.get_mut(app_id).ok_or(AdminError::NotFound("app"))?;
    if app.checks.rules.len() >= MOST {
        return Err(AdminError::Conflict("there are too many rules".into()));
    }
    app.checks.rules.push(rule);
    Ok(Json(json!({"rules": app.checks.rules})))
}

/// Removes all rules of an app.
pub(super) async fn clear(platform: Data<Platform>, request: HttpRequest) -> Result<Json<Value>, AdminError> {
    let OfApp { app_id } = input::query(request.query_string())?;
    let mut world = platform.world();
    let app = world.apps.get_mut(&app_id).ok_or(AdminError::NotFound("app"))?;
    app.checks.rules.clear();
    Ok(Json(json!({"rules": []})))
}
