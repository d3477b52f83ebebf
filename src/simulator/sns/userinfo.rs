//! `GET /sns/userinfo`: what a user granted an official account to know.

use serde::Serialize;

use super::auth::{granted, named};
use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success};
use crate::simulator::world::Visit;

#[derive(Serialize)]
struct UserBody<'a> {
    openid: &'a str,
    nickname: &'a str,
    sex: u8,
    province: &'static str,
    city: &'static str,
    country: &'static str,
    headimgurl: &'a str,
    privilege: [&'static str; 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    unionid: Option<String>,
}

/// Shows the user. WeChat: 48001 with scope `snsapi_base`; sex and place have been empty since 2021; the users of
/// snapshot pages are virtual.
pub(crate) fn serve(visit: Visit<'_>) -> Answer {
    let (mut desk, granted) = granted(visit)?;
    if !granted.grant.userinfo {
        return Err(Refusal::of(errcode::API_UNAUTHORIZED));
    }
    named(&mut desk, &granted)?;
    let user = desk.users.get(granted.user);
    let user = user.ok_or_else(|| Refusal::of(errcode::INVALID_OPENID))?;
    let snapshot = granted.grant.snapshot;
    let account = desk.app.switches.open_account.as_ref();
    Ok(Success::json(&UserBody {
        openid: &granted.openid,
        nickname: if snapshot { "微信用户" } else { &user.nickname },
        sex: 0,
        province: "",
        city: "",
        country: "",
        headimgurl: if snapshot { "" } else { &user.avatar_url },
        privilege: [],
        unionid: account
            .filter(|_| !snapshot)
            .map(|account| desk.identities.unionid(account, &user.id)),
    }))
}
