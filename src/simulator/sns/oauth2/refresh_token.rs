//! `GET /sns/oauth2/refresh_token`: extends a web page's token, or replaces it once it has expired.

use serde::Serialize;

use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success};
use crate::simulator::web_tokens::LIFETIME;
use crate::simulator::world::Visit;

#[derive(Serialize)]
struct TokenBody<'a> {
    access_token: &'a str,
    expires_in: u32,
    refresh_token: &'a str,
    openid: &'a str,
    scope: &'static str,
}

/// Refreshes. WeChat: no secret is asked for.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the table of endpoints has one kind of function"
)]
pub(crate) fn serve(visit: Visit<'_>) -> Answer {
    let required = |name, code| visit.call.param(name).ok_or_else(|| Refusal::of(code));
    let app_id = required("appid", errcode::APP_ID_MISSING)?;
    let refresh_token = required("refresh_token", errcode::REFRESH_TOKEN_MISSING)?;
    if visit.call.param("grant_type").as_deref() != Some("refresh_token") {
        return Err(Refusal::of(errcode::INVALID_GRANT_TYPE));
    }
    let desk = visit.world.desk(&app_id, visit.call, visit.endpoint, visit.now)?;
    desk.app.charge(desk.endpoint, desk.now)?;
    let (access_token, granted) = desk
        .web_tokens
        .refresh(&app_id, &refresh_token, desk.now, desk.random)?;
    Ok(Success::json(&TokenBody {
        access_token: &access_token,
        expires_in: LIFETIME,
        refresh_token: &refresh_token,
        openid: &granted.openid,
        scope: super::scope(granted.grant),
    }))
}
