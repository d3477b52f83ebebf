//! Lets somebody open a link into a mini program.

use actix_web::web::{Bytes, Data, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::AdminError;
use super::input;
use crate::simulator::errcode;
use crate::simulator::platform::Platform;
use crate::simulator::reply::Refusal;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Opened {
    link: String,
}

/// Where the link leads, as the mini program is told. The open is counted.
pub(super) async fn open(platform: Data<Platform>, body: Bytes) -> Result<Json<Value>, AdminError> {
    let Opened { link } = input::body(&body)?;
    let (now, mut world) = (platform.clock.now(), platform.world());
    for app in world.apps.values_mut() {
        match app.links.open(&link, now) {
            Ok(link) => {
                return Ok(Json(json!({
                    "app_id": app.id, "path": link.path, "query": link.query, "scene": link.kind.scene(),
                    "env_version": link.version,
                })));
            }
            Err(Refusal {
                code: errcode::NO_SUCH_LINK,
                ..
            }) => {}
            Err(refusal) => return Err(AdminError::Conflict(refusal.text.into_owned())),
        }
    }
    Err(AdminError::NotFound("link"))
}
