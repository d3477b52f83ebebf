//! `/cgi-bin/ticket/getticket`.

use reqwest::Method;
use serde_json::json;

use super::support::{Answered, OFFICIAL, Sim, without_rid};

async fn ticket(sim: &Sim, token: &str, kind: &str) -> Answered {
    sim.get(&format!(
        "/cgi-bin/ticket/getticket?access_token={token}&type={kind}"
    ))
    .await
}

#[tokio::test]
async fn a_ticket_is_the_same_for_7200_seconds_and_always_says_7200() {
    let sim = Sim::start();
    let token = sim.classic(OFFICIAL).await.token();
    let first = ticket(&sim, &token, "jsapi").await;
    let body = first.json();
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["errcode", "errmsg", "ticket", "expires_in"]);
    assert_eq!((&body["errcode"], &body["errmsg"]), (&json!(0), &json!("ok")));
    sim.advance(7_190).await;
    let again = ticket(&sim, &token, "jsapi").await;
    assert_eq!(again.text_of("ticket"), first.text_of("ticket"));
    assert_eq!(again.expires_in(), 7_200);
    sim.advance(10).await;
    let token = sim.classic(OFFICIAL).await.token();
    assert_ne!(
        ticket(&sim, &token, "jsapi").await.text_of("ticket"),
        first.text_of("ticket")
    );
}

#[tokio::test]
async fn a_ticket_can_say_what_remains_of_it() {
    let sim = Sim::start();
    sim.switch(OFFICIAL, json!({"ticket_expires": "remaining"})).await;
    let token = sim.classic(OFFICIAL).await.token();
    assert_eq!(ticket(&sim, &token, "jsapi").await.expires_in(), 7_200);
    sim.advance(1_000).await;
    let expires_in = ticket(&sim, &token, "jsapi").await.expires_in();
    assert!((6_190..=6_200).contains(&expires_in), "{expires_in}");
}

#[tokio::test]
async fn tickets_of_the_two_types_differ_and_other_types_are_40097() {
    let sim = Sim::start();
    let token = sim.classic(OFFICIAL).await.token();
    let jsapi = ticket(&sim, &token, "jsapi").await.text_of("ticket");
    assert_ne!(ticket(&sim, &token, "wx_card").await.text_of("ticket"), jsapi);
    let answered = ticket(&sim, &token, "other").await;
    assert_eq!(answered.errcode(), 40_097);
    assert_eq!(without_rid(&answered.errmsg()), "invalid args");
}

#[tokio::test]
async fn a_replaced_token_leaves_the_ticket_alone() {
    let sim = Sim::start();
    let token = sim.classic(OFFICIAL).await.token();
    let first = ticket(&sim, &token, "jsapi").await.text_of("ticket");
    sim.admin(Method::POST, "/tokens/kill", json!({"app_id": OFFICIAL}))
        .await;
    let token = sim.classic(OFFICIAL).await.token();
    assert_eq!(ticket(&sim, &token, "jsapi").await.text_of("ticket"), first);
}

#[tokio::test]
async fn an_expired_ticket_is_followed_by_another() {
    let sim = Sim::start();
    let token = sim.classic(OFFICIAL).await.token();
    let first = ticket(&sim, &token, "jsapi").await.text_of("ticket");
    let expire = json!({"app_id": OFFICIAL, "type": "jsapi"});
    assert_eq!(
        sim.admin(Method::POST, "/tickets/expire", expire).await,
        json!({"expired": 1})
    );
    assert_ne!(ticket(&sim, &token, "jsapi").await.text_of("ticket"), first);
}

#[tokio::test]
async fn an_unverified_account_is_48001() {
    let sim = Sim::start();
    sim.switch(OFFICIAL, json!({"verified": false})).await;
    let token = sim.classic(OFFICIAL).await.token();
    let answered = ticket(&sim, &token, "jsapi").await;
    assert_eq!(answered.errcode(), 48_001);
    assert_eq!(without_rid(&answered.errmsg()), "api unauthorized");
}
