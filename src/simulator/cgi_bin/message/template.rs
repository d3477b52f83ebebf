//! `/cgi-bin/message/template`: template messages and one-time subscriptions, which users see in the transcript.

use serde_json::{Map, Value, json};

use super::addressee;
use crate::simulator::errcode;
use crate::simulator::push::records::Kind;
use crate::simulator::reply::{Answer, Refusal, Success, refuse};
use crate::simulator::value_rules::{self, Key};
use crate::simulator::world::Desk;

/// Bytes of a path in a mini program (our own choice).
const MOST_PATH: usize = 1_024;
/// What a one-time subscription may have: characters of its title and text, and its last scene.
const MOST_TITLE: usize = 15;
const MOST_TEXT: usize = 200;
const LAST_SCENE: u64 = 10_000;

/// `POST /cgi-bin/message/template/send`. What comes of it is told by an event, later.
pub(crate) fn send(desk: &mut Desk<'_>) -> Answer {
    let body = desk.call.json()?;
    let user = addressee(desk, body)?;
    if !desk.app.templates.has(text(body, "template_id")) {
        return refuse(errcode::INVALID_TEMPLATE);
    }
    let talk = desk.app.conversations.get(&user);
    if talk.is_none_or(|talk| talk.follows != Some(true)) {
        return refuse(errcode::FOLLOWER_REQUIRED);
    }
    if desk.app.fans.is_blacklisted(user) {
        return refuse(errcode::BLACKLISTED);
    }
    check_mini_program(desk, body)?;
    let data = body.get("data").and_then(Value::as_object);
    let data = data.ok_or_else(|| Refusal::of(errcode::MALFORMED_BODY))?;
    // What the template has and the message has not is left out of it, as far as is known.
    let keys: Vec<Key> = data.keys().map(Key::new).collect();
    value_rules::check(&keys, Some(data))?;
    let key = text(body, "client_msg_id");
    if let Some(msgid) = desk.app.templates.sent_as(key, desk.now) {
        return Ok(answered(msgid));
    }
    let msgid = desk.message_id();
    if !key.is_empty() {
        desk.app.templates.remember(key, msgid, desk.now);
    }
    sent(desk, user, body, Some(msgid));
    desk.cause_template_result(user, msgid, "success");
    Ok(answered(msgid))
}

fn answered(msgid: u64) -> Success {
    Success::json(&json!({"errcode": 0, "errmsg": "ok", "msgid": msgid}))
}

/// `POST /cgi-bin/message/template/subscribe`: the one message of a one-time subscription (一次性订阅消息). Whether the
/// user ever asked for one is not looked at.
pub(crate) fn subscribe(desk: &mut Desk<'_>) -> Answer {
    let body = desk.call.json()?;
    let user = addressee(desk, body)?;
    if text(body, "template_id").is_empty() {
        return refuse(errcode::INVALID_TEMPLATE);
    }
    check_mini_program(desk, body)?;
    let scene = body.get("scene");
    let scene = scene.and_then(|scene| scene.as_u64().or_else(|| scene.as_str()?.parse().ok()));
    let content = body
        .get("data")
        .and_then(|data| data["content"]["value"].as_str())
        .unwrap_or_default();
    let title = text(body, "title").chars().count();
    let right = scene.is_some_and(|scene| scene <= LAST_SCENE)
        && (1..=MOST_TITLE).contains(&title)
        && (1..=MOST_TEXT).contains(&content.chars().count());
    if !right {
        return refuse(errcode::INVALID_ARGUMENTS);
    }
    sent(desk, user, body, None);
    Ok(Success::ok())
}

/// WeChat: 40166 for a mini program that is not linked, 40165 for what is no path.
fn check_mini_program(desk: &Desk<'_>, body: &Map<String, Value>) -> Result<(), Refusal> {
    let Some(wanted) = body.get("miniprogram").and_then(Value::as_object) else {
        return Ok(());
    };
    let app_id = text(wanted, "appid");
    // A template message without a mini program may have an empty one.
    if app_id.is_empty() && text(wanted, "pagepath").is_empty() {
        return Ok(());
    }
    let linked = desk.app.switches.mini_programs.as_ref();
    if app_id.is_empty() || linked.is_some_and(|linked| linked.iter().all(|linked| linked != app_id)) {
        return refuse(errcode::INVALID_MINI_PROGRAM);
    }
    let path = wanted.get("pagepath").map_or(Some(""), Value::as_str);
    if path.is_none_or(|path| path.len() > MOST_PATH || path.contains("://")) {
        return refuse(errcode::INVALID_PAGE_PATH);
    }
    Ok(())
}

/// The message reaches the user, who sees it with its number if it has one.
fn sent(desk: &mut Desk<'_>, user: usize, body: &Map<String, Value>, msgid: Option<u64>) {
    let name = desk.users.get(user).map(|user| user.id.clone());
    let mut shown = body.clone();
    shown.remove("touser");
    if let Some(msgid) = msgid {
        // A text, as it is longer than JSON's readers like.
        shown.insert("msgid".into(), msgid.to_string().into());
    }
    let place = (desk.app.id.as_str(), name.as_deref().unwrap_or_default());
    desk.transcript
        .add(place, Kind::Template, None, shown.into(), desk.now);
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or_default()
}
