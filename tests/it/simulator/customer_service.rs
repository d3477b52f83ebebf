//! Customer-service messages, typing, and questions about the network.

use reqwest::Method;
use serde_json::{Value, json};

use super::push_support::{Hook, Say};
use super::support::{MINI, OFFICIAL, Sim, without_rid};

/// The errcode of a message to a user.
async fn send(sim: &Sim, app_id: &str, openid: &str, more: Value) -> i64 {
    call(sim, app_id, "message/custom/send", openid, more).await
}

async fn call(sim: &Sim, app_id: &str, path: &str, openid: &str, more: Value) -> i64 {
    let token = sim.stable(app_id, false).await.token();
    let mut body = json!({"touser": openid});
    body.as_object_mut()
        .expect("an object")
        .extend(more.as_object().expect("an object").clone());
    let path = format!("/cgi-bin/{path}?access_token={token}");
    sim.post(&path, &body).await.errcode()
}

fn text(content: &str) -> Value {
    json!({"msgtype": "text", "text": {"content": content}})
}

/// The openid of somebody who did this.
async fn after(sim: &Sim, app_id: &str, user: &str, event: Value) -> String {
    let report = sim.happen(app_id, user, event).await;
    report["openid"].as_str().expect("a text").to_owned()
}

#[tokio::test]
async fn five_messages_may_follow_a_users_own_within_two_days() {
    let sim = Sim::start();
    for app_id in [OFFICIAL, MINI] {
        assert_eq!(send(&sim, app_id, "oNobody", text("hi")).await, 40_003);
        let openid = sim.say(app_id, "ann", "hello").await["openid"]
            .as_str()
            .expect("a text")
            .to_owned();
        sim.advance(172_000).await;
        for _ in 0..5 {
            assert_eq!(send(&sim, app_id, &openid, text("hi")).await, 0);
        }
        assert_eq!(send(&sim, app_id, &openid, text("hi")).await, 45_047);
        sim.advance(1_000).await;
        assert_eq!(send(&sim, app_id, &openid, text("hi")).await, 45_015);
        let talk = sim.talk(app_id, "ann").await;
        assert_eq!(talk.len(), 6);
        assert_eq!(talk[5], ("customer_service".to_owned(), text("hi")));
    }
}

#[tokio::test]
async fn other_actions_allow_fewer_for_a_minute() {
    let sim = Sim::start();
    let cases = [
        (OFFICIAL, "a", json!({"type": "follow"}), 3),
        (OFFICIAL, "a", json!({"type": "scan", "scene": "1"}), 3),
        (OFFICIAL, "a", json!({"type": "click", "key": "k"}), 3),
        (OFFICIAL, "a", json!({"type": "scancode_waitmsg", "key": "k"}), 3),
        (OFFICIAL, "a", json!({"type": "view", "url": "k"}), 0),
        (MINI, "a", json!({"type": "enter_session"}), 2),
    ];
    for (app_id, user, event, count) in cases {
        let openid = after(&sim, app_id, user, event.clone()).await;
        for _ in 0..count {
            assert_eq!(send(&sim, app_id, &openid, text("hi")).await, 0, "{event}");
        }
        let wanted = if count == 0 { 45_015 } else { 45_047 };
        assert_eq!(send(&sim, app_id, &openid, text("hi")).await, wanted, "{event}");
        sim.advance(60).await;
        assert_eq!(send(&sim, app_id, &openid, text("hi")).await, 45_015, "{event}");
    }
}

#[tokio::test]
async fn who_unfollowed_gets_nothing() {
    let sim = Sim::start();
    sim.say(OFFICIAL, "ann", "hello").await;
    let openid = after(&sim, OFFICIAL, "ann", json!({"type": "unfollow"})).await;
    let token = sim.stable(OFFICIAL, false).await.token();
    let body = json!({"touser": openid, "msgtype": "text", "text": {"content": "hi"}});
    let path = format!("/cgi-bin/message/custom/send?access_token={token}");
    let refused = sim.post(&path, &body).await;
    assert_eq!(refused.errcode(), 45_015);
    let said = refused.errmsg();
    assert_eq!(
        without_rid(&said),
        "response out of time limit or subscription is canceled"
    );
}

#[tokio::test]
async fn messages_are_checked_by_their_type() {
    let sim = Sim::start();
    let openid = sim.say(OFFICIAL, "ann", "hello").await["openid"]
        .as_str()
        .expect("a text")
        .to_owned();
    let cases = [
        (json!({"msgtype": "hologram", "hologram": {}}), 40_008),
        (json!({"msgtype": "link", "link": {}}), 40_008),
        (text(""), 44_004),
        (text(&"x".repeat(2_049)), 45_002),
        (json!({"msgtype": "news", "news": {"articles": [{}, {}]}}), 45_008),
        (json!({"msgtype": "image", "image": {}}), 40_007),
        (json!({"msgtype": "music", "music": {"title": "t"}}), 40_007),
        (json!({"msgtype": "image", "image": {"media_id": "gone"}}), 40_007),
        (json!({"msgtype": "image", "image": {"media_id": "m1"}}), 0),
        (
            json!({"msgtype": "video", "video": {"media_id": "m1", "thumb_media_id": "m1"}}),
            0,
        ),
        (
            json!({"msgtype": "news", "news": {"articles": [{"title": "t"}]}}),
            0,
        ),
        (
            json!({"msgtype": "msgmenu", "msgmenu": {"list": [{"id": "1", "content": "a"}]}}),
            0,
        ),
        (
            json!({"msgtype": "miniprogrampage", "miniprogrampage": {"appid": "w", "pagepath": "p", "thumb_media_id": "m1"}}),
            0,
        ),
    ];
    sim.switch(OFFICIAL, json!({"media_ids": ["m1"]})).await;
    for (message, wanted) in cases {
        assert_eq!(
            send(&sim, OFFICIAL, &openid, message.clone()).await,
            wanted,
            "{message}"
        );
    }
    let openid = sim.say(MINI, "ann", "hello").await["openid"]
        .as_str()
        .expect("a text")
        .to_owned();
    let link = json!({"title": "t", "description": "d", "url": "u", "thumb_url": "p"});
    assert_eq!(
        send(&sim, MINI, &openid, json!({"msgtype": "link", "link": link})).await,
        0
    );
    assert_eq!(
        send(&sim, MINI, &openid, json!({"msgtype": "news", "news": {}})).await,
        40_008
    );
}

#[tokio::test]
async fn typing_follows_what_was_said_lately() {
    let sim = Sim::start();
    let (own, business) = ("message/custom/typing", "message/custom/business/typing");
    for (app_id, path, other) in [(OFFICIAL, own, business), (MINI, business, own)] {
        let openid = sim.say(app_id, "ann", "hello").await["openid"]
            .as_str()
            .expect("a text")
            .to_owned();
        let typing = |command: &str| json!({"command": command});
        assert_eq!(call(&sim, app_id, other, &openid, typing("Typing")).await, 40_200);
        assert_eq!(
            call(&sim, app_id, path, &openid, typing("Shouting")).await,
            45_072
        );
        assert_eq!(call(&sim, app_id, path, &openid, typing("Typing")).await, 0);
        assert_eq!(call(&sim, app_id, path, &openid, typing("Typing")).await, 45_081);
        assert_eq!(call(&sim, app_id, path, &openid, typing("CancelTyping")).await, 0);
        assert_eq!(call(&sim, app_id, path, &openid, typing("Typing")).await, 0);
        sim.advance(31).await;
        assert_eq!(call(&sim, app_id, path, &openid, typing("Typing")).await, 45_080);
    }
}

#[tokio::test]
async fn addresses_and_the_check_of_a_server() {
    let sim = Sim::start();
    let token = sim.stable(OFFICIAL, false).await.token();
    sim.switch(OFFICIAL, json!({"callback_ips": ["10.1.0.0/16", "127.0.0.1"]}))
        .await;
    let ips = sim
        .get(&format!("/cgi-bin/getcallbackip?access_token={token}"))
        .await;
    assert_eq!(ips.json(), json!({"ip_list": ["10.1.0.0/16", "127.0.0.1"]}));
    let ips = sim
        .get(&format!("/cgi-bin/get_api_domain_ip?access_token={token}"))
        .await;
    assert_eq!(ips.json()["ip_list"], json!(["127.0.0.1"]));

    let path = format!("/cgi-bin/callback/check?access_token={token}");
    let all = json!({"action": "all", "check_operator": "CHINANET"});
    assert_eq!(sim.post(&path, &all).await.errcode(), 40_201);
    let hook = Hook::start(|_, _| Say::success()).await;
    sim.serve_at(OFFICIAL, &hook, json!({})).await;
    let checked = sim.post(&path, &all).await.json();
    assert_eq!(checked["dns"][0]["real_operator"], "CHINANET");
    assert_eq!(checked["ping"][0]["package_loss"], "0%");
    assert_eq!(
        sim.post(&path, &json!({"action": "trace"})).await.errcode(),
        40_202
    );
    let operator = json!({"action": "dns", "check_operator": "NOBODY"});
    assert_eq!(sim.post(&path, &operator).await.errcode(), 40_203);
    let log = sim
        .admin(
            Method::GET,
            "/calls/count?path=/cgi-bin/callback/check",
            json!({}),
        )
        .await;
    assert_eq!(log["count"], 4);
}
