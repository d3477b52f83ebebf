//! `/cgi-bin/message`: customer-service, template and subscribe messages so far.

pub(crate) mod send;
pub(crate) mod subscribe;
pub(crate) mod template;
pub(crate) mod typing;

use serde_json::{Map, Value};

use crate::simulator::errcode;
use crate::simulator::reply::Refusal;
use crate::simulator::world::Desk;

/// The user that `touser` names. WeChat: 40003 for an openid that is not the app's.
fn addressee(desk: &Desk<'_>, body: &Map<String, Value>) -> Result<usize, Refusal> {
    let openid = body.get("touser").and_then(Value::as_str);
    let user = openid.and_then(|openid| desk.app.openids.get(openid));
    user.copied().ok_or_else(|| Refusal::of(errcode::INVALID_OPENID))
}
