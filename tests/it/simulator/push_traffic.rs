//! Many pushes: failures in a row, duplicates, other orders, another key, floods.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::push_support::{Hook, KEY, OTHER_KEY, Say, cdata, sign};
use super::support::{OFFICIAL, Sim};

#[tokio::test]
async fn after_ten_failures_nothing_is_pushed_for_a_minute() {
    let sim = Sim::start();
    let hook = Hook::start(|_, number| {
        if number < 10 {
            Say::Status(500)
        } else {
            Say::success()
        }
    })
    .await;
    sim.serve_at(OFFICIAL, &hook, json!({"rules": {"deliveries": 1}}))
        .await;
    for _ in 0..10 {
        assert_eq!(sim.say(OFFICIAL, "ann", "a").await["outcome"], "failed");
    }
    let lost = sim.say(OFFICIAL, "ann", "b").await;
    assert_eq!(
        (&lost["outcome"], &lost["deliveries"]),
        (&json!("lost"), &json!([]))
    );
    let state = sim
        .admin(Method::GET, &format!("/apps/{OFFICIAL}/server"), json!({}))
        .await;
    assert_eq!(state["alarms"]["status"], 10);
    assert_eq!(state["alarms"]["lost"], 1);
    assert!(
        state["blocked_seconds"].as_i64().is_some_and(|left| left > 50),
        "{state}"
    );
    sim.advance(60).await;
    assert_eq!(sim.say(OFFICIAL, "ann", "c").await["outcome"], "accepted");
    assert_eq!(hook.got().len(), 11);
}

#[tokio::test]
async fn copies_are_the_same_push_with_signatures_of_their_own() {
    let sim = Sim::start();
    let hook = Hook::start(|_, _| Say::success()).await;
    sim.serve_at(OFFICIAL, &hook, json!({})).await;
    for concurrent in [false, true] {
        let order = json!({
            "app_id": OFFICIAL, "user": "ann", "message": {"content": "a"}, "copies": 3, "concurrent": concurrent,
        });
        let report = sim.push(order).await;
        let copies = report["copies"].as_array().expect("a list");
        assert!(
            copies.len() == 2 && copies.iter().all(|copy| copy["copy_of"] == report["push_id"]),
            "{report}"
        );
    }
    let got = hook.got();
    assert_eq!(got.len(), 6);
    assert!(got[1].body == got[0].body && got[2].body == got[0].body && got[3].body != got[0].body);
    assert_ne!(got[0].param("nonce"), got[1].param("nonce"));
    assert_eq!(sim.talk(OFFICIAL, "ann").await.len(), 2);
}

#[tokio::test]
async fn a_batch_can_arrive_in_another_order() {
    let sim = Sim::start();
    let hook = Hook::start(|_, _| Say::success()).await;
    sim.serve_at(OFFICIAL, &hook, json!({})).await;
    let pushes: Vec<Value> = (0..5)
        .map(|n| json!({"message": {"content": n.to_string()}}))
        .collect();
    for order in ["given", "reversed", "shuffled"] {
        let batch = json!({"app_id": OFFICIAL, "user": "ann", "pushes": pushes, "order": order});
        let done = sim.admin(Method::POST, "/push/batch", batch).await;
        assert_eq!(done["pushes"].as_array().map(Vec::len), Some(5));
    }
    let batch = json!({"app_id": OFFICIAL, "user": "ann", "pushes": pushes, "concurrent": true});
    sim.admin(Method::POST, "/push/batch", batch).await;
    let all: String = hook.got().iter().map(|got| got.cdata("Content")).collect();
    assert_eq!(&all[..10], "0123443210");
    assert_eq!(all.len(), 20);
}

#[tokio::test]
async fn a_push_can_be_late_and_old() {
    let sim = Sim::start();
    let hook = Hook::start(|_, _| Say::success()).await;
    sim.serve_at(OFFICIAL, &hook, json!({})).await;
    let order = json!({
        "app_id": OFFICIAL, "user": "ann", "message": {"content": "a"}, "age_seconds": 60, "delay_ms": 200, "wait": false,
    });
    let report = sim.push(order).await;
    assert_eq!(report["outcome"], "pending");
    assert!(hook.got().is_empty());
    let path = format!("/pushes/{}", report["push_id"].as_str().expect("a text"));
    let mut outcome = json!("pending");
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        outcome = sim.admin(Method::GET, &path, json!({})).await["outcome"].clone();
        if outcome != "pending" {
            break;
        }
    }
    assert_eq!(outcome, "accepted");
    let got = hook.take_one();
    let (_, rest) = got.body.split_once("<CreateTime>").expect("a time");
    let at: i64 = rest
        .split('<')
        .next()
        .expect("a number")
        .parse()
        .expect("a number");
    let sent: i64 = got.param("timestamp").parse().expect("a number");
    assert!((60..=65).contains(&(sent - at)), "{at} {sent}");
}

#[tokio::test]
async fn an_old_key_is_used_for_a_while_after_another_was_saved() {
    let sim = Sim::start();
    let hook = Hook::start(|_, _| Say::success()).await;
    sim.serve_at(OFFICIAL, &hook, json!({"mode": "safe", "encoding_aes_key": KEY}))
        .await;
    let path = format!("/apps/{OFFICIAL}/server");
    let other = json!({"encoding_aes_key": OTHER_KEY, "old_key_seconds": 600});
    assert_eq!(sim.admin(Method::PATCH, &path, other).await["saved"], true);
    sim.say(OFFICIAL, "ann", "a").await;
    assert_eq!(cdata(&hook.take_one().decrypted(KEY, OFFICIAL), "Content"), "a");
    sim.advance(600).await;
    sim.say(OFFICIAL, "ann", "b").await;
    assert_eq!(
        cdata(&hook.take_one().decrypted(OTHER_KEY, OFFICIAL), "Content"),
        "b"
    );
}

#[tokio::test]
async fn a_push_can_be_forged() {
    let sim = Sim::start();
    let hook = Hook::start(|_, _| Say::success()).await;
    sim.serve_at(OFFICIAL, &hook, json!({"mode": "safe", "encoding_aes_key": KEY}))
        .await;
    let order = json!({
        "app_id": OFFICIAL, "user": "ann", "message": {"content": "a"},
        "forge": {"token": "other", "app_id": "wxother", "timestamp": "1", "nonce": "2", "encoding_aes_key": OTHER_KEY},
    });
    sim.push(order).await;
    let got = hook.take_one();
    let encrypted = got.cdata("Encrypt");
    assert_eq!(got.param("msg_signature"), sign(&["other", "1", "2", &encrypted]));
    assert_eq!(super::push_support::decrypt(OTHER_KEY, &encrypted).1, "wxother");
}

#[tokio::test]
async fn without_a_server_users_act_all_the_same() {
    let sim = Sim::start();
    assert_eq!(sim.say(OFFICIAL, "ann", "a").await["outcome"], "unconfigured");
    let hook = Hook::start(|_, _| Say::success()).await;
    sim.serve_at(OFFICIAL, &hook, json!({})).await;
    let path = format!("/apps/{OFFICIAL}/server");
    assert_eq!(
        sim.admin(Method::DELETE, &path, json!({})).await["server"],
        Value::Null
    );
    assert_eq!(sim.say(OFFICIAL, "ann", "b").await["outcome"], "unconfigured");
    assert_eq!(sim.talk(OFFICIAL, "ann").await.len(), 2);
}

/// A flood once it is over.
async fn flooded(sim: &Sim, order: Value) -> Value {
    let begun = sim.admin(Method::POST, "/push/flood", order).await;
    let path = format!("/push/flood/{}", begun["flood_id"].as_str().expect("a text"));
    for _ in 0..500 {
        let flood = sim.admin(Method::GET, &path, json!({})).await;
        if flood["done"] == true {
            return flood;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the flood never ended");
}

#[tokio::test]
async fn a_flood_tells_what_was_acknowledged() {
    let sim = Sim::start();
    let good = Hook::start(|_, _| Say::success()).await;
    let bad = Hook::start(|_, _| Say::HangUp).await;
    sim.serve_at(OFFICIAL, &good, json!({"mode": "safe", "encoding_aes_key": KEY}))
        .await;
    let order = json!({
        "app_id": OFFICIAL, "count": 300, "per_second": 1_000, "concurrency": 16, "users": 7,
        "urls": [good.url(), bad.url(), "http://127.0.0.1:9/nobody"],
    });
    let flood = flooded(&sim, order).await;
    assert_eq!((&flood["sent"], &flood["failed"]), (&json!(300), &json!([])));
    let mut ids: Vec<_> = flood["acknowledged"].as_array().expect("a list").clone();
    ids.sort_by_key(ToString::to_string);
    ids.dedup();
    assert_eq!(ids.len(), 300);
    // A third goes to the good server at once, a third after two failures, a third after one.
    assert_eq!(flood["deliveries"], 600, "{}", flood["alarms"]);
    assert_eq!(good.got().len(), 300);
    let texts: Vec<String> = good
        .got()
        .iter()
        .map(|got| cdata(&got.decrypted(KEY, OFFICIAL), "Content"))
        .collect();
    assert_eq!(texts.len(), 300);
}

#[tokio::test]
async fn a_flood_tells_what_was_not() {
    let sim = Sim::start();
    let bad = Hook::start(|_, _| Say::HangUp).await;
    sim.serve_at(OFFICIAL, &bad, json!({})).await;
    let flood = flooded(
        &sim,
        json!({"app_id": OFFICIAL, "count": 20, "retry_after_ms": 10}),
    )
    .await;
    assert_eq!(flood["failed"].as_array().map(Vec::len), Some(20));
    assert_eq!(flood["alarms"]["cut"], 60);
    // Floods do not end pushing, whatever becomes of them.
    let state = sim
        .admin(Method::GET, &format!("/apps/{OFFICIAL}/server"), json!({}))
        .await;
    assert_eq!(state["blocked_seconds"], 0);
}

#[tokio::test]
async fn a_flood_can_send_every_message_to_many_at_once() {
    let sim = Sim::start();
    let one = Hook::start(|_, _| Say::success()).await;
    let other = Hook::start(|_, _| Say::HangUp).await;
    sim.serve_at(OFFICIAL, &one, json!({"rules": {"deliveries": 1}}))
        .await;
    let order = json!({
        "app_id": OFFICIAL, "count": 20, "copies": 2, "urls": [one.url(), other.url()], "deliveries": 1,
    });
    let flood = flooded(&sim, order).await;
    assert_eq!(flood["acknowledged"].as_array().map(Vec::len), Some(20));
    assert_eq!((one.got().len(), other.got().len()), (20, 20));
    let counted = sim
        .admin(Method::GET, "/push/flood/flood-1?ids=false", json!({}))
        .await;
    assert_eq!(
        (&counted["acknowledged"], &counted["failed"]),
        (&json!(20), &json!(0))
    );
}

#[tokio::test]
async fn a_stopped_flood_begins_no_more() {
    let sim = Sim::start();
    let hook = Hook::start(|_, _| Say::success()).await;
    sim.serve_at(OFFICIAL, &hook, json!({})).await;
    let order = json!({"app_id": OFFICIAL, "count": 100_000, "per_second": 50});
    sim.admin(Method::POST, "/push/flood", order).await;
    let stopped = sim.admin(Method::DELETE, "/push/flood/flood-1", json!({})).await;
    for _ in 0..100 {
        let flood = sim.admin(Method::GET, "/push/flood/flood-1", json!({})).await;
        if flood["done"] == true {
            assert_eq!(flood["sent"], stopped["sent"]);
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the flood goes on");
}

#[tokio::test]
async fn a_batch_with_an_error_sends_nothing() {
    let sim = Sim::start();
    let hook = Hook::start(|_, _| Say::success()).await;
    sim.serve_at(OFFICIAL, &hook, json!({})).await;
    let batch = json!({"app_id": OFFICIAL, "user": "ann", "pushes": [{"message": {"content": "a"}}, {"message": {}}]});
    let refused = sim.post("/_sim/push/batch", &batch).await;
    assert_eq!(
        (refused.status.as_u16(), refused.json()["error"].as_str()),
        (400, Some("content is missing"))
    );
    let log = sim.admin(Method::GET, "/pushes", json!({})).await;
    assert_eq!(log["pushes"][0]["outcome"], "lost");
    assert!(hook.got().is_empty());
}
