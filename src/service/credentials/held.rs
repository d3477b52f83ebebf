//! A token or ticket in memory, and how long it is believed. Pure.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::Kind;
use crate::domain::time::Timestamp;
use crate::service::records::Age;

/// The platform's documented lifetime of tokens and tickets, the longest we believe. (2 hours.)
const LONGEST: Duration = Duration::from_secs(7200);
/// What is assumed where the platform says nothing sensible: every token it returns is good for five minutes.
/// (获取稳定版接口调用凭据: old and new are both valid for 5 minutes.)
const UNSAID: Duration = Duration::from_secs(300);
/// How long before its end a value is renewed, at most. A stable token changes in its last five minutes only.
const LEAD: Duration = Duration::from_secs(300);
/// How long a ticket is used on that the platform still returns after the end we computed.
const OVERTIME: Duration = Duration::from_secs(10);
/// The soonest a value that did not change is asked for again.
const PAUSE: Duration = Duration::from_secs(20);

/// How long after the beginning of a renewal its outcome is asked for.
const MOMENT: Duration = Duration::from_secs(10);

/// A ticket whose age is not known is asked for so often, until it changes.
const WATCH: Duration = LEAD;

/// A token or ticket and its times, all by the store's clock.
#[derive(Debug, Clone)]
pub struct Held {
    /// The value.
    pub value: SecretString,
    /// Counts the values; of two, the one with the higher number is newer.
    pub generation: i64,
    /// Its real end, as far as it can be told.
    pub expires_at: Timestamp,
    /// When to fetch the next one.
    pub renew_at: Timestamp,
    /// What is known of its age.
    pub age: Age,
}

/// How long a value lasts, for those who keep a copy of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lasting {
    /// Until its end.
    pub expires_in: Duration,
    /// Until there will be another one, or soon after; it is asked for again then.
    pub renew_after: Duration,
}

impl Held {
    /// What the platform handed out for a request sent at `asked`, when `before` was held. `jitter` in 0..1
    /// spreads the renewals of many instances.
    ///
    /// The platform returns one ticket again and again, each time with the full lifetime (seen in the field). Its
    /// end is therefore counted from when it was first seen; and if it may be older than that, because nobody saw
    /// the one before it, it is asked for every few minutes until it changes.
    pub(super) fn fetched(
        kind: Kind,
        value: SecretString,
        expires_in: Option<Duration>,
        asked: Timestamp,
        before: Option<&Self>,
        jitter: f64,
    ) -> Self {
        let same = before.filter(|before| before.value.expose_secret() == value.expose_secret());
        let age = match (same, before) {
            (Some(same), _) => Age {
                last_seen: asked,
                ..same.age
            },
            (None, Some(other)) => Age {
                born_after: other.age.last_seen,
                first_seen: asked,
                last_seen: asked,
            },
            (None, None) => Age {
                born_after: asked - LONGEST,
                first_seen: asked,
                last_seen: asked,
            },
        };
        let said = asked + expires_in.unwrap_or(UNSAID).min(LONGEST);
        let (expires_at, surely) = match kind {
            Kind::AccessToken => (said, said),
            Kind::JsapiTicket | Kind::CardTicket => {
                let latest = said.min(age.first_seen + LONGEST);
                (
                    if latest > asked { latest } else { asked + OVERTIME },
                    said.min(age.born_after + LONGEST),
                )
            }
        };
        let lead = |end: Timestamp| {
            LEAD.min(end.since(asked) / 4)
                .mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 5.0)
        };
        let soonest = match kind {
            Kind::AccessToken if same.is_some() => PAUSE,
            Kind::AccessToken => Duration::ZERO,
            Kind::JsapiTicket | Kind::CardTicket => WATCH,
        };
        let renew_at = (surely - lead(surely))
            .max(asked + soonest)
            .min(expires_at - lead(expires_at));
        let generation = before.map_or(0, |before| before.generation) + i64::from(same.is_none());
        Self {
            value,
            generation,
            expires_at,
            renew_at,
            age,
        }
    }

    /// How long it lasts from `now` on.
    #[must_use]
    pub fn lasting(&self, now: Timestamp) -> Lasting {
        let expires_in = self.expires_at.since(now);
        // Renewing takes a moment. While it fails, whoever asks again is told to ask again.
        let moment = MOMENT.min(self.expires_at.since(self.renew_at) / 4);
        Lasting {
            expires_in,
            renew_after: (self.renew_at.since(now) + moment).min(expires_in),
        }
    }

    /// Of two, the one with the higher rank is newer, or was confirmed later.
    pub(super) fn age_rank(&self) -> (i64, Timestamp) {
        (self.generation, self.age.last_seen)
    }

    /// Whether this is its value.
    #[must_use]
    pub fn is_value(&self, value: &SecretString) -> bool {
        self.value.expose_secret() == value.expose_secret()
    }

    /// Whether it may be used at `now`.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);

    fn fetch(kind: Kind, value: &str, expires_in: Option<u64>, before: Option<&Held>) -> Held {
        Held::fetched(
            kind,
            value.into(),
            expires_in.map(Duration::from_secs),
            NOW,
            before,
            0.0,
        )
    }

    #[test]
    fn a_value_is_renewed_in_its_last_five_minutes() {
        let held = fetch(Kind::AccessToken, "a", Some(7200), None);
        assert_eq!(held.expires_at, NOW + Duration::from_secs(7200));
        assert_eq!(held.renew_at, NOW + Duration::from_secs(6900));
    }

    #[test]
    fn whoever_keeps_a_copy_asks_again_when_there_is_another_one() {
        let held = fetch(Kind::AccessToken, "a", Some(7200), None);
        let at = |secs| held.lasting(NOW + Duration::from_secs(secs));
        let secs = |lasting: Lasting| (lasting.expires_in.as_secs(), lasting.renew_after.as_secs());
        assert_eq!(secs(at(0)), (7200, 6910));
        assert_eq!(secs(at(6905)), (295, 10));
        assert_eq!(secs(at(7195)), (5, 5));
        assert_eq!(secs(at(7300)), (0, 0));
    }

    #[test]
    fn a_senseless_lifetime_is_five_minutes_and_an_endless_one_two_hours() {
        assert_eq!(fetch(Kind::AccessToken, "a", None, None).expires_at, NOW + UNSAID);
        assert_eq!(
            fetch(Kind::AccessToken, "a", Some(u64::MAX / 2), None).expires_at,
            NOW + LONGEST
        );
        assert_eq!(
            fetch(Kind::AccessToken, "a", Some(1), None).expires_at,
            NOW + Duration::from_secs(1)
        );
    }

    fn ticket(value: &str, asked: Timestamp, before: Option<&Held>) -> Held {
        Held::fetched(Kind::JsapiTicket, value.into(), Some(LONGEST), asked, before, 0.0)
    }

    #[test]
    fn a_ticket_of_unknown_age_is_watched_until_it_changes() {
        let first = ticket("t", NOW, None);
        assert_eq!(first.renew_at, NOW + WATCH);
        let later = NOW + WATCH;
        let again = ticket("t", later, Some(&first));
        assert_eq!((again.expires_at, again.renew_at), (NOW + LONGEST, later + WATCH));
        assert_eq!(again.generation, first.generation);
        // It was older than we thought. Its successor cannot be older than our last look.
        let changed = ticket("u", later + WATCH, Some(&again));
        assert_eq!(changed.renew_at, later + LONGEST - LEAD);
        assert_eq!(changed.expires_at, later + WATCH + LONGEST);
        assert_eq!(changed.generation, first.generation + 1);
    }

    #[test]
    fn the_same_ticket_again_does_not_live_longer() {
        let first = ticket("t", NOW, None);
        let near = NOW + Duration::from_secs(7000);
        assert_eq!(ticket("t", near, Some(&first)).expires_at, first.expires_at);
        let past = first.expires_at;
        assert_eq!(ticket("t", past, Some(&first)).expires_at, past + OVERTIME);
        assert_eq!(ticket("u", past, Some(&first)).expires_at, past + LONGEST);
    }

    #[test]
    fn a_ticket_without_a_lifetime_is_asked_for_every_few_minutes() {
        let mut held = fetch(Kind::JsapiTicket, "t", None, None);
        for _ in 0..20 {
            let asked = held.renew_at;
            let next = Held::fetched(Kind::JsapiTicket, "t".into(), None, asked, Some(&held), 0.0);
            assert!(
                next.renew_at >= asked + Duration::from_secs(200),
                "{:?}",
                next.renew_at.since(asked)
            );
            held = next;
        }
    }
}
