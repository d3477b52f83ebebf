//! `GET /sns/oauth2/access_token`: the authorize page's code for a token and the user's openid.

use serde::Serialize;

use crate::simulator::credential::Claim;
use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success};
use crate::simulator::settings::AppKind;
use crate::simulator::web_tokens::{LIFETIME, WebGrant};
use crate::simulator::world::Visit;

#[derive(Serialize)]
struct TokenBody<'a> {
    access_token: &'a str,
    expires_in: u32,
    refresh_token: &'a str,
    openid: &'a str,
    scope: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_snapshotuser: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unionid: Option<String>,
}

/// Exchanges a code. WeChat: no allow list here; the unionid comes with scope `snsapi_userinfo` only.
pub(crate) fn serve(visit: Visit<'_>) -> Answer {
    let claim = Claim::in_query(visit.call)?;
    let code = visit
        .call
        .param("code")
        .ok_or_else(|| Refusal::of(errcode::CODE_MISSING))?;
    let desk = claim.prove(visit, "authorization_code")?;
    let (app, now) = (desk.app, desk.now);
    if app.kind != AppKind::Official {
        return Err(Refusal::of(errcode::INVALID_APP_ID));
    }
    app.charge(desk.endpoint, now)?;
    let (index, grant) = app.codes.look_granted(&code, now)?;
    // A code is made for a user that exists, and users are never removed.
    let user = desk
        .users
        .get(index)
        .ok_or_else(|| Refusal::of(errcode::INVALID_CODE))?;
    if user.high_risk {
        return Err(Refusal::of(errcode::CODE_BLOCKED));
    }
    app.codes.use_up(&code);
    let openid = if grant.snapshot {
        desk.identities.virtual_openid(&app.id, &user.id)
    } else {
        let openid = desk.identities.openid(&app.id, &user.id);
        app.openids.insert(openid.clone(), index);
        openid
    };
    let account = app.switches.open_account.as_ref();
    let unionid = account
        .filter(|_| grant.userinfo && !grant.snapshot)
        .map(|account| desk.identities.unionid(account, &user.id));
    let granted = WebGrant {
        app_id: app.id.clone(),
        user: index,
        openid: openid.clone(),
        grant,
    };
    let (access_token, refresh_token) = desk.web_tokens.issue(granted, now, desk.random);
    Ok(Success::json(&TokenBody {
        access_token: &access_token,
        expires_in: LIFETIME,
        refresh_token: &refresh_token,
        openid: &openid,
        scope: super::scope(grant),
        is_snapshotuser: grant.snapshot.then_some(1),
        unionid,
    }))
}
