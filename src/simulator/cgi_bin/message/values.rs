//! The values that templates take: what may stand in a place is told by the beginning of its name (参数值内容限制).

use serde_json::{Map, Value};

use crate::simulator::errcode;
use crate::simulator::reply::Refusal;

/// Refuses the first wrong value. WeChat: 47003, and the text names its place.
pub(crate) fn check(data: &Map<String, Value>) -> Result<(), Refusal> {
    let wrong = data.iter().find(|(name, given)| {
        let value = &given["value"];
        let text = value.as_str().map(str::to_owned);
        let text = text.or_else(|| value.is_number().then(|| value.to_string()));
        !text.is_some_and(|text| takes(name, &text))
    });
    match wrong {
        None => Ok(()),
        Some((name, _)) => Err(Refusal::with_text(
            errcode::INVALID_ARGUMENT,
            format!("argument invalid! data.{name}.value invalid"),
        )),
    }
}

/// Whether the place of this name takes this value.
fn takes(name: &str, value: &str) -> bool {
    let sort = name.trim_end_matches(|sign: char| sign.is_ascii_digit());
    let length = value.chars().count();
    let all = |fine: fn(char) -> bool| value.chars().all(fine);
    if value.is_empty() {
        return false;
    }
    if matches!(sort, "first" | "keyword" | "remark" | "content") {
        // Templates of before 2023 have places without rules.
        return true;
    }
    if value.chars().any(char::is_control) {
        return false;
    }
    match sort {
        "thing" => length <= 20,
        "number" => length <= 32 && all(|sign| sign.is_ascii_digit() || matches!(sign, '.' | '-')),
        "letter" => length <= 32 && all(|sign| sign.is_ascii_alphabetic()),
        "symbol" => length <= 5 && all(|sign| !sign.is_alphanumeric()),
        "character_string" => length <= 32 && all(|sign| sign.is_ascii_graphic() || sign == ' '),
        "time" | "date" => is_time(value, sort == "time"),
        "amount" => is_amount(value),
        "phone_number" => length <= 17 && all(|sign| sign.is_ascii_digit() || "+-()# *".contains(sign)),
        "car_number" => length <= 8,
        "name" => length <= if all(|sign| sign.is_ascii()) { 20 } else { 10 },
        "phrase" => length <= 5 && all(is_han),
        // Places that no document names, and those with lists of values.
        _ => true,
    }
}

fn is_han(sign: char) -> bool {
    ('\u{3400}'..='\u{9fff}').contains(&sign)
}

/// A day, a time of day, or both; a second one after `~`. WeChat: `2019年10月1日`, `2019-10-01 12:00`, `12:00:01`.
fn is_time(value: &str, alone: bool) -> bool {
    let one = |text: &str| {
        let mut words = text.split_whitespace();
        let (first, second) = (words.next().unwrap_or_default(), words.next());
        let right = match second {
            Some(second) => is_day(first) && is_clock(second),
            None => is_day(first) || (alone && is_clock(first)),
        };
        right && words.next().is_none()
    };
    value.split('~').count() <= 2 && value.split('~').all(one)
}

fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text
        .split(['年', '月', '-', '/', '.'])
        .map(|part| part.trim_end_matches('日'))
        .collect();
    let number =
        |part: &&str| (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.len() == 3 && parts.iter().all(number)
}

fn is_clock(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let number =
        |part: &&str| (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    matches!(parts.len(), 2 | 3) && parts.iter().all(number)
}

/// One sign of a currency, up to ten digits, decimals, 元.
fn is_amount(value: &str) -> bool {
    let value = value.trim_start_matches(['¥', '￥', '$', '€', '£']);
    let value = value.strip_suffix('元').unwrap_or(value);
    let (whole, rest) = value.split_once('.').unwrap_or((value, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    whole.len() <= 10 && digits(whole) && digits(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fit_their_places() {
        let right = [
            ("thing1", "二十个字以内的任何东西!"),
            ("number2", "12.50"),
            ("letter3", "abc"),
            ("symbol4", "#!"),
            ("character_string5", "AB-12 #7"),
            ("time6", "12:30"),
            ("time6", "2019年10月1日 15:01~2019年10月2日 15:01"),
            ("date7", "2019-12-25 09:42"),
            ("amount8", "￥100.5元"),
            ("phone_number9", "+86-0766-66888866"),
            ("car_number10", "粤A8Z888挂"),
            ("name11", "张三"),
            ("phrase3", "审核通过"),
            ("first", "any\nthing"),
            ("unheard_of", "x"),
        ];
        for (name, value) in right {
            assert!(takes(name, value), "{name}: {value}");
        }
        let wrong = [
            ("thing1", "二十一二十一二十一二十一二十一二十一二十一"),
            ("thing1", "a\nb"),
            ("thing1", ""),
            ("number2", "ten"),
            ("letter3", "a1"),
            ("symbol4", "a"),
            ("time6", "noon"),
            ("date7", "12:30"),
            ("amount8", "12345678901"),
            ("amount8", "free"),
            ("name11", "一二三四五六七八九十一"),
            ("phrase3", "六个汉字太多"),
            ("phrase3", "ok"),
        ];
        for (name, value) in wrong {
            assert!(!takes(name, value), "{name}: {value}");
        }
    }
}
