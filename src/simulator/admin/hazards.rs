//! Pushes that are hard to read, one of each sort, as field reports know them or WeChat may send them one day.

use std::time::Duration;

use actix_web::web::{Bytes, Data, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::codes::kind_of;
use super::error::AdminError;
use super::{input, push};
use crate::simulator::platform::Platform;
use crate::simulator::settings::AppKind;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    app_id: String,
    user: Option<String>,
}

/// Pushes all of them, one after the other.
pub(super) async fn create(platform: Data<Platform>, body: Bytes) -> Result<Json<Value>, AdminError> {
    let wanted: Wanted = input::body(&body)?;
    let kind = kind_of(&platform.world(), &wanted.app_id)?;
    let mut done = Vec::new();
    for (name, mut order) in samples(kind) {
        order["app_id"] = wanted.app_id.as_str().into();
        order["user"] = wanted.user.as_deref().unwrap_or("hazard").into();
        let parcel = push::begin(&platform, &input::body(order.to_string().as_bytes())?)?;
        let report = push::send(&platform, vec![parcel], false, Duration::ZERO, true).await?;
        done.push(json!({"hazard": name, "push": report.first()}));
    }
    Ok(Json(json!({"pushes": done})))
}

fn samples(kind: AppKind) -> Vec<(&'static str, Value)> {
    let text = |content: &str| json!({"content": content});
    let mut samples = vec![
        ("emoji and other planes", json!({"message": text("😀👨‍👩‍👧‍👦 𠮷 é")})),
        (
            "the end of CDATA",
            json!({"message": text("a]]>b]]]]>c<![CDATA[d")}),
        ),
        (
            "signs of markup",
            json!({"message": text("<a href=\"x\">&amp; &#0; %s ${x}</a>\n\t")}),
        ),
        (
            "the largest MsgId",
            json!({"message": {"content": "big", "msg_id": 9_223_372_036_854_775_807_i64}}),
        ),
        (
            "numbers as texts",
            json!({"message": text("texts"), "hazards": {"numbers_as_text": true}}),
        ),
        (
            "unknown members",
            json!({"message": text("more"), "hazards": {"extra_members": true}}),
        ),
        (
            "line breaks between elements",
            json!({"message": text("blanks"), "hazards": {"blanks": true}}),
        ),
        (
            "an unknown type of message",
            json!({"raw": {"MsgType": "simulated_new", "MsgId": 1, "X": {"Y": [1, 2]}}}),
        ),
        (
            "an unknown event",
            json!({"event": {"type": "simulated_new_event", "Some": "thing"}}),
        ),
        (
            "a list of one as an object",
            json!({
                "event": {"type": "subscription_popup", "list": [{}]}, "hazards": {"single_list_as_object": true},
            }),
        ),
        (
            "a list of two",
            json!({"event": {"type": "subscription_popup", "list": [{}, {"status": "reject"}]}}),
        ),
        (
            "the other wrapper",
            json!({"raw": {
                "MsgType": "event", "Event": "subscribe_msg_change_event",
                "SubscribeMsgPopupEvent": {"List": [{"TemplateId": "T", "SubscribeStatusString": "reject"}]},
            }}),
        ),
        (
            "a probe of cloud hosting",
            json!({"raw": {
                "ToUserName": null, "FromUserName": null, "CreateTime": null, "action": "CheckContainerPath",
            }}),
        ),
    ];
    if kind == AppKind::Official {
        samples.push(("an empty EventKey", json!({"event": {"type": "follow"}})));
        samples.push((
            "an event in other letters",
            json!({"event": {"type": "Click_", "EventKey": "k"}}),
        ));
    }
    samples
}
