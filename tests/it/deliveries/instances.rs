//! Several instances on one store, and instances that end.

use std::collections::HashMap;
use std::time::Duration;

use wxgate::service::records::{Delivery, DeliveryState};
use wxgate::store::Repo;

use super::office::{Office, make, waiting};
use crate::support::app::Builder;
use crate::support::eventually;
use crate::support::on_both_stores;
use crate::support::receiver::{Answer, Receiver};

on_both_stores!(
    what_a_killed_instance_had_claimed_is_taken_over,
    an_instance_that_stops_gives_back_what_it_was_trying,
    two_instances_share_a_backlog_and_send_nothing_twice,
    nothing_is_lost_when_instances_are_killed,
);

async fn what_a_killed_instance_had_claimed_is_taken_over(builder: Builder) {
    let office = Office::open(builder).await;
    let receiver = Receiver::start().await;
    receiver.answer([Answer::Never, Answer::Never]);
    let first = office.running().await;
    let webhook = first.webhook(&receiver).await;
    let event = office.event(&[&webhook.id]).await;
    first.expand(&event).await;
    let old = office.backlog(&webhook, 1).await.remove(0);
    eventually("both are sent", async || receiver.count() == 2).await;
    first.kill();
    let second = office.running().await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    office.turn(Duration::from_secs(15));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(receiver.count(), 2, "others respect its claims for a while");
    office.turn(Duration::from_secs(10));
    for event in [&event.id, &old] {
        office.until_delivered(event, &webhook).await;
    }
    let mut ids: Vec<_> = receiver
        .received()
        .iter()
        .map(|one| one.header("webhook-id"))
        .collect();
    ids.sort_unstable();
    let (a, b) = (event.id.to_string(), old.to_string());
    assert_eq!(ids, [a.clone(), a, b.clone(), b]);
    second.stop().await;
}

async fn an_instance_that_stops_gives_back_what_it_was_trying(builder: Builder) {
    let office = Office::open(builder).await;
    let receiver = Receiver::start().await;
    receiver.answer([Answer::Never, Answer::Late(Duration::from_millis(700))]);
    let first = office.running().await;
    let webhook = first.webhook(&receiver).await;
    let events = [
        office.event(&[&webhook.id]).await,
        office.event(&[&webhook.id]).await,
    ];
    for (count, event) in (1..).zip(&events) {
        first.expand(event).await;
        eventually("it is sent", async || receiver.count() == count).await;
    }
    first.stop().await;
    let given_back = office.delivery(&events[0].id, &webhook).await;
    assert_eq!(
        (given_back.state, given_back.owner),
        (DeliveryState::Waiting, None)
    );
    assert_eq!(given_back.tries, 0);
    assert!(given_back.due_at.unwrap() <= office.clock.store_now());
    let ended = office.delivery(&events[1].id, &webhook).await;
    assert_eq!(ended.state, DeliveryState::Delivered);
    let second = office.running().await;
    office.until_delivered(&events[0].id, &webhook).await;
    assert_eq!(receiver.count(), 3);
    second.stop().await;
}

async fn two_instances_share_a_backlog_and_send_nothing_twice(builder: Builder) {
    let office = Office::open(builder).await;
    let receiver = Receiver::start().await;
    let (first, second) = (office.instance().await, office.instance().await);
    let webhook = first.webhook(&receiver).await;
    second.webhooks.feed().load().await.unwrap();
    let events = office.backlog(&webhook, 1500).await;
    first.run();
    second.run();
    eventually("all are sent", async || receiver.count() >= events.len()).await;
    for event in &events {
        office.until_delivered(event, &webhook).await;
    }
    assert_eq!(receiver.count(), events.len());
    for instance in [&first, &second] {
        let delivered = instance.deliveries.figures().attempts["delivered"];
        assert!(
            delivered > 100,
            "one has done nearly everything: {delivered} are left"
        );
    }
}

async fn nothing_is_lost_when_instances_are_killed(builder: Builder) {
    let office = Office::open(builder).await;
    let receiver = Receiver::start().await;
    // Three of ten attempts fail, the first time and mostly the second time as well.
    receiver.answer((0..1300).map(|n| Answer::Status(if n % 10 < 3 { 500 } else { 200 })));
    let mut instance = office.running().await;
    let webhook = instance.webhook(&receiver).await;
    let events = office.backlog(&webhook, 1000).await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        instance.kill();
        instance = office.running().await;
    }
    for event in &events {
        office
            .until(event, &webhook, |one| {
                if one.state != DeliveryState::Delivered {
                    office.turn(Duration::from_millis(300));
                }
                one.state == DeliveryState::Delivered
            })
            .await;
    }
    let mut attempts: HashMap<String, usize> = HashMap::new();
    for received in receiver.received() {
        *attempts.entry(received.header("webhook-id")).or_default() += 1;
    }
    assert_eq!(attempts.len(), events.len());
    // Failed ones are tried again; beyond that, only what was on its way when an instance was killed comes twice.
    assert!(receiver.count() >= 1300, "{}", receiver.count());
    let twice = receiver.count() - events.len() - 1300 * 3 / 10;
    assert!(twice <= 3 * 64, "{twice}");
}

/// The gateway itself: it delivers what it finds, to the public internet only unless it is told otherwise.
mod gateway {
    use super::*;
    use crate::support::app::TestApp;
    use crate::support::services::Services;

    async fn with_one_waiting(app: &TestApp, receiver: &Receiver) -> (Repo<Delivery>, String) {
        let services = Services::beside(app).await;
        let (engine, clock) = (services.engine.clone(), services.clock.clone());
        let webhook = make(&services.webhooks, &receiver.url(), false).await;
        let now = clock.store_now();
        let event = serde_json::json!({
            "id": "evt_1700000000000aaaaaaaaaaaaaaaa", "app": "shop", "key": "k", "kind": "message", "type": "text",
            "body": "{}", "accepted_at": now, "expires_at": now + Duration::from_secs(9999),
        });
        let event = serde_json::from_value(event).unwrap();
        Repo::new(engine.clone(), clock.clone())
            .insert(&event)
            .await
            .unwrap();
        let delivery = waiting(&event, &webhook.id);
        let deliveries = Repo::new(engine, clock);
        deliveries.insert(&delivery).await.unwrap();
        (deliveries, delivery.id)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn it_delivers_what_it_finds() {
        let builder = TestApp::builder().set("push.webhook_private_networks", "true");
        let app = builder.spawn().await;
        let receiver = Receiver::start().await;
        let (deliveries, id) = with_one_waiting(&app, &receiver).await;
        eventually("it is delivered", async || {
            let one = deliveries.get(&id).await.unwrap().unwrap();
            one.state == DeliveryState::Delivered
        })
        .await;
        let figures = app.get("/metrics").await.ok().text;
        assert!(
            figures.contains("delivery_attempts_total{outcome=\"delivered\"} 1"),
            "{figures}"
        );
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn it_does_not_connect_to_private_networks() {
        let app = TestApp::builder().spawn().await;
        let receiver = Receiver::start().await;
        let (deliveries, id) = with_one_waiting(&app, &receiver).await;
        let mut one = None;
        eventually("it is tried", async || {
            one = deliveries.get(&id).await.unwrap();
            one.as_ref().unwrap().tries == 1
        })
        .await;
        let error = one.unwrap().attempts.remove(0).error;
        let expected = "nothing was sent: the address is not on the public internet";
        assert_eq!(error.as_deref(), Some(expected));
        assert_eq!(receiver.connections(), 0);
    }
}
