//! `POST /cgi-bin/message/subscribe/send` and `…/bizsend`: subscribe messages (订阅消息, 订阅通知), which users see in the
//! transcript if they agreed to them.

use serde_json::{Map, Value};

use super::addressee;
use crate::simulator::app::App;
use crate::simulator::errcode;
use crate::simulator::push::records::Kind;
use crate::simulator::reply::{Answer, Refusal, Success};
use crate::simulator::value_rules;
use crate::simulator::world::Desk;
use crate::simulator::wxa;

/// WeChat: both have defaults, though a table calls them required.
const CHOICES: [(&str, &[&str]); 2] = [
    ("miniprogram_state", &["developer", "trial", "formal"]),
    ("lang", &["zh_CN", "en_US", "zh_HK", "zh_TW"]),
];

/// Of a mini program. WeChat: 40003, 40037, 41030 for an unknown page, 47003, 43101.
pub(crate) fn mini(desk: &mut Desk<'_>) -> Answer {
    serve(desk, |app, body| {
        for (name, known) in CHOICES {
            let given = body.get(name).map(|given| given.as_str().unwrap_or_default());
            if given.is_some_and(|given| !known.contains(&given)) {
                return Err(Refusal::of(errcode::INVALID_ARGUMENTS));
            }
        }
        let page = body.get("page").and_then(Value::as_str).unwrap_or_default();
        if page.is_empty() {
            return Ok(());
        }
        wxa::known_page(app, page)
    })
}

/// Of an official account, whose page is one of the web.
pub(crate) fn official(desk: &mut Desk<'_>) -> Answer {
    serve(desk, |_, body| {
        let page = body.get("page").and_then(Value::as_str).unwrap_or_default();
        if page.is_empty() || page.starts_with("http://") || page.starts_with("https://") {
            return Ok(());
        }
        Err(Refusal::of(errcode::INVALID_PAGE))
    })
}

type CheckPage = fn(&App, &Map<String, Value>) -> Result<(), Refusal>;

fn serve(desk: &mut Desk<'_>, check_page: CheckPage) -> Answer {
    let body = desk.call.json()?;
    let user = addressee(desk, body)?;
    let id = body
        .get("template_id")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let template = desk.app.subscriptions.template(id)?;
    check_page(desk.app, body)?;
    let keys = template.keywords.iter().map(|keyword| &keyword.key);
    value_rules::check(keys, body.get("data").and_then(Value::as_object))?;
    if !desk.app.switches.endless_subscriptions {
        desk.app.subscriptions.take(user, id)?;
    }
    let name = desk.users.get(user).map(|user| user.id.clone());
    let mut shown = body.clone();
    shown.remove("touser");
    let place = (desk.app.id.as_str(), name.as_deref().unwrap_or_default());
    desk.transcript
        .add(place, Kind::Subscribe, None, shown.into(), desk.now);
    let msg_id = desk.message_id();
    desk.cause_subscription_result(user, msg_id, id);
    Ok(Success::ok())
}
