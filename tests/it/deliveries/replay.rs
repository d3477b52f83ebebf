//! Lists of deliveries, and deliveries that are made once more.

use std::time::Duration;

use wxgate::domain::ids::EventId;
use wxgate::service::deliveries::{Listed, Place, Replay};
use wxgate::service::records::{Delivery, DeliveryState, Webhook};
use wxgate::store::{Change, Record as _};

use super::office::{Office, waiting};
use crate::support::app::Builder;
use crate::support::on_both_stores;
use crate::support::receiver::Receiver;

on_both_stores!(
    what_was_given_up_is_listed_and_replayed,
    one_request_looks_through_so_many,
    what_waits_is_listed_by_when_it_is_due,
);

/// As after the last attempt.
async fn give_up(office: &Office, webhook: &Webhook, event: &EventId) {
    let die = |one: &mut Delivery| {
        let died = serde_json::json!({
            "id": one.id, "app": one.app, "event": one.event, "webhook": one.webhook, "state": "dead", "tries": 9,
            "created_at": one.created_at, "dead": one.created_at, "expires_at": one.expires_at,
        });
        *one = serde_json::from_value(died).unwrap();
        Change::Save
    };
    let id = Delivery::id_of(event, &webhook.id);
    office.deliveries.update(&id, die).await.unwrap().unwrap();
}

async fn what_was_given_up_is_listed_and_replayed(builder: Builder) {
    let office = Office::open(builder).await;
    let receiver = Receiver::start().await;
    let instance = office.running().await;
    let webhook = instance.webhook(&receiver).await;
    let mut events = Vec::new();
    for n in 0..10 {
        let event = office.event(&[&webhook.id]).await;
        instance.expand(&event).await;
        office.until_delivered(&event.id, &webhook).await;
        if n % 2 == 0 {
            give_up(&office, &webhook, &event.id).await;
        }
        events.push(event);
        office.turn(Duration::from_secs(60));
    }
    let deliveries = &instance.deliveries;
    let list = async |state, after: Option<&Listed>, limit| {
        let after = after.map(|last| last.next.clone().unwrap());
        deliveries.list(&webhook.id, state, after, limit).await.unwrap()
    };
    let numbers = |found: &Listed| -> Vec<usize> {
        let number = |one: &Delivery| events.iter().position(|event| event.id == one.event).unwrap();
        found.deliveries.iter().map(number).collect()
    };
    let first = list(None, None, 4).await;
    assert_eq!(numbers(&first), [9, 8, 7, 6]);
    assert_eq!(numbers(&list(None, Some(&first), 100).await), [5, 4, 3, 2, 1, 0]);
    let dead = list(Some(DeliveryState::Dead), None, 2).await;
    assert_eq!(numbers(&dead), [8, 6]);
    assert_eq!(
        numbers(&list(Some(DeliveryState::Dead), Some(&dead), 9).await),
        [4, 2, 0]
    );
    let taken = list(Some(DeliveryState::Delivered), None, 2).await;
    assert_eq!(numbers(&taken), [9, 7]);
    assert_eq!(
        numbers(&list(Some(DeliveryState::Delivered), Some(&taken), 9).await),
        [5, 3, 1]
    );
    assert_eq!(
        numbers(&list(Some(DeliveryState::Waiting), None, 2).await),
        [0; 0]
    );

    let before = receiver.count();
    let one = Replay::One(events[0].id.clone());
    assert_eq!(deliveries.replay(&webhook.id, one).await.unwrap().count, 1);
    let again = office.until_delivered(&events[0].id, &webhook).await;
    assert_eq!((again.tries, again.dead), (1, None));
    assert_eq!(
        receiver.received()[before].header("webhook-id"),
        events[0].id.as_str()
    );

    // Events 2 to 6: of these 2, 4 and 6 are dead.
    let range = |only_dead| Replay::Range {
        from: events[2].accepted_at,
        until: events[7].accepted_at,
        only_dead,
        after: None,
    };
    let replay_all = async |only_dead| {
        let replayed = deliveries.replay(&webhook.id, range(only_dead)).await.unwrap();
        assert_eq!(replayed.next, None);
        replayed.count
    };
    assert_eq!(replay_all(true).await, 3);
    for n in [2, 4, 6] {
        office.until_delivered(&events[n].id, &webhook).await;
    }
    assert_eq!(receiver.count(), before + 4);
    assert_eq!(replay_all(true).await, 0);
    assert_eq!(replay_all(false).await, 5);
    for event in &events[2..7] {
        office.until_delivered(&event.id, &webhook).await;
    }
    assert_eq!(receiver.count(), before + 9);
    assert_eq!(numbers(&list(Some(DeliveryState::Dead), None, 9).await), [8]);

    // One that the webhook was never to get, and some that there is nothing of.
    let unwanted = office.event(&[]).await;
    let replay = async |event: &EventId| {
        let one = Replay::One(event.clone());
        deliveries.replay(&webhook.id, one).await.unwrap().count
    };
    assert_eq!(replay(&unwanted.id).await, 1);
    office.until_delivered(&unwanted.id, &webhook).await;
    let mut foreign = office.event_to_be(&[]);
    foreign.app = "game".parse().unwrap();
    office.events.insert(&foreign).await.unwrap();
    assert_eq!(replay(&foreign.id).await, 0);
    assert_eq!(replay(&office.event_to_be(&[]).id).await, 0);
    assert_eq!(receiver.count(), before + 10);
}

async fn one_request_looks_through_so_many(builder: Builder) {
    let office = Office::open(builder).await;
    let receiver = Receiver::start().await;
    let instance = office.instance().await;
    let webhook = instance.webhook(&receiver).await;
    let first = office.clock.store_now();
    let mut dropped = Vec::new();
    for _ in 0..10_020 {
        let event = office.event_to_be(&[]);
        let mut one = waiting(&event, &webhook.id);
        one.state = DeliveryState::Dropped;
        one.due_at = None;
        dropped.push(one);
    }
    // The oldest and the newest of all.
    dropped[0].state = DeliveryState::Delivered;
    dropped[10_019].state = DeliveryState::Delivered;
    for some in dropped.chunks(500) {
        for made in office.deliveries.insert_many(some).await.unwrap() {
            made.unwrap();
        }
    }
    let (mut found, mut after, mut parts) = (Vec::new(), None, 0);
    loop {
        let list = instance
            .deliveries
            .list(&webhook.id, Some(DeliveryState::Delivered), after, 2);
        let part = list.await.unwrap();
        found.extend(part.deliveries.into_iter().map(|one| one.id));
        after = part.next;
        parts += 1;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, [dropped[10_019].id.as_str(), dropped[0].id.as_str()]);
    assert_eq!(parts, 3);

    let replay = async |after: Option<Place>| {
        let range = Replay::Range {
            from: first,
            until: first + Duration::from_hours(1),
            only_dead: false,
            after,
        };
        instance.deliveries.replay(&webhook.id, range).await.unwrap()
    };
    let one = replay(None).await;
    assert!(one.count == 1 && one.next.is_some());
    let two = replay(one.next).await;
    assert!(two.count == 1 && two.next.is_none());
}

async fn what_waits_is_listed_by_when_it_is_due(builder: Builder) {
    let office = Office::open(builder).await;
    let receiver = Receiver::start().await;
    let instance = office.instance().await;
    let webhook = instance.webhook(&receiver).await;
    let events = office.backlog(&webhook, 5).await;
    // The oldest is due last.
    for (event, minutes) in events.iter().zip((1..6).rev()) {
        let due = office.clock.store_now() + Duration::from_mins(minutes);
        let put_off = |one: &mut Delivery| {
            one.due_at = Some(due);
            Change::Save
        };
        let id = Delivery::id_of(event, &webhook.id);
        office.deliveries.update(&id, put_off).await.unwrap().unwrap();
    }
    // One that a newer version has written.
    let id = Delivery::id_of(&office.event_to_be(&[]).id, &webhook.id);
    let now = office.clock.store_now();
    let fields = serde_json::json!({
        "app": "shop", "event": events[0], "webhook": webhook.id, "state": "frozen", "due_at": now, "created_at": now,
        "expires_at": now + Duration::from_hours(1),
    });
    let fields = fields.as_object().unwrap().clone();
    office
        .engine
        .insert(Delivery::COLLECTION, id, fields, now)
        .await
        .unwrap();
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let list = instance
            .deliveries
            .list(&webhook.id, Some(DeliveryState::Waiting), after, 2);
        let part = list.await.unwrap();
        found.extend(part.deliveries.into_iter().map(|one| one.event));
        after = part.next;
        if after.is_none() {
            break;
        }
    }
    found.reverse();
    assert_eq!(found, events);
    // It stops nobody.
    instance.run();
    office.turn(Duration::from_mins(10));
    for event in &events {
        office.until_delivered(event, &webhook).await;
    }
}
