//! Lists of deliveries, and deliveries that are made once more.

use std::time::Duration;

use wxgate::domain::ids::EventId;
use wxgate::service::deliveries::Replay;
use wxgate::service::records::{Delivery, DeliveryState, Webhook};
use wxgate::store::Change;

use super::office::Office;
use crate::support::app::Builder;
use crate::support::on_both_stores;
use crate::support::receiver::Receiver;

on_both_stores!(what_was_given_up_is_listed_and_replayed);

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
    let list = async |state, after: Option<&Delivery>, limit| {
        let after = after.map(|last| last.id.clone());
        deliveries.list(&webhook.id, state, after, limit).await.unwrap()
    };
    let numbers = |found: &[Delivery]| -> Vec<usize> {
        let number = |one: &Delivery| events.iter().position(|event| event.id == one.event).unwrap();
        found.iter().map(number).collect()
    };
    let first = list(None, None, 4).await;
    assert_eq!(numbers(&first), [9, 8, 7, 6]);
    assert_eq!(numbers(&list(None, first.last(), 100).await), [5, 4, 3, 2, 1, 0]);
    let dead = list(Some(DeliveryState::Dead), None, 2).await;
    assert_eq!(numbers(&dead), [8, 6]);
    assert_eq!(
        numbers(&list(Some(DeliveryState::Dead), dead.last(), 9).await),
        [4, 2, 0]
    );
    let taken = list(Some(DeliveryState::Delivered), None, 2).await;
    assert_eq!(numbers(&taken), [9, 7]);
    assert_eq!(
        numbers(&list(Some(DeliveryState::Delivered), taken.last(), 9).await),
        [5, 3, 1]
    );
    assert_eq!(list(Some(DeliveryState::Waiting), None, 2).await.len(), 0);

    let before = receiver.count();
    let one = Replay::One(events[0].id.clone());
    assert_eq!(deliveries.replay(&webhook.id, one).await.unwrap(), 1);
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
    };
    assert_eq!(deliveries.replay(&webhook.id, range(true)).await.unwrap(), 3);
    for n in [2, 4, 6] {
        office.until_delivered(&events[n].id, &webhook).await;
    }
    assert_eq!(receiver.count(), before + 4);
    assert_eq!(deliveries.replay(&webhook.id, range(true)).await.unwrap(), 0);
    assert_eq!(deliveries.replay(&webhook.id, range(false)).await.unwrap(), 5);
    for event in &events[2..7] {
        office.until_delivered(&event.id, &webhook).await;
    }
    assert_eq!(receiver.count(), before + 9);
    assert_eq!(numbers(&list(Some(DeliveryState::Dead), None, 9).await), [8]);

    // One that the webhook was never to get, and some that there is nothing of.
    let unwanted = office.event(&[]).await;
    let replay = async |event: &EventId| {
        let one = Replay::One(event.clone());
        deliveries.replay(&webhook.id, one).await.unwrap()
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
