//! Rows about what WeChat refuses an app for.

use serde_json::json;

use super::{Checked, url};
use crate::simulator::support::{MINI, OFFICIAL, SECRET, Sim};

/// What the check says where the platform treats the account so.
async fn switched(switches: serde_json::Value, code: &str) -> super::Said {
    let sim = Sim::start();
    sim.switch(OFFICIAL, switches).await;
    Checked::official(&url(sim.address)).fails(code).await
}

/// What the check says of an errcode that the simulator has no state for.
async fn answered(errcode: i64, errmsg: &str, code: &str) -> super::Said {
    let sim = Sim::start();
    sim.fault(
        json!({"path": "/cgi-bin/*", "effect": {"type": "errcode", "errcode": errcode, "errmsg": errmsg}}),
    )
    .await;
    Checked::mini(&url(sim.address)).fails(code).await
}

#[tokio::test]
async fn wrong_app_id() {
    let sim = Sim::start();
    Checked::official(&url(sim.address))
        .with(OFFICIAL, "wx000000000000000f")
        .fails("wechat.40013")
        .await;
}

#[tokio::test]
async fn wrong_secret() {
    let sim = Sim::start();
    let checked = Checked::mini(&url(sim.address)).with(SECRET, "ffeeddccbbaa99887766554433221100");
    let said = checked.fails("wechat.40125").await;
    assert_eq!(said.failure()["subject"], "app shop");
    assert!(!said.text.contains("ffeeddccbbaa"), "{}", said.text);
}

#[tokio::test]
async fn an_address_that_is_not_listed_is_named() {
    let said = switched(json!({"allow_list": ["203.0.113.0/24"]}), "wechat.40164").await;
    let action = said.failure()["action"].as_str().unwrap();
    assert!(
        action.starts_with("Add 127.0.0.1 to the console's IP list"),
        "{action}"
    );
    let said = answered(
        40164,
        "invalid ip 114.221.21.30 ipv6 ::ffff:114.221.21.30, not in whitelist",
        "wechat.40164",
    )
    .await;
    assert!(said.text.contains("Add 114.221.21.30 to"), "{}", said.text);
}

#[tokio::test]
async fn frozen_secret() {
    switched(json!({"frozen": true}), "wechat.40243").await;
}

#[tokio::test]
async fn quotas() {
    let path = "/cgi-bin/stable_token";
    switched(
        json!({"limits": {path: {"daily": 0, "minute": 100}}}),
        "wechat.45009",
    )
    .await;
    switched(
        json!({"limits": {path: {"daily": 100, "minute": 0}}}),
        "wechat.45011",
    )
    .await;
}

#[tokio::test]
async fn confirmations_of_the_administrator() {
    // One for each of the two runs.
    switched(json!({"risk": [89501, 89501]}), "wechat.89501").await;
    switched(json!({"risk": [89503, 89503]}), "wechat.89503").await;
    switched(json!({"risk": [89506, 89506]}), "wechat.89506").await;
    switched(json!({"risk": [89507, 89507]}), "wechat.89507").await;
}

#[tokio::test]
async fn refusals_without_a_switch() {
    answered(40002, "invalid grant_type", "wechat.40002").await;
    answered(48001, "api unauthorized", "wechat.48001").await;
    answered(
        50004,
        "user not allow to use accesstoken, maybe for punishment",
        "wechat.50004",
    )
    .await;
    answered(50007, "account is frozen", "wechat.50007").await;
}

#[tokio::test]
async fn any_other_errcode_is_quoted() {
    let said = answered(61024, "something new", "wechat.other").await;
    assert!(
        said.text.contains("errcode 61024 (something new"),
        "{}",
        said.text
    );
    // Whoever answers in WeChat's place may quote what it was asked.
    let said = answered(61024, &format!("no {SECRET} \u{1b}[31m"), "wechat.other").await;
    assert!(
        said.text.contains("no ***") && !said.text.contains('\u{1b}'),
        "{}",
        said.text
    );
}

#[tokio::test]
async fn every_app_is_asked() {
    let sim = Sim::start();
    let more = format!(
        "[[apps]]\nname = \"mini\"\nkind = \"mini\"\napp_id = \"{MINI}\"\napp_secret = \"0\"\n[[apps]]\nname"
    );
    let said = Checked::official(&url(sim.address))
        .with("[[apps]]\nname", &more)
        .fails("wechat.40125")
        .await;
    assert_eq!(said.codes("ok"), ["config", "store", "platform", "token"]);
}
