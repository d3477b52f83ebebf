//! `POST /cgi-bin/message/custom/send`: customer-service messages (客服消息), which users see in the transcript.

use serde_json::{Map, Value};

use super::addressee;
use crate::simulator::app::App;
use crate::simulator::clock::Moment;
use crate::simulator::errcode;
use crate::simulator::push::records::Kind;
use crate::simulator::reply::{Answer, Refusal, Success};
use crate::simulator::settings::AppKind;
use crate::simulator::world::Desk;

/// Bytes of a text. WeChat publishes no number; field reports have that of replies.
const MOST_TEXT: usize = 2_048;

/// Sends a message, if an action of the user's allows it.
pub(crate) fn serve(desk: &mut Desk<'_>) -> Answer {
    let body = desk.call.json()?;
    let user = addressee(desk, body)?;
    check(desk.app, body, desk.now)?;
    let kind = desk.app.kind;
    let talk = desk.app.conversations.entry(user).or_default();
    talk.take(kind, desk.now)?;
    let name = desk
        .users
        .get(user)
        .map(|user| user.id.clone())
        .unwrap_or_default();
    let mut shown = body.clone();
    shown.remove("touser");
    let place = (desk.app.id.as_str(), name.as_str());
    desk.transcript
        .add(place, Kind::CustomerService, None, shown.into(), desk.now);
    Ok(Success::ok())
}

/// WeChat: 40008 for an unknown type, 45002, 45008 and 40007 for what is in it.
fn check(app: &App, body: &Map<String, Value>, now: Moment) -> Result<(), Refusal> {
    let wrong_type = || Refusal::of(errcode::INVALID_MESSAGE_TYPE);
    let kind = body
        .get("msgtype")
        .and_then(Value::as_str)
        .ok_or_else(wrong_type)?;
    let content = body.get(kind).and_then(Value::as_object);
    let content = content.ok_or_else(|| Refusal::of(errcode::INVALID_ARGUMENTS));
    let official = app.kind == AppKind::Official;
    let medium = |content: &Map<String, Value>, name: &str| {
        let id = content.get(name).and_then(Value::as_str).unwrap_or_default();
        if app.knows_medium(id, now) {
            return Ok(());
        }
        Err(Refusal::of(errcode::INVALID_MEDIA_ID))
    };
    match kind {
        "text" => text(content?, "content", MOST_TEXT),
        "image" => medium(content?, "media_id"),
        "voice" | "mpnews" if official => medium(content?, "media_id"),
        "video" if official => {
            let content = content?;
            medium(content, "media_id")?;
            match content.get("thumb_media_id") {
                None => Ok(()),
                Some(_) => medium(content, "thumb_media_id"),
            }
        }
        "music" if official => medium(content?, "thumb_media_id"),
        "news" if official => {
            let articles = content?
                .get("articles")
                .and_then(Value::as_array)
                .map_or(0, Vec::len);
            if articles == 1 {
                return Ok(());
            }
            Err(Refusal::of(errcode::ARTICLE_SIZE))
        }
        "mpnewsarticle" if official => present(content?, &["article_id"]),
        "msgmenu" if official => {
            let fine = |entry: &Value| entry["id"].is_string() && entry["content"].is_string();
            let list = content?.get("list").and_then(Value::as_array);
            if list.is_some_and(|list| !list.is_empty() && list.iter().all(fine)) {
                return Ok(());
            }
            Err(Refusal::of(errcode::INVALID_ARGUMENTS))
        }
        "wxcard" if official => present(content?, &["card_id"]),
        "miniprogrampage" => {
            let content = content?;
            present(
                content,
                if official {
                    &["appid", "pagepath"]
                } else {
                    &["pagepath"]
                },
            )?;
            medium(content, "thumb_media_id")
        }
        "link" if !official => present(content?, &["title", "description", "url", "thumb_url"]),
        _ => Err(wrong_type()),
    }
}

fn text(content: &Map<String, Value>, name: &str, most: usize) -> Result<(), Refusal> {
    match content.get(name).and_then(Value::as_str) {
        None | Some("") => Err(Refusal::of(errcode::EMPTY_TEXT)),
        Some(text) if text.len() > most => Err(Refusal::of(errcode::CONTENT_SIZE)),
        Some(_) => Ok(()),
    }
}

fn present(content: &Map<String, Value>, names: &[&str]) -> Result<(), Refusal> {
    let there = |name: &&str| {
        content
            .get(*name)
            .and_then(Value::as_str)
            .is_some_and(|text| !text.is_empty())
    };
    if names.iter().all(there) {
        return Ok(());
    }
    Err(Refusal::of(errcode::INVALID_ARGUMENTS))
}
