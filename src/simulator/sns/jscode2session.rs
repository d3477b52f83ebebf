//! `GET /sns/jscode2session`: a login code for the user's openid and session key.

use actix_web::http::Method;
use serde::Serialize;

use crate::simulator::codes::CodeKind;
use crate::simulator::credential::Claim;
use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success};
use crate::simulator::settings::AppKind;
use crate::simulator::world::Visit;

#[derive(Serialize)]
struct SessionBody<'a> {
    session_key: &'a str,
    openid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unionid: Option<String>,
}

/// Exchanges a code. WeChat: no allow list here, and a refused exchange leaves the code as it was.
pub(crate) fn serve(visit: Visit<'_>) -> Answer {
    if visit.call.method != Method::GET {
        return Err(Refusal::of(errcode::APP_ID_MISSING));
    }
    let claim = Claim::in_query(visit.call)?;
    let code = visit
        .call
        .param("js_code")
        .ok_or_else(|| Refusal::of(errcode::CODE_MISSING))?;
    let desk = claim.prove(visit, "authorization_code")?;
    let (app, now) = (desk.app, desk.now);
    if app.kind != AppKind::Mini {
        return Err(Refusal::of(errcode::INVALID_APP_ID));
    }
    app.charge(desk.endpoint, now)?;
    let index = app.codes.look(&code, CodeKind::Login, now)?;
    // A code is made for a user that exists, and users are never removed.
    let user = desk
        .users
        .get(index)
        .ok_or_else(|| Refusal::of(errcode::INVALID_CODE))?;
    if user.high_risk {
        return Err(Refusal::of(errcode::CODE_BLOCKED));
    }
    app.count_login(index, now)?;
    app.codes.use_up(&code);
    let openid = desk.identities.openid(&app.id, &user.id);
    app.openids.insert(openid.clone(), index);
    let unionid = app
        .switches
        .open_account
        .as_ref()
        .map(|account| desk.identities.unionid(account, &user.id));
    let rule = app.session_rule();
    let session_key = app.sessions.log_in(index, rule, now, desk.random);
    Ok(Success::json(&SessionBody {
        session_key,
        openid: &openid,
        unionid,
    }))
}
