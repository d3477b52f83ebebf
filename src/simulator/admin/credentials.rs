//! Ends tokens and tickets before their time.

use actix_web::web::{Bytes, Data, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::AdminError;
use super::input;
use crate::simulator::platform::Platform;
use crate::simulator::tickets::TicketKind;
use crate::simulator::tokens::TokenKind;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kill {
    app_id: String,
    kind: Option<TokenKind>,
    #[serde(default)]
    still_served: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expire {
    app_id: String,
    #[serde(rename = "type")]
    kind: Option<TicketKind>,
}

/// Ends an app's tokens: their next use answers 40001.
pub(super) async fn kill_tokens(platform: Data<Platform>, body: Bytes) -> Result<Json<Value>, AdminError> {
    let Kill {
        app_id,
        kind,
        still_served,
    } = input::body(&body)?;
    let (now, mut world) = (platform.clock.now(), platform.world());
    if !world.apps.contains_key(&app_id) {
        return Err(AdminError::NotFound("app"));
    }
    let killed = world.tokens.kill(&app_id, kind, still_served, now);
    Ok(Json(json!({"killed": killed})))
}

/// Ends an app's tickets: the next getticket answers another.
pub(super) async fn expire_tickets(platform: Data<Platform>, body: Bytes) -> Result<Json<Value>, AdminError> {
    let Expire { app_id, kind } = input::body(&body)?;
    let mut world = platform.world();
    let app = world.apps.get_mut(&app_id).ok_or(AdminError::NotFound("app"))?;
    let kinds = kind.map_or(vec![TicketKind::Jsapi, TicketKind::WxCard], |kind| vec![kind]);
    let expired = kinds.into_iter().filter(|kind| app.tickets.expire(*kind)).count();
    Ok(Json(json!({"expired": expired})))
}
