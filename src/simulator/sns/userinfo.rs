//! `GET /sns/userinfo`: what a user granted an official account to know.

use serde::Serialize;

use super::auth::granted;
use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success};
use crate::simulator::world::Visit;

#[derive(Serialize)]
struct UserBody<'a> {
    openid: &'a str,
    nickname: &'a str,
    sex: u8,
    language: &'static str,
    city: &'static str,
    province: &'static str,
    country: &'static str,
    headimgurl: &'a str,
    privilege: [&'static str; 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    unionid: Option<String>,
}

/// Shows the user. WeChat: 48001 with scope `snsapi_base`; sex and place have been empty since 2021; the users of
/// snapshot pages are virtual.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the table of endpoints has one kind of function"
)]
pub(crate) fn serve(visit: Visit<'_>) -> Answer {
    let granted = granted(&visit)?;
    if !granted.grant.userinfo {
        return Err(Refusal::of(errcode::API_UNAUTHORIZED));
    }
    let user = visit.world.users.get(granted.user);
    let user = user.ok_or_else(|| Refusal::of(errcode::INVALID_OPENID))?;
    let snapshot = granted.grant.snapshot;
    let app = visit.world.apps.get(&granted.app_id);
    let account = app.and_then(|app| app.switches.open_account.as_ref());
    Ok(Success::json(&UserBody {
        openid: &granted.openid,
        nickname: if snapshot { "微信用户" } else { &user.nickname },
        sex: 0,
        language: "",
        city: "",
        province: "",
        country: "",
        headimgurl: if snapshot { "" } else { &user.avatar_url },
        privilege: [],
        unionid: account
            .filter(|_| !snapshot)
            .map(|account| visit.world.identities.unionid(account, &user.id)),
    }))
}
