//! The ids of events: the store's time in milliseconds, then what tells those of one millisecond apart. Nobody else knows
//! how they are written.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::ids::EventId;
use crate::domain::time::Timestamp;

/// Digits of the time: enough until the year 2286.
const DIGITS: usize = 13;
/// When the store's time is measured anew it may step back a little, and ids wait for it. If it steps back by more than
/// this it was wrong, and ids follow it.
const JUMP: Duration = Duration::from_secs(10);

/// Makes ids that only grow within this process, unless the clock was set back.
#[derive(Debug, Default)]
pub struct Ids(Mutex<(i64, u16)>);

impl Ids {
    /// An id for an event that is accepted at `now`.
    #[must_use]
    pub fn next(&self, now: Timestamp, random: u64) -> EventId {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = match *last {
            (millis, _) if Timestamp::from_millis(millis).since(now) > JUMP => (now.millis(), 0),
            (millis, count) if now.millis() <= millis => match count.checked_add(1) {
                Some(count) => (millis, count),
                None => (millis + 1, 0),
            },
            _ => (now.millis(), 0),
        };
        let (millis, count) = *last;
        format!("evt_{millis:013}{count:04x}{:012x}", random >> 16)
            .parse()
            .expect("letters and digits are an id")
    }
}

/// The id before all of those that are made at `time` or later.
#[must_use]
pub fn first_at(time: Timestamp) -> String {
    format!("evt_{:013}", time.millis().max(0))
}

/// The time in an id, if it is one that was made here.
#[must_use]
pub fn time_of(id: &EventId) -> Option<Timestamp> {
    let rest = id.as_str().strip_prefix("evt_")?;
    let digits = rest.get(..DIGITS).filter(|_| rest.len() == DIGITS + 16)?;
    digits.parse().ok().map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_whatever_the_clock_does() {
        let ids = Ids::default();
        let at = Timestamp::from_millis;
        let made: Vec<_> = [
            1_700_000_000_005,
            1_700_000_000_005,
            1_700_000_000_001,
            1_700_000_000_006,
        ]
        .map(|millis| ids.next(at(millis), u64::MAX))
        .to_vec();
        assert!(
            made.is_sorted() && made.windows(2).all(|two| two[0] != two[1]),
            "{made:?}"
        );
        assert_eq!(time_of(&made[0]), Some(at(1_700_000_000_005)));
        assert!(made[0].as_str() > first_at(at(1_700_000_000_005)).as_str());
        assert!(made[0].as_str() < first_at(at(1_700_000_000_006)).as_str());
        // Ten seconds are nothing, more are a jump.
        let near = ids.next(at(1_700_000_000_006) - JUMP, 0);
        assert!(near > made[3]);
        let jumped = at(1_700_000_000_005) - JUMP;
        assert_eq!(time_of(&ids.next(jumped, 0)), Some(jumped));
        for odd in [
            "evt_1",
            "evt_17000000000050000000000000000x",
            "evt_x700000000005ffffffffffffffff",
        ] {
            assert_eq!(time_of(&odd.parse().unwrap()), None, "{odd}");
        }
    }
}
