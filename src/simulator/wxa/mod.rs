//! `/wxa`: session keys and phone numbers so far.

use crate::simulator::errcode;
use crate::simulator::reply::Refusal;
use crate::simulator::sessions;
use crate::simulator::world::Desk;

pub(crate) mod checksession;
pub(crate) mod getuserphonenumber;
pub(crate) mod resetusersessionkey;

/// The user a session call names, and the openid it names the user by.
///
/// WeChat: 40003 for another app's openid, 87008 for any method but `hmac_sha256`.
fn named_user(desk: &Desk<'_>) -> Result<(usize, String), Refusal> {
    let openid = desk
        .call
        .param("openid")
        .ok_or_else(|| Refusal::of(errcode::OPENID_MISSING))?;
    let user = desk.app.openids.get(openid.as_ref()).copied();
    let user = user.ok_or_else(|| Refusal::of(errcode::INVALID_OPENID))?;
    if desk.call.param("sig_method").as_deref() != Some("hmac_sha256") {
        return Err(Refusal::of(errcode::INVALID_SIGNATURE_METHOD));
    }
    Ok((user, openid.into_owned()))
}

/// Whether the call proves this session key.
fn proves(desk: &Desk<'_>, session_key: &str) -> bool {
    desk.call
        .param("signature")
        .is_some_and(|given| given == sessions::signature(session_key))
}
