//! `GET /sns/auth`: whether a web page's token is good for an openid.

use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success};
use crate::simulator::web_tokens::WebGrant;
use crate::simulator::world::Visit;

/// Checks both.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the table of endpoints has one kind of function"
)]
pub(crate) fn serve(visit: Visit<'_>) -> Answer {
    granted(&visit)?;
    Ok(Success::ok())
}

/// What the call's token stands for. WeChat: 40003 for another openid; an app's own token is no web page's: 40001.
pub(super) fn granted<'a>(visit: &'a Visit<'_>) -> Result<&'a WebGrant, Refusal> {
    let required = |name, code| visit.call.param(name).ok_or_else(|| Refusal::of(code));
    let token = required("access_token", errcode::TOKEN_MISSING)?;
    let openid = required("openid", errcode::OPENID_MISSING)?;
    if visit.world.tokens.owner(&token).is_some() {
        return Err(Refusal::of(errcode::INVALID_CREDENTIAL));
    }
    let granted = visit.world.web_tokens.check(&token, visit.now)?;
    if granted.openid != openid {
        return Err(Refusal::of(errcode::INVALID_OPENID));
    }
    Ok(granted)
}
