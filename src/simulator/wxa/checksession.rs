//! `GET /wxa/checksession`: whether a session key is the user's current one.

use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success};
use crate::simulator::world::Desk;

/// Checks the signature. WeChat: 87009 for a wrong signature and for an old key alike.
pub(crate) fn serve(desk: &mut Desk<'_>) -> Answer {
    let (user, _) = super::named_user(desk)?;
    match desk.app.sessions.key(user, desk.now) {
        Some(key) if super::proves(desk, key) => Ok(Success::ok()),
        _ => Err(Refusal::of(errcode::INVALID_SIGNATURE)),
    }
}
