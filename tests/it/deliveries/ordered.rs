//! Webhooks that get one event after the other.

use std::time::Duration;

use futures_util::poll;
use rand::seq::SliceRandom as _;
use wxgate::service::records::{DeliveryState, PushEvent};
use wxgate::service::webhooks::Changes;
use wxgate::store::Change;

use super::office::Office;
use crate::support::app::Builder;
use crate::support::eventually;
use crate::support::on_both_stores;
use crate::support::receiver::{Answer, Receiver};

on_both_stores!(
    in_order_under_failures_and_by_two_instances,
    an_older_event_that_is_still_to_be_expanded_comes_first,
    what_is_still_on_its_way_to_the_store_holds_back_what_is_younger,
    a_webhook_that_becomes_ordered_gets_what_waits_in_order,
);

fn ids(receiver: &Receiver) -> Vec<String> {
    receiver
        .received()
        .iter()
        .map(|one| one.header("webhook-id"))
        .collect()
}

async fn in_order_under_failures_and_by_two_instances(builder: Builder) {
    let office = Office::open(builder).await;
    let receiver = Receiver::start().await;
    let (first, second) = (office.running().await, office.running().await);
    let webhook = first.ordered_webhook(&receiver).await;
    let mut events = Vec::new();
    for _ in 0..40 {
        events.push(office.event(&[&webhook.id]).await);
    }
    let order: Vec<_> = events.iter().map(|event| event.id.clone()).collect();
    events.shuffle(&mut rand::rng());
    // Every third attempt fails.
    let answers = (0..60).map(|n| Answer::Status(if n % 3 == 1 { 500 } else { 200 }));
    receiver.answer(answers);
    for (n, event) in events.iter().enumerate() {
        let instance = if n % 2 == 0 { &first } else { &second };
        instance.expand(event).await;
        let settle = |event: &mut PushEvent| {
            event.owes.clear();
            event.note_left(event.accepted_at);
            Change::Save
        };
        office.events.update(event.id.as_str(), settle).await.unwrap();
    }
    eventually("all are delivered", async || {
        office.turn(Duration::from_secs(1));
        let last = office.delivery(order.last().unwrap(), &webhook).await;
        last.state == DeliveryState::Delivered
    })
    .await;
    let mut got = ids(&receiver);
    assert!(got.len() >= 55, "{}", got.len());
    got.dedup();
    let order: Vec<_> = order.into_iter().map(String::from).collect();
    assert_eq!(got, order, "each until it was taken, then the next");
    assert_eq!(receiver.busiest(), 1);
}

async fn an_older_event_that_is_still_to_be_expanded_comes_first(builder: Builder) {
    let office = Office::open(builder).await;
    let receiver = Receiver::start().await;
    let instance = office.running().await;
    let webhook = instance.ordered_webhook(&receiver).await;
    let older = office.event(&[&webhook.id]).await;
    let younger = office.event(&[&webhook.id]).await;
    instance.expand(&younger).await;
    office.turn(Duration::from_secs(10));
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(ids(&receiver), Vec::<String>::new());
    instance.expand(&older).await;
    for event in [&older, &younger] {
        let settle = |event: &mut PushEvent| {
            event.owes.clear();
            event.note_left(event.accepted_at);
            Change::Save
        };
        office.events.update(event.id.as_str(), settle).await.unwrap();
    }
    office.until_delivered(&younger.id, &webhook).await;
    assert_eq!(ids(&receiver), [older.id.as_str(), younger.id.as_str()]);
}

async fn what_is_still_on_its_way_to_the_store_holds_back_what_is_younger(builder: Builder) {
    let office = Office::open(builder).await;
    let receiver = Receiver::start().await;
    let instance = office.running().await;
    let webhook = instance.ordered_webhook(&receiver).await;
    // It owes nothing to anybody, but that is not known before it has arrived.
    let older = office.event_to_be(&[]);
    let mut arrives = Box::pin(instance.log.add(&older));
    assert!(poll!(&mut arrives).is_pending());
    let mut younger = office.event_to_be(&[&webhook.id]);
    instance.expand(&younger).await;
    younger.owes.clear();
    younger.note_left(younger.accepted_at);
    office.events.insert(&younger).await.unwrap();
    office.turn(Duration::from_secs(60));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(ids(&receiver), Vec::<String>::new());
    arrives.await.unwrap();
    office.until_delivered(&younger.id, &webhook).await;
    assert_eq!(ids(&receiver), [younger.id.as_str()]);
}

async fn a_webhook_that_becomes_ordered_gets_what_waits_in_order(builder: Builder) {
    let office = Office::open(builder).await;
    let receiver = Receiver::start().await;
    receiver.always(Answer::Status(500));
    let instance = office.running().await;
    let webhook = instance.webhook(&receiver).await;
    let events = office.backlog(&webhook, 30).await;
    eventually("the circuit opens", async || {
        instance.deliveries.figures().circuits_open == 1
    })
    .await;
    eventually("all attempts ended", async || {
        instance.deliveries.figures().in_flight == 0
    })
    .await;
    let ordered = Changes {
        ordered: Some(true),
        ..Changes::default()
    };
    instance.change(&webhook, ordered).await;
    let tried = receiver.count();
    receiver.always(Answer::Status(200));
    office.turn(Duration::from_secs(60));
    for event in &events {
        office.until_delivered(event, &webhook).await;
    }
    let expected: Vec<_> = events.into_iter().map(String::from).collect();
    assert_eq!(ids(&receiver)[tried..], expected);
}
