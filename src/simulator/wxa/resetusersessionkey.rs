//! `GET /wxa/resetusersessionkey`: a new session key for a user who has one.

use serde::Serialize;

use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success};
use crate::simulator::world::Desk;

#[derive(Serialize)]
struct ResetBody<'a> {
    errcode: i32,
    errmsg: &'static str,
    openid: &'a str,
    session_key: &'a str,
}

/// Replaces the key. WeChat: the old one dies, the new one inherits its end.
pub(crate) fn serve(desk: &mut Desk<'_>) -> Answer {
    let (user, openid) = super::named_user(desk)?;
    let no_key = || Refusal::of(errcode::NO_SESSION_KEY);
    let key = desk.app.sessions.key(user, desk.now).ok_or_else(no_key)?;
    if !super::proves(desk, key) {
        return Err(Refusal::of(errcode::INVALID_SIGNATURE));
    }
    let session_key = desk.app.sessions.replace(user, desk.random).ok_or_else(no_key)?;
    Ok(Success::json(&ResetBody {
        errcode: 0,
        errmsg: "ok",
        openid: &openid,
        session_key,
    }))
}
