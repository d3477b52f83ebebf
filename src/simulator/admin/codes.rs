//! One-time codes, as a user's phone would get them.

use actix_web::web::{Bytes, Data, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::AdminError;
use super::{input, users};
use crate::simulator::codes::CodeKind;
use crate::simulator::platform::Platform;
use crate::simulator::settings::AppKind;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCode {
    app_id: String,
    user: Option<String>,
}

/// A `wx.login` code of a user, who is made if there is none.
pub(super) async fn create(platform: Data<Platform>, body: Bytes) -> Result<Json<Value>, AdminError> {
    let new: NewCode = input::body(&body)?;
    let (now, mut world) = (platform.clock.now(), platform.world());
    let kind = world
        .apps
        .get(&new.app_id)
        .ok_or(AdminError::NotFound("app"))?
        .kind;
    if kind != AppKind::Mini {
        return Err(AdminError::Invalid(
            "only users of a mini program get login codes".into(),
        ));
    }
    let known = new.user.as_deref().and_then(|id| world.users.find(id));
    let user = match known {
        Some(index) => index,
        None => users::add(&mut world, new.user, None, false)?,
    };
    let code = format!("0{}", world.random.word(31));
    let id = world
        .users
        .get(user)
        .ok_or(AdminError::NotFound("user"))?
        .id
        .clone();
    let openid = world.identities.openid(&new.app_id, &id);
    let app = world
        .apps
        .get_mut(&new.app_id)
        .ok_or(AdminError::NotFound("app"))?;
    app.codes.add(code.clone(), user, CodeKind::Login, now);
    Ok(Json(json!({"code": code, "openid": openid, "user": id})))
}
