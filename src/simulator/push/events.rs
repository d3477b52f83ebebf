//! The events that a user's doings and the platform's jobs make, as WeChat pushes them (接收事件推送, 消息推送).

use serde_json::{Map, Value};

use super::act::{Act, Effect, Replies, Scene};
use super::conversation::Action;
use super::fields::{Field, Or, fill};
use super::settings::PushFormat;
use crate::simulator::settings::AppKind;

const KEY: Field = Field("key", "EventKey", Or::Must);
const SCAN: &[Field] = &[
    Field("scene", "EventKey", Or::Text("")),
    Field("ticket", "Ticket", Or::Absent),
];
const CLICK: &[Field] = &[KEY];
const VIEW: &[Field] = &[
    Field("url", "EventKey", Or::Must),
    Field("menu_id", "MenuId", Or::Absent),
];
const VIEW_MINI: &[Field] = &[
    Field("path", "EventKey", Or::Must),
    Field("menu_id", "MenuId", Or::Absent),
];
const SCANCODE: &[Field] = &[
    KEY,
    Field("scan_type", "ScanCodeInfo.ScanType", Or::Text("qrcode")),
    Field("result", "ScanCodeInfo.ScanResult", Or::Text("1")),
];
const PICTURES: &[Field] = &[KEY, Field("pictures", "SendPicsInfo", Or::Absent)];
const PLACE: &[Field] = &[
    KEY,
    Field("x", "SendLocationInfo.Location_X", Or::Text("23")),
    Field("y", "SendLocationInfo.Location_Y", Or::Text("113")),
    Field("scale", "SendLocationInfo.Scale", Or::Text("15")),
    Field(
        "label",
        "SendLocationInfo.Label",
        Or::Text("广州市海珠区客村艺苑路 106号"),
    ),
    Field("poi", "SendLocationInfo.Poiname", Or::Text("")),
];
const LOCATION: &[Field] = &[
    Field("latitude", "Latitude", Or::Number(23.137_466)),
    Field("longitude", "Longitude", Or::Number(113.352_425)),
    Field("precision", "Precision", Or::Number(119.385_04)),
];
const ENTER: &[Field] = &[Field("session_from", "SessionFrom", Or::Text(""))];
const TEMPLATE: &[Field] = &[Field("status", "Status", Or::Text("success"))];
const REVOKE: &[Field] = &[
    Field("revoke_info", "RevokeInfo", Or::Text("1")),
    Field("plugin_id", "PluginID", Or::Absent),
    Field("open_pid", "OpenPID", Or::Absent),
];

/// An event, or why there is none. A type that no document knows is pushed with its members as they are.
pub(super) fn act(given: &Map<String, Value>, scene: &mut Scene<'_>) -> Result<Act, String> {
    let kind = given
        .get("type")
        .and_then(Value::as_str)
        .ok_or("type is missing")?;
    let (event, body) = body(kind, given, scene)?;
    let mut members = scene.head(given)?;
    members.insert("MsgType".into(), "event".into());
    members.insert("Event".into(), event.as_str().into());
    members.extend(body);
    if members.contains_key("OpenID") {
        // WeChat: these come from an account of the platform's own, not from the user.
        members.insert("FromUserName".into(), "oaKk346BaWE-eIn4oSRWbaM9vR7s".into());
    }
    let mut shown = given.clone();
    shown.insert("event".into(), event.as_str().into());
    Ok(Act {
        effect: effect(&event, kind),
        replies: replies(&event, scene.kind),
        members,
        shown: shown.into(),
    })
}

type Body = (String, Map<String, Value>);

fn body(kind: &str, given: &Map<String, Value>, scene: &mut Scene<'_>) -> Result<Body, String> {
    let (event, fields) = match kind.to_ascii_lowercase().as_str() {
        "unfollow" | "unsubscribe" => ("unsubscribe", &SCAN[..1]),
        "scan" if scene.follows == Some(true) => ("SCAN", SCAN),
        // WeChat: a scan by somebody who does not follow is a subscription when they do.
        "scan" | "follow" | "subscribe" => ("subscribe", SCAN),
        "click" => ("CLICK", CLICK),
        "view" => ("VIEW", VIEW),
        "view_miniprogram" => ("view_miniprogram", VIEW_MINI),
        "scancode_push" => ("scancode_push", SCANCODE),
        "scancode_waitmsg" => ("scancode_waitmsg", SCANCODE),
        "pic_sysphoto" => ("pic_sysphoto", PICTURES),
        "pic_photo_or_album" => ("pic_photo_or_album", PICTURES),
        "pic_weixin" => ("pic_weixin", PICTURES),
        "location_select" => ("location_select", PLACE),
        "location" => ("LOCATION", LOCATION),
        "enter_session" | "user_enter_tempsession" => ("user_enter_tempsession", ENTER),
        "template_sent" | "templatesendjobfinish" => ("TEMPLATESENDJOBFINISH", TEMPLATE),
        "authorization_revoke" | "user_authorization_revoke" => ("user_authorization_revoke", REVOKE),
        "authorization_cancellation" | "user_authorization_cancellation" => {
            ("user_authorization_cancellation", REVOKE)
        }
        "user_info_modified" => ("user_info_modified", REVOKE),
        "subscription_popup" | "subscribe_msg_popup_event" => {
            return Ok(listed(
                "subscribe_msg_popup_event",
                "SubscribeMsgPopupEvent",
                given,
                scene,
            ));
        }
        "subscription_change" | "subscribe_msg_change_event" => {
            return Ok(listed(
                "subscribe_msg_change_event",
                "SubscribeMsgChangeEvent",
                given,
                scene,
            ));
        }
        "subscription_sent" | "subscribe_msg_sent_event" => {
            return Ok(listed(
                "subscribe_msg_sent_event",
                "SubscribeMsgSentEvent",
                given,
                scene,
            ));
        }
        _ => {
            let mut members = given.clone();
            members.retain(|name, _| name != "type" && name != "create_time");
            return Ok((kind.to_owned(), members));
        }
    };
    let mut members = fill(given, fields, scene.random)?;
    match event {
        "subscribe" if !given.get("scene").is_none_or(|scene| scene == "") => {
            let scene = members.get("EventKey").map(words).unwrap_or_default();
            members.insert("EventKey".into(), format!("qrscene_{scene}").into());
        }
        "SCAN" => {
            let scene = members.get("EventKey").map(words).unwrap_or_default();
            members.insert("EventKey".into(), scene.into());
        }
        "TEMPLATESENDJOBFINISH" => {
            let status = members.shift_remove("Status");
            members.insert("MsgID".into(), scene.message_id(given)?);
            members.extend(status.map(|status| ("Status".to_owned(), status)));
        }
        "pic_sysphoto" | "pic_photo_or_album" | "pic_weixin" => {
            let pictures = given.get("pictures").and_then(Value::as_array).cloned();
            let pictures = pictures.unwrap_or_else(|| vec![scene.random.hex(32).into()]);
            members.insert("SendPicsInfo".into(), sent_pictures(&pictures));
        }
        _ => {}
    }
    if fields.iter().any(|Field(_, name, _)| *name == "RevokeInfo") {
        members.insert("OpenID".into(), scene.openid.into());
        members.insert("AppID".into(), scene.app_id.into());
    }
    if matches!(event, "subscribe" | "SCAN") && given.contains_key("scene") && !members.contains_key("Ticket")
    {
        members.insert("Ticket".into(), scene.random.word(96).into());
    }
    Ok((event.to_owned(), members))
}

fn words(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn sent_pictures(sums: &[Value]) -> Value {
    let item = |sum: &Value| serde_json::json!({"PicMd5Sum": sum});
    let items: Vec<Value> = sums.iter().map(item).collect();
    serde_json::json!({"Count": items.len(), "PicList": {"item": items}})
}

/// An event about templates. WeChat: XML has a member of its own around the list, JSON has not; and in JSON the numbers
/// of the list are texts.
fn listed(event: &str, wrapper: &str, given: &Map<String, Value>, scene: &Scene<'_>) -> Body {
    let mut items = given.get("list").and_then(Value::as_array).cloned();
    let items = items.get_or_insert_with(|| vec![Value::Object(Map::new())]);
    let items: Vec<Value> = items.iter().map(|item| item_of(event, item, scene)).collect();
    let mut members = Map::new();
    members.insert("List".into(), items.into());
    if scene.format == PushFormat::Xml {
        members = Map::from_iter([(wrapper.to_owned(), members.into())]);
    }
    members.extend(
        given
            .get("extra")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default(),
    );
    (event.to_owned(), members)
}

fn item_of(event: &str, item: &Value, scene: &Scene<'_>) -> Value {
    let given = |name: &str, or: &str| item.get(name).map_or_else(|| or.to_owned(), words);
    let number = |name: &str, or: &str| {
        let text = given(name, or);
        match (scene.format, text.parse::<u64>()) {
            (PushFormat::Xml, Ok(number)) => Value::from(number),
            _ => Value::from(text),
        }
    };
    let id = given("template_id", "VRR0UEO9VJOLs0MHlU0OilqX6MVFDwH3_3gz3Oc0NIc");
    let mut members = Map::new();
    members.insert("TemplateId".into(), id.into());
    if event == "subscribe_msg_sent_event" {
        members.insert("MsgID".into(), number("msg_id", &scene.id.to_string()));
        members.insert("ErrorCode".into(), number("error_code", "0"));
        members.insert("ErrorStatus".into(), given("error_status", "success").into());
        return members.into();
    }
    let popup = event == "subscribe_msg_popup_event";
    let status = given("status", if popup { "accept" } else { "reject" });
    members.insert("SubscribeStatusString".into(), status.into());
    if popup {
        let or = if scene.kind == AppKind::Mini { "0" } else { "2" };
        members.insert("PopupScene".into(), number("scene", or));
    }
    members.into()
}

/// What an event changes. WeChat: of the menu only these three let the app send messages.
fn effect(event: &str, kind: &str) -> Effect {
    let scan = kind.eq_ignore_ascii_case("scan");
    Effect {
        follows: match event {
            "subscribe" => Some(true),
            "unsubscribe" => Some(false),
            _ => None,
        },
        action: match event {
            "subscribe" if scan => Some(Action::Scan),
            "subscribe" => Some(Action::Follow),
            "SCAN" => Some(Action::Scan),
            "CLICK" | "scancode_push" | "scancode_waitmsg" => Some(Action::Menu),
            "user_enter_tempsession" => Some(Action::Enter),
            _ => None,
        },
    }
}

/// What may be answered to an event: something if a user waits for it in a talk.
pub(super) fn replies(event: &str, kind: AppKind) -> Replies {
    match event {
        "user_enter_tempsession" => Replies::ToEvent,
        _ if kind == AppKind::Mini => Replies::None,
        "unsubscribe" | "LOCATION" | "VIEW" | "view_miniprogram" | "debug_demo" => Replies::None,
        _ if event.ends_with("JOBFINISH")
            || event.starts_with("subscribe_msg_")
            || event.starts_with("user_authorization_")
            || event.starts_with("user_info_")
            || event.starts_with("kf_")
            || event.ends_with("_check")
            || event.starts_with("qualification_")
            || event.starts_with("naming_") =>
        {
            Replies::None
        }
        _ => Replies::ToEvent,
    }
}
