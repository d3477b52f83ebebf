//! What users do, as it is pushed.

use serde_json::{Value, json};

use super::push_support::{Hook, Say, cdata};
use super::support::{MINI, OFFICIAL, Sim};

async fn start() -> (Sim, Hook) {
    let sim = Sim::start();
    let hook = Hook::start(|_, _| Say::success()).await;
    sim.serve_at(OFFICIAL, &hook, json!({})).await;
    sim.serve_at(MINI, &hook, json!({"format": "json"})).await;
    (sim, hook)
}

/// The body of an official account's event, from `Event` on.
async fn event(sim: &Sim, hook: &Hook, user: &str, event: Value) -> String {
    let report = sim.happen(OFFICIAL, user, event).await;
    assert_eq!(report["outcome"], "accepted", "{report}");
    let body = hook.take_one().body;
    let (_, rest) = body
        .split_once("<MsgType><![CDATA[event]]></MsgType>")
        .expect("an event");
    rest.strip_suffix("</xml>").expect("an end").to_owned()
}

#[tokio::test]
async fn following_scanning_and_unfollowing() {
    let (sim, hook) = start().await;
    let plain = event(&sim, &hook, "ann", json!({"type": "follow"})).await;
    assert_eq!(
        plain,
        "<Event><![CDATA[subscribe]]></Event><EventKey><![CDATA[]]></EventKey>"
    );
    let scan = event(
        &sim,
        &hook,
        "ann",
        json!({"type": "scan", "scene": "123", "ticket": "T"}),
    )
    .await;
    let wanted =
        "<Event><![CDATA[SCAN]]></Event><EventKey><![CDATA[123]]></EventKey><Ticket><![CDATA[T]]></Ticket>";
    assert_eq!(scan, wanted);
    let other = event(
        &sim,
        &hook,
        "bob",
        json!({"type": "scan", "scene": 123, "ticket": "T"}),
    )
    .await;
    let wanted = "<Event><![CDATA[subscribe]]></Event><EventKey><![CDATA[qrscene_123]]></EventKey><Ticket><![CDATA[T]]></Ticket>";
    assert_eq!(other, wanted);
    assert_eq!(
        cdata(
            &event(&sim, &hook, "bob", json!({"type": "scan", "scene": "1"})).await,
            "Event"
        ),
        "SCAN"
    );

    let gone = event(&sim, &hook, "bob", json!({"type": "unfollow"})).await;
    assert_eq!(
        gone,
        "<Event><![CDATA[unsubscribe]]></Event><EventKey><![CDATA[]]></EventKey>"
    );
    let order = json!({"app_id": OFFICIAL, "user": "bob", "message": {"content": "hello?"}});
    let refused = sim.post("/_sim/push", &order).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    let back = event(&sim, &hook, "bob", json!({"type": "scan", "scene": "1"})).await;
    assert_eq!(cdata(&back, "EventKey"), "qrscene_1");
}

#[tokio::test]
async fn menus() {
    let (sim, hook) = start().await;
    let key = "<EventKey><![CDATA[k]]></EventKey>";
    let cases = [
        (
            json!({"type": "click", "key": "k"}),
            format!("<Event><![CDATA[CLICK]]></Event>{key}"),
        ),
        (
            json!({"type": "view", "url": "k", "menu_id": 7}),
            format!("<Event><![CDATA[VIEW]]></Event>{key}<MenuId>7</MenuId>"),
        ),
        (
            json!({"type": "scancode_push", "key": "k", "result": "2"}),
            format!(
                "<Event><![CDATA[scancode_push]]></Event>{key}<ScanCodeInfo><ScanType><![CDATA[qrcode]]></ScanType>\
                 <ScanResult><![CDATA[2]]></ScanResult></ScanCodeInfo>"
            ),
        ),
        (
            json!({"type": "pic_weixin", "key": "k", "pictures": ["a", "b"]}),
            format!(
                "<Event><![CDATA[pic_weixin]]></Event>{key}<SendPicsInfo><Count>2</Count><PicList>\
                 <item><PicMd5Sum><![CDATA[a]]></PicMd5Sum></item><item><PicMd5Sum><![CDATA[b]]></PicMd5Sum></item>\
                 </PicList></SendPicsInfo>"
            ),
        ),
        (
            json!({"type": "location_select", "key": "k", "label": "l"}),
            format!(
                "<Event><![CDATA[location_select]]></Event>{key}<SendLocationInfo><Location_X><![CDATA[23]]></Location_X>\
                 <Location_Y><![CDATA[113]]></Location_Y><Scale><![CDATA[15]]></Scale><Label><![CDATA[l]]></Label>\
                 <Poiname><![CDATA[]]></Poiname></SendLocationInfo>"
            ),
        ),
    ];
    for (given, wanted) in cases {
        assert_eq!(event(&sim, &hook, "ann", given).await, wanted);
    }
}

#[tokio::test]
async fn locations_and_results_of_jobs() {
    let (sim, hook) = start().await;
    let place = event(
        &sim,
        &hook,
        "ann",
        json!({"type": "location", "latitude": 23.5, "longitude": 113.25, "precision": 30}),
    )
    .await;
    let wanted = "<Event><![CDATA[LOCATION]]></Event><Latitude>23.5</Latitude><Longitude>113.25</Longitude><Precision>30</Precision>";
    assert_eq!(place, wanted);
    let sent = event(
        &sim,
        &hook,
        "ann",
        json!({"type": "template_sent", "msg_id": 200_163_836, "status": "failed:user block"}),
    )
    .await;
    let wanted = "<Event><![CDATA[TEMPLATESENDJOBFINISH]]></Event><MsgID>200163836</MsgID><Status><![CDATA[failed:user block]]></Status>";
    assert_eq!(sent, wanted);
}

#[tokio::test]
async fn subscriptions_have_a_wrapper_in_xml_and_none_in_json() {
    let (sim, hook) = start().await;
    let list = json!([{"template_id": "A"}, {"template_id": "B", "status": "reject"}]);
    let popup = event(
        &sim,
        &hook,
        "ann",
        json!({"type": "subscription_popup", "list": list}),
    )
    .await;
    let item = |id, status| {
        format!(
            "<List><TemplateId><![CDATA[{id}]]></TemplateId><SubscribeStatusString><![CDATA[{status}]]>\
             </SubscribeStatusString><PopupScene>2</PopupScene></List>"
        )
    };
    let wanted = format!(
        "<Event><![CDATA[subscribe_msg_popup_event]]></Event><SubscribeMsgPopupEvent>{}{}</SubscribeMsgPopupEvent>",
        item("A", "accept"),
        item("B", "reject")
    );
    assert_eq!(popup, wanted);

    let one = json!({"type": "subscription_popup", "list": [{"template_id": "A"}]});
    sim.happen(MINI, "ann", one.clone()).await;
    let body: Value = serde_json::from_str(&hook.take_one().body).expect("JSON");
    let entry = json!({"TemplateId": "A", "SubscribeStatusString": "accept", "PopupScene": "0"});
    assert_eq!(body["List"], json!([entry]));
    sim.push(json!({
        "app_id": MINI, "user": "ann", "event": one,
        "hazards": {"single_list_as_object": true, "numbers_as_text": true, "extra_members": true},
    }))
    .await;
    let body: Value = serde_json::from_str(&hook.take_one().body).expect("JSON");
    assert_eq!(body["List"], entry);
    assert!(
        body["CreateTime"].is_string() && body["SimulatedNest"]["Inner"] == "1",
        "{body}"
    );
}

#[tokio::test]
async fn a_mini_programs_own_messages_and_events() {
    let (sim, hook) = start().await;
    sim.happen(
        MINI,
        "ann",
        json!({"type": "enter_session", "session_from": "shop"}),
    )
    .await;
    let body: Value = serde_json::from_str(&hook.take_one().body).expect("JSON");
    assert_eq!(
        (&body["Event"], &body["SessionFrom"]),
        (&json!("user_enter_tempsession"), &json!("shop"))
    );
    sim.push(json!({"app_id": MINI, "user": "ann", "message": {"type": "miniprogrampage", "title": "t"}}))
        .await;
    let body: Value = serde_json::from_str(&hook.take_one().body).expect("JSON");
    assert_eq!(
        (&body["MsgType"], &body["AppId"]),
        (&json!("miniprogrampage"), &json!(MINI))
    );
    let order = json!({"app_id": MINI, "user": "ann", "message": {"type": "voice"}});
    assert_eq!(sim.post("/_sim/push", &order).await.status, 400);
    sim.happen(
        MINI,
        "ann",
        json!({"type": "authorization_revoke", "revoke_info": "8"}),
    )
    .await;
    let body: Value = serde_json::from_str(&hook.take_one().body).expect("JSON");
    assert_eq!((&body["AppID"], &body["RevokeInfo"]), (&json!(MINI), &json!("8")));
    assert_ne!(body["FromUserName"], body["OpenID"]);
}

#[tokio::test]
async fn every_kind_of_message() {
    let (sim, hook) = start().await;
    for (kind, element) in [
        ("image", "<PicUrl>"),
        ("voice", "<Format>"),
        ("video", "<ThumbMediaId>"),
        ("shortvideo", "<ThumbMediaId>"),
        ("location", "<Location_X>23.134521</Location_X>"),
        ("link", "<Url>"),
    ] {
        let report = sim
            .push(json!({"app_id": OFFICIAL, "user": "ann", "message": {"type": kind}}))
            .await;
        assert_eq!(report["outcome"], "accepted");
        let got = hook.take_one();
        assert_eq!(got.cdata("MsgType"), kind);
        assert!(
            got.body.contains(element) && got.body.contains("<MsgId>"),
            "{}",
            got.body
        );
    }
}

#[tokio::test]
async fn raw_members_and_bodies_are_pushed_as_they_are() {
    let (sim, hook) = start().await;
    let raw = json!({"MsgType": "event", "Event": "new_one", "FromUserName": "oX", "CreateTime": null, "A": {"B": [1, 2]}});
    sim.push(json!({"app_id": OFFICIAL, "user": "ann", "raw": raw}))
        .await;
    let body = hook.take_one().body;
    assert!(
        body.contains("<FromUserName><![CDATA[oX]]></FromUserName>") && !body.contains("CreateTime"),
        "{body}"
    );
    assert!(body.ends_with("<A><B>1</B><B>2</B></A></xml>"), "{body}");
    let text = "<!DOCTYPE x><xml>&x;</xml>";
    sim.push(json!({"app_id": OFFICIAL, "user": "ann", "raw": text}))
        .await;
    assert_eq!(hook.take_one().body, text);
    sim.happen(
        OFFICIAL,
        "ann",
        json!({"type": "kf_create_session", "KfAccount": "a@b"}),
    )
    .await;
    assert_eq!(hook.take_one().cdata("KfAccount"), "a@b");
}

#[tokio::test]
async fn hazards_are_pushed_one_of_each_sort() {
    let (sim, hook) = start().await;
    for app_id in [OFFICIAL, MINI] {
        let path = "/push/hazards";
        let done = sim
            .admin(reqwest::Method::POST, path, json!({"app_id": app_id}))
            .await;
        let pushes = done["pushes"].as_array().expect("a list");
        assert!(pushes.len() >= 13, "{done}");
        assert!(
            pushes.iter().all(|one| one["push"]["outcome"] == "accepted"),
            "{done}"
        );
    }
    let bodies: Vec<String> = hook.got().into_iter().map(|got| got.body).collect();
    let all = bodies.concat();
    for part in [
        "9223372036854775807",
        "]]]]><![CDATA[>",
        "\"CreateTime\":\"",
        "<SimulatedNest><Inner>1</Inner>",
        "\n<MsgType>",
    ] {
        assert!(all.contains(part), "{part}");
    }
}
