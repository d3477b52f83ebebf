//! One-time codes, as a user's phone would get them.

use actix_web::web::{Bytes, Data, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::AdminError;
use super::input::check_count;
use super::{input, users};
use crate::simulator::codes::CodeKind;
use crate::simulator::platform::Platform;
use crate::simulator::settings::AppKind;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCode {
    app_id: String,
    user: Option<String>,
    count: Option<usize>,
}

/// The most codes of one call.
const MOST_AT_ONCE: usize = 1000;

/// A `wx.login` code of a user, who is made if there is none; with a count, so many of them.
pub(super) async fn create(platform: Data<Platform>, body: Bytes) -> Result<Json<Value>, AdminError> {
    let new: NewCode = input::body(&body)?;
    let count = new.count.unwrap_or(1);
    if count == 0 {
        return Err(AdminError::Invalid("count is at least 1".into()));
    }
    check_count("codes", count, MOST_AT_ONCE)?;
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
    let codes: Vec<_> = (0..count)
        .map(|_| format!("0{}", world.random.word(31)))
        .collect();
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
    for code in &codes {
        app.codes.add(code.clone(), user, CodeKind::Login, now);
    }
    let mut made = json!({"code": codes[0], "openid": openid, "user": id});
    if new.count.is_some() {
        made["codes"] = codes.into();
    }
    Ok(Json(made))
}
