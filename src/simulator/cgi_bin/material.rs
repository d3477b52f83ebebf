//! `/cgi-bin/material`: files that stay until they are deleted (永久素材). Articles are not made here, so there are none.

use serde_json::{Value, json};

use super::media::kinds::{self, Kind};
use super::media::{file, kind, picture_url, sent, taken, video_url};
use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success, refuse};
use crate::simulator::world::Desk;

/// Media of one page.
const MOST_OF_PAGE: u64 = 20;

/// `POST /cgi-bin/material/add_material`. WeChat: a video comes with a title and an introduction.
pub(crate) fn add(desk: &mut Desk<'_>) -> Answer {
    let call = desk.call;
    let (kind, part) = (kind(desk)?, file(call)?);
    let format = kinds::check(kind, true, part, desk.app.switches.media_bytes)?;
    let described = match kind {
        Kind::Video => Some(description(desk)?),
        Kind::Image | Kind::Voice | Kind::Thumb => None,
    };
    if !desk.app.media.has_room(kind) {
        return refuse(errcode::MEDIA_COUNT);
    }
    let mut medium = taken(desk, kind, part, format);
    medium.permanent = true;
    medium.described = described;
    let mut shown = json!({"media_id": medium.id});
    if matches!(kind, Kind::Image | Kind::Thumb) {
        let url = picture_url(desk, format.extension);
        shown["url"] = url.as_str().into();
        medium.url = Some(url);
    }
    desk.app.media.add(medium, desk.now);
    Ok(Success::json(&shown))
}

fn description(desk: &Desk<'_>) -> Result<(String, String), Refusal> {
    let part = desk.call.form.as_ref().and_then(|form| form.part("description"));
    let described = part.and_then(|part| serde_json::from_slice::<Value>(part.content.head()).ok());
    let text = |name: &str| Some(described.as_ref()?[name].as_str()?.to_owned());
    text("title")
        .zip(text("introduction"))
        .ok_or_else(|| Refusal::of(errcode::MALFORMED_BODY))
}

/// `POST /cgi-bin/material/get_material`.
pub(crate) fn get(desk: &mut Desk<'_>) -> Answer {
    let id = media_id(desk)?;
    let medium = desk.app.media.get(id, desk.now).filter(|medium| medium.permanent);
    let medium = medium.ok_or_else(|| Refusal::of(errcode::INVALID_MEDIA_ID))?;
    if let Some((title, description)) = &medium.described {
        let url = video_url(desk.call, id);
        return Ok(Success::json(
            &json!({"title": title, "description": description, "down_url": url}),
        ));
    }
    Ok(sent(medium))
}

/// `POST /cgi-bin/material/del_material`. WeChat: 48005 for what the menu shows.
pub(crate) fn delete(desk: &mut Desk<'_>) -> Answer {
    let id = media_id(desk)?;
    if desk.app.menus.show(id) {
        return refuse(errcode::MEDIUM_IN_USE);
    }
    if desk.app.media.remove(id) {
        return Ok(Success::ok());
    }
    refuse(errcode::INVALID_MEDIA_ID)
}

/// `GET /cgi-bin/material/get_materialcount`.
#[expect(clippy::unnecessary_wraps, reason = "an endpoint answers so")]
pub(crate) fn count(desk: &mut Desk<'_>) -> Answer {
    let media = &desk.app.media;
    Ok(Success::json(&json!({
        "voice_count": media.count(Kind::Voice),
        "video_count": media.count(Kind::Video),
        "image_count": media.count(Kind::Image),
        "news_count": 0,
    })))
}

/// `POST /cgi-bin/material/batchget_material`: the newest first.
pub(crate) fn list(desk: &mut Desk<'_>) -> Answer {
    let body = desk.call.json()?;
    let wanted = body.get("type").and_then(Value::as_str).unwrap_or_default();
    let media = match Kind::parse(wanted) {
        Some(Kind::Thumb) | None if wanted != "news" => return refuse(errcode::INVALID_MEDIA_TYPE),
        Some(kind) => desk.app.media.listed(kind),
        None => Vec::new(),
    };
    let number = |name: &str| body.get(name).and_then(Value::as_u64);
    let (offset, count) = number("offset")
        .zip(number("count"))
        .filter(|(_, count)| (1..=MOST_OF_PAGE).contains(count))
        .ok_or_else(|| Refusal::of(errcode::INVALID_ARGUMENTS))?;
    let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
    let taken = usize::try_from(count).unwrap_or(usize::MAX);
    let items: Vec<Value> = media
        .iter()
        .skip(skipped)
        .take(taken)
        .map(|medium| {
            let mut item = json!({
                "media_id": medium.id,
                "name": medium.name,
                "update_time": medium.created.seconds(),
            });
            if let Some(url) = &medium.url {
                item["url"] = url.as_str().into();
            }
            item
        })
        .collect();
    Ok(Success::json(&json!({
        "item": items,
        "total_count": media.len(),
        "item_count": items.len(),
    })))
}

fn media_id<'a>(desk: &Desk<'a>) -> Result<&'a str, Refusal> {
    let id = desk.call.json()?.get("media_id").and_then(Value::as_str);
    id.ok_or_else(|| Refusal::of(errcode::INVALID_MEDIA_ID))
}
