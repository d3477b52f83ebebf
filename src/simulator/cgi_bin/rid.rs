//! `/cgi-bin/openapi/rid/get`: what a refused call was (查询rid信息).

use serde_json::{Value, json};

use crate::simulator::calls::RID_LENGTH;
use crate::simulator::clock::Moment;
use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Success, refuse};
use crate::simulator::world::Desk;

/// Seconds for which a request id is known.
const KEPT: u32 = 7 * 86_400;

/// Tells of a call by its request id. WeChat: 76002 for what is none, 76004 for an old one, 76001 and 76003 for one that
/// nobody or another account was given.
pub(crate) fn get(desk: &mut Desk<'_>) -> Answer {
    let rid = desk.call.json()?.get("rid").and_then(Value::as_str);
    let rid = rid.unwrap_or_default();
    let Some(made) = made_at(rid) else {
        return refuse(errcode::RID_MALFORMED);
    };
    if made.plus(KEPT) < desk.now {
        return refuse(errcode::RID_TOO_OLD);
    }
    match desk.calls.refused(rid) {
        None => refuse(errcode::RID_UNKNOWN),
        Some((app_id, _)) if app_id != Some(desk.app.id.as_str()) => refuse(errcode::RID_OF_ANOTHER),
        Some((_, request)) => Ok(Success::json(
            &json!({"errcode": 0, "errmsg": "ok", "request": request}),
        )),
    }
}

/// When a request id was made: three groups of eight digits, of which the first is the time.
fn made_at(rid: &str) -> Option<Moment> {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let group = |group: &str| group.len() == 8 && group.bytes().all(digit);
    let groups: Vec<&str> = rid.split('-').collect();
    if rid.len() != RID_LENGTH || groups.len() != 3 || !groups.iter().all(|one| group(one)) {
        return None;
    }
    let seconds = i64::from_str_radix(groups[0], 16).ok()?;
    Some(Moment(seconds * 1_000))
}
