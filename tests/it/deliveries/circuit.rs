//! Receivers that are gone: they are left in peace, found again soon, and hold up nobody else.

use std::time::{Duration, Instant};

use wxgate::service::records::{Delivery, DeliveryState};
use wxgate::store::Change;

use super::office::Office;
use crate::support::app::Builder;
use crate::support::eventually;
use crate::support::on_both_stores;
use crate::support::receiver::{Answer, Receiver};

on_both_stores!(
    a_receiver_that_is_gone_is_asked_every_ten_seconds_and_then_gets_everything,
    one_that_hangs_holds_up_no_other,
    an_open_circuit_does_not_count_a_look_at_nothing,
);

async fn a_receiver_that_is_gone_is_asked_every_ten_seconds_and_then_gets_everything(builder: Builder) {
    let office = Office::open(builder).await;
    let receiver = Receiver::start().await;
    receiver.always(Answer::Status(500));
    let instance = office.instance().await;
    let webhook = instance.webhook(&receiver).await;
    let events = office.backlog(&webhook, 150).await;
    instance.run();
    eventually("the circuit opens", async || {
        instance.deliveries.figures().circuits_open == 1
    })
    .await;
    eventually("all attempts ended", async || {
        instance.deliveries.figures().in_flight == 0
    })
    .await;
    let mut count = receiver.count();
    assert!((5..=70).contains(&count), "{count}");
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert_eq!(receiver.count(), count, "nothing passes an open circuit");
        office.turn(Duration::from_secs(10));
        eventually("one passes", async || receiver.count() > count).await;
        count += 1;
    }
    // What is new waits as well, and holds up nobody.
    let new = office.event(&[&webhook.id]).await;
    instance.expand(&new).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(receiver.count(), count);
    // Many of them wait for half a minute or longer, but the first success tells that there is no need to.
    receiver.always(Answer::Status(200));
    office.turn(Duration::from_secs(10));
    let turned = Instant::now();
    for event in events.iter().chain([&new.id]) {
        office.until_delivered(event, &webhook).await;
    }
    assert!(
        turned.elapsed() < Duration::from_secs(15),
        "{:?}",
        turned.elapsed()
    );
    assert_eq!(instance.deliveries.figures().circuits_open, 0);
}

async fn one_that_hangs_holds_up_no_other(builder: Builder) {
    let office = Office::open(builder).await;
    let (hangs, works) = (Receiver::start().await, Receiver::start().await);
    hangs.always(Answer::Never);
    let instance = office.running().await;
    let bad = instance.webhook(&hangs).await;
    let good = instance.webhook(&works).await;
    let mut times = Vec::new();
    for _ in 0..300 {
        let event = office.event(&[&bad.id, &good.id]).await;
        let began = Instant::now();
        instance.expand(&event).await;
        let before = times.len();
        eventually("the other gets it", async || works.count() > before).await;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    assert!(times[290] < Duration::from_millis(500), "{:?}", &times[280..]);
    assert!(hangs.busiest() <= 64, "{}", hangs.busiest());
    let first = hangs.received()[0].header("webhook-id").parse().unwrap();
    assert_eq!(office.delivery(&first, &bad).await.state, DeliveryState::Waiting);
}

async fn an_open_circuit_does_not_count_a_look_at_nothing(builder: Builder) {
    let office = Office::open(builder).await;
    let receiver = Receiver::start().await;
    receiver.always(Answer::Status(500));
    let instance = office.instance().await;
    let webhook = instance.webhook(&receiver).await;
    let events = office.backlog(&webhook, 20).await;
    instance.run();
    eventually("the circuit opens", async || {
        instance.deliveries.figures().circuits_open == 1
    })
    .await;
    eventually("all attempts ended", async || {
        instance.deliveries.figures().in_flight == 0
    })
    .await;
    // Another instance has them all.
    let until = office.clock.store_now() + Duration::from_hours(1);
    for event in &events {
        let take = |one: &mut Delivery| {
            one.owner = Some("another".to_owned());
            one.due_at = Some(until);
            Change::Save
        };
        let id = Delivery::id_of(event, &webhook.id);
        office.deliveries.update(&id, take).await.unwrap().unwrap();
    }
    let count = receiver.count();
    office.turn(Duration::from_secs(10));
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(receiver.count(), count);
    // One that may be sent is sent now, and not ten seconds after the look that found nothing.
    office.backlog(&webhook, 1).await;
    tokio::time::sleep(Duration::from_millis(3500)).await;
    assert_eq!(receiver.count(), count + 1);
}
