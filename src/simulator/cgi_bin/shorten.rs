//! `/cgi-bin/shorten`: short keys for long texts (短key托管), which go by themselves.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::simulator::clock::Moment;
use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success, refuse};
use crate::simulator::world::Desk;

/// Bytes of a text, and seconds that it is kept at most and if nothing is said.
const MOST_BYTES: usize = 4 * 1_024;
const LONGEST: u32 = 2_592_000;
/// Keys of one account that are remembered.
const MOST_KEYS: usize = 1_000;

/// The short keys of one account.
#[derive(Debug, Clone, Default)]
pub(crate) struct ShortKeys(HashMap<String, Kept>);

#[derive(Debug, Clone)]
struct Kept {
    text: String,
    created: Moment,
    until: Moment,
}

/// `POST /cgi-bin/shorten/gen`.
pub(crate) fn generate(desk: &mut Desk<'_>) -> Answer {
    let body = desk.call.json()?;
    let text = body.get("long_data").and_then(Value::as_str).unwrap_or_default();
    let seconds = body.get("expire_seconds").and_then(Value::as_u64);
    let seconds = u32::try_from(seconds.unwrap_or(LONGEST.into())).unwrap_or(u32::MAX);
    if !(1..=MOST_BYTES).contains(&text.len()) || !(1..=LONGEST).contains(&seconds) {
        return refuse(errcode::INVALID_ARGUMENTS);
    }
    let (keys, now) = (&mut desk.app.short_keys.0, desk.now);
    keys.retain(|_, kept| kept.until > now);
    if keys.len() >= MOST_KEYS {
        return refuse(errcode::DAILY_QUOTA);
    }
    // WeChat: letters and digits alone.
    let key = format!("{}{}", desk.random.hex(10), desk.random.digits(5));
    let kept = Kept {
        text: text.to_owned(),
        created: now,
        until: now.plus(seconds),
    };
    keys.insert(key.clone(), kept);
    Ok(Success::json(
        &json!({"errcode": 0, "errmsg": "ok", "short_key": key}),
    ))
}

/// `POST /cgi-bin/shorten/fetch`. Which code an unknown key has is our own choice.
pub(crate) fn fetch(desk: &mut Desk<'_>) -> Answer {
    let key = desk.call.json()?.get("short_key").and_then(Value::as_str);
    let kept = key.and_then(|key| desk.app.short_keys.0.get(key));
    let kept = kept.filter(|kept| kept.until > desk.now);
    let kept = kept.ok_or_else(|| Refusal::of(errcode::INVALID_ARGUMENTS))?;
    Ok(Success::json(&json!({
        "errcode": 0,
        "errmsg": "ok",
        "long_data": kept.text,
        "create_time": kept.created.seconds(),
        "expire_seconds": desk.now.seconds_until(kept.until),
    })))
}
