//! `POST /cgi-bin/message/custom/typing` and `…/business/typing`: the user sees that somebody is typing.

use serde_json::Value;

use super::addressee;
use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success};
use crate::simulator::settings::AppKind;
use crate::simulator::world::Desk;

/// Of an official account.
pub(crate) fn official(desk: &mut Desk<'_>) -> Answer {
    serve(desk, AppKind::Official)
}

/// Of a mini program.
pub(crate) fn mini(desk: &mut Desk<'_>) -> Answer {
    serve(desk, AppKind::Mini)
}

/// WeChat: 40200 for an app of the other kind, 45072 for another command, 45080 and 45081 as the talk stands.
fn serve(desk: &mut Desk<'_>, kind: AppKind) -> Answer {
    if desk.app.kind != kind {
        return Err(Refusal::of(errcode::INVALID_ACCOUNT_TYPE));
    }
    let body = desk.call.json()?;
    let user = addressee(desk, body)?;
    let begins = match body.get("command").and_then(Value::as_str) {
        Some("Typing") => true,
        Some("CancelTyping") => false,
        _ => return Err(Refusal::of(errcode::INVALID_COMMAND)),
    };
    let talk = desk.app.conversations.entry(user).or_default();
    talk.typing(begins, desk.now)?;
    Ok(Success::ok())
}
