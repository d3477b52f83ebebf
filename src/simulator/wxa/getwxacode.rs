//! `POST /wxa/getwxacode` and `/wxa/getwxacodeunlimit`: mini-program codes (小程序码). The picture has the requested width
//! and is another one for other contents; no phone can read it.

use serde_json::{Map, Value};

use super::picture::Picture;
use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success};
use crate::simulator::world::Desk;

/// WeChat: characters of a path.
const MOST_PATH: usize = 1_024;
/// WeChat: characters of a scene.
const MOST_SCENE: usize = 32;
/// WeChat: characters that a scene may have besides letters and digits.
const SCENE: &str = "!#$&'()*+,/:;=?@-._~";

/// A code for a path, of which an app may have so many in all. WeChat: 40159, 45029, 85096.
pub(crate) fn limited(desk: &mut Desk<'_>) -> Answer {
    of_path(desk, MOST_PATH)
}

/// The same with another length of paths.
pub(crate) fn of_path(desk: &mut Desk<'_>, most: usize) -> Answer {
    let body = desk.call.json()?;
    let path = body.get("path").and_then(Value::as_str).unwrap_or_default();
    if path.is_empty() || path.chars().count() > most {
        return Err(Refusal::of(errcode::INVALID_PATH_LENGTH));
    }
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let mut members = url::form_urlencoded::parse(query.as_bytes());
    if members.any(|(name, _)| name == "scancode_time") {
        return Err(Refusal::of(errcode::RESERVED_MEMBER));
    }
    check_version(body)?;
    let picture = Picture::of(body)?;
    if desk.app.codes_drawn >= desk.app.switches.most_codes {
        return Err(Refusal::of(errcode::TOO_MANY_CODES));
    }
    desk.app.codes_drawn += 1;
    let used = desk.app.codes_drawn.to_string();
    Ok(drawn(&picture, path).with_header("Num-Used", used))
}

/// A code for a scene, as many as one likes. WeChat: 40169 for its length, 40129 for its characters, 41030 for a page
/// that is not in the released version, unless `check_path` is false.
pub(crate) fn unlimited(desk: &mut Desk<'_>) -> Answer {
    let body = desk.call.json()?;
    let scene = body.get("scene").and_then(Value::as_str).unwrap_or_default();
    if !(1..=MOST_SCENE).contains(&scene.chars().count()) {
        return Err(Refusal::of(errcode::INVALID_SCENE_LENGTH));
    }
    let fine = |one: char| one.is_ascii_alphanumeric() || SCENE.contains(one);
    if !scene.chars().all(fine) {
        return Err(Refusal::of(errcode::INVALID_SCENE));
    }
    let page = body.get("page").and_then(Value::as_str).unwrap_or_default();
    if page.starts_with('/') || page.contains('?') {
        return Err(Refusal::of(errcode::INVALID_PAGE));
    }
    let unchecked = body.get("check_path") == Some(&Value::Bool(false));
    if !page.is_empty() && !unchecked {
        super::known_page(desk.app, page)?;
    }
    check_version(body)?;
    Ok(drawn(&Picture::of(body)?, &format!("{page}?{scene}")))
}

fn check_version(body: &Map<String, Value>) -> Result<(), Refusal> {
    match body.get("env_version").map(Value::as_str) {
        None | Some(Some("release" | "trial" | "develop")) => Ok(()),
        Some(_) => Err(Refusal::of(errcode::INVALID_ARGUMENTS)),
    }
}

fn drawn(picture: &Picture, content: &str) -> Success {
    let (content_type, bytes) = picture.draw(content);
    Success::file(content_type, bytes)
}
