//! `/cgi-bin/clear_quota` and `/cgi-bin/openapi/quota`: what an app has called today, and how that is set back
//! (API调用额度).

use serde_json::{Value, json};

use crate::simulator::credential::Claim;
use crate::simulator::endpoints::{self, Endpoint};
use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success, refuse};
use crate::simulator::world::{Desk, Visit};

/// `POST /cgi-bin/clear_quota`. WeChat: 40013 for another app than the token's, 48006 after ten times in a month.
pub(crate) fn clear_all(desk: &mut Desk<'_>) -> Answer {
    let app_id = desk.call.json()?.get("appid").and_then(Value::as_str);
    if app_id != Some(desk.app.id.as_str()) {
        return refuse(errcode::INVALID_APP_ID);
    }
    desk.app.limits.clear_all(desk.now)?;
    Ok(Success::ok())
}

/// `POST /cgi-bin/clear_quota/v2`: the same with the secret in the place of a token, for accounts that cannot get one
/// any more. WeChat has the parameters in the body, or in the query.
pub(crate) fn clear_all_by_secret(visit: Visit<'_>) -> Answer {
    let desk = Claim::of_account(visit.call)?.prove_account(visit)?;
    desk.app.limits.clear_all(desk.now)?;
    Ok(Success::ok())
}

/// `POST /cgi-bin/openapi/quota/get`. What is shown of a path without limits is our own choice: zeros, as in WeChat's
/// example.
pub(crate) fn get(desk: &mut Desk<'_>) -> Answer {
    let endpoint = named(desk)?;
    let limit = desk.app.limit(endpoint);
    let used = desk.app.limits.used(endpoint.path, desk.now);
    let daily = limit.daily.unwrap_or_default();
    let mut shown = json!({
        "errcode": 0,
        "errmsg": "ok",
        "quota": {"daily_limit": daily, "used": used, "remain": daily.saturating_sub(used)},
    });
    if let Some(calls) = limit.minute {
        shown["rate_limit"] = json!({"call_count": calls, "refresh_second": 60});
    }
    Ok(Success::json(&shown))
}

/// `POST /cgi-bin/openapi/quota/clear`: one path alone.
pub(crate) fn clear(desk: &mut Desk<'_>) -> Answer {
    let endpoint = named(desk)?;
    desk.app.limits.clear(endpoint.path, desk.now)?;
    Ok(Success::ok())
}

/// The endpoint of `cgi_path`. WeChat: 76003 with a host before it, 76022 under `/sns/` and for another kind of app.
fn named(desk: &Desk<'_>) -> Result<&'static Endpoint, Refusal> {
    let path = desk.call.json()?.get("cgi_path").and_then(Value::as_str);
    let path = path.unwrap_or_default();
    if path.contains("://") {
        return refuse(errcode::RID_OF_ANOTHER);
    }
    let endpoint = endpoints::find(path).ok_or_else(|| Refusal::of(errcode::PATH_UNKNOWN))?;
    if path.starts_with("/sns/") || !endpoint.serves(desk.app.kind) {
        return refuse(errcode::PATH_FORBIDDEN);
    }
    Ok(endpoint)
}
