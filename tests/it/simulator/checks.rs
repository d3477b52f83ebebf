//! Checks of texts, media and users.

use reqwest::Method;
use serde_json::{Value, json};

use super::support::{Answered, MINI, Sim, without_rid};

const TEXT: &str = "/wxa/msg_sec_check";
const MEDIA: &str = "/wxa/media_check_async";
const RISK: &str = "/wxa/getuserriskrank";

async fn ask(sim: &Sim, path: &str, body: &Value) -> Answered {
    let token = sim.stable(MINI, false).await.token();
    sim.post(&format!("{path}?access_token={token}"), body).await
}

/// The openid of somebody who just logged in.
async fn visitor(sim: &Sim) -> String {
    let code = sim.code("ann").await;
    sim.log_in(MINI, &code).await.text_of("openid")
}

async fn rule(sim: &Sim, keyword: &str, suggest: &str, label: u32) {
    let body = json!({"app_id": MINI, "keyword": keyword, "suggest": suggest, "label": label});
    sim.admin(Method::POST, "/checks", body).await;
}

fn text(openid: &str, content: &str) -> Value {
    json!({"version": 2, "scene": 2, "openid": openid, "content": content})
}

#[tokio::test]
async fn a_text_passes_unless_a_rule_knows_a_word_of_it() {
    let sim = Sim::start();
    let openid = visitor(&sim).await;
    let answered = ask(&sim, TEXT, &text(&openid, "a fool")).await;
    assert_eq!(
        answered.members(),
        ["errcode", "errmsg", "result", "detail", "trace_id"]
    );
    let passed = answered.json();
    assert_eq!(passed["result"], json!({"suggest": "pass", "label": 100}));
    let trace = format!("x rid: {}", passed["trace_id"].as_str().expect("a text"));
    without_rid(&trace);

    rule(&sim, "fool", "risky", 20_003).await;
    rule(&sim, "cheap", "review", 10_001).await;
    let risky = ask(&sim, TEXT, &text(&openid, "a fool, cheap")).await.json();
    assert_eq!(risky["result"], json!({"suggest": "risky", "label": 20_003}));
    assert_eq!(
        risky["detail"],
        json!([
            {"strategy": "content_model", "errcode": 0, "suggest": "risky", "label": 20_003, "prob": 90},
            {"strategy": "keyword", "errcode": 0, "suggest": "risky", "label": 20_003, "level": 20, "keyword": "fool"},
        ])
    );
    let mut profile = text(&openid, "hello");
    profile["nickname"] = "cheap".into();
    let review = ask(&sim, TEXT, &profile).await.json();
    assert_eq!(review["result"]["suggest"], "review");

    sim.admin(Method::DELETE, &format!("/checks?app_id={MINI}"), json!({}))
        .await;
    let passed = ask(&sim, TEXT, &text(&openid, "a fool")).await.json();
    assert_eq!(passed["result"]["suggest"], "pass");
}

#[tokio::test]
async fn the_first_version_answers_87014() {
    let sim = Sim::start();
    rule(&sim, "fool", "risky", 20_003).await;
    rule(&sim, "cheap", "review", 10_001).await;
    let check = async |content: &str| ask(&sim, TEXT, &json!({"content": content})).await;
    assert_eq!(check("cheap").await.text, r#"{"errcode":0,"errmsg":"ok"}"#);
    let refused = check("fool").await;
    assert_eq!(refused.errcode(), 87_014);
    assert_eq!(without_rid(&refused.errmsg()), "risky content");
}

#[tokio::test]
async fn scene_user_and_length_are_checked() {
    let sim = Sim::start();
    let openid = visitor(&sim).await;
    let code = async |path: &str, body: Value| ask(&sim, path, &body).await.errcode();
    let with = |name: &str, value: Value| {
        let mut body = text(&openid, "hello");
        body[name] = value;
        body
    };
    assert_eq!(code(TEXT, with("scene", 5.into())).await, 40_129);
    assert_eq!(code(TEXT, with("openid", "oNobody".into())).await, 40_003);
    assert_eq!(
        code(TEXT, with("content", "x".repeat(2_501).into())).await,
        45_002
    );
    assert_eq!(code(TEXT, with("content", "中".repeat(2_500).into())).await, 0);
    assert_eq!(code(TEXT, with("version", 3.into())).await, 40_097);

    let media = |name: &str, value: Value| {
        let mut body = json!({
            "media_url": "https://a.example/1.png", "media_type": 2, "version": 2, "scene": 1, "openid": openid,
        });
        body[name] = value;
        body
    };
    assert_eq!(code(MEDIA, media("media_type", 3.into())).await, 40_004);
    assert_eq!(code(MEDIA, media("scene", 0.into())).await, 40_129);
    assert_eq!(code(MEDIA, media("openid", "oNobody".into())).await, 40_003);
    assert_eq!(code(MEDIA, media("media_url", "1.png".into())).await, 40_097);
    let begun = ask(&sim, MEDIA, &media("scene", 4.into())).await;
    assert_eq!(begun.members(), ["errcode", "errmsg", "trace_id"]);

    let risk = json!({"appid": MINI, "openid": openid, "scene": 0, "client_ip": "127.0.0.1"});
    let ranked = ask(&sim, RISK, &risk).await;
    assert_eq!(ranked.errmsg(), "getuserriskrank succ");
    assert_eq!(ranked.json()["risk_rank"], 0);
    assert!(ranked.json()["unoin_id"].is_u64());
    sim.admin(Method::PATCH, "/users/ann", json!({"high_risk": true}))
        .await;
    assert_eq!(ask(&sim, RISK, &risk).await.json()["risk_rank"], 4);
    let mut other = risk.clone();
    other["appid"] = "wx0000000000000001".into();
    assert_eq!(code(RISK, other).await, 43_104);
    let mut other = risk;
    other["scene"] = 3.into();
    assert_eq!(code(RISK, other).await, 40_129);
}

#[tokio::test]
async fn a_user_must_have_been_here_within_two_hours() {
    let sim = Sim::start();
    let openid = visitor(&sim).await;
    sim.advance(2 * 3_600 - 10).await;
    assert_eq!(ask(&sim, TEXT, &text(&openid, "a")).await.errcode(), 0);
    sim.advance(11).await;
    let late = ask(&sim, TEXT, &text(&openid, "a")).await;
    assert_eq!(late.errcode(), 61_010);
    assert_eq!(without_rid(&late.errmsg()), "code is expired");
    sim.switch(MINI, json!({"recent_visit": false})).await;
    assert_eq!(ask(&sim, TEXT, &text(&openid, "a")).await.errcode(), 0);
    sim.switch(MINI, json!({"recent_visit": true})).await;
    assert_eq!(visitor(&sim).await, openid);
    assert_eq!(ask(&sim, TEXT, &text(&openid, "a")).await.errcode(), 0);
}

#[tokio::test]
async fn too_many_checks_of_a_minute_are_44991() {
    let sim = Sim::start();
    let openid = visitor(&sim).await;
    sim.to_midnight().await;
    let limits = json!({TEXT: {"minute": 1, "daily": 2}});
    sim.switch(MINI, json!({"recent_visit": false, "limits": limits}))
        .await;
    assert_eq!(ask(&sim, TEXT, &text(&openid, "a")).await.errcode(), 0);
    let many = ask(&sim, TEXT, &text(&openid, "a")).await;
    assert_eq!(many.errcode(), 44_991);
    assert_eq!(without_rid(&many.errmsg()), "reach max api minute frequence");
    sim.advance(60).await;
    assert_eq!(ask(&sim, TEXT, &text(&openid, "a")).await.errcode(), 0);
    assert_eq!(ask(&sim, TEXT, &text(&openid, "a")).await.errcode(), 45_009);
}
