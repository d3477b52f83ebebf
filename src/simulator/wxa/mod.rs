//! `/wxa`: session keys, phone numbers, mini-program codes, links and content checks so far.

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use crate::simulator::app::App;
use crate::simulator::checks::Finding;
use crate::simulator::clock::Moment;
use crate::simulator::errcode;
use crate::simulator::reply::Refusal;
use crate::simulator::sessions;
use crate::simulator::world::Desk;

pub(crate) mod checksession;
pub(crate) mod getuserphonenumber;
pub(crate) mod getuserriskrank;
pub(crate) mod getwxacode;
pub(crate) mod link;
pub(crate) mod media_check_async;
pub(crate) mod msg_sec_check;
mod picture;
pub(crate) mod resetusersessionkey;

/// WeChat: content is checked of users who were here so lately.
const VISIT_SECONDS: u32 = 2 * 3_600;

/// The user a session call names, and the openid it names the user by.
///
/// WeChat: 40003 for another app's openid, 87008 for any method but `hmac_sha256`.
fn named_user(desk: &Desk<'_>) -> Result<(usize, String), Refusal> {
    let openid = desk
        .call
        .param("openid")
        .ok_or_else(|| Refusal::of(errcode::OPENID_MISSING))?;
    let user = desk.app.openids.get(openid.as_ref()).copied();
    let user = user.ok_or_else(|| Refusal::of(errcode::INVALID_OPENID))?;
    if desk.call.param("sig_method").as_deref() != Some("hmac_sha256") {
        return Err(Refusal::of(errcode::INVALID_SIGNATURE_METHOD));
    }
    Ok((user, openid.into_owned()))
}

/// Whether the call proves this session key.
fn proves(desk: &Desk<'_>, session_key: &str) -> bool {
    desk.call
        .param("signature")
        .is_some_and(|given| given == sessions::signature(session_key))
}

/// WeChat: 41030 for a page that the released version does not have.
pub(crate) fn known_page(app: &App, page: &str) -> Result<(), Refusal> {
    let path = page.split_once('?').map_or(page, |(path, _)| path);
    let pages = app.switches.pages.as_ref();
    if pages.is_none_or(|pages| pages.iter().any(|known| known == path)) {
        return Ok(());
    }
    Err(Refusal::of(errcode::INVALID_PAGE))
}

/// The user whom a content check is about, by the body's `openid`.
///
/// WeChat: 40003 for another app's openid, 61010 for somebody who was not here within the last two hours.
fn recent_visitor(desk: &Desk<'_>, body: &Map<String, Value>) -> Result<usize, Refusal> {
    let openid = body.get("openid").and_then(Value::as_str).unwrap_or_default();
    let user = desk.app.openids.get(openid).copied();
    let user = user.ok_or_else(|| Refusal::of(errcode::INVALID_OPENID))?;
    let recent = |at: Moment| at.plus(VISIT_SECONDS) > desk.now;
    if desk.app.switches.recent_visit && !desk.app.visited(user).is_some_and(recent) {
        return Err(Refusal::of(errcode::VISIT_TOO_OLD));
    }
    Ok(user)
}

/// WeChat: 40129 for a scene that is none of these.
fn check_scene(body: &Map<String, Value>, known: RangeInclusive<u64>) -> Result<u64, Refusal> {
    let scene = body.get("scene").and_then(Value::as_u64);
    scene
        .filter(|scene| known.contains(scene))
        .ok_or_else(|| Refusal::of(errcode::INVALID_SCENE))
}

/// The part of a check's `detail` that comes from a model.
fn model(finding: &Finding) -> Value {
    json!({
        "strategy": "content_model", "errcode": 0, "suggest": finding.suggest, "label": finding.label, "prob": 90,
    })
}
