//! The simulator's clock: read it, turn it forward.

use actix_web::web::{Bytes, Data, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::AdminError;
use super::input;
use crate::simulator::platform::Platform;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Turn {
    advance_seconds: u32,
}

pub(super) async fn show(platform: Data<Platform>) -> Json<Value> {
    Json(json!({
        "now": platform.clock.now().seconds(),
        "turned_seconds": platform.clock.turned_seconds(),
    }))
}

pub(super) async fn advance(platform: Data<Platform>, body: Bytes) -> Result<Json<Value>, AdminError> {
    let Turn { advance_seconds } = input::body(&body)?;
    if !platform.clock.advance(advance_seconds) {
        return Err(AdminError::Invalid(
            "the clock can be turned ten years in all".into(),
        ));
    }
    Ok(show(platform).await)
}
