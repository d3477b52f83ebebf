//! Which of our keys is for what at a moment: pure rules over the times when keys were made. No store is known here.
//!
//! A key is published from its making on, signs from ten minutes later until its successor does, and is met in tokens
//! until the last one that it signed has ended. A verifier that looks at the published keys every five minutes thus
//! knows each key before it meets it.

use std::sync::Arc;
use std::time::Duration;

use super::key::Key;
use crate::domain::time::Timestamp;

/// How long a new key is published before it signs.
pub const PUBLISHED_AHEAD: Duration = Duration::from_mins(10);
/// How much longer than its last token a key is kept: instances do not switch at quite the same moment.
const SLACK: Duration = Duration::from_mins(1);
/// How long after its successor began to sign a key's record stays. More than the longest `auth.access_ttl` that can
/// be configured, since another instance may have a longer one.
const KEPT: Duration = Duration::from_hours(48);

/// The keys of one algorithm; there is at least one.
pub struct Ring {
    /// By number, the oldest first.
    keys: Vec<Arc<Key>>,
    access_ttl: Duration,
}

impl Ring {
    /// These keys, which sign tokens that are good for `access_ttl`; nothing if there are none.
    #[must_use]
    pub fn new(mut keys: Vec<Arc<Key>>, access_ttl: Duration) -> Option<Self> {
        keys.sort_by_key(|key| key.number);
        (!keys.is_empty()).then_some(Self { keys, access_ttl })
    }

    /// The key that signs: the newest that was published for long enough, or the oldest if none was, since a gateway
    /// that has just been set up has no verifiers yet.
    #[must_use]
    pub fn signing(&self, now: Timestamp) -> &Key {
        let published = self.keys.iter().rfind(|key| signs_at(key) <= now);
        published.unwrap_or(&self.keys[0])
    }

    /// The key of this name, if tokens may carry it now.
    #[must_use]
    pub fn verifying(&self, kid: &str, now: Timestamp) -> Option<&Key> {
        self.in_use(now).find(|key| key.kid == kid)
    }

    /// The keys that tokens may carry now or soon, the oldest first.
    pub fn in_use(&self, now: Timestamp) -> impl Iterator<Item = &Key> {
        let keys = self.keys.iter().enumerate();
        keys.filter(move |(index, _)| {
            self.succeeded_at(*index)
                .is_none_or(|succeeded| now < succeeded + self.access_ttl + SLACK)
        })
        .map(|(_, key)| &**key)
    }

    /// The keys whose records nobody needs any more.
    pub(super) fn done(&self, now: Timestamp) -> impl Iterator<Item = &Key> {
        let keys = self.keys.iter().enumerate();
        keys.filter(move |(index, _)| {
            self.succeeded_at(*index)
                .is_some_and(|succeeded| succeeded + KEPT <= now)
        })
        .map(|(_, key)| &**key)
    }

    /// The key that was made last.
    #[must_use]
    pub fn newest(&self) -> &Key {
        &self.keys[self.keys.len() - 1]
    }

    /// The newest key, if it is published and will soon sign. One that was made by a clock that was far ahead would
    /// keep all others waiting for its time to come, so it is passed over.
    pub(super) fn waiting(&self, now: Timestamp) -> Option<&Key> {
        let newest = self.newest();
        let waits = newest.number != self.signing(now).number;
        (waits && signs_at(newest) <= now + PUBLISHED_AHEAD + SLACK).then_some(newest)
    }

    /// The key of this name, ready for use as it is.
    pub(super) fn known(&self, kid: &str) -> Option<&Arc<Key>> {
        self.keys.iter().find(|key| key.kid == kid)
    }

    /// From when on a later key signs.
    fn succeeded_at(&self, index: usize) -> Option<Timestamp> {
        self.keys[index + 1..].iter().map(|key| signs_at(key)).min()
    }
}

/// When a key that has a predecessor begins to sign.
pub(super) fn signs_at(key: &Key) -> Timestamp {
    key.created_at + PUBLISHED_AHEAD
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Algorithm;

    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;

    /// Keys 1, 2, … made at these seconds, with tokens that are good for two hours.
    fn ring(made: &[i64]) -> Ring {
        let keys = made.iter().zip(1..).map(|(at, number)| {
            let mut key = Key::generate(Algorithm::Hs256, Timestamp::from_secs(*at)).unwrap();
            key.number = number;
            key.kid = number.to_string();
            Arc::new(key)
        });
        let mut keys: Vec<_> = keys.collect();
        // In which order they come must not matter.
        keys.reverse();
        Ring::new(keys, Duration::from_hours(2)).unwrap()
    }

    fn signing(ring: &Ring, now: i64) -> u64 {
        ring.signing(Timestamp::from_secs(now)).number
    }

    fn waiting(ring: &Ring, now: i64) -> Option<u64> {
        let waiting = ring.waiting(Timestamp::from_secs(now));
        waiting.map(|key| key.number)
    }

    fn in_use(ring: &Ring, now: i64) -> Vec<u64> {
        let now = Timestamp::from_secs(now);
        let numbers: Vec<_> = ring.in_use(now).map(|key| key.number).collect();
        for number in 1..=ring.newest().number {
            let found = ring.verifying(&number.to_string(), now).is_some();
            assert_eq!(found, numbers.contains(&number), "{number}");
        }
        numbers
    }

    #[test]
    fn there_is_no_ring_without_a_key() {
        assert!(Ring::new(Vec::new(), Duration::from_hours(2)).is_none());
    }

    #[test]
    fn the_first_key_signs_at_once() {
        let ring = ring(&[1000]);
        // Even on a machine whose clock is behind the one that made it.
        for now in [0, 1000, 1_000_000_000] {
            assert_eq!(signing(&ring, now), 1);
            assert_eq!(in_use(&ring, now), [1]);
            assert_eq!(waiting(&ring, now), None);
        }
    }

    #[test]
    fn a_successor_signs_ten_minutes_after_its_making_and_verifies_from_the_beginning() {
        for made in [1, 5 * MINUTE, 30 * HOUR] {
            let ring = ring(&[0, made]);
            for (now, number) in [
                (made, 1),
                (made + 10 * MINUTE - 1, 1),
                (made + 10 * MINUTE, 2),
                (made + 1000 * HOUR, 2),
            ] {
                assert_eq!(signing(&ring, now), number, "{made} {now}");
            }
            assert_eq!(in_use(&ring, made), [1, 2]);
            assert_eq!(waiting(&ring, made + 10 * MINUTE - 1), Some(2));
            assert_eq!(waiting(&ring, made + 10 * MINUTE), None);
            // Seen by a clock that is half a minute behind, and by one that is right after all.
            assert_eq!(waiting(&ring, made - 30), Some(2));
            assert_eq!(waiting(&ring, made - HOUR), None);
        }
    }

    #[test]
    fn a_predecessor_is_met_until_its_last_token_has_ended() {
        let ring = ring(&[0, 100 * HOUR]);
        let switched = 100 * HOUR + 10 * MINUTE;
        assert_eq!(in_use(&ring, switched + 2 * HOUR + MINUTE - 1), [1, 2]);
        assert_eq!(in_use(&ring, switched + 2 * HOUR + MINUTE), [2]);
        assert_eq!(
            ring.done(Timestamp::from_secs(switched + 48 * HOUR - 1)).count(),
            0
        );
        let done: Vec<_> = ring
            .done(Timestamp::from_secs(switched + 48 * HOUR))
            .map(|key| key.number)
            .collect();
        assert_eq!(done, [1]);
    }

    #[test]
    fn keys_made_close_together_follow_each_other() {
        let ring = ring(&[0, 20 * MINUTE, 21 * MINUTE, 22 * MINUTE]);
        for (now, number) in [(29, 1), (30, 2), (31, 3), (32, 4)] {
            assert_eq!(signing(&ring, now * MINUTE), number, "{now}");
            assert_eq!(in_use(&ring, now * MINUTE), [1, 2, 3, 4], "{now}");
        }
        // Each in its turn, two hours and a minute after its successor began.
        assert_eq!(in_use(&ring, 31 * MINUTE + 2 * HOUR), [2, 3, 4]);
        assert_eq!(in_use(&ring, 33 * MINUTE + 2 * HOUR), [4]);
    }

    #[test]
    fn a_key_whose_making_is_noted_too_late_harms_nobody() {
        // The clock of who made number 2 was an hour ahead.
        let ring = ring(&[0, 2 * HOUR, HOUR]);
        assert_eq!(signing(&ring, HOUR), 1);
        assert_eq!(signing(&ring, HOUR + 10 * MINUTE), 3);
        assert_eq!(in_use(&ring, HOUR), [1, 2, 3]);
        assert_eq!(signing(&ring, 3 * HOUR), 3);
    }
}
