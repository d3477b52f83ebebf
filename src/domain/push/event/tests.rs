//! Tests of the normalised event.

use serde_json::json;

use super::*;

fn event(body: &str) -> Result<Event, Malformed> {
    let payload = Payload::parse(body.as_bytes())?;
    let (app, app_id) = ("shop".parse().unwrap(), "wx1".parse().unwrap());
    Event::normalise(&app, &app_id, "evt_1".to_owned(), 99, payload)
}

fn of(members: &Value) -> Event {
    event(&members.to_string()).unwrap()
}

#[test]
fn an_event_has_the_documented_json() {
    let body = "<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><CreateTime>7</CreateTime>\
                <MsgType>TEXT</MsgType><Content>hello</Content><MsgId>18446744073709551615</MsgId>\
                <MsgDataId>9007199254740993</MsgDataId></xml>";
    let expected = json!({
        "id": "evt_1", "app": "shop", "app_id": "wx1", "kind": "message", "type": "text", "openid": "o1",
        "account": "gh_1", "created_at": 7, "received_at": 99,
        "ids": {"msg_id": "18446744073709551615", "msg_data_id": "9007199254740993"},
        "data": {"content": "hello", "msg_data_id": "9007199254740993"},
        "payload": {"format": "xml", "text": body}
    });
    let event = event(body).unwrap();
    assert_eq!(json!(event), expected);
    assert_eq!(event.text_of(), Some("hello"));
    assert_eq!(serde_json::from_value::<Event>(expected).unwrap(), event);
}

#[test]
fn only_the_type_must_be_there() {
    let bare = of(&json!({"MsgType": "event", "Event": "Subscribe", "EventKey": ""}));
    assert_eq!((bare.kind, bare.r#type.as_str()), (Kind::Event, "subscribe"));
    assert_eq!((bare.openid.as_deref(), bare.account.as_str()), (None, ""));
    assert_eq!((bare.created_at, bare.key.as_deref()), (99, None));
    assert_eq!(json!(bare)["openid"], Value::Null);
    assert!(json!(bare).get("key").is_none());
    assert_eq!(json!(bare)["ids"], json!({}));
    for (body, error) in [
        (
            r"<xml><InfoType>component_verify_ticket</InfoType></xml>",
            Malformed::Missing("MsgType"),
        ),
        (r#"{"MsgType":""}"#, Malformed::Missing("MsgType")),
        (r#"{"MsgType":null}"#, Malformed::Missing("MsgType")),
        (r#"{"MsgType":{"a":1}}"#, Malformed::Value("MsgType")),
        (r#"{"MsgType":"a\nb"}"#, Malformed::Value("MsgType")),
        (r#"{"MsgType":"event"}"#, Malformed::Missing("Event")),
        (
            r#"{"MsgType":"text","FromUserName":["a","b"]}"#,
            Malformed::Value("FromUserName"),
        ),
    ] {
        assert_eq!(event(body), Err(error), "{body}");
    }
    let long = json!({"MsgType": "x".repeat(MAX_NAME + 1)}).to_string();
    assert_eq!(event(&long), Err(Malformed::Value("MsgType")));
}

#[test]
fn times_are_read_either_way_and_nonsense_is_the_time_of_receipt() {
    for (time, expected) in [
        (json!(1_620_973_045), 1_620_973_045),
        (json!("1620973045"), 1_620_973_045),
        (json!(-1), 99),
        (json!("x"), 99),
        (json!(1.5), 99),
        (json!(u64::MAX), 99),
        (json!(LATEST + 1), 99),
    ] {
        let made = of(&json!({"MsgType": "text", "CreateTime": time}));
        assert_eq!(made.created_at, expected, "{time}");
    }
}

#[test]
fn ids_are_texts_and_exact() {
    let id = |value: Value| of(&json!({"MsgType": "text", "MsgId": value})).ids.msg_id;
    for exact in [9_007_199_254_740_993, u64::MAX] {
        assert_eq!(id(json!(exact)), Some(exact.to_string()));
        assert_eq!(id(json!(exact.to_string())), Some(exact.to_string()));
    }
    assert_eq!(id(json!(1e20)), None, "its last digits are lost");
    assert_eq!(id(json!("")), None);
    let job = of(&json!({"MsgType": "event", "Event": "templatesendjobfinish", "MsgID": 200_163_836}));
    assert_eq!(job.r#type, "TEMPLATESENDJOBFINISH");
    assert_eq!(job.ids.msg_id.as_deref(), Some("200163836"));
    assert_eq!(job.data["msg_id"], "200163836");
}

#[test]
fn what_is_unknown_is_kept() {
    let unknown =
        of(&json!({"MsgType": "event", "Event": "Some_New_Event", "New": {"DeepThing": [1, null]}}));
    assert_eq!(unknown.r#type, "Some_New_Event");
    assert_eq!(json!(unknown.data), json!({"new": {"deep_thing": [1, null]}}));
    assert!(!unknown.allows_reply(false));
    assert_eq!(of(&json!({"MsgType": "hologram"})).r#type, "hologram");
}

#[test]
fn an_event_is_about_the_person_and_not_about_a_robot() {
    let revoked = json!({"MsgType": "event", "Event": "user_authorization_revoke", "FromUserName": "robot",
                         "OpenID": "o1", "RevokeInfo": 201});
    let event = of(&revoked);
    assert_eq!(event.openid.as_deref(), Some("o1"));
    assert_eq!(event.data["revoke_info"], "201");
    let sent = of(&json!({"MsgType": "event", "Event": "MASSSENDJOBFINISH", "FromUserName": "mphelper"}));
    assert_eq!(sent.openid, None);
    let message = of(&json!({"MsgType": "text", "FromUserName": "o2", "OpenID": "o1"}));
    assert_eq!(message.openid.as_deref(), Some("o2"));
}

#[test]
fn repetitions_have_one_key_and_others_have_another() {
    let message =
        json!({"MsgType": "text", "FromUserName": "o1", "CreateTime": 1, "Content": "a", "MsgId": 5});
    let same =
        json!({"MsgType": "text", "FromUserName": "o1", "CreateTime": "1", "Content": "a", "MsgId": "5"});
    assert_eq!(of(&message).dedupe_key(), of(&same).dedupe_key());
    let base =
        json!({"MsgType": "event", "Event": "CLICK", "FromUserName": "o1", "CreateTime": 1, "EventKey": "k"});
    let mut keys = vec![of(&message).dedupe_key(), of(&base).dedupe_key()];
    for (member, value) in [
        ("MsgType", json!("text")),
        ("Event", json!("SCAN")),
        ("FromUserName", json!("o2")),
        ("FromUserName", json!("o1:1")),
        ("CreateTime", json!(2)),
        ("EventKey", json!("k2")),
        ("EventKey", json!("")),
        ("MsgID", json!(6)),
        ("trace_id", json!("t")),
        ("CardId", json!("c")),
    ] {
        let mut other = base.clone();
        other[member] = value;
        keys.push(of(&other).dedupe_key());
    }
    for id in ["1", "2"] {
        let list = json!([{"TemplateId": "T", "MsgID": id}]);
        keys.push(
            of(&json!({"MsgType": "event", "Event": "subscribe_msg_sent_event", "List": list})).dedupe_key(),
        );
    }
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), count, "{keys:#?}");
}

#[test]
fn replies_go_where_somebody_waits_for_them() {
    for (members, official, mini, transfer) in [
        (json!({"MsgType": "text"}), true, true, true),
        (json!({"MsgType": "hologram"}), true, true, true),
        (
            json!({"MsgType": "event", "Event": "subscribe"}),
            true,
            false,
            false,
        ),
        (json!({"MsgType": "event", "Event": "click"}), true, false, false),
        (
            json!({"MsgType": "event", "Event": "unsubscribe"}),
            false,
            false,
            false,
        ),
        (
            json!({"MsgType": "event", "Event": "LOCATION"}),
            false,
            false,
            false,
        ),
        (
            json!({"MsgType": "event", "Event": "TEMPLATESENDJOBFINISH"}),
            false,
            false,
            false,
        ),
        (
            json!({"MsgType": "event", "Event": "user_authorization_revoke"}),
            false,
            false,
            false,
        ),
        (
            json!({"MsgType": "event", "Event": "user_enter_tempsession"}),
            false,
            false,
            false,
        ),
    ] {
        let event = of(&members);
        let found = (
            event.allows_reply(false),
            event.allows_reply(true),
            event.allows_transfer(),
        );
        assert_eq!(found, (official, mini, transfer), "{members}");
    }
}
