//! `/cgi-bin/tags` and `/cgi-bin/user/tag`: tags of users, and the blacklist (用户标签管理, 黑名单管理).

use serde_json::{Map, Value, json};

use super::user::{follower, openids, page};
use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success, refuse};
use crate::simulator::world::Desk;

/// Users who get a tag, or get on the blacklist, in one call.
const MOST_TAGGED: usize = 50;
const MOST_BLACKLISTED: usize = 20;
/// Characters of an openid.
const OPENID_LENGTH: usize = 28;

/// `POST /cgi-bin/tags/create`.
pub(crate) fn create(desk: &mut Desk<'_>) -> Answer {
    let name = name(desk.call.json()?)?;
    let tag = desk.app.fans.add_tag(name)?;
    Ok(Success::json(&json!({"tag": {"id": tag.id, "name": tag.name}})))
}

/// `GET /cgi-bin/tags/get`.
#[expect(clippy::unnecessary_wraps, reason = "an endpoint answers so")]
pub(crate) fn get(desk: &mut Desk<'_>) -> Answer {
    let shown = |(id, name, count)| json!({"id": id, "name": name, "count": count});
    let tags: Vec<Value> = desk.app.fans.tags().into_iter().map(shown).collect();
    Ok(Success::json(&json!({"tags": tags})))
}

/// `POST /cgi-bin/tags/update`.
pub(crate) fn update(desk: &mut Desk<'_>) -> Answer {
    let body = desk.call.json()?;
    desk.app.fans.rename_tag(inner_id(body)?, name(body)?)?;
    Ok(Success::ok())
}

/// `POST /cgi-bin/tags/delete`.
pub(crate) fn delete(desk: &mut Desk<'_>) -> Answer {
    let id = inner_id(desk.call.json()?)?;
    desk.app.fans.remove_tag(id)?;
    Ok(Success::ok())
}

/// `POST /cgi-bin/user/tag/get`: who has a tag.
pub(crate) fn members(desk: &mut Desk<'_>) -> Answer {
    let body = desk.call.json()?;
    let id = tag_id(body.get("tagid"))?;
    desk.app.fans.check_tag(id)?;
    let openids = openids(desk, desk.app.fans.tagged(id));
    let page = page(desk, &openids, text(body, "next_openid"))?;
    Ok(Success::json(&page.bare()))
}

/// `POST /cgi-bin/tags/members/batchtagging`.
pub(crate) fn tag_many(desk: &mut Desk<'_>) -> Answer {
    tag(desk, true)
}

/// `POST /cgi-bin/tags/members/batchuntagging`.
pub(crate) fn untag_many(desk: &mut Desk<'_>) -> Answer {
    tag(desk, false)
}

fn tag(desk: &mut Desk<'_>, give: bool) -> Answer {
    let body = desk.call.json()?;
    let listed = listed(body, MOST_TAGGED)?;
    let id = tag_id(body.get("tagid"))?;
    desk.app.fans.check_tag(id)?;
    let users: Result<Vec<usize>, Refusal> = listed.iter().map(|openid| user(desk, openid)).collect();
    desk.app.fans.tag(&users?, id, give)?;
    Ok(Success::ok())
}

/// `POST /cgi-bin/tags/getidlist`: the tags of a user.
pub(crate) fn of_user(desk: &mut Desk<'_>) -> Answer {
    let user = user(desk, text(desk.call.json()?, "openid"))?;
    let tags = desk.app.fans.tags_of(user);
    Ok(Success::json(&json!({"tagid_list": tags})))
}

/// `POST /cgi-bin/tags/members/getblacklist`.
pub(crate) fn blacklist(desk: &mut Desk<'_>) -> Answer {
    let begin = text(desk.call.json()?, "begin_openid");
    let openids = openids(desk, desk.app.fans.blacklisted());
    let page = page(desk, &openids, begin)?;
    Ok(Success::json(&page.with_total(openids.len())))
}

/// `POST /cgi-bin/tags/members/batchblacklist`.
pub(crate) fn blacklist_many(desk: &mut Desk<'_>) -> Answer {
    set_blacklisted(desk, true)
}

/// `POST /cgi-bin/tags/members/batchunblacklist`.
pub(crate) fn unblacklist_many(desk: &mut Desk<'_>) -> Answer {
    set_blacklisted(desk, false)
}

fn set_blacklisted(desk: &mut Desk<'_>, put: bool) -> Answer {
    let listed = listed(desk.call.json()?, MOST_BLACKLISTED)?;
    let known = |openid: &&str| {
        let user = desk.app.openids.get(*openid).copied();
        user.ok_or_else(|| Refusal::of(errcode::INVALID_OPENID))
    };
    let users: Result<Vec<usize>, Refusal> = listed.iter().map(known).collect();
    for user in users? {
        desk.app.fans.blacklist(user, put);
    }
    Ok(Success::ok())
}

/// WeChat: 40032 for an empty or a long list.
fn listed(body: &Map<String, Value>, most: usize) -> Result<Vec<&str>, Refusal> {
    let list = body.get("openid_list").and_then(Value::as_array);
    let list: Vec<&str> = list.into_iter().flatten().filter_map(Value::as_str).collect();
    if (1..=most).contains(&list.len()) {
        return Ok(list);
    }
    refuse(errcode::OPENID_LIST_SIZE)
}

/// WeChat: 49003 for another app's openid, 40003 for what is none or of nobody who follows.
fn user(desk: &Desk<'_>, openid: &str) -> Result<usize, Refusal> {
    let looks_right = openid.len() == OPENID_LENGTH && openid.starts_with('o');
    if looks_right && !desk.app.openids.contains_key(openid) {
        return refuse(errcode::NOT_THE_APPS_USER);
    }
    follower(desk.app, Some(openid))
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn name(body: &Map<String, Value>) -> Result<&str, Refusal> {
    let name = body.get("tag").and_then(|tag| tag["name"].as_str());
    name.ok_or_else(|| Refusal::of(errcode::INVALID_TAG_NAME))
}

fn inner_id(body: &Map<String, Value>) -> Result<u32, Refusal> {
    tag_id(body.get("tag").and_then(|tag| tag.get("id")))
}

/// A number, or a text of its digits.
fn tag_id(value: Option<&Value>) -> Result<u32, Refusal> {
    let number = value.and_then(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok()));
    let number = number.and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| Refusal::of(errcode::INVALID_TAG))
}
