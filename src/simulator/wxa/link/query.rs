//! `POST /wxa/queryscheme` and `/wxa/query_urllink`: what a link leads to, and how often links may still be opened.

use serde_json::{Value, json};

use crate::simulator::clock::Moment;
use crate::simulator::errcode;
use crate::simulator::links::Kind;
use crate::simulator::reply::{Answer, Refusal, Success};
use crate::simulator::world::Desk;

/// Of a scheme.
pub(crate) fn scheme(desk: &mut Desk<'_>) -> Answer {
    serve(desk, Kind::Scheme, "scheme", "scheme_info")
}

/// Of a link of the web.
pub(crate) fn url(desk: &mut Desk<'_>) -> Answer {
    serve(desk, Kind::Url, "url_link", "url_link_info")
}

/// WeChat: 40097 without a link or with another `query_type`, 85403 for an unknown link.
fn serve(desk: &mut Desk<'_>, kind: Kind, member: &str, info: &str) -> Answer {
    let body = desk.call.json()?;
    let invalid = || Refusal::of(errcode::INVALID_ARGUMENTS);
    let text = super::text(body, member);
    let about_quota = match body.get("query_type").map(Value::as_i64) {
        None | Some(Some(0)) => false,
        Some(Some(1)) => true,
        Some(_) => return Err(invalid()),
    };
    if text.is_empty() {
        return Err(invalid());
    }
    let link = desk.app.links.find(text, desk.now)?;
    if link.kind != kind {
        return Err(Refusal::of(errcode::NO_SUCH_LINK));
    }
    if about_quota {
        let left = desk.app.links.opens_left(desk.now);
        return Ok(Success::json(&json!({
            "errcode": 0, "errmsg": "ok", "quota_info": {"remain_visit_quota": left},
        })));
    }
    let mut shown = json!({
        "appid": desk.app.id,
        "path": link.path,
        "query": link.query,
        "create_time": link.made.seconds(),
        "expire_time": link.ends.map_or(0, Moment::seconds),
        "env_version": link.version,
    });
    if let Some(cloud) = &link.cloud_base {
        shown["cloud_base"] = cloud.clone();
    }
    Ok(Success::json(&json!({"errcode": 0, "errmsg": "ok", info: shown})))
}
