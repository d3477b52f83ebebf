//! Apps: list, show, create, change. A changed secret ends all tokens, as in WeChat's console.

use actix_web::HttpRequest;
use actix_web::web::{Bytes, Data, Json, Path};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::AdminError;
use super::input::{self, Page, check_count, check_id, check_length};
use crate::simulator::app::App;
use crate::simulator::clock::Moment;
use crate::simulator::errcode;
use crate::simulator::platform::Platform;
use crate::simulator::settings::{AppKind, AppSettings, Switches};
use crate::simulator::tickets::TicketKind;
use crate::simulator::tokens::{TokenKind, Tokens};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewApp {
    app_id: Option<String>,
    app_secret: Option<String>,
    kind: AppKind,
    #[serde(default)]
    js_domains: Vec<String>,
    #[serde(default)]
    switches: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangedApp {
    app_secret: Option<String>,
    js_domains: Option<Vec<String>>,
    #[serde(default)]
    switches: Map<String, Value>,
}

pub(super) async fn list(platform: Data<Platform>, request: HttpRequest) -> Result<Json<Value>, AdminError> {
    let page: Page = input::query(request.query_string())?;
    let (now, world) = (platform.clock.now(), platform.world());
    let apps: Vec<Value> = page
        .of(world.apps.values())
        .map(|app| view(app, &world.tokens, now))
        .collect();
    Ok(Json(json!({"apps": apps})))
}

pub(super) async fn show(platform: Data<Platform>, path: Path<String>) -> Result<Json<Value>, AdminError> {
    let (now, world) = (platform.clock.now(), platform.world());
    let app = world.apps.get(path.as_str()).ok_or(AdminError::NotFound("app"))?;
    Ok(Json(view(app, &world.tokens, now)))
}

/// Makes an app. The answer is the only one that shows its secret.
pub(super) async fn create(platform: Data<Platform>, body: Bytes) -> Result<Json<Value>, AdminError> {
    let new: NewApp = input::body(&body)?;
    let (now, mut world) = (platform.clock.now(), platform.world());
    let app_id = new
        .app_id
        .unwrap_or_else(|| format!("wx{}", world.random.hex(16)));
    let app_secret = new.app_secret.unwrap_or_else(|| world.random.hex(32));
    check_id("app_id", &app_id)?;
    check_secret(&app_secret)?;
    check_domains("js_domains", &new.js_domains)?;
    let mut settings = AppSettings::new(new.kind, app_id, app_secret.as_str());
    settings.js_domains = new.js_domains;
    settings.switches = merged(&settings.switches, new.switches)?;
    if !world.add_app(&settings) {
        return Err(AdminError::Conflict(
            "there is such an app already, or there are too many".into(),
        ));
    }
    let mut view = view(&App::new(&settings), &world.tokens, now);
    view["app_secret"] = app_secret.into();
    Ok(Json(view))
}

pub(super) async fn change(
    platform: Data<Platform>,
    path: Path<String>,
    body: Bytes,
) -> Result<Json<Value>, AdminError> {
    let changed: ChangedApp = input::body(&body)?;
    let (now, mut world) = (platform.clock.now(), platform.world());
    let world = &mut *world;
    let app = world
        .apps
        .get_mut(path.as_str())
        .ok_or(AdminError::NotFound("app"))?;
    // Everything is checked before anything is changed.
    changed.app_secret.as_deref().map_or(Ok(()), check_secret)?;
    check_domains("js_domains", changed.js_domains.as_deref().unwrap_or_default())?;
    if changed.switches.contains_key("risk") {
        app.switches = merged(&app.switches, changed.switches)?;
        app.forget_risk();
    } else {
        app.switches = merged(&app.switches, changed.switches)?;
    }
    if let Some(domains) = changed.js_domains {
        app.js_domains = domains;
    }
    if let Some(secret) = changed.app_secret {
        app.secret = SecretString::from(secret);
        world.tokens.kill(&app.id, None, false, now);
    }
    Ok(Json(view(app, &world.tokens, now)))
}

fn view(app: &App, tokens: &Tokens, now: Moment) -> Value {
    json!({
        "app_id": app.id,
        "kind": app.kind,
        "js_domains": app.js_domains,
        "switches": app.switches,
        "tokens": {
            "classic": tokens.current(&app.id, TokenKind::Classic),
            "stable": tokens.current(&app.id, TokenKind::Stable),
        },
        "tickets": {
            "jsapi": app.tickets.current(TicketKind::Jsapi, now),
            "wx_card": app.tickets.current(TicketKind::WxCard, now),
        },
    })
}

/// The switches with some of them set anew.
fn merged(switches: &Switches, changes: Map<String, Value>) -> Result<Switches, AdminError> {
    let wrong = |error: serde_json::Error| AdminError::Invalid(format!("switches: {error}"));
    let mut all = serde_json::to_value(switches).map_err(wrong)?;
    if let Some(all) = all.as_object_mut() {
        all.extend(changes);
    }
    let switches: Switches = serde_json::from_value(all).map_err(wrong)?;
    check_count(
        "allow_list",
        switches.allow_list.as_ref().map_or(0, Vec::len),
        1_000,
    )?;
    check_count("limits", switches.limits.len(), 200)?;
    check_count("risk", switches.risk.len(), 100)?;
    check_count("pages", switches.pages.as_ref().map_or(0, Vec::len), 1_000)?;
    if switches.event_delay_ms > 600_000 {
        return Err(AdminError::Invalid("event_delay_ms is at most 600000".into()));
    }
    check_domains("oauth_domains", &switches.oauth_domains)?;
    check_length(
        "open_account",
        switches.open_account.as_deref().unwrap_or_default(),
        64,
    )?;
    if let Some(code) = switches.risk.iter().find(|code| !errcode::RISK.contains(code)) {
        return Err(AdminError::Invalid(format!(
            "risk: {code} is none of {:?}",
            errcode::RISK
        )));
    }
    Ok(switches)
}

fn check_secret(secret: &str) -> Result<(), AdminError> {
    if secret.is_empty() {
        return Err(AdminError::Invalid("app_secret is empty".into()));
    }
    check_length("app_secret", secret, 128)
}

fn check_domains(what: &str, domains: &[String]) -> Result<(), AdminError> {
    check_count(what, domains.len(), 20)?;
    domains
        .iter()
        .try_for_each(|domain| check_length(&format!("each of {what}"), domain, 253))
}
