//! The members of a push in one form, whichever way WeChat wrote them: our spelling, documented types, lists as lists.
//! `docs/events.md` says the same to those who receive events.

use std::collections::HashMap;

use serde_json::{Map, Number, Value};

use super::known::{self, Type};
use super::payload::text_of;

/// Members that a normalised event has elsewhere.
const ELSEWHERE: [&str; 6] = [
    "ToUserName",
    "FromUserName",
    "CreateTime",
    "MsgType",
    "Event",
    "MsgId",
];

/// The objects around the list of a subscription event. XML has them, JSON has not, and an official sample has the
/// wrong one.
const WRAPPERS: [&str; 3] = [
    "SubscribeMsgPopupEvent",
    "SubscribeMsgChangeEvent",
    "SubscribeMsgSentEvent",
];

/// The members of a push of this type, without those that the event has elsewhere.
pub(super) fn normalised(r#type: &str, members: &Map<String, Value>) -> Map<String, Value> {
    let mut data = Data::default();
    let is_subscription = r#type.starts_with("subscribe_msg_") && known::event(r#type).is_some();
    let mut list = Vec::new();
    if is_subscription {
        data.members.insert("list".to_owned(), Value::Null);
    }
    for (name, value) in members {
        match value {
            _ if ELSEWHERE.contains(&name.as_str()) => {}
            Value::Object(wrapped) if is_subscription && WRAPPERS.contains(&name.as_str()) => {
                for (name, value) in wrapped {
                    if name == "List" {
                        list.extend(entries(value));
                    } else {
                        data.insert(name, value);
                    }
                }
            }
            _ if is_subscription && name == "List" => list.extend(entries(value)),
            _ => data.insert(name, value),
        }
    }
    if is_subscription {
        data.members.insert("list".to_owned(), Value::Array(list));
    }
    if let Some(scene) = scene(r#type, members) {
        data.insert("scene", &Value::String(scene));
    }
    data.members
}

/// The scene of the QR code that was scanned: the events of new and old followers write it differently.
fn scene(r#type: &str, members: &Map<String, Value>) -> Option<String> {
    let key = members.get("EventKey").and_then(text_of)?;
    let scene = match r#type {
        "SCAN" => &key,
        "subscribe" => key.strip_prefix("qrscene_")?,
        _ => return None,
    };
    (!scene.is_empty()).then(|| scene.to_owned())
}

/// Members under our names for them.
#[derive(Default)]
struct Data {
    members: Map<String, Value>,
    /// How many of WeChat's names made the same of ours. Counted, because somebody may send hundreds.
    same: HashMap<String, usize>,
}

impl Data {
    /// Adds a member, with a number if two of WeChat's names make the same.
    fn insert(&mut self, name: &str, value: &Value) {
        let value = typed(known::type_of(name), value);
        let name = known::renamed(name).map_or_else(|| snake_case(name), str::to_owned);
        let mut free = name.clone();
        while self.members.contains_key(&free) {
            let same = self.same.entry(name.clone()).or_insert(1);
            *same += 1;
            free = format!("{name}_{same}");
        }
        self.members.insert(free, value);
    }
}

/// A value of the documented type. What cannot be of that type stays what it is.
fn typed(kind: Option<Type>, value: &Value) -> Value {
    let converted = match (kind, value) {
        (Some(Type::Integer), Value::String(text)) => integer(text).map(Value::Number),
        (Some(Type::Decimal), Value::String(text)) => decimal(text).map(Value::Number),
        (Some(Type::Text), Value::Number(number)) => Some(Value::String(number.to_string())),
        (Some(Type::List), _) => Some(Value::Array(entries(value))),
        (Some(Type::Integers), _) => {
            let numbers = entries(value).into_iter();
            Some(numbers.map(|entry| typed(Some(Type::Integer), &entry)).collect())
        }
        _ => None,
    };
    converted.unwrap_or_else(|| plain(value))
}

/// A value whose type is not documented.
fn plain(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(plain).collect(),
        // An element with `item`s alone is how XML writes a list.
        Value::Object(members) if members.len() == 1 && members.contains_key("item") => {
            Value::Array(entries(value))
        }
        Value::Object(members) => {
            let mut data = Data::default();
            for (name, value) in members {
                data.insert(name, value);
            }
            Value::Object(data.members)
        }
        scalar => scalar.clone(),
    }
}

/// The entries of a list: one alone is a list of one, nothing is a list of none.
fn entries(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values.iter().map(plain).collect(),
        Value::Object(members) if members.len() == 1 && members.contains_key("item") => {
            entries(&members["item"])
        }
        Value::Null => Vec::new(),
        Value::String(text) if text.trim().is_empty() => Vec::new(),
        single => vec![plain(single)],
    }
}

fn integer(text: &str) -> Option<Number> {
    let text = text.trim();
    let signed = text.parse::<i64>().map(Number::from);
    signed.or_else(|_| text.parse::<u64>().map(Number::from)).ok()
}

fn decimal(text: &str) -> Option<Number> {
    Number::from_f64(text.trim().parse().ok()?)
}

/// `name` in lower case with `_` between words: `MediaId16K` becomes `media_id16k`, `HQMusicUrl` `hq_music_url`.
///
/// What is neither letter nor digit becomes `_`, so that no receiver and no store stumbles over a name.
fn snake_case(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let mut snake = String::with_capacity(name.len() + 4);
    for (place, &character) in characters.iter().enumerate() {
        let before = place.checked_sub(1).map(|place| characters[place]);
        let begins_word = character.is_uppercase()
            && before.is_some_and(|before| {
                let after = characters.get(place + 1);
                before.is_lowercase()
                    || (before.is_alphanumeric() && after.is_some_and(|after| after.is_lowercase()))
            });
        if (begins_word || !character.is_alphanumeric()) && !snake.is_empty() && !snake.ends_with('_') {
            snake.push('_');
        }
        if character.is_alphanumeric() {
            snake.extend(character.to_lowercase());
        }
    }
    let snake = snake.trim_end_matches('_');
    if snake.is_empty() {
        "member".to_owned()
    } else {
        snake.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::push::payload::Payload;

    fn data(r#type: &str, body: &str) -> Value {
        let members = Payload::parse(body.as_bytes()).unwrap().members;
        Value::Object(normalised(r#type, &members))
    }

    #[test]
    fn names_become_snake_case() {
        for (theirs, ours) in [
            ("Content", "content"),
            ("MediaId", "media_id"),
            ("MediaId16K", "media_id16k"),
            ("PicMd5Sum", "pic_md5_sum"),
            ("HQMusicUrl", "hq_music_url"),
            ("MsgID", "msg_id"),
            ("OpenPID", "open_pid"),
            ("Some_Thing", "some_thing"),
            ("publish_id", "publish_id"),
            ("a.b$c", "a_b_c"),
            ("__proto__", "proto"),
            ("$", "member"),
            ("ÄpfelUndBirnen", "äpfel_und_birnen"),
            ("名字", "名字"),
        ] {
            assert_eq!(snake_case(theirs), ours);
        }
    }

    #[test]
    fn members_are_of_the_same_type_in_both_formats() {
        let xml = "<xml><MsgType>x</MsgType><Scale>20</Scale><Location_X> 23.5 </Location_X><MsgID>1864323726461255680\
                   </MsgID><ErrorCode>-1</ErrorCode><TotalCount>18446744073709551615</TotalCount></xml>";
        let json = r#"{"Scale":20,"Location_X":23.5,"MsgID":1864323726461255680,"ErrorCode":"-1",
                       "TotalCount":18446744073709551615}"#;
        let expected = json!({
            "scale": 20, "latitude": 23.5, "msg_id": "1864323726461255680", "error_code": -1,
            "total_count": u64::MAX
        });
        assert_eq!(data("x", xml), expected);
        assert_eq!(data("x", json), expected);
    }

    #[test]
    fn a_value_that_is_not_of_its_type_stays_text() {
        for text in ["", "x", "1.5", "1e3", "99999999999999999999", "0x10", "１"] {
            let body = json!({ "Scale": text }).to_string();
            assert_eq!(data("x", &body), json!({ "scale": text }));
        }
        for text in ["", "inf", "NaN", "1e999", "23,5"] {
            let body = json!({ "Precision": text }).to_string();
            assert_eq!(data("x", &body), json!({ "precision": text }));
        }
    }

    #[test]
    fn subscription_lists_are_arrays_whatever_they_were() {
        let entry = json!({"TemplateId": "T", "SubscribeStatusString": "accept", "PopupScene": "0"});
        let ours = json!({"template_id": "T", "subscribe_status_string": "accept", "popup_scene": 0});
        let r#type = "subscribe_msg_popup_event";
        for (members, count) in [
            (json!({ "List": entry }), 1),
            (json!({ "List": [entry, entry] }), 2),
            (json!({ "List": [] }), 0),
            (json!({ "List": null }), 0),
            (json!({}), 0),
            (json!({ "SubscribeMsgPopupEvent": { "List": entry } }), 1),
            (json!({ "SubscribeMsgPopupEvent": { "List": [entry, entry] } }), 2),
            (json!({ "SubscribeMsgChangeEvent": { "List": entry } }), 1),
            (
                json!({ "SubscribeMsgSentEvent": { "List": entry }, "List": [entry] }),
                2,
            ),
        ] {
            let expected = json!({ "list": vec![ours.clone(); count] });
            assert_eq!(data(r#type, &members.to_string()), expected, "{members}");
        }
        let twice = data(r#type, r#"{"list":"x","List":"y"}"#);
        assert_eq!(twice, json!({"list": ["y"], "list_2": "x"}));
        let xml = "<xml><SubscribeMsgPopupEvent><List><PopupScene>2</PopupScene></List><List>\
                   <PopupScene>1</PopupScene></List></SubscribeMsgPopupEvent></xml>";
        assert_eq!(
            data(r#type, xml),
            json!({"list": [{"popup_scene": 2}, {"popup_scene": 1}]})
        );
    }

    #[test]
    fn lists_of_items_are_arrays_of_any_length() {
        let pictures =
            |inside: &str| format!("<xml><SendPicsInfo><Count>1</Count>{inside}</SendPicsInfo></xml>");
        let item = "<item><PicMd5Sum><![CDATA[1b5f]]></PicMd5Sum></item>";
        for count in 0..3 {
            let body = pictures(&format!("<PicList>{}</PicList>", item.repeat(count)));
            let list = vec![json!({"pic_md5_sum": "1b5f"}); count];
            assert_eq!(
                data("pic_weixin", &body),
                json!({"send_pics_info": {"count": 1, "pic_list": list}})
            );
        }
        let published = "<xml><PublishEventInfo><publish_id>2247503051</publish_id><publish_status>0</publish_status>\
                         <article_detail><count>1</count><item><idx>1</idx><article_url>u</article_url></item>\
                         </article_detail><fail_idx>1</fail_idx><fail_idx>2</fail_idx></PublishEventInfo></xml>";
        let expected = json!({"publish_event_info": {
            "publish_id": "2247503051", "publish_status": 0,
            "article_detail": {"count": 1, "item": [{"idx": 1, "article_url": "u"}]}, "fail_idx": [1, 2]
        }});
        assert_eq!(data("PUBLISHJOBFINISH", published), expected);
        let unknown = "<xml><Things><item><A>1</A></item></Things></xml>";
        assert_eq!(data("x", unknown), json!({"things": [{"a": "1"}]}));
    }

    #[test]
    fn nothing_is_lost_if_two_names_become_one() {
        let body = r#"{"OpenID":"1","openid":"2","open_id":"3","Open.Id":"4","scene":5}"#;
        let expected = json!({"openid": "1", "openid_2": "2", "open_id": "3", "open_id_2": "4", "scene": 5});
        assert_eq!(data("x", body), expected);
    }

    #[test]
    fn hundreds_of_names_that_become_one_take_no_time() {
        let mut names = vec![String::new()];
        for _ in 0..7 {
            let longer = |name: &String| ["_", "-", "."].map(|character| format!("{name}{character}"));
            names = names.iter().flat_map(longer).collect();
        }
        let members: Map<String, Value> = names.iter().map(|name| (format!("a{name}"), json!(1))).collect();
        let begun = std::time::Instant::now();
        let data = normalised("x", &members);
        assert_eq!(data.len(), 2187);
        assert_eq!(data["a_2187"], 1);
        assert!(
            begun.elapsed() < std::time::Duration::from_secs(1),
            "{:?}",
            begun.elapsed()
        );
    }

    #[test]
    fn the_scene_of_a_qr_code_has_one_name() {
        let of = |r#type, key: &str| data(r#type, &json!({ "EventKey": key }).to_string())["scene"].clone();
        assert_eq!(of("subscribe", "qrscene_123"), "123");
        assert_eq!(of("SCAN", "123"), "123");
        assert_eq!(of("SCAN", ""), Value::Null);
        assert_eq!(of("subscribe", ""), Value::Null);
        assert_eq!(of("subscribe", "last_trade_no_1"), Value::Null);
        assert_eq!(of("CLICK", "qrscene_1"), Value::Null);
    }
}
