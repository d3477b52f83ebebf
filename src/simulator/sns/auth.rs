//! `GET /sns/auth`: whether a web page's token is good for an openid.

use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success};
use crate::simulator::web_tokens::WebGrant;
use crate::simulator::world::{Desk, Visit};

/// Checks both.
pub(crate) fn serve(visit: Visit<'_>) -> Answer {
    let (mut desk, granted) = granted(visit)?;
    named(&mut desk, &granted)?;
    Ok(Success::ok())
}

/// What the call's token stands for. An app's own token is no web page's: 40001.
pub(super) fn granted(visit: Visit<'_>) -> Result<(Desk<'_>, WebGrant), Refusal> {
    let Visit {
        call,
        endpoint,
        now,
        world,
    } = visit;
    let token = call
        .param("access_token")
        .ok_or_else(|| Refusal::of(errcode::TOKEN_MISSING))?;
    if world.tokens.owner(&token).is_some() {
        return Err(Refusal::of(errcode::INVALID_CREDENTIAL));
    }
    let granted = world.web_tokens.check(&token, now)?.clone();
    let desk = world.desk(&granted.app_id, call, endpoint, now)?;
    Ok((desk, granted))
}

/// Counts the call and checks whom it names. WeChat: 40003 for another openid than the token's.
pub(super) fn named(desk: &mut Desk<'_>, granted: &WebGrant) -> Result<(), Refusal> {
    desk.app.charge(desk.endpoint, desk.now)?;
    let openid = desk.call.param("openid");
    let openid = openid.ok_or_else(|| Refusal::of(errcode::OPENID_MISSING))?;
    if granted.openid != openid {
        return Err(Refusal::of(errcode::INVALID_OPENID));
    }
    Ok(())
}
