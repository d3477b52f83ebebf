//! `/cgi-bin/callback/check`, `/cgi-bin/getcallbackip`, `/cgi-bin/get_api_domain_ip`: what a server's administrator asks
//! about the network. The addresses are switches of the app.

use serde_json::{Value, json};

use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success};
use crate::simulator::world::Desk;

const OPERATORS: [&str; 4] = ["CHINANET", "UNICOM", "CAP", "DEFAULT"];

/// Where pushes come from.
#[expect(clippy::unnecessary_wraps, reason = "an endpoint answers so")]
pub(crate) fn callback_ips(desk: &mut Desk<'_>) -> Answer {
    Ok(Success::json(&json!({"ip_list": desk.app.switches.callback_ips})))
}

/// Where the API is.
#[expect(clippy::unnecessary_wraps, reason = "an endpoint answers so")]
pub(crate) fn api_ips(desk: &mut Desk<'_>) -> Answer {
    Ok(Success::json(&json!({"ip_list": desk.app.switches.api_ips})))
}

/// A check of the server's name and line, which is made up. WeChat: 40201 without a server, 40202 and 40203 for
/// parameters.
pub(crate) fn check(desk: &mut Desk<'_>) -> Answer {
    let body = desk.call.json()?;
    let text = |name: &str, or: &str| {
        let value = body.get(name).map(|value| value.as_str().unwrap_or_default());
        value.unwrap_or(or).to_owned()
    };
    let (dns, ping) = match text("action", "all").as_str() {
        "dns" => (true, false),
        "ping" => (false, true),
        "all" => (true, true),
        _ => return Err(Refusal::of(errcode::INVALID_ACTION)),
    };
    let operator = text("check_operator", "DEFAULT");
    if !OPERATORS.contains(&operator.as_str()) {
        return Err(Refusal::of(errcode::INVALID_OPERATOR));
    }
    if desk.app.server.is_none() {
        return Err(Refusal::of(errcode::INVALID_URL));
    }
    let operator = if operator == "DEFAULT" {
        "UNICOM"
    } else {
        &operator
    };
    let ip = "127.0.0.1";
    let mut answer = json!({});
    if dns {
        answer["dns"] = json!([{"ip": ip, "real_operator": operator}]);
    }
    if ping {
        let reached = json!({"ip": ip, "from_operator": operator, "package_loss": "0%", "time": "0.079ms"});
        answer["ping"] = Value::from(vec![reached]);
    }
    Ok(Success::json(&answer))
}
