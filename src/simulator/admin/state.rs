//! The state as a whole: a look at it, back to the start, another seed.

use actix_web::web::{Bytes, Data, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::AdminError;
use super::input;
use crate::simulator::endpoints;
use crate::simulator::platform::Platform;
use crate::simulator::random::Random;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seed {
    seed: Option<u64>,
}

pub(super) async fn show(platform: Data<Platform>) -> Json<Value> {
    let world = platform.world();
    Json(json!({
        "now": platform.clock.now().seconds(),
        "turned_seconds": platform.clock.turned_seconds(),
        "apps": world.apps.len(),
        "users": world.users.all().len(),
        "faults": world.faults.all().len(),
        "calls": world.calls.counted(None, None),
        "endpoints": endpoints::all().map(|endpoint| endpoint.path).collect::<Vec<_>>(),
    }))
}

/// Back to the apps of the settings, the machine's time, no users, no faults, no calls.
pub(super) async fn reset(platform: Data<Platform>, body: Bytes) -> Result<Json<Value>, AdminError> {
    let Seed { seed } = input::body(&body)?;
    platform.reset(seed);
    Ok(Json(json!({"ok": true})))
}

/// What is made up from here on is repeatable. Openids keep belonging to the seed of the start or reset,
/// else known users would change theirs.
pub(super) async fn seed(platform: Data<Platform>, body: Bytes) -> Result<Json<Value>, AdminError> {
    let Seed { seed } = input::body(&body)?;
    let seed = seed.ok_or_else(|| AdminError::Invalid("seed is missing".into()))?;
    platform.world().random = Random::seeded(seed);
    Ok(Json(json!({"seed": seed})))
}
