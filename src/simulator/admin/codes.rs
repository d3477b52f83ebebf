//! One-time codes, as a user's phone would get them.

use actix_web::web::{Bytes, Data, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::AdminError;
use super::input::check_count;
use super::{input, users};
use crate::simulator::codes::{CodeKind, Grant};
use crate::simulator::platform::Platform;
use crate::simulator::settings::AppKind;
use crate::simulator::world::World;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCode {
    app_id: String,
    user: Option<String>,
    #[serde(default)]
    kind: Kind,
    /// For `oauth`: `snsapi_base` or `snsapi_userinfo`.
    scope: Option<Scope>,
    /// For `oauth` with `snsapi_userinfo`: of a snapshot page.
    #[serde(default)]
    snapshot: bool,
    /// So many of them.
    count: Option<usize>,
}

/// The most codes of one call.
const MOST_AT_ONCE: usize = 1000;

#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    Login,
    Oauth,
    Phone,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
enum Scope {
    #[serde(rename = "snsapi_base")]
    Base,
    #[serde(rename = "snsapi_userinfo")]
    UserInfo,
}

/// A code of a user, who is made if there is none; with a count, so many of them.
pub(super) async fn create(platform: Data<Platform>, body: Bytes) -> Result<Json<Value>, AdminError> {
    let new: NewCode = input::body(&body)?;
    let count = new.count.unwrap_or(1);
    if count == 0 {
        return Err(AdminError::Invalid("count is at least 1".into()));
    }
    check_count("codes", count, MOST_AT_ONCE)?;
    let (now, mut world) = (platform.clock.now(), platform.world());
    let app_kind = kind_of(&world, &new.app_id)?;
    let userinfo = new.scope == Some(Scope::UserInfo);
    if new.kind != Kind::Oauth && new.scope.is_some() {
        let text = "only codes of the authorize page have a scope";
        return Err(AdminError::Invalid(text.into()));
    }
    if new.snapshot && !userinfo {
        let text = "WeChat shows snapshots only where snsapi_userinfo is asked for";
        return Err(AdminError::Invalid(text.into()));
    }
    let kind = match (new.kind, app_kind) {
        (Kind::Login, AppKind::Mini) => CodeKind::Login,
        (Kind::Phone, AppKind::Mini) => CodeKind::Phone,
        (Kind::Oauth, AppKind::Official) => CodeKind::OAuth(Grant {
            userinfo,
            snapshot: new.snapshot,
        }),
        (Kind::Login | Kind::Phone, AppKind::Official) => {
            let text = "only users of a mini program get login and phone codes";
            return Err(AdminError::Invalid(text.into()));
        }
        (Kind::Oauth, AppKind::Mini) => {
            let text = "only users of an official account get codes of the authorize page";
            return Err(AdminError::Invalid(text.into()));
        }
    };
    let user = users::find_or_add(&mut world, new.user)?;
    let codes: Vec<_> = (0..count)
        .map(|_| format!("0{}", world.random.word(31)))
        .collect();
    let found = world.users.get(user).ok_or(AdminError::NotFound("user"))?;
    let id = found.id.clone();
    let openid = if new.snapshot {
        world.identities.virtual_openid(&new.app_id, &id)
    } else {
        world.identities.openid(&new.app_id, &id)
    };
    let app = world
        .apps
        .get_mut(&new.app_id)
        .ok_or(AdminError::NotFound("app"))?;
    for code in &codes {
        app.codes.add(code.clone(), user, kind, now);
    }
    let mut made = json!({"code": codes[0], "openid": openid, "user": id});
    if new.count.is_some() {
        made["codes"] = codes.into();
    }
    Ok(Json(made))
}

/// What an app is.
pub(super) fn kind_of(world: &World, app_id: &str) -> Result<AppKind, AdminError> {
    let app = world.apps.get(app_id).ok_or(AdminError::NotFound("app"))?;
    Ok(app.kind)
}
