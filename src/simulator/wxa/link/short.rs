//! `POST /wxa/genwxashortlink`: a short link (`#小程序://…`) that people send each other within WeChat.

use serde_json::{Value, json};

use crate::simulator::errcode;
use crate::simulator::links::{Kind, Link};
use crate::simulator::reply::{Answer, Refusal, Success};
use crate::simulator::world::Desk;

/// WeChat: characters of a page's address.
const MOST_PAGE: usize = 1_024;
/// WeChat: characters of a title; what is more is cut off.
const MOST_TITLE: usize = 20;
/// WeChat: days that a short link lives unless it is permanent.
const DAYS: u32 = 30;

/// Makes one. WeChat: 40066 for the page, 40225 for the title, 85400 for one permanent link too many.
pub(crate) fn serve(desk: &mut Desk<'_>) -> Answer {
    let body = desk.call.json()?;
    let page = super::text(body, "page_url");
    let known = super::super::known_page(desk.app, page.strip_prefix('/').unwrap_or(page)).is_ok();
    if page.is_empty() || page.chars().count() > MOST_PAGE || !known {
        return Err(Refusal::of(errcode::INVALID_PAGE_URL));
    }
    let title: String = super::text(body, "page_title").chars().take(MOST_TITLE).collect();
    if title.is_empty() {
        return Err(Refusal::of(errcode::INVALID_TITLE));
    }
    let permanent = body.get("is_permanent") == Some(&Value::Bool(true));
    if permanent && desk.app.links.permanent >= desk.app.switches.most_permanent_links {
        return Err(Refusal::of(errcode::TOO_MANY_PERMANENT_LINKS));
    }
    desk.app.links.permanent += u32::from(permanent);
    let (path, query) = page.split_once('?').unwrap_or((page, ""));
    let link = Link {
        kind: Kind::Short,
        path: path.to_owned(),
        query: query.to_owned(),
        version: "release".to_owned(),
        cloud_base: None,
        made: desk.now,
        ends: (!permanent).then(|| desk.now.plus(DAYS * 86_400)),
    };
    let text = desk
        .app
        .links
        .add(&format!("#小程序://{title}/"), link, desk.random);
    Ok(Success::json(
        &json!({"errcode": 0, "errmsg": "ok", "link": text}),
    ))
}
