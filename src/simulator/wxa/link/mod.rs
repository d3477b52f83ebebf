//! `/wxa`: links that lead into the mini program. What a link of any kind may lead to, and until when.

pub(crate) mod generate;
pub(crate) mod query;
pub(crate) mod short;

use serde_json::{Map, Value};

use crate::simulator::clock::Moment;
use crate::simulator::errcode;
use crate::simulator::links::{Kind, Link};
use crate::simulator::reply::Refusal;
use crate::simulator::world::Desk;

/// WeChat: characters of a query.
const MOST_QUERY: usize = 1_024;
/// WeChat: characters that a query may have besides letters and digits.
const QUERY: &str = "!#$&'()*+,/:;=?@-._~%";
/// WeChat: days that a link lives at most.
const MOST_DAYS: u32 = 30;

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The link that a body describes. WeChat: 40165 for the path, 40212 for the query, 85402 for the version.
fn described(desk: &Desk<'_>, kind: Kind, body: &Map<String, Value>, ends: Moment) -> Result<Link, Refusal> {
    let (path, query) = (text(body, "path"), text(body, "query"));
    let page = path.strip_prefix('/').unwrap_or(path);
    let known = page.is_empty() || super::known_page(desk.app, page).is_ok();
    if path.contains('?') || !known {
        return Err(Refusal::of(errcode::INVALID_LINK_PATH));
    }
    let fine = |one: char| one.is_ascii_alphanumeric() || QUERY.contains(one);
    if query.chars().count() > MOST_QUERY || !query.chars().all(fine) {
        return Err(Refusal::of(errcode::INVALID_QUERY));
    }
    let version = body.get("env_version").map_or(Some("release"), Value::as_str);
    let version = version.filter(|version| matches!(*version, "release" | "trial" | "develop"));
    let version = version.ok_or_else(|| Refusal::of(errcode::INVALID_VERSION))?;
    Ok(Link {
        kind,
        path: path.to_owned(),
        query: query.to_owned(),
        version: version.to_owned(),
        cloud_base: None,
        made: desk.now,
        ends: Some(ends),
    })
}

/// When the link ends. WeChat: 85401 unless that is in a minute to thirty days. No link lives for ever any more; one
/// that is to do so, or says nothing, gets the thirty days.
fn end(desk: &Desk<'_>, body: &Map<String, Value>) -> Result<Moment, Refusal> {
    let now = desk.now;
    let refused = || Refusal::of(errcode::INVALID_END);
    let given = |name: &str| body.get(name).and_then(Value::as_i64);
    let last = now.plus(MOST_DAYS * 86_400);
    if body.get("is_expire") == Some(&Value::Bool(false)) {
        return Ok(last);
    }
    match given("expire_type").unwrap_or_default() {
        0 => match given("expire_time") {
            None | Some(0) => Ok(last),
            Some(time) => {
                let seconds = time - now.seconds();
                let fine = (60..=i64::from(MOST_DAYS) * 86_400).contains(&seconds);
                fine.then_some(Moment(time * 1_000)).ok_or_else(refused)
            }
        },
        1 => {
            let days = given("expire_interval").and_then(|days| u32::try_from(days).ok());
            let days = days.filter(|days| (1..=MOST_DAYS).contains(days));
            days.map(|days| now.plus(days * 86_400)).ok_or_else(refused)
        }
        _ => Err(Refusal::of(errcode::INVALID_ARGUMENTS)),
    }
}
