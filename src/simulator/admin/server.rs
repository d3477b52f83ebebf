//! An app's server configuration, as its administrator fills it in in the console (服务器配置).

use std::time::Duration;

use actix_web::web::{Bytes, Data, Json, Path};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::AdminError;
use super::input;
use crate::simulator::app::App;
use crate::simulator::clock::Moment;
use crate::simulator::platform::Platform;
use crate::simulator::push::deliver::{self, Verified};
use crate::simulator::push::server::Server;
use crate::simulator::push::settings::{PushFormat, PushMode, Rules, ServerSettings};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changed {
    url: Option<String>,
    token: Option<String>,
    encoding_aes_key: Option<String>,
    mode: Option<PushMode>,
    format: Option<PushFormat>,
    #[serde(default)]
    rules: Map<String, Value>,
    /// The account's own id.
    account: Option<String>,
    /// Whether the server must echo first; absent, it must when the address or the token is another.
    verify: Option<bool>,
    /// How long a replaced key goes on being used.
    #[serde(default)]
    old_key_seconds: u32,
    /// For which share of the pushes.
    old_key_share: Option<f64>,
}

pub(super) async fn show(platform: Data<Platform>, path: Path<String>) -> Result<Json<Value>, AdminError> {
    let (now, world) = (platform.clock.now(), platform.world());
    let app = world.apps.get(path.as_str()).ok_or(AdminError::NotFound("app"))?;
    Ok(Json(view(app, now)))
}

/// Saves a whole configuration, what is not given being as at first.
pub(super) async fn replace(
    platform: Data<Platform>,
    path: Path<String>,
    body: Bytes,
) -> Result<Json<Value>, AdminError> {
    save(&platform, &path, input::body(&body)?, true).await
}

/// Changes some of a configuration.
pub(super) async fn change(
    platform: Data<Platform>,
    path: Path<String>,
    body: Bytes,
) -> Result<Json<Value>, AdminError> {
    save(&platform, &path, input::body(&body)?, false).await
}

/// Ends pushing (停用). Users and their doings go on.
pub(super) async fn remove(platform: Data<Platform>, path: Path<String>) -> Result<Json<Value>, AdminError> {
    let (now, mut world) = (platform.clock.now(), platform.world());
    let app = world
        .apps
        .get_mut(path.as_str())
        .ok_or(AdminError::NotFound("app"))?;
    app.server = None;
    Ok(Json(view(app, now)))
}

/// Sends a verification and saves nothing, as WeChat's debugging tool does.
pub(super) async fn verify(platform: Data<Platform>, path: Path<String>) -> Result<Json<Value>, AdminError> {
    let server = {
        let world = platform.world();
        let app = world.apps.get(path.as_str()).ok_or(AdminError::NotFound("app"))?;
        app.server.clone().ok_or(AdminError::NotFound("server"))?
    };
    Ok(Json(json!({"verification": asked(&platform, &server).await})))
}

async fn save(
    platform: &Platform,
    app_id: &str,
    changed: Changed,
    anew: bool,
) -> Result<Json<Value>, AdminError> {
    let other_place = changed.url.is_some() || changed.token.is_some();
    let wanted = changed.verify.unwrap_or(other_place);
    let account = changed.account.clone();
    if let Some(account) = &account {
        input::check_id("account", account)?;
    }
    let share = changed.old_key_share.unwrap_or(1.0);
    if !(0.0..=1.0).contains(&share) {
        return Err(AdminError::Invalid("old_key_share is 0 to 1".into()));
    }
    let seconds = changed.old_key_seconds;
    let settings = {
        let world = platform.world();
        let app = world.apps.get(app_id).ok_or(AdminError::NotFound("app"))?;
        let present = app.server.as_ref().map(|server| server.settings.clone());
        merged(present.filter(|_| !anew), changed)?
    };
    let mut verification = None;
    if wanted {
        let verified = asked(platform, &Server::new(settings.clone())).await;
        let ok = verified.ok;
        verification = Some(verified);
        if !ok {
            return Ok(Json(json!({"saved": false, "verification": verification})));
        }
    }
    let (now, mut world) = (platform.clock.now(), platform.world());
    let app = world.apps.get_mut(app_id).ok_or(AdminError::NotFound("app"))?;
    match &mut app.server {
        Some(server) => server.replace(settings, now.plus(seconds), share),
        None => app.server = Some(Server::new(settings)),
    }
    if let Some(account) = account {
        app.account = account;
    }
    let mut view = view(app, now);
    view["saved"] = true.into();
    view["verification"] = json!(verification);
    Ok(Json(view))
}

fn merged(present: Option<ServerSettings>, changed: Changed) -> Result<ServerSettings, AdminError> {
    let missing = |what| AdminError::Invalid(format!("{what} is missing"));
    let mut settings = match present {
        Some(settings) => settings,
        None => ServerSettings::new(
            changed.url.clone().ok_or_else(|| missing("url"))?,
            changed.token.clone().ok_or_else(|| missing("token"))?,
        ),
    };
    settings.url = changed.url.unwrap_or(settings.url);
    settings.token = changed.token.map_or(settings.token, SecretString::from);
    let key = changed.encoding_aes_key.map(SecretString::from);
    settings.encoding_aes_key = key.or(settings.encoding_aes_key);
    settings.mode = changed.mode.unwrap_or(settings.mode);
    settings.format = changed.format.unwrap_or(settings.format);
    let wrong = |error: serde_json::Error| AdminError::Invalid(format!("rules: {error}"));
    let mut rules = serde_json::to_value(&settings.rules).map_err(wrong)?;
    if let Some(rules) = rules.as_object_mut() {
        rules.extend(changed.rules);
    }
    settings.rules = serde_json::from_value::<Rules>(rules).map_err(wrong)?;
    settings
        .problem()
        .map_or(Ok(settings), |problem| Err(AdminError::Invalid(problem)))
}

async fn asked(platform: &Platform, server: &Server) -> Verified {
    let (url, echo) = {
        let (now, mut world) = (platform.clock.now(), platform.world());
        let echo = world.random.digits(19);
        (server.verification(&echo, now, &mut world.random), echo)
    };
    let timeout = Duration::from_millis(server.settings.rules.timeout_ms.into());
    deliver::verify(&platform.client, &url, &echo, timeout).await
}

/// The configuration without its secrets, and how pushing goes.
fn view(app: &App, now: Moment) -> Value {
    let server = app.server.as_ref().map(|server| {
        let settings = &server.settings;
        json!({
            "url": settings.url,
            "mode": settings.mode,
            "format": settings.format,
            "has_key": settings.encoding_aes_key.is_some(),
            "rules": settings.rules,
        })
    });
    let blocked = app.alarms.blocked_until(now);
    json!({
        "app_id": app.id,
        "account": app.account,
        "server": server,
        "alarms": app.alarms,
        "blocked_seconds": blocked.map_or(0, |until| now.seconds_until(until)),
    })
}
