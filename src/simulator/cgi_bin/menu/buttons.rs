//! What a menu may look like: how many buttons, what each of them needs, and how long it may be (自定义菜单).

use std::collections::HashSet;

use serde_json::{Map, Value};
use url::Url;

use crate::simulator::app::App;
use crate::simulator::clock::Moment;
use crate::simulator::errcode;
use crate::simulator::reply::{Refusal, refuse};

const MOST_BUTTONS: usize = 3;
const MOST_SUB_BUTTONS: usize = 5;
/// Bytes of a key, and of an address.
const MOST_KEY: usize = 128;
const MOST_URL: usize = 1_024;
/// Hosts that a conditional menu may lead to.
const MOST_HOSTS: usize = 3;

/// What is answered to the buttons of one level. WeChat has a code of its own for each of the two.
struct Level {
    /// Bytes of a name.
    most_name: usize,
    name: i32,
    kind: i32,
    key: i32,
    url: i32,
    domain: i32,
    medium: i32,
}

const TOP: Level = Level {
    most_name: 16,
    name: errcode::BUTTON_NAME,
    kind: errcode::BUTTON_TYPE,
    key: errcode::BUTTON_KEY,
    url: errcode::BUTTON_URL,
    domain: errcode::BUTTON_DOMAIN,
    medium: errcode::BUTTON_MEDIA,
};
const BELOW: Level = Level {
    most_name: 60,
    name: errcode::SUB_BUTTON_NAME,
    kind: errcode::SUB_BUTTON_TYPE,
    key: errcode::SUB_BUTTON_KEY,
    url: errcode::SUB_BUTTON_URL,
    domain: errcode::SUB_BUTTON_DOMAIN,
    medium: errcode::SUB_BUTTON_MEDIA,
};

/// The buttons of a menu, each with a `sub_button`, if the account may have them.
pub(super) fn checked(body: &Map<String, Value>, app: &App, now: Moment) -> Result<Vec<Value>, Refusal> {
    let buttons = body.get("button").and_then(Value::as_array);
    let buttons = buttons.filter(|buttons| (1..=MOST_BUTTONS).contains(&buttons.len()));
    let buttons = buttons.ok_or_else(|| Refusal::of(errcode::BUTTON_COUNT))?;
    buttons
        .iter()
        .map(|button| top(button, app, now).map(Value::from))
        .collect()
}

fn top(button: &Value, app: &App, now: Moment) -> Result<Map<String, Value>, Refusal> {
    let button = object(button, &TOP)?;
    let below = match button.get("sub_button") {
        None | Some(Value::Null) => &[],
        Some(Value::Array(below)) => below.as_slice(),
        Some(_) => return refuse(errcode::SUB_BUTTON_COUNT),
    };
    if below.is_empty() {
        return leaf(button, &TOP, app, now);
    }
    check_name(button, &TOP)?;
    if below.len() > MOST_SUB_BUTTONS {
        return refuse(errcode::SUB_BUTTON_COUNT);
    }
    let below: Result<Vec<Value>, Refusal> = below
        .iter()
        .map(|button| {
            let button = object(button, &BELOW)?;
            let deeper = button.get("sub_button").and_then(Value::as_array);
            if deeper.is_some_and(|deeper| !deeper.is_empty()) {
                return refuse(errcode::MENU_LEVEL);
            }
            leaf(button, &BELOW, app, now).map(Value::from)
        })
        .collect();
    let mut shown = Map::new();
    shown.insert("name".into(), button["name"].clone());
    shown.insert("sub_button".into(), below?.into());
    Ok(shown)
}

/// A button that does something. WeChat: what it needs depends on its type.
fn leaf(
    button: &Map<String, Value>,
    level: &Level,
    app: &App,
    now: Moment,
) -> Result<Map<String, Value>, Refusal> {
    check_name(button, level)?;
    let kind = text(button, "type");
    match kind {
        "click" | "scancode_push" | "scancode_waitmsg" | "pic_sysphoto" | "pic_photo_or_album"
        | "pic_weixin" | "location_select" => {
            if !(1..=MOST_KEY).contains(&text(button, "key").len()) {
                return refuse(level.key);
            }
        }
        "view" => check_url(button, level)?,
        "miniprogram" => {
            check_url(button, level)?;
            let linked = app.switches.mini_programs.as_ref();
            let wanted = text(button, "appid");
            if wanted.is_empty() {
                return refuse(errcode::INVALID_MINI_PROGRAM);
            }
            if linked.is_some_and(|linked| linked.iter().all(|linked| linked != wanted)) {
                return refuse(errcode::MINI_PROGRAM_IN_MENU);
            }
            if text(button, "pagepath").is_empty() {
                return refuse(errcode::INVALID_PAGE_PATH);
            }
        }
        "media_id" | "view_limited" => {
            let wanted = text(button, "media_id");
            if wanted.is_empty() {
                return refuse(level.medium);
            }
            if !app.knows_medium(wanted, now) {
                return refuse(errcode::INVALID_MEDIA_ID);
            }
        }
        "article_id" | "article_view_limited" => {
            if text(button, "article_id").is_empty() {
                return refuse(level.medium);
            }
        }
        _ => return refuse(level.kind),
    }
    let mut shown = Map::new();
    shown.insert("type".into(), kind.into());
    for (name, value) in button {
        if name != "sub_button" {
            shown.insert(name.clone(), value.clone());
        }
    }
    // WeChat: there always, as an empty list where nothing is below.
    shown.insert("sub_button".into(), Vec::<Value>::new().into());
    Ok(shown)
}

fn object<'a>(button: &'a Value, level: &Level) -> Result<&'a Map<String, Value>, Refusal> {
    button.as_object().ok_or_else(|| Refusal::of(level.kind))
}

fn check_name(button: &Map<String, Value>, level: &Level) -> Result<(), Refusal> {
    if (1..=level.most_name).contains(&text(button, "name").len()) {
        return Ok(());
    }
    refuse(level.name)
}

fn check_url(button: &Map<String, Value>, level: &Level) -> Result<(), Refusal> {
    let url = text(button, "url");
    if !(1..=MOST_URL).contains(&url.len()) {
        return refuse(level.url);
    }
    let page = Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if page { Ok(()) } else { refuse(level.domain) }
}

fn text<'a>(button: &'a Map<String, Value>, name: &str) -> &'a str {
    button.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// WeChat: a conditional menu leads to three hosts at most.
pub(super) fn check_hosts(buttons: &[Value]) -> Result<(), Refusal> {
    let below = |button: &Value| button["sub_button"].as_array().cloned().unwrap_or_default();
    let host = |button: &Value| {
        let url = Url::parse(button["url"].as_str()?).ok()?;
        url.host_str().map(str::to_owned)
    };
    let hosts: HashSet<String> = buttons
        .iter()
        .flat_map(|button| std::iter::once(button.clone()).chain(below(button)))
        .filter_map(|button| host(&button))
        .collect();
    if hosts.len() > MOST_HOSTS {
        return refuse(errcode::DOMAIN_COUNT);
    }
    Ok(())
}
