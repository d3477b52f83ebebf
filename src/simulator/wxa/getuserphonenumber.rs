//! `POST /wxa/business/getuserphonenumber`: the phone number button's code for the user's number.

use serde::Serialize;
use serde_json::Value;

use crate::simulator::codes::CodeKind;
use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success};
use crate::simulator::world::Desk;

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

/// Exchanges a code. WeChat: 40029 for a code that is unknown, expired, used or of another kind.
pub(crate) fn serve(desk: &mut Desk<'_>) -> Answer {
    let invalid = || Refusal::of(errcode::INVALID_CODE);
    let body = desk.call.json()?;
    let text = |name| {
        body.get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let code = text("code").ok_or_else(invalid)?;
    let index = desk
        .app
        .codes
        .look(code, CodeKind::Phone, desk.now)
        .map_err(|_| invalid())?;
    let user = desk.users.get(index).ok_or_else(invalid)?;
    let openid = desk.identities.openid(&desk.app.id, &user.id);
    if text("openid").is_some_and(|given| given != openid) {
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
