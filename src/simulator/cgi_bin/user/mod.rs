//! `/cgi-bin/user`: who follows an account, and what is known of them (用户管理). Tags are in `tags`.

pub(crate) mod store;

use serde_json::{Map, Value, json};

use crate::simulator::app::App;
use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success, refuse};
use crate::simulator::world::Desk;

/// Users of one batch.
const MOST_AT_ONCE: usize = 100;
/// Characters of a remark.
const MOST_REMARK: usize = 30;

/// `GET /cgi-bin/user/info`: one user.
pub(crate) fn info(desk: &mut Desk<'_>) -> Answer {
    let openid = desk.call.param("openid");
    let openid = openid.ok_or_else(|| Refusal::of(errcode::OPENID_MISSING))?;
    let lang = desk.call.param("lang");
    Ok(Success::json(&shown(desk, &openid, lang.as_deref())?))
}

/// `POST /cgi-bin/user/info/batchget`: up to a hundred.
pub(crate) fn info_of_many(desk: &mut Desk<'_>) -> Answer {
    let list = desk.call.json()?.get("user_list").and_then(Value::as_array);
    let list = list.ok_or_else(|| Refusal::of(errcode::INVALID_OPENID_LIST))?;
    if !(1..=MOST_AT_ONCE).contains(&list.len()) {
        return refuse(errcode::OPENID_LIST_SIZE);
    }
    let one = |entry: &Value| {
        let openid = entry["openid"].as_str();
        let openid = openid.ok_or_else(|| Refusal::of(errcode::INVALID_OPENID_LIST))?;
        shown(desk, openid, entry["lang"].as_str())
    };
    let all: Result<Vec<Value>, Refusal> = list.iter().map(one).collect();
    Ok(Success::json(&json!({"user_info_list": all?})))
}

/// `GET /cgi-bin/user/get`: everybody who follows, by openid.
pub(crate) fn list(desk: &mut Desk<'_>) -> Answer {
    let follows = desk.app.conversations.iter();
    let follows = follows.filter(|(_, talk)| talk.follows == Some(true));
    let openids = openids(desk, follows.map(|(user, _)| *user));
    let next = desk.call.param("next_openid").unwrap_or_default();
    let page = page(desk, &openids, &next)?;
    Ok(Success::json(&page.with_total(openids.len())))
}

/// `POST /cgi-bin/user/info/updateremark`.
pub(crate) fn update_remark(desk: &mut Desk<'_>) -> Answer {
    let body = desk.call.json()?;
    let user = follower(desk.app, body.get("openid").and_then(Value::as_str))?;
    let remark = body.get("remark").and_then(Value::as_str);
    let remark = remark.ok_or_else(|| Refusal::of(errcode::MALFORMED_BODY))?;
    if remark.chars().count() >= MOST_REMARK {
        return refuse(errcode::INVALID_ARGUMENTS);
    }
    if let Some(fan) = desk.app.fans.get_mut(user) {
        remark.clone_into(&mut fan.remark);
    }
    Ok(Success::ok())
}

/// One user as the account sees them. WeChat: names and pictures are shown no more.
fn shown(desk: &Desk<'_>, openid: &str, lang: Option<&str>) -> Result<Value, Refusal> {
    let user = desk.app.openids.get(openid);
    let user = *user.ok_or_else(|| Refusal::of(errcode::INVALID_OPENID))?;
    let talk = desk.app.conversations.get(&user);
    let unionid = desk.app.switches.open_account.as_ref().and_then(|account| {
        let user = desk.users.get(user)?;
        Some(desk.identities.unionid(account, &user.id))
    });
    let follows = talk.is_some_and(|talk| talk.follows == Some(true));
    let Some(fan) = desk.app.fans.get(user).filter(|_| follows) else {
        return Ok(json!({"subscribe": 0, "openid": openid}));
    };
    let (qr_scene, qr_scene_str) = fan.scenes();
    let tags = desk.app.fans.tags_of(user);
    let mut shown = json!({
        "subscribe": 1,
        "openid": openid,
        "language": lang.unwrap_or("zh_CN"),
        "subscribe_time": fan.since.seconds(),
    });
    if let Some(unionid) = unionid {
        shown["unionid"] = unionid.into();
    }
    let rest = json!({
        "remark": fan.remark,
        "groupid": tags.first().copied().unwrap_or_default(),
        "tagid_list": tags,
        "subscribe_scene": fan.came_by(),
        "qr_scene": qr_scene,
        "qr_scene_str": qr_scene_str,
    });
    if let (Some(shown), Value::Object(rest)) = (shown.as_object_mut(), rest) {
        shown.extend(rest);
    }
    Ok(shown)
}

/// The user of an openid, who must follow. WeChat: 40003.
pub(super) fn follower(app: &App, openid: Option<&str>) -> Result<usize, Refusal> {
    let user = openid.and_then(|openid| app.openids.get(openid)).copied();
    let follows = |user: &usize| {
        let talk = app.conversations.get(user);
        talk.is_some_and(|talk| talk.follows == Some(true))
    };
    user.filter(follows)
        .ok_or_else(|| Refusal::of(errcode::INVALID_OPENID))
}

/// The openids of users, in order.
pub(super) fn openids(desk: &Desk<'_>, users: impl Iterator<Item = usize>) -> Vec<String> {
    let openid = |user| {
        let user = desk.users.get(user)?;
        Some(desk.identities.openid(&desk.app.id, &user.id))
    };
    let mut openids: Vec<String> = users.filter_map(openid).collect();
    openids.sort_unstable();
    openids
}

/// A part of a list of openids.
pub(super) struct Page(Map<String, Value>);

impl Page {
    /// What is answered where the number of all is told.
    pub(super) fn with_total(self, total: usize) -> Value {
        let mut whole = Map::from_iter([("total".to_owned(), Value::from(total))]);
        whole.extend(self.0);
        whole.into()
    }

    /// What is answered elsewhere.
    pub(super) fn bare(self) -> Value {
        self.0.into()
    }
}

/// What comes after `next`; 40003 if it is no openid. WeChat: an empty part has no `data`.
pub(super) fn page(desk: &Desk<'_>, openids: &[String], next: &str) -> Result<Page, Refusal> {
    if !next.is_empty() && !desk.app.openids.contains_key(next) {
        return refuse(errcode::INVALID_OPENID);
    }
    let begin = openids.partition_point(|openid| openid.as_str() <= next);
    let most = usize::try_from(desk.app.switches.page_openids).unwrap_or(usize::MAX);
    let page = &openids[begin..openids.len().min(begin.saturating_add(most))];
    let mut members = Map::new();
    members.insert("count".into(), page.len().into());
    if !page.is_empty() {
        members.insert("data".into(), json!({"openid": page}));
    }
    let last = page.last().map(String::as_str).unwrap_or_default();
    members.insert("next_openid".into(), last.into());
    Ok(Page(members))
}
