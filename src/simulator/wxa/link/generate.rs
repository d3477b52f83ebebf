//! `POST /wxa/generatescheme` and `/wxa/generate_urllink`.

use serde_json::{Map, Value, json};

use crate::simulator::errcode;
use crate::simulator::links::Kind;
use crate::simulator::reply::{Answer, Refusal, Success};
use crate::simulator::world::Desk;

/// A scheme (`weixin://…`). WeChat: 44990, 40097, 40165, 40212, 85401, 85402.
pub(crate) fn scheme(desk: &mut Desk<'_>) -> Answer {
    let body = desk.call.json()?;
    desk.app.links.charge(desk.now)?;
    let empty = Map::new();
    let page = match body.get("jump_wxa") {
        None => &empty,
        Some(page) => page
            .as_object()
            .ok_or_else(|| Refusal::of(errcode::INVALID_ARGUMENTS))?,
    };
    let link = super::described(desk, Kind::Scheme, page, super::end(desk, body)?)?;
    let text = desk.app.links.add("weixin://dl/business/?t=", link, desk.random);
    Ok(Success::json(
        &json!({"errcode": 0, "errmsg": "ok", "openlink": text}),
    ))
}

/// A link of the web. WeChat: as with a scheme, and 85088 without the cloud development that it asks for.
pub(crate) fn url(desk: &mut Desk<'_>) -> Answer {
    let body = desk.call.json()?;
    desk.app.links.charge(desk.now)?;
    let mut link = super::described(desk, Kind::Url, body, super::end(desk, body)?)?;
    if let Some(cloud) = body.get("cloud_base") {
        if cloud["env"].as_str().unwrap_or_default().is_empty() {
            return Err(Refusal::of(errcode::NO_CLOUD));
        }
        link.cloud_base = Some(Value::clone(cloud));
    }
    let text = desk.app.links.add("https://wxaurl.cn/", link, desk.random);
    Ok(Success::json(
        &json!({"errcode": 0, "errmsg": "ok", "url_link": text}),
    ))
}
