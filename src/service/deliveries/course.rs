//! The course of a delivery, from claim to claim until it ends. Pure: what is sent and stored is not done here.

use std::time::Duration;

use super::failure::Failure;
use crate::domain::time::Timestamp;
use crate::service::events::time_of;
use crate::service::records::{Attempt, Delivery, DeliveryState, PushEvent, Webhook};

/// The pauses after failed attempts, each of them more or less by [`JITTER`]. After the last one nothing is left.
const PAUSES: [Duration; 8] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_hours(1),
    Duration::from_hours(4),
    Duration::from_hours(8),
    Duration::from_hours(10),
];
const JITTER: f64 = 0.2;
/// How long a claim holds: an attempt and what is written afterwards. The claims of a process that died are found at
/// most [`super::lane::IDLE`] after that, which makes less than thirty seconds.
pub(super) const CLAIM: Duration = Duration::from_secs(22);
/// How many attempts are remembered.
const REMEMBERED: usize = 20;

/// How the webhook wants its deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sequence {
    /// As they come.
    Any,
    /// In the order of their events.
    Ordered,
}

impl Sequence {
    pub(super) fn of(webhook: &Webhook) -> Self {
        if webhook.ordered { Self::Ordered } else { Self::Any }
    }
}

/// A delivery that nobody has tried.
pub(super) fn fresh(event: &PushEvent, webhook: &Webhook) -> Delivery {
    Delivery {
        id: Delivery::id_of(&event.id, &webhook.id),
        app: event.app.clone(),
        event: event.id.clone(),
        webhook: webhook.id.clone(),
        state: DeliveryState::Waiting,
        // What is oldest comes first.
        due_at: Some(time_of(&event.id).unwrap_or(event.accepted_at)),
        not_before: None,
        owner: None,
        tries: 0,
        attempts: Vec::new(),
        created_at: event.accepted_at,
        dead: None,
        expires_at: event.expires_at,
    }
}

/// From when on it may be tried, or taken over from whoever tries it.
pub(super) fn due(delivery: &Delivery) -> Option<Timestamp> {
    delivery.due_at.max(delivery.not_before)
}

/// Nobody else touches it for a while.
pub(super) fn claim(delivery: &mut Delivery, owner: &str, now: Timestamp, sequence: Sequence) {
    delivery.owner = Some(owner.to_owned());
    hold(delivery, now + CLAIM, sequence);
}

/// It is as due as it was before it was claimed.
pub(super) fn release(delivery: &mut Delivery, due: Option<Timestamp>, sequence: Sequence) {
    delivery.owner = None;
    hold(delivery, due.unwrap_or(delivery.created_at), sequence);
}

/// It is tried at the next opportunity; those of older events come before it.
pub(super) fn hasten(delivery: &mut Delivery) {
    delivery.owner = None;
    delivery.due_at = Some(in_order(delivery));
    delivery.not_before = None;
}

/// It begins anew.
pub(super) fn replay(delivery: &mut Delivery) {
    delivery.state = DeliveryState::Waiting;
    delivery.tries = 0;
    delivery.dead = None;
    hasten(delivery);
}

/// It has ended.
pub(super) fn end(delivery: &mut Delivery, state: DeliveryState) {
    delivery.state = state;
    delivery.dead = (state == DeliveryState::Dead).then_some(delivery.created_at);
    delivery.owner = None;
    delivery.due_at = None;
    delivery.not_before = None;
}

/// An attempt has ended at this time.
pub(super) fn attempted(
    delivery: &mut Delivery,
    began: Timestamp,
    ended: Timestamp,
    result: Result<u16, Failure>,
    sequence: Sequence,
) {
    let status = match result {
        Ok(status) | Err(Failure::Status(status)) => Some(status),
        Err(_) => None,
    };
    if delivery.attempts.len() >= REMEMBERED {
        delivery.attempts.drain(..=delivery.attempts.len() - REMEMBERED);
    }
    delivery.attempts.push(Attempt {
        at: began,
        status,
        millis: u64::try_from(ended.since(began).as_millis()).unwrap_or(u64::MAX),
        error: result.err().map(|failure| failure.to_string()),
    });
    delivery.tries = delivery.tries.saturating_add(1);
    if result.is_ok() {
        return end(delivery, DeliveryState::Delivered);
    }
    match pause(delivery.tries) {
        Some(pause) => release(delivery, Some(ended + pause), sequence),
        None => end(delivery, DeliveryState::Dead),
    }
}

/// Keeps a delivery in the order that its webhook wants. Says whether anything had to change.
pub(super) fn put_in_order(delivery: &mut Delivery) -> bool {
    let place = in_order(delivery);
    if delivery.owner.is_some() || delivery.due_at == Some(place) {
        return false;
    }
    delivery.not_before = due(delivery);
    delivery.due_at = Some(place);
    true
}

fn hold(delivery: &mut Delivery, until: Timestamp, sequence: Sequence) {
    match sequence {
        Sequence::Any => {
            delivery.due_at = Some(until);
            delivery.not_before = None;
        }
        Sequence::Ordered => {
            delivery.due_at = Some(in_order(delivery));
            delivery.not_before = Some(until);
        }
    }
}

/// Deliveries that are due at the times of their events' ids, and are sorted by their own ids within the same millisecond,
/// are in the order of the events.
fn in_order(delivery: &Delivery) -> Timestamp {
    time_of(&delivery.event).unwrap_or(delivery.created_at)
}

fn pause(tries: u32) -> Option<Duration> {
    let pause = PAUSES.get(usize::try_from(tries).ok()?.checked_sub(1)?)?;
    Some(pause.mul_f64(1.0 - JITTER + 2.0 * JITTER * rand::random::<f64>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery() -> Delivery {
        Delivery {
            id: "evt_1700000000000aaaaaaaaaaaaaaaa:whk_a".to_owned(),
            app: "shop".parse().unwrap(),
            event: "evt_1700000000000aaaaaaaaaaaaaaaa".parse().unwrap(),
            webhook: "whk_a".parse().unwrap(),
            state: DeliveryState::Waiting,
            due_at: Some(Timestamp::from_millis(1_700_000_000_000)),
            not_before: None,
            owner: None,
            tries: 0,
            attempts: Vec::new(),
            created_at: Timestamp::from_millis(1_700_000_000_000),
            dead: None,
            expires_at: Timestamp::from_secs(1_800_000_000),
        }
    }

    #[test]
    fn nine_attempts_with_growing_pauses_and_then_none() {
        for sequence in [Sequence::Any, Sequence::Ordered] {
            let mut one = delivery();
            let mut now = Timestamp::from_secs(1_700_000_100);
            for pause in [5.0, 30.0, 120.0, 600.0, 3600.0, 14_400.0, 28_800.0, 36_000.0] {
                claim(&mut one, "me", now, sequence);
                attempted(&mut one, now, now, Err(Failure::TimedOut), sequence);
                assert_eq!(one.state, DeliveryState::Waiting);
                let waits = due(&one).unwrap().since(now).as_secs_f64();
                assert!((0.8 * pause..=1.2 * pause).contains(&waits), "{waits} of {pause}");
                now = due(&one).unwrap();
            }
            attempted(&mut one, now, now, Err(Failure::Status(500)), sequence);
            assert_eq!((one.state, one.tries), (DeliveryState::Dead, 9));
            assert_eq!((due(&one), one.dead), (None, Some(one.created_at)));
        }
    }

    #[test]
    fn the_latest_attempts_are_remembered() {
        let mut one = delivery();
        for n in 0..30_u16 {
            let at = Timestamp::from_secs(n.into());
            one.tries = 0;
            attempted(&mut one, at, at, Err(Failure::Status(500 + n)), Sequence::Any);
        }
        assert_eq!(one.attempts.len(), REMEMBERED);
        assert_eq!(one.attempts.last().unwrap().status, Some(529));
        assert_eq!(one.attempts[0].status, Some(510));
    }

    #[test]
    fn in_order_a_delivery_keeps_its_place_whatever_happens() {
        let mut one = delivery();
        let (place, now) = (one.due_at, Timestamp::from_secs(1_700_000_100));
        claim(&mut one, "me", now, Sequence::Ordered);
        assert_eq!((one.due_at, due(&one)), (place, Some(now + CLAIM)));
        attempted(&mut one, now, now, Err(Failure::Broken), Sequence::Ordered);
        assert_eq!(one.due_at, place);
        // A webhook that was not ordered until now.
        attempted(&mut one, now, now, Err(Failure::Broken), Sequence::Any);
        let waits = due(&one);
        assert!(one.due_at != place && put_in_order(&mut one));
        assert_eq!((one.due_at, due(&one)), (place, waits));
        hasten(&mut one);
        assert_eq!(due(&one), place);
    }
}
