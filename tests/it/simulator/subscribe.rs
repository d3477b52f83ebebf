//! Subscribe messages and their templates.

use reqwest::Method;
use serde_json::{Value, json};

use super::support::{Answered, MINI, OFFICIAL, Sim, without_rid};

const SEND: &str = "/cgi-bin/message/subscribe/send";
const BIZ_SEND: &str = "/cgi-bin/message/subscribe/bizsend";

async fn post(sim: &Sim, app_id: &str, path: &str, body: &Value) -> Answered {
    let token = sim.stable(app_id, false).await.token();
    sim.post(&format!("{path}?access_token={token}"), body).await
}

async fn get(sim: &Sim, path: &str) -> Answered {
    let token = sim.stable(MINI, false).await.token();
    let sign = if path.contains('?') { '&' } else { '?' };
    sim.get(&format!("/wxaapi/newtmpl/{path}{sign}access_token={token}"))
        .await
}

/// A template of the library with a place and a time.
async fn template(sim: &Sim, app_id: &str) -> String {
    let body = json!({"tid": "401", "kidList": [2, 1], "sceneDesc": "会议"});
    let added = post(sim, app_id, "/wxaapi/newtmpl/addtemplate", &body).await;
    assert_eq!(added.members(), ["errmsg", "errcode", "priTmplId"]);
    added.text_of("priTmplId")
}

async fn grant(sim: &Sim, app_id: &str, template_id: &str, credits: u32) -> Value {
    let body = json!({"app_id": app_id, "user": "ann", "template_id": template_id, "credits": credits});
    sim.admin(Method::POST, "/subscriptions", body).await
}

fn message(openid: &Value, template_id: &str) -> Value {
    json!({
        "touser": openid, "template_id": template_id,
        "data": {"date2": {"value": "2019-12-25 09:42"}, "thing1": {"value": "会议室"}},
    })
}

#[tokio::test]
async fn each_agreement_is_good_for_one_message() {
    let sim = Sim::start();
    for (app_id, path) in [(MINI, SEND), (OFFICIAL, BIZ_SEND)] {
        let id = template(&sim, app_id).await;
        let given = grant(&sim, app_id, &id, 2).await;
        assert_eq!(given["credits"], 2);
        let message = message(&given["openid"], &id);
        for _ in 0..2 {
            let sent = post(&sim, app_id, path, &message).await;
            assert_eq!(sent.text, r#"{"errcode":0,"errmsg":"ok"}"#);
        }
        let refused = post(&sim, app_id, path, &message).await;
        assert_eq!(refused.errcode(), 43_101);
        assert_eq!(without_rid(&refused.errmsg()), "user refuse to accept the msg");
        let talk = sim.talk(app_id, "ann").await;
        assert_eq!(talk.len(), 2);
        assert_eq!(talk[0].0, "subscribe");
        assert_eq!(
            talk[0].1,
            json!({"template_id": id, "data": message["data"]}),
            "{talk:?}"
        );
        sim.switch(app_id, json!({"endless_subscriptions": true})).await;
        assert_eq!(post(&sim, app_id, path, &message).await.errcode(), 0);
    }
}

#[tokio::test]
async fn what_users_answer_in_the_popup_counts() {
    let sim = Sim::start();
    let id = template(&sim, MINI).await;
    let popup = json!({"type": "subscription_popup", "list": [{"template_id": id, "status": "accept"}]});
    let openid = sim.happen(MINI, "ann", popup.clone()).await["openid"].clone();
    let message = message(&openid, &id);
    assert_eq!(post(&sim, MINI, SEND, &message).await.errcode(), 0);
    assert_eq!(post(&sim, MINI, SEND, &message).await.errcode(), 43_101);
    sim.happen(MINI, "ann", popup).await;
    let off = json!({"type": "subscription_change", "list": [{"template_id": id, "status": "reject"}]});
    sim.happen(MINI, "ann", off).await;
    assert_eq!(post(&sim, MINI, SEND, &message).await.errcode(), 43_101);
}

#[tokio::test]
async fn openid_template_page_and_values_are_checked_in_order() {
    let sim = Sim::start();
    sim.switch(MINI, json!({"pages": ["pages/index"]})).await;
    let id = template(&sim, MINI).await;
    let openid = grant(&sim, MINI, &id, 1).await["openid"].clone();
    let mut body = message(&json!("oNobody"), "unknown");
    body["page"] = "pages/other?a=1".into();
    body["data"]["thing1"]["value"] = "a\nb".into();
    body["data"]["date2"]["value"] = "soon".into();
    let code = async |body: &Value| post(&sim, MINI, SEND, body).await.errcode();
    assert_eq!(code(&body).await, 40_003);
    body["touser"] = openid;
    assert_eq!(code(&body).await, 40_037);
    body["template_id"] = id.as_str().into();
    assert_eq!(code(&body).await, 41_030);
    body["page"] = "pages/index?a=1".into();
    let first_bad = async |body: &Value| {
        let refused = post(&sim, MINI, SEND, body).await;
        assert_eq!(refused.errcode(), 47_003);
        without_rid(&refused.errmsg()).to_owned()
    };
    assert_eq!(
        first_bad(&body).await,
        "argument invalid! data.date2.value invalid"
    );
    body["data"]["date2"]["value"] = "2019年10月1日".into();
    assert_eq!(
        first_bad(&body).await,
        "argument invalid! data.thing1.value invalid"
    );
    body["data"].as_object_mut().expect("an object").remove("thing1");
    assert_eq!(
        first_bad(&body).await,
        "argument invalid! data.thing1.value invalid"
    );
    body["data"]["thing1"] = json!({"value": "ok"});
    body["miniprogram_state"] = "beta".into();
    assert_eq!(code(&body).await, 40_097);
    body["miniprogram_state"] = "trial".into();
    // Nothing of all this took the one agreement.
    assert_eq!(code(&body).await, 0);
    assert_eq!(code(&body).await, 43_101);
    // Each of the two is for one kind of app.
    assert_eq!(post(&sim, OFFICIAL, SEND, &body).await.errcode(), 48_001);
    assert_eq!(post(&sim, MINI, BIZ_SEND, &body).await.errcode(), 48_001);
}

#[tokio::test]
async fn a_long_term_template_of_any_keys_can_be_made() {
    let sim = Sim::start();
    let wanted = json!({
        "app_id": MINI, "template_id": "bus", "keys": ["enum_string1"], "values": ["on"], "long_term": true,
    });
    let made = sim.admin(Method::POST, "/subscriptions/templates", wanted).await;
    assert_eq!(made["template_id"], "bus");
    let openid = grant(&sim, MINI, "bus", 1).await["openid"].clone();
    let message = |value: &str| json!({"touser": openid, "template_id": "bus", "data": {"enum_string1": {"value": value}}});
    for _ in 0..3 {
        assert_eq!(post(&sim, MINI, SEND, &message("on")).await.errcode(), 0);
    }
    assert_eq!(post(&sim, MINI, SEND, &message("off")).await.errcode(), 47_003);
    let shown = "/subscriptions?app_id=wx0000000000000002&user=ann&template_id=bus";
    assert_eq!(sim.admin(Method::GET, shown, json!({})).await["credits"], 1);
}

#[tokio::test]
async fn templates_come_from_the_library() {
    let sim = Sim::start();
    let categories = get(&sim, "getcategory").await.json();
    assert_eq!(categories["data"][0], json!({"id": 616, "name": "公交"}));
    let titles = get(&sim, "getpubtemplatetitles?ids=%22616,307%22&start=1&limit=2").await;
    assert_eq!(titles.members(), ["errcode", "errmsg", "count", "data"]);
    assert_eq!(titles.json()["count"], 4);
    let wanted = json!([
        {"tid": 401, "title": "报名结果通知", "type": 2, "categoryId": "307"},
        {"tid": 616, "title": "车辆到站提醒", "type": 3, "categoryId": "616"},
    ]);
    assert_eq!(titles.json()["data"], wanted);
    for (query, errcode) in [
        ("start=0&limit=1", 200_018),
        ("ids=bus&start=0&limit=1", 200_019),
        ("ids=616&start=x&limit=1", 200_016),
        ("ids=616&start=0&limit=31", 200_017),
    ] {
        let refused = get(&sim, &format!("getpubtemplatetitles?{query}")).await;
        assert_eq!(refused.errcode(), errcode, "{query}");
    }
    let keywords = get(&sim, "getpubtemplatekeywords?tid=99").await.json();
    assert_eq!(keywords["count"], 3);
    assert_eq!(
        keywords["data"][0],
        json!({"kid": 1, "name": "物品名称", "example": "名称", "rule": "thing"})
    );
    assert_eq!(get(&sim, "getpubtemplatekeywords?tid=1").await.errcode(), 200_014);
}

#[tokio::test]
async fn an_apps_own_templates_are_added_listed_and_removed() {
    let sim = Sim::start();
    let id = template(&sim, MINI).await;
    assert_eq!(id.len(), 43);
    let add = async |body: Value| {
        post(&sim, MINI, "/wxaapi/newtmpl/addtemplate", &body)
            .await
            .errcode()
    };
    assert_eq!(add(json!({"tid": 1, "kidList": [1, 2]})).await, 200_014);
    for kids in [
        json!([1]),
        json!([1, 1]),
        json!([1, 9]),
        json!([1, 2, 3, 4, 5, 6]),
        json!("1,2"),
    ] {
        assert_eq!(add(json!({"tid": 401, "kidList": kids})).await, 200_020, "{kids}");
    }
    let long = "一二三四五六七八九十一二三四五六";
    assert_eq!(
        add(json!({"tid": 401, "kidList": [1, 3], "sceneDesc": long})).await,
        200_021
    );
    assert_eq!(add(json!({"tid": "401", "kidList": ["2", "1"]})).await, 200_022);
    assert_eq!(add(json!({"tid": 1001, "kidList": [2, 4]})).await, 0);

    let listed = get(&sim, "gettemplate").await.json();
    let expected = json!({
        "priTmplId": id, "title": "报名结果通知",
        "content": "会议时间:{{date2.DATA}}\n会议地点:{{thing1.DATA}}\n",
        "example": "会议时间:2016年8月8日\n会议地点:TIT会议室\n", "type": 2,
    });
    assert_eq!(listed["data"][0], expected);
    assert_eq!(
        listed["data"][1]["keywordEnumValueList"],
        json!([{"keywordCode": "enum_string2.DATA", "enumValueList": ["客厅", "卧室", "厨房"]}])
    );

    let remove = async |body: Value| post(&sim, MINI, "/wxaapi/newtmpl/deltemplate", &body).await;
    assert_eq!(remove(json!({})).await.errcode(), 200_002);
    assert_eq!(
        remove(json!({"priTmplId": id})).await.text,
        r#"{"errmsg":"ok","errcode":0}"#
    );
    assert_eq!(remove(json!({"priTmplId": id})).await.errcode(), 200_014);
    let token = sim.stable(MINI, false).await.token();
    let wrong = sim
        .get(&format!("/wxaapi/newtmpl/addtemplate?access_token={token}"))
        .await;
    assert_eq!(wrong.errcode(), 404);
    assert_eq!(without_rid(&wrong.errmsg()), "404 not found");
}
