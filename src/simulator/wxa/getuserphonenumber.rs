//! `POST /wxa/business/getuserphonenumber`: the phone number button's code for the user's number.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::simulator::app::App;
use crate::simulator::codes::CodeKind;
use crate::simulator::errcode;
use crate::simulator::reply::{Answer, ErrorStyle, Refusal, Success};
use crate::simulator::world::{Desk, Visit};

#[derive(Serialize)]
struct PhoneBody<'a> {
    errcode: i32,
    errmsg: &'static str,
    phone_info: PhoneInfo<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhoneInfo<'a> {
    phone_number: String,
    pure_phone_number: &'a str,
    country_code: &'a str,
    watermark: Watermark<'a>,
}

#[derive(Serialize)]
struct Watermark<'a> {
    timestamp: i64,
    appid: &'a str,
}

/// Exchanges a code. WeChat: 40029 for a code that is unknown, expired, used or of another kind, 40013 for another
/// app's.
pub(crate) fn serve(visit: Visit<'_>, app_id: &str) -> Answer {
    let Visit {
        call,
        endpoint,
        now,
        world,
    } = visit;
    let code = text(call.json()?, "code").unwrap_or_default();
    let answer = exchange(&mut world.desk(app_id, call, endpoint, now)?, code);
    let refused = |answer: &Answer| matches!(answer, Err(refusal) if refusal.code == errcode::INVALID_CODE);
    let elsewhere = |app: &App| app.id != app_id && app.codes.look(code, CodeKind::Phone, now).is_ok();
    if refused(&answer) && world.apps.values().any(elsewhere) {
        return Err(Refusal::of(errcode::INVALID_APP_ID));
    }
    answer
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    body.get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

fn exchange(desk: &mut Desk<'_>, code: &str) -> Answer {
    // Field reports: this endpoint's text has a hint of its own, whatever follows.
    let hint = desk.random.word(16);
    let bare = desk.app.switches.error_style == ErrorStyle::Bare;
    let invalid = || {
        let plain = Refusal::of(errcode::INVALID_CODE);
        if bare {
            return plain;
        }
        Refusal::with_text(plain.code, format!("{} hint: [{hint}]", plain.text))
    };
    let index = desk
        .app
        .codes
        .look(code, CodeKind::Phone, desk.now)
        .map_err(|_| invalid())?;
    let user = desk.users.get(index).ok_or_else(invalid)?;
    let openid = desk.identities.openid(&desk.app.id, &user.id);
    if text(desk.call.json()?, "openid").is_some_and(|given| given != openid) {
        return Err(Refusal::of(errcode::INVALID_OPENID));
    }
    desk.app.codes.use_up(code);
    Ok(Success::json(&PhoneBody {
        errcode: 0,
        errmsg: "ok",
        phone_info: PhoneInfo {
            phone_number: user.shown_phone(),
            pure_phone_number: &user.phone,
            country_code: &user.country_code,
            watermark: Watermark {
                timestamp: desk.now.seconds(),
                appid: &desk.app.id,
            },
        },
    }))
}
