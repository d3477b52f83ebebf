//! A token or ticket in memory, and how long it is believed. Pure.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::Kind;
use crate::domain::time::Timestamp;

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

/// A token or ticket and its times, all by the store's clock.
#[derive(Debug, Clone)]
pub struct Held {
    /// The value.
    pub value: SecretString,
    /// Counts the values; of two, the one with the higher number is newer.
    pub generation: i64,
    /// Its real end.
    pub expires_at: Timestamp,
    /// When to fetch the next one.
    pub renew_at: Timestamp,
}

impl Held {
    /// What the platform handed out for a request sent at `asked`, when `before` was held. `jitter` in 0..1
    /// spreads the renewals of many instances.
    pub(super) fn fetched(
        kind: Kind,
        value: SecretString,
        expires_in: Option<Duration>,
        asked: Timestamp,
        before: Option<&Self>,
        jitter: f64,
    ) -> Self {
        let lifetime = expires_in.unwrap_or(UNSAID).min(LONGEST);
        let same = before.filter(|before| before.value.expose_secret() == value.expose_secret());
        // The platform returns the same ticket with the full lifetime again and again (seen in the field), so its
        // end is counted from when we first saw it.
        let expires_at = match same {
            Some(before) if kind == Kind::JsapiTicket && before.expires_at > asked => {
                before.expires_at.min(asked + lifetime)
            }
            Some(_) if kind == Kind::JsapiTicket => asked + OVERTIME,
            _ => asked + lifetime,
        };
        let lead = LEAD
            .min(expires_at.since(asked) / 4)
            .mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 5.0);
        let soonest = if same.is_some() { PAUSE } else { Duration::ZERO };
        let renew_at = (expires_at - lead).max(asked + soonest).min(expires_at);
        let generation = before.map_or(0, |before| before.generation) + i64::from(same.is_none());
        Self {
            value,
            generation,
            expires_at,
            renew_at,
        }
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

    #[test]
    fn the_same_ticket_again_does_not_live_longer() {
        let first = Held {
            expires_at: NOW + Duration::from_secs(250),
            ..fetch(Kind::JsapiTicket, "t", Some(7200), None)
        };
        let again = fetch(Kind::JsapiTicket, "t", Some(7200), Some(&first));
        assert_eq!(again.expires_at, first.expires_at);
        assert_eq!(again.generation, first.generation);
        assert!(again.renew_at > NOW && again.renew_at < again.expires_at);
        let ended = Held {
            expires_at: NOW,
            ..first
        };
        assert_eq!(
            fetch(Kind::JsapiTicket, "t", Some(7200), Some(&ended)).expires_at,
            NOW + OVERTIME
        );
        assert_eq!(
            fetch(Kind::JsapiTicket, "u", Some(7200), Some(&ended)).expires_at,
            NOW + LONGEST
        );
    }
}
