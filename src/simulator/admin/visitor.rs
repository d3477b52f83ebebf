//! Who opens the authorize page, and how they decide.

use actix_web::web::{Bytes, Data, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::AdminError;
use super::{input, users};
use crate::simulator::open::{Decision, Visitor};
use crate::simulator::platform::Platform;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changed {
    user: Option<String>,
    #[serde(default)]
    decision: Decision,
    #[serde(default)]
    snapshot: bool,
}

pub(super) async fn show(platform: Data<Platform>) -> Json<Value> {
    let world = platform.world();
    let user = world.visitor.user.and_then(|index| world.users.get(index));
    Json(json!({
        "user": user.map(|user| &user.id),
        "decision": world.visitor.decision,
        "snapshot": world.visitor.snapshot,
    }))
}

/// Another visitor, who is made if there is no such user. Without a user it is the first one there is.
pub(super) async fn change(platform: Data<Platform>, body: Bytes) -> Result<Json<Value>, AdminError> {
    let Changed {
        user,
        decision,
        snapshot,
    } = input::body(&body)?;
    {
        let mut world = platform.world();
        let user = match user {
            Some(id) => Some(users::find_or_add(&mut world, Some(id))?),
            None => None,
        };
        world.visitor = Visitor {
            user,
            decision,
            snapshot,
        };
    }
    Ok(show(platform).await)
}
