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
struct NewUser {
    id: Option<String>,
    #[serde(flatten)]
    rest: ChangedUser,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangedUser {
    nickname: Option<String>,
    high_risk: Option<bool>,
    phone: Option<String>,
    country_code: Option<String>,
    avatar_url: Option<String>,
}

impl ChangedUser {
    fn check(&self) -> Result<(), AdminError> {
        check_length("nickname", self.nickname.as_deref().unwrap_or_default(), 128)?;
        check_length("avatar_url", self.avatar_url.as_deref().unwrap_or_default(), 512)?;
        check_digits("phone", self.phone.as_deref(), 20)?;
        check_digits("country_code", self.country_code.as_deref(), 4)
    }

    fn apply(self, user: &mut User) {
        let set = |place: &mut String, new: Option<String>| {
            if let Some(new) = new {
                *place = new;
            }
        };
        set(&mut user.nickname, self.nickname);
        set(&mut user.phone, self.phone);
        set(&mut user.country_code, self.country_code);
        set(&mut user.avatar_url, self.avatar_url);
        user.high_risk = self.high_risk.unwrap_or(user.high_risk);
    }
}

fn check_digits(what: &str, text: Option<&str>, most: usize) -> Result<(), AdminError> {
    let fine =
        |text: &str| (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if text.is_none_or(fine) {
        return Ok(());
    }
    Err(AdminError::Invalid(format!("{what} has 1 to {most} digits")))
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
    new.rest.check()?;
    let index = add(&mut world, new.id)?;
    if let Some(user) = world.users.get_mut(index) {
        new.rest.apply(user);
    }
    let user = world.users.get(index).ok_or(AdminError::NotFound("user"))?;
    Ok(Json(view(user, &world)))
}

pub(super) async fn change(
    platform: Data<Platform>,
    path: Path<String>,
    body: Bytes,
) -> Result<Json<Value>, AdminError> {
    let changed: ChangedUser = input::body(&body)?;
    changed.check()?;
    let mut world = platform.world();
    let index = world.users.find(&path).ok_or(AdminError::NotFound("user"))?;
    let user = world.users.get_mut(index).ok_or(AdminError::NotFound("user"))?;
    changed.apply(user);
    let user = world.users.get(index).ok_or(AdminError::NotFound("user"))?;
    Ok(Json(view(user, &world)))
}

/// Makes a user, with an id if none is given.
pub(super) fn add(world: &mut World, id: Option<String>) -> Result<usize, AdminError> {
    let number = world.users.all().len() + 1;
    let id = id.unwrap_or_else(|| format!("user-{number}"));
    check_id("id", &id)?;
    let taken = || AdminError::Conflict("there is such a user already, or there are too many".into());
    world.users.add(User::new(number, id)).ok_or_else(taken)
}

/// The user of this id, made if there is none; a new one without an id.
pub(super) fn find_or_add(world: &mut World, id: Option<String>) -> Result<usize, AdminError> {
    match id.as_deref().and_then(|id| world.users.find(id)) {
        Some(index) => Ok(index),
        None => add(world, id),
    }
}

fn short(user: &User) -> Value {
    json!({
        "id": user.id,
        "nickname": user.nickname,
        "high_risk": user.high_risk,
        "phone": user.phone,
        "country_code": user.country_code,
        "avatar_url": user.avatar_url,
    })
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
