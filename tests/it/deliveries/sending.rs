//! What receivers get, when they get it again, and what is remembered of it.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use wxgate::service::records::{DeliveryState, PushEvent, Webhook};
use wxgate::service::webhooks::Changes;
use wxgate::store::Change;

use super::office::{Instance, Office};
use crate::support::app::Builder;
use crate::support::eventually;
use crate::support::on_both_stores;
use crate::support::receiver::{Answer, Received, Receiver};

on_both_stores!(
    an_event_reaches_its_webhooks_signed_and_untouched,
    failures_are_tried_again_after_growing_pauses_and_given_up_in_the_end,
    what_is_deleted_is_dropped,
    a_disabled_webhook_waits,
);

/// How much of a turned clock has to be noticed within: about a second, and what a busy machine needs.
const NOTICED: Duration = Duration::from_secs(5);

fn is_signed(received: &Received, secret: &str) -> bool {
    let webhook = standardwebhooks::Webhook::new(secret).unwrap();
    webhook.verify(&received.body, &received.headers).is_ok()
}

async fn delivered(office: &Office, instance: &Instance, webhook: &Webhook, receiver: &Receiver) -> Received {
    let event = office.event(&[&webhook.id]).await;
    instance.expand(&event).await;
    office.until_delivered(&event.id, webhook).await;
    receiver.take_one()
}

async fn an_event_reaches_its_webhooks_signed_and_untouched(builder: Builder) {
    let office = Office::open(builder).await;
    let (first, second) = (Receiver::start().await, Receiver::start().await);
    let instance = office.running().await;
    let one = instance.webhook(&first).await;
    let other = instance.webhook(&second).await;
    let event = office.event(&[&one.id, &other.id]).await;
    instance.expand(&event).await;
    // Once more, as after a crash: nothing is made twice.
    instance.expand(&event).await;
    for (webhook, receiver) in [(&one, &first), (&other, &second)] {
        let delivery = office.until_delivered(&event.id, webhook).await;
        assert_eq!((delivery.tries, delivery.attempts.len()), (1, 1));
        assert_eq!((delivery.due_at, delivery.owner), (None, None));
        let attempt = &delivery.attempts[0];
        assert_eq!((attempt.status, &attempt.error), (Some(200), &None));
        let received = receiver.take_one();
        assert_eq!(received.body, event.body.as_ref().unwrap().as_bytes());
        assert_eq!(received.header("webhook-id"), event.id.as_str());
        assert_eq!(received.header("content-type"), "application/json");
        assert_eq!(received.header("content-length"), received.body.len().to_string());
        assert!(received.headers.get("transfer-encoding").is_none());
        let secret = &instance
            .webhooks
            .secrets(webhook, office.clock.store_now())
            .unwrap()[0];
        assert!(is_signed(&received, secret.text().expose_secret()));
    }
    rotation(&office, &instance, &one, &first).await;
}

async fn rotation(office: &Office, instance: &Instance, webhook: &Webhook, receiver: &Receiver) {
    let old = instance
        .webhooks
        .secrets(webhook, office.clock.store_now())
        .unwrap()[0]
        .clone();
    let old = old.text().expose_secret();
    let overlap = Duration::from_secs(60);
    let new = instance
        .webhooks
        .rotate(&webhook.app, &webhook.id, overlap)
        .await
        .unwrap();
    let both = delivered(office, instance, webhook, receiver).await;
    assert_eq!(both.header("webhook-signature").split(' ').count(), 2);
    assert!(is_signed(&both, new.expose_secret()) && is_signed(&both, old));
    office.turn(overlap);
    let one = delivered(office, instance, webhook, receiver).await;
    assert_eq!(one.header("webhook-signature").split(' ').count(), 1);
    assert!(is_signed(&one, new.expose_secret()) && !is_signed(&one, old));
}

async fn failures_are_tried_again_after_growing_pauses_and_given_up_in_the_end(builder: Builder) {
    let office = Office::open(builder).await;
    let receiver = Receiver::start().await;
    receiver.always(Answer::Status(503));
    let instance = office.running().await;
    let webhook = instance.webhook(&receiver).await;
    let event = office.event(&[&webhook.id]).await;
    instance.expand(&event).await;
    let pauses = [5, 30, 120, 600, 3600, 14_400, 28_800, 36_000].map(Duration::from_secs);
    for (tries, pause) in (1..).zip(pauses) {
        let tried = office
            .until(&event.id, &webhook, |one| {
                one.tries == tries && one.owner.is_none()
            })
            .await;
        let ended = tried.attempts.last().unwrap();
        assert_eq!(
            (ended.status, ended.error.as_deref()),
            (Some(503), Some("it answered 503"))
        );
        let waits = tried
            .due_at
            .unwrap()
            .since(ended.at + Duration::from_millis(ended.millis));
        assert!(
            waits >= pause.mul_f64(0.79) && waits <= pause.mul_f64(1.21),
            "{waits:?} of {pause:?}"
        );
        // As long as the circuit is closed, nothing is sent before its time. From then on it is asked now and then
        // whether the receiver is back, which does not count.
        if tries < 4 {
            office.turn(pause.mul_f64(if tries == 1 { 0.3 } else { 0.7 }));
            tokio::time::sleep(Duration::from_millis(1500)).await;
            assert_eq!(receiver.count(), tries as usize);
        }
        office.turn(pause.mul_f64(1.2));
        let turned = std::time::Instant::now();
        office.until(&event.id, &webhook, |one| one.tries > tries).await;
        assert!(turned.elapsed() < NOTICED, "{:?}", turned.elapsed());
    }
    let dead = office
        .until(&event.id, &webhook, |one| one.state == DeliveryState::Dead)
        .await;
    assert_eq!((dead.tries, dead.attempts.len(), dead.due_at), (9, 9, None));
    let all = receiver.received();
    assert!(
        all.iter()
            .all(|one| one.header("webhook-id") == event.id.as_str())
    );
    assert_eq!(instance.deliveries.figures().dead, 1);
    office.turn(Duration::from_secs(3600));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(receiver.count(), all.len(), "what is dead is not sent");
}

async fn what_is_deleted_is_dropped(builder: Builder) {
    let office = Office::open(builder).await;
    let receiver = Receiver::start().await;
    receiver.always(Answer::Status(500));
    let instance = office.running().await;
    let webhook = instance.webhook(&receiver).await;
    let (erased, expired, left) = (
        office.event(&[&webhook.id]).await,
        office.event(&[&webhook.id]).await,
        office.event(&[&webhook.id]).await,
    );
    for event in [&erased, &expired, &left] {
        instance.expand(event).await;
        office.until(&event.id, &webhook, |one| one.tries == 1).await;
    }
    let erase = |event: &mut PushEvent| {
        event.body = None;
        Change::Save
    };
    office.events.update(erased.id.as_str(), erase).await.unwrap();
    office.events.delete(expired.id.as_str()).await.unwrap();
    office.turn(Duration::from_secs(7));
    let is_dropped = |one: &wxgate::service::records::Delivery| one.state == DeliveryState::Dropped;
    for event in [&erased, &expired] {
        let dropped = office.until(&event.id, &webhook, is_dropped).await;
        assert_eq!((dropped.tries, dropped.due_at), (1, None));
    }
    office.until(&left.id, &webhook, |one| one.tries == 2).await;
    instance.webhooks.delete(&webhook.app, &webhook.id).await.unwrap();
    office.until(&left.id, &webhook, is_dropped).await;
    let late = office.event(&[&webhook.id]).await;
    let count = receiver.count();
    instance.expand(&late).await;
    assert!(
        office
            .deliveries
            .get(&format!("{}:{}", late.id, webhook.id))
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!((count, receiver.count()), (4, 4));
}

async fn a_disabled_webhook_waits(builder: Builder) {
    let office = Office::open(builder).await;
    let receiver = Receiver::start().await;
    let instance = office.running().await;
    let webhook = instance.webhook(&receiver).await;
    let disabled = |disabled| Changes {
        disabled: Some(disabled),
        ..Changes::default()
    };
    instance.change(&webhook, disabled(true)).await;
    let event = office.event(&[&webhook.id]).await;
    instance.expand(&event).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(receiver.count(), 0);
    let waits = office.delivery(&event.id, &webhook).await;
    assert_eq!((waits.state, waits.tries), (DeliveryState::Waiting, 0));
    instance.change(&webhook, disabled(false)).await;
    office.until_delivered(&event.id, &webhook).await;
    eventually("it is sent", async || receiver.count() == 1).await;
}
