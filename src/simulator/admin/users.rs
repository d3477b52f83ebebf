//! Users: list, show, create, change. They are never removed, but by a reset.

use actix_web::HttpRequest;
use actix_web::web::{Bytes, Data, Json, Path};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::AdminError;
use super::input::{self, Page, check_id, check_length};
use crate::simulator::platform::Platform;
use crate::simulator::users::User;
use crate::simulator::world::World;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    id: Option<String>,
    nickname: Option<String>,
    #[serde(default)]
    high_risk: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangedUser {
    nickname: Option<String>,
    high_risk: Option<bool>,
}

pub(super) async fn list(platform: Data<Platform>, request: HttpRequest) -> Result<Json<Value>, AdminError> {
    let page: Page = input::query(request.query_string())?;
    let world = platform.world();
    let users: Vec<Value> = page.of(world.users.all().iter()).map(short).collect();
    Ok(Json(json!({"users": users, "total": world.users.all().len()})))
}

pub(super) async fn show(platform: Data<Platform>, path: Path<String>) -> Result<Json<Value>, AdminError> {
    let world = platform.world();
    let user = world.users.find(&path).and_then(|index| world.users.get(index));
    Ok(Json(view(user.ok_or(AdminError::NotFound("user"))?, &world)))
}

pub(super) async fn create(platform: Data<Platform>, body: Bytes) -> Result<Json<Value>, AdminError> {
    let new: NewUser = input::body(&body)?;
    let mut world = platform.world();
    let index = add(&mut world, new.id, new.nickname, new.high_risk)?;
    let user = world.users.get(index).ok_or(AdminError::NotFound("user"))?;
    Ok(Json(view(user, &world)))
}

pub(super) async fn change(
    platform: Data<Platform>,
    path: Path<String>,
    body: Bytes,
) -> Result<Json<Value>, AdminError> {
    let changed: ChangedUser = input::body(&body)?;
    check_length("nickname", changed.nickname.as_deref().unwrap_or_default(), 128)?;
    let mut world = platform.world();
    let index = world.users.find(&path).ok_or(AdminError::NotFound("user"))?;
    let user = world.users.get_mut(index).ok_or(AdminError::NotFound("user"))?;
    if let Some(nickname) = changed.nickname {
        user.nickname = nickname;
    }
    if let Some(high_risk) = changed.high_risk {
        user.high_risk = high_risk;
    }
    let user = world.users.get(index).ok_or(AdminError::NotFound("user"))?;
    Ok(Json(view(user, &world)))
}

/// Makes a user, with an id and a nickname if none are given.
pub(super) fn add(
    world: &mut World,
    id: Option<String>,
    nickname: Option<String>,
    high_risk: bool,
) -> Result<usize, AdminError> {
    let number = world.users.all().len() + 1;
    let id = id.unwrap_or_else(|| format!("user-{number}"));
    check_id("id", &id)?;
    let nickname = nickname.unwrap_or_else(|| id.clone());
    check_length("nickname", &nickname, 128)?;
    let user = User {
        id,
        nickname,
        high_risk,
    };
    let taken = || AdminError::Conflict("there is such a user already, or there are too many".into());
    world.users.add(user).ok_or_else(taken)
}

fn short(user: &User) -> Value {
    json!({"id": user.id, "nickname": user.nickname, "high_risk": user.high_risk})
}

/// A user with its openid at every app.
fn view(user: &User, world: &World) -> Value {
    let mut view = short(user);
    let openids: Map<String, Value> = world
        .apps
        .keys()
        .map(|id| (id.clone(), world.identities.openid(id, &user.id).into()))
        .collect();
    view["openids"] = openids.into();
    view
}
