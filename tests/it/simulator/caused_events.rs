//! Events that API calls cause some time later.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::push_support::{Got, Hook, Say};
use super::support::{MINI, OFFICIAL, Sim};

async fn start() -> (Sim, Hook) {
    let sim = Sim::start();
    let hook = Hook::start(|_, _| Say::success()).await;
    (sim, hook)
}

async fn post(sim: &Sim, app_id: &str, path: &str, body: &Value) -> Value {
    let token = sim.stable(app_id, false).await.token();
    let answered = sim.post(&format!("{path}?access_token={token}"), body).await;
    assert_eq!(answered.errcode(), 0, "{}", answered.text);
    answered.json()
}

/// The only push that comes.
pub(crate) async fn next(hook: &Hook) -> Got {
    let begun = Instant::now();
    while hook.got().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(10), "nothing is pushed");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    hook.take_one()
}

/// A message that its user agreed to.
async fn message(sim: &Sim, app_id: &str) -> Value {
    let wanted = json!({"app_id": app_id, "template_id": "T", "keys": ["thing1"]});
    sim.admin(Method::POST, "/subscriptions/templates", wanted).await;
    let wanted = json!({"app_id": app_id, "user": "ann", "template_id": "T", "credits": 9});
    let openid = sim.admin(Method::POST, "/subscriptions", wanted).await["openid"].clone();
    json!({"touser": openid, "template_id": "T", "data": {"thing1": {"value": "x"}}})
}

#[tokio::test]
async fn a_subscribe_message_leads_to_its_result() {
    let (sim, hook) = start().await;
    sim.serve_at(OFFICIAL, &hook, json!({})).await;
    sim.serve_at(MINI, &hook, json!({"format": "json"})).await;
    let message_of_official = message(&sim, OFFICIAL).await;
    post(
        &sim,
        OFFICIAL,
        "/cgi-bin/message/subscribe/bizsend",
        &message_of_official,
    )
    .await;
    let got = next(&hook).await;
    assert_eq!(got.cdata("Event"), "subscribe_msg_sent_event");
    assert_eq!(got.cdata("FromUserName"), message_of_official["touser"]);
    assert_eq!(got.cdata("TemplateId"), "T");
    assert_eq!(got.cdata("ErrorStatus"), "success");
    let message_of_mini = message(&sim, MINI).await;
    post(&sim, MINI, "/cgi-bin/message/subscribe/send", &message_of_mini).await;
    let got: Value = serde_json::from_str(&next(&hook).await.body).expect("JSON");
    assert_eq!(got["Event"], "subscribe_msg_sent_event");
    assert_eq!(got["List"][0]["TemplateId"], "T");
    assert_eq!(got["List"][0]["ErrorCode"], "0");
    let talk = sim.talk(MINI, "ann").await;
    let kinds: Vec<_> = talk.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["subscribe", "event"]);
}

#[tokio::test]
async fn a_media_check_leads_to_its_finding() {
    let (sim, hook) = start().await;
    sim.serve_at(MINI, &hook, json!({"format": "json"})).await;
    let code = sim.code("ann").await;
    let openid = sim.log_in(MINI, &code).await.text_of("openid");
    for rule in [
        json!({"app_id": MINI, "keyword": "naked", "suggest": "risky", "label": 20_002}),
        json!({"app_id": MINI, "keyword": "gone", "errcode": -1_008}),
    ] {
        sim.admin(Method::POST, "/checks", rule).await;
    }
    let check = async |url: &str| {
        let body = json!({"media_url": url, "media_type": 2, "version": 2, "scene": 1, "openid": openid});
        let begun = post(&sim, MINI, "/wxa/media_check_async", &body).await;
        let got: Value = serde_json::from_str(&next(&hook).await.body).expect("JSON");
        assert_eq!(got["trace_id"], begun["trace_id"]);
        got
    };
    let passed = check("https://a.example/1.png").await;
    let expected = json!({
        "ToUserName": passed["ToUserName"], "FromUserName": openid, "CreateTime": passed["CreateTime"],
        "MsgType": "event", "Event": "wxa_media_check", "appid": MINI, "trace_id": passed["trace_id"], "version": 2,
        "detail": [{"strategy": "content_model", "errcode": 0, "suggest": "pass", "label": 100, "prob": 90}],
        "errcode": 0, "errmsg": "ok", "result": {"suggest": "pass", "label": 100},
    });
    assert_eq!(passed.to_string(), expected.to_string());
    let risky = check("https://a.example/naked.png").await;
    assert_eq!(risky["result"], json!({"suggest": "risky", "label": 20_002}));
    let gone = check("https://a.example/gone.png").await;
    assert_eq!(gone["errcode"], -1_008);
    assert_eq!(gone.get("result"), None);
}

#[tokio::test]
async fn an_event_comes_when_the_switch_says() {
    let (sim, hook) = start().await;
    let message = message(&sim, MINI).await;
    // Without a server nothing is even begun.
    post(&sim, MINI, "/cgi-bin/message/subscribe/send", &message).await;
    sim.serve_at(MINI, &hook, json!({})).await;
    sim.switch(MINI, json!({"event_delay_ms": 400})).await;
    let begun = Instant::now();
    post(&sim, MINI, "/cgi-bin/message/subscribe/send", &message).await;
    assert!(hook.got().is_empty());
    next(&hook).await;
    assert!(begun.elapsed() >= Duration::from_millis(400));
    let pushes = sim.admin(Method::GET, "/pushes", json!({})).await;
    assert_eq!(pushes["pushes"].as_array().map(Vec::len), Some(1), "{pushes}");
}
