//! `/cgi-bin/menu` and `/cgi-bin/get_current_selfmenu_info`: custom menus (自定义菜单), default and conditional.

mod buttons;
pub(crate) mod store;

use serde_json::{Map, Value, json};

use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success, refuse};
use crate::simulator::world::Desk;
use store::Menu;

/// `POST /cgi-bin/menu/create`: puts a menu in the place of the one before.
pub(crate) fn create(desk: &mut Desk<'_>) -> Answer {
    let buttons = buttons::checked(readable(desk)?, desk.app, desk.now)?;
    let id = new_id(desk);
    desk.app.menus.replace(id, buttons);
    Ok(Success::ok())
}

/// `GET /cgi-bin/menu/get`. WeChat: 46003 without a menu; ids only where there are conditional ones.
pub(crate) fn get(desk: &mut Desk<'_>) -> Answer {
    let menus = &desk.app.menus;
    let default = menus.main().ok_or_else(|| Refusal::of(errcode::NO_MENU))?;
    if menus.conditional().is_empty() {
        return Ok(Success::json(&json!({"menu": {"button": default.buttons}})));
    }
    let shown = |menu: &Menu| json!({"button": menu.buttons, "matchrule": menu.rule, "menuid": menu.id});
    let conditional: Vec<Value> = menus.conditional().iter().map(shown).collect();
    Ok(Success::json(&json!({
        "menu": {"button": default.buttons, "menuid": default.id},
        "conditionalmenu": conditional,
    })))
}

/// `GET /cgi-bin/menu/delete`. WeChat: there need not be a menu.
#[expect(clippy::unnecessary_wraps, reason = "an endpoint answers so")]
pub(crate) fn delete(desk: &mut Desk<'_>) -> Answer {
    desk.app.menus.clear();
    Ok(Success::ok())
}

/// `GET /cgi-bin/get_current_selfmenu_info`. WeChat: here `sub_button` is an object with a list, and leaves have none.
#[expect(clippy::unnecessary_wraps, reason = "an endpoint answers so")]
pub(crate) fn current(desk: &mut Desk<'_>) -> Answer {
    let Some(menu) = desk.app.menus.main() else {
        return Ok(Success::json(
            &json!({"is_menu_open": 0, "selfmenu_info": {"button": []}}),
        ));
    };
    let bare = |button: &Value| {
        let mut button = button.clone();
        if let Some(button) = button.as_object_mut() {
            button.shift_remove("sub_button");
        }
        button
    };
    let shown = |button: &Value| {
        let below = button["sub_button"].as_array();
        let list: Vec<Value> = below.into_iter().flatten().map(bare).collect();
        let mut shown = bare(button);
        if !list.is_empty() {
            shown["sub_button"] = json!({"list": list});
        }
        shown
    };
    let buttons: Vec<Value> = menu.buttons.iter().map(shown).collect();
    Ok(Success::json(
        &json!({"is_menu_open": 1, "selfmenu_info": {"button": buttons}}),
    ))
}

/// `POST /cgi-bin/menu/addconditional`: a menu of some users only. WeChat: its id is a text here and a number in
/// menu/get.
pub(crate) fn add_conditional(desk: &mut Desk<'_>) -> Answer {
    let body = readable(desk)?;
    if desk.app.menus.main().is_none() {
        return refuse(errcode::NO_DEFAULT_MENU);
    }
    let buttons = buttons::checked(body, desk.app, desk.now)?;
    buttons::check_hosts(&buttons)?;
    let rule = body.get("matchrule").and_then(Value::as_object);
    let given = |(name, value): (&String, &Value)| {
        (*value != "" && !value.is_null()).then(|| (name.clone(), value.clone()))
    };
    let rule: Map<String, Value> = rule.into_iter().flatten().filter_map(given).collect();
    if rule.is_empty() {
        return refuse(errcode::EMPTY_RULE);
    }
    let id = new_id(desk);
    if !desk.app.menus.add(Menu { id, buttons, rule }) {
        return refuse(errcode::CONDITIONAL_COUNT);
    }
    Ok(Success::json(&json!({"menuid": id.to_string()})))
}

/// `POST /cgi-bin/menu/delconditional`.
pub(crate) fn delete_conditional(desk: &mut Desk<'_>) -> Answer {
    let id = desk.call.json()?.get("menuid");
    let id = id.and_then(|id| id.as_u64().or_else(|| id.as_str()?.parse().ok()));
    if id.is_some_and(|id| desk.app.menus.remove(id)) {
        return Ok(Success::ok());
    }
    refuse(errcode::NOT_CONDITIONAL)
}

/// `POST /cgi-bin/menu/trymatch`: the menu that a user sees.
pub(crate) fn try_match(desk: &mut Desk<'_>) -> Answer {
    let openid = desk.call.json()?.get("user_id").and_then(Value::as_str);
    let user = openid.and_then(|openid| desk.app.openids.get(openid));
    let user = user.ok_or_else(|| Refusal::of(errcode::NO_SUCH_USER))?;
    let menu = desk.app.menus.seen_by(desk.app.fans.tags_of(*user));
    let menu = menu.ok_or_else(|| Refusal::of(errcode::NO_MENU))?;
    Ok(Success::json(&json!({"button": menu.buttons})))
}

/// The body, unless its texts are in escapes. WeChat: 40033.
fn readable<'a>(desk: &Desk<'a>) -> Result<&'a Map<String, Value>, Refusal> {
    let call = desk.call;
    let body = call.json()?;
    if escaped(&call.body) {
        return refuse(errcode::ESCAPED_TEXT);
    }
    Ok(body)
}

/// Whether a character stands there as `\uXXXX`.
fn escaped(json: &[u8]) -> bool {
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        if *byte == b'\\' && bytes.next() == Some(&b'u') {
            return true;
        }
    }
    false
}

fn new_id(desk: &mut Desk<'_>) -> u64 {
    desk.random.digits(9).parse().unwrap_or_default()
}
