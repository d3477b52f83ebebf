//! What may stand in the values of template and subscribe messages, by the kind of the keyword (订阅消息参数值内容限制说明).
//! Pure rules; which keywords a template has is known elsewhere.

use serde_json::{Map, Value};

use super::errcode;
use super::reply::Refusal;

/// A keyword of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    /// The member of `data`: the kind and a number, such as `thing1`.
    pub(crate) code: String,
    /// The values of an `enum` or `enum_string`.
    pub(crate) values: Vec<String>,
}

impl Key {
    /// A keyword without a list of values.
    pub(crate) fn new(code: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            values: Vec::new(),
        }
    }
}

/// Checks a message's `data` against its template. WeChat: 47003 names the first key whose value is missing or wrong.
pub(crate) fn check<'k>(
    keys: impl IntoIterator<Item = &'k Key>,
    data: Option<&Map<String, Value>>,
) -> Result<(), Refusal> {
    for key in keys {
        let value = data.and_then(|data| data.get(&key.code)?.get("value")?.as_str());
        if !value.is_some_and(|value| fits(key, value)) {
            let text = format!("argument invalid! data.{}.value invalid", key.code);
            return Err(Refusal::with_text(errcode::INVALID_VALUE, text));
        }
    }
    Ok(())
}

/// Whether the value is one of the keyword's kind. A kind that is none of these takes any text.
fn fits(key: &Key, value: &str) -> bool {
    let length = value.chars().count();
    if length == 0 || value.chars().any(char::is_control) {
        return false;
    }
    let all = |fine: fn(char) -> bool| value.chars().all(fine);
    let symbol = |one: char| !one.is_alphanumeric() && !one.is_whitespace();
    match key.code.trim_end_matches(|one: char| one.is_ascii_digit()) {
        "thing" => length <= 20,
        "number" => is_number(value, 32),
        "letter" => length <= 32 && all(|one| one.is_ascii_alphabetic()),
        "symbol" => length <= 5 && value.chars().all(symbol),
        "character_string" => length <= 32 && all(|one| one == ' ' || one.is_ascii_graphic()),
        "time" => is_range(value, true),
        "date" => is_range(value, false),
        "amount" => is_amount(value),
        "phone_number" => length <= 17 && all(|one| one.is_ascii() && !one.is_ascii_alphabetic()),
        "car_number" => length <= 8 && all(|one| is_han(one) || one.is_ascii_alphanumeric()),
        "name" => {
            let most = if value.chars().any(is_han) { 10 } else { 20 };
            length <= most && all(|one| !one.is_numeric())
        }
        "phrase" => length <= 5 && all(is_han),
        "enum" | "enum_string" => key.values.iter().any(|listed| listed == value),
        _ => true,
    }
}

fn is_han(one: char) -> bool {
    matches!(one, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{2ebef}')
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_number(text: &str, most: usize) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let count = text.bytes().filter(u8::is_ascii_digit).count();
    let fine = match text.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(text),
    };
    fine && count <= most
}

fn is_amount(text: &str) -> bool {
    let text = text.strip_prefix(['¥', '￥', '$', '€', '£']).unwrap_or(text);
    is_number(text.strip_suffix('元').unwrap_or(text), 10)
}

/// One moment, or two with `~` between them. A time has an hour in each and may have a day; a date has a day first.
fn is_range(text: &str, time: bool) -> bool {
    let (first, last) = match text.split_once('~') {
        Some((first, last)) => (first.trim(), Some(last.trim())),
        None => (text.trim(), None),
    };
    let moment = |text: &str| match text.split_once(' ') {
        Some((day, hour)) => is_day(day) && is_hour(hour.trim()),
        None if time => is_hour(text),
        None => is_day(text),
    };
    moment(first) && last.is_none_or(|last| moment(last) || is_hour(last))
}

fn is_hour(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let within = |part: &str, most: u32| {
        part.len() <= 2 && digits(part) && part.parse::<u32>().is_ok_and(|number| number <= most)
    };
    let most = [24, 59, 59];
    (2..=3).contains(&parts.len()) && parts.iter().zip(most).all(|(part, most)| within(part, most))
}

fn is_day(text: &str) -> bool {
    let plain = match text.strip_suffix('日') {
        Some(rest) => rest.replacen('年', "-", 1).replacen('月', "-", 1),
        None => text.to_owned(),
    };
    ['-', '/', '.'].iter().any(|separator| {
        let parts: Vec<&str> = plain.split(*separator).collect();
        let [year, month, day] = parts.as_slice() else {
            return false;
        };
        let within = |part: &str, most: u32| {
            part.len() <= 2
                && digits(part)
                && part.parse().is_ok_and(|number: u32| (1..=most).contains(&number))
        };
        year.len() == 4 && digits(year) && within(month, 12) && within(day, 31)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_follow_the_rule_of_their_kind() {
        let long = "9".repeat(32);
        let cases: &[(&str, &[&str], &[&str])] = &[
            (
                "thing1",
                &["二十个字以内的任意文字abc!1", "😀"],
                &["", "a\nb", "一二三四五六七八九十一二三四五六七八九十1"],
            ),
            (
                "number2",
                &["0", "-1.50", &long],
                &["1.", ".5", "1e3", "12a", "999999999999999999999999999999999"],
            ),
            ("letter3", &["abcXYZ"], &["ab1", "ab c", "中"]),
            ("symbol4", &["+-*/!", "。"], &["++++++", "a", "1"]),
            (
                "character_string5",
                &["A-1 b#"],
                &["中", "123456789012345678901234567890123"],
            ),
            (
                "time6",
                &[
                    "15:01",
                    "2019年10月1日 15:01",
                    "2019-10-01 15:01:59",
                    "15:01~16:02",
                ],
                &["15", "25:00", "15:60", "2019-10-01", "15:01~"],
            ),
            (
                "date7",
                &[
                    "2019年10月1日",
                    "2019-10-1",
                    "2019/10/01",
                    "2019.10.01",
                    "2019-12-25 09:42",
                    "2019-12-25~2019-12-26",
                ],
                &["2019-13-01", "2019-10", "19-10-01", "2019-10/01", "tomorrow"],
            ),
            (
                "amount8",
                &["100", "￥100.5", "$1", "100元"],
                &["￥￥1", "12345678901", "元", "1,000"],
            ),
            (
                "phone_number9",
                &["+86-0766-66888866"],
                &["138abc", "123456789012345678"],
            ),
            ("car_number10", &["粤A8Z888挂"], &["粤A8Z888挂1", "粤A-888"]),
            (
                "name11",
                &["一二三四五六七八九十", "John F. Kennedy Jnr."],
                &[
                    "一二三四五六七八九十一",
                    "张三abcdefghi",
                    "a1",
                    "abcdefghijklmnopqrstu",
                ],
            ),
            ("phrase12", &["审核通过"], &["一二三四五六", "ok"]),
            ("keyword1", &["any text 1"], &["", "a\u{7}"]),
        ];
        for (key, good, bad) in cases {
            let key = Key::new(*key);
            for value in *good {
                assert!(fits(&key, value), "{} {value}", key.code);
            }
            for value in *bad {
                assert!(!fits(&key, value), "{} {value}", key.code);
            }
        }
        let key = Key {
            code: "enum_string2".into(),
            values: vec!["客厅".into()],
        };
        assert!(fits(&key, "客厅") && !fits(&key, "卧室"));
    }

    #[test]
    fn the_first_bad_key_of_the_template_is_named() {
        let keys = [Key::new("thing1"), Key::new("phrase4"), Key::new("date2")];
        let data = json!({"date2": {"value": "never"}, "phrase4": {"value": 5}, "thing1": {"value": "x"}});
        let refusal = check(&keys, data.as_object()).unwrap_err();
        assert_eq!(refusal.code, 47_003);
        assert_eq!(refusal.text, "argument invalid! data.phrase4.value invalid");
        assert_eq!(
            check(&keys, None).unwrap_err().text,
            "argument invalid! data.thing1.value invalid"
        );
        assert!(check(&keys[..1], data.as_object()).is_ok());
    }
}
