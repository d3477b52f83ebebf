//! The replies that WeChat knows, and what must stand in them.

use serde_json::{Map, Value};

use super::act::Replies;
use super::evaluate::Ground;
use crate::simulator::settings::AppKind;

/// Bytes of a text that are shown. Field reports.
pub(crate) const MOST_TEXT: usize = 2_048;

/// A reply in the words of the admin API, or what is wrong with it.
pub(super) fn checked(ground: &Ground, members: &Map<String, Value>) -> Result<Value, String> {
    if text(members, "ToUserName")? != ground.sender {
        return Err("ToUserName is not the sender".into());
    }
    if text(members, "FromUserName")? != ground.account {
        return Err("FromUserName is not the account".into());
    }
    let time = text(members, "CreateTime")?;
    if time.is_empty() || !time.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("CreateTime is no number".into());
    }
    let kind = text(members, "MsgType")?;
    if ground.kind == AppKind::Mini {
        let fine = kind == "transfer_customer_service" && ground.replies == Replies::ToMessage;
        if !fine && ground.replies != Replies::None {
            return Err(
                "a mini program may hand a user's message to customer service, and nothing else".into(),
            );
        }
    }
    let mut reply = Map::new();
    reply.insert("type".into(), kind.as_str().into());
    fill(ground, &kind, members, &mut reply)?;
    Ok(reply.into())
}

fn fill(
    ground: &Ground,
    kind: &str,
    members: &Map<String, Value>,
    reply: &mut Map<String, Value>,
) -> Result<(), String> {
    let mut media = |inner: &Map<String, Value>, element: &str, name: &str| -> Result<(), String> {
        let id = text(inner, element)?;
        let known = ground.media.as_ref().is_none_or(|known| known.contains(&id));
        if id.is_empty() || !known {
            return Err(format!("{element} {id:?} is no medium"));
        }
        reply.insert(name.into(), id.into());
        Ok(())
    };
    match kind {
        "text" => {
            let content = text(members, "Content")?;
            if content.is_empty() || content.len() > MOST_TEXT {
                return Err(format!(
                    "Content has {} bytes, not 1 to {MOST_TEXT}",
                    content.len()
                ));
            }
            reply.insert("content".into(), content.into());
        }
        "image" => media(inner(members, "Image")?, "MediaId", "media_id")?,
        "voice" => media(inner(members, "Voice")?, "MediaId", "media_id")?,
        "video" => {
            let video = inner(members, "Video")?;
            media(video, "MediaId", "media_id")?;
            may(
                video,
                reply,
                &[("Title", "title"), ("Description", "description")],
            )?;
        }
        "music" => {
            let music = inner(members, "Music")?;
            media(music, "ThumbMediaId", "thumb_media_id")?;
            let names = [
                ("Title", "title"),
                ("Description", "description"),
                ("MusicUrl", "music_url"),
                ("HQMusicUrl", "hq_music_url"),
            ];
            may(music, reply, &names)?;
        }
        "news" => {
            reply.insert("articles".into(), articles(members)?.into());
        }
        "transfer_customer_service" => {
            if let Some(Value::Object(info)) = members.get("TransInfo") {
                may(info, reply, &[("KfAccount", "kf_account")])?;
            }
        }
        _ => return Err(format!("MsgType {kind:?} is unknown")),
    }
    Ok(())
}

fn articles(members: &Map<String, Value>) -> Result<Vec<Value>, String> {
    let items = match members.get("Articles") {
        Some(Value::Object(list)) => list.get("item").cloned(),
        // In JSON the list may stand without its items' name.
        Some(Value::Array(items)) => Some(items.clone().into()),
        _ => None,
    };
    let items = match items {
        Some(Value::Array(items)) => items,
        Some(item @ Value::Object(_)) => vec![item],
        _ => return Err("Articles is missing".into()),
    };
    if text(members, "ArticleCount")? != items.len().to_string() {
        return Err(format!("ArticleCount is not the {} that there are", items.len()));
    }
    let article = |item: &Value| {
        let item = item.as_object().ok_or("an article has no members")?;
        let mut article = Map::new();
        let names = [
            ("Title", "title"),
            ("Description", "description"),
            ("PicUrl", "pic_url"),
            ("Url", "url"),
        ];
        may(item, &mut article, &names)?;
        Ok(article.into())
    };
    items.iter().map(article).collect()
}

/// Takes over what is there and not empty.
fn may(
    members: &Map<String, Value>,
    reply: &mut Map<String, Value>,
    names: &[(&str, &str)],
) -> Result<(), String> {
    for (element, name) in names {
        if members.contains_key(*element) {
            let text = text(members, element)?;
            if !text.is_empty() {
                reply.insert((*name).into(), text.into());
            }
        }
    }
    Ok(())
}

fn text(members: &Map<String, Value>, name: &str) -> Result<String, String> {
    match members.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        Some(_) => Err(format!("{name} is no single text")),
        None => Err(format!("{name} is missing")),
    }
}

fn inner<'a>(members: &'a Map<String, Value>, name: &str) -> Result<&'a Map<String, Value>, String> {
    let inner = members.get(name).and_then(Value::as_object);
    inner.ok_or_else(|| format!("{name} is missing"))
}
