//! `POST /wxa/getuserriskrank`: how risky a user is (安全风控等级): 4 for a user who is high-risk, 0 for everybody else.

use serde_json::{Value, json};

use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success};
use crate::simulator::world::Desk;

/// Ranks a user. WeChat: 40129 for a scene, 43104 for another `AppID` than the caller's, 40003 and 61010 for the user.
pub(crate) fn serve(desk: &mut Desk<'_>) -> Answer {
    let body = desk.call.json()?;
    if body.get("appid").and_then(Value::as_str) != Some(&desk.app.id) {
        return Err(Refusal::of(errcode::APP_ID_MISMATCH));
    }
    super::check_scene(body, 0..=2)?;
    let user = super::recent_visitor(desk, body)?;
    let high_risk = desk.users.get(user).is_some_and(|user| user.high_risk);
    // WeChat: the member is spelled so.
    Ok(Success::json(&json!({
        "errcode": 0,
        "errmsg": "getuserriskrank succ",
        "risk_rank": if high_risk { 4 } else { 0 },
        "unoin_id": 2_258_658_297_u64,
    })))
}
