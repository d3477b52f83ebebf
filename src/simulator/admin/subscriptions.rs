//! Subscribe messages: gives users' agreements to them, and makes templates without the public library.

use actix_web::HttpRequest;
use actix_web::web::{Bytes, Data, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::AdminError;
use super::input::{self, check_count, check_id, check_length};
use super::users;
use crate::simulator::platform::Platform;
use crate::simulator::reply::Refusal;
use crate::simulator::subscriptions::{Keyword, Template, Term};
use crate::simulator::value_rules::Key;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Grant {
    app_id: String,
    user: Option<String>,
    template_id: String,
    /// How many messages more.
    #[serde(default = "one")]
    credits: u32,
}

fn one() -> u32 {
    1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    app_id: String,
    user: String,
    template_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTemplate {
    app_id: String,
    template_id: Option<String>,
    title: Option<String>,
    /// The members of a message's `data`.
    keys: Vec<String>,
    /// What those of the kind `enum` may say.
    #[serde(default)]
    values: Vec<String>,
    /// One agreement is good for any number of messages.
    #[serde(default)]
    long_term: bool,
}

/// A user agrees to so many messages more; user and app know each other from then on.
pub(super) async fn grant(platform: Data<Platform>, body: Bytes) -> Result<Json<Value>, AdminError> {
    let grant: Grant = input::body(&body)?;
    let mut world = platform.world();
    let app = world.apps.get(&grant.app_id).ok_or(AdminError::NotFound("app"))?;
    let unknown = |_: Refusal| AdminError::NotFound("template");
    app.subscriptions.template(&grant.template_id).map_err(unknown)?;
    let user = users::find_or_add(&mut world, grant.user)?;
    let id = world.users.get(user).map(|user| user.id.clone());
    let id = id.ok_or(AdminError::NotFound("user"))?;
    let openid = world.identities.openid(&grant.app_id, &id);
    let app = world
        .apps
        .get_mut(&grant.app_id)
        .ok_or(AdminError::NotFound("app"))?;
    app.openids.insert(openid.clone(), user);
    app.subscriptions.grant(user, &grant.template_id, grant.credits);
    let credits = app.subscriptions.credits(user, &grant.template_id);
    Ok(Json(json!({"user": id, "openid": openid, "credits": credits})))
}

/// How many messages a user still agrees to.
pub(super) async fn show(platform: Data<Platform>, request: HttpRequest) -> Result<Json<Value>, AdminError> {
    let wanted: Wanted = input::query(request.query_string())?;
    let world = platform.world();
    let app = world
        .apps
        .get(&wanted.app_id)
        .ok_or(AdminError::NotFound("app"))?;
    let user = world
        .users
        .find(&wanted.user)
        .ok_or(AdminError::NotFound("user"))?;
    let credits = app.subscriptions.credits(user, &wanted.template_id);
    Ok(Json(json!({"credits": credits})))
}

/// A template with exactly these keys.
pub(super) async fn add_template(platform: Data<Platform>, body: Bytes) -> Result<Json<Value>, AdminError> {
    let new: NewTemplate = input::body(&body)?;
    check_count("keys", new.keys.len(), 20)?;
    new.keys
        .iter()
        .try_for_each(|key| check_id("each of keys", key))?;
    check_count("values", new.values.len(), 100)?;
    new.values
        .iter()
        .try_for_each(|value| check_length("each of values", value, 128))?;
    let title = new
        .title
        .unwrap_or_else(|| format!("订阅消息 {}", new.keys.join(" ")));
    check_length("title", &title, 128)?;
    let mut world = platform.world();
    let id = new.template_id.unwrap_or_else(|| world.random.word(43));
    check_id("template_id", &id)?;
    let keywords = new.keys.into_iter().map(|code| Keyword {
        name: code.clone(),
        example: String::new(),
        key: Key {
            values: if code.starts_with("enum") {
                new.values.clone()
            } else {
                Vec::new()
            },
            code,
        },
    });
    let template = Template {
        id: id.clone(),
        title,
        term: if new.long_term { Term::Long } else { Term::Once },
        keywords: keywords.collect(),
    };
    let app = world
        .apps
        .get_mut(&new.app_id)
        .ok_or(AdminError::NotFound("app"))?;
    if app.subscriptions.template(&id).is_ok() {
        return Err(AdminError::Conflict("there is such a template already".into()));
    }
    let refused = |refusal: Refusal| AdminError::Conflict(refusal.text.into_owned());
    app.subscriptions.add(template).map_err(refused)?;
    Ok(Json(json!({"template_id": id})))
}
