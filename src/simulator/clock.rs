//! The simulator's own clock: the machine's time plus what a test has turned it by. Nothing outside the
//! simulator reads it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Most that one clock can be turned forward in all: ten years.
pub(crate) const MOST_TURNED_SECONDS: i64 = 10 * 366 * 86_400;

/// A clock that only turns forward.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    turned_millis: AtomicI64,
}

impl Clock {
    /// The time the simulated platform believes it is.
    pub(crate) fn now(&self) -> Moment {
        Moment(machine_millis() + self.turned_millis.load(Ordering::Relaxed))
    }

    /// By how many seconds the clock has been turned.
    pub(crate) fn turned_seconds(&self) -> i64 {
        self.turned_millis.load(Ordering::Relaxed) / 1_000
    }

    /// Turns the clock forward; `false` if that would be too far in all.
    pub(crate) fn advance(&self, seconds: u32) -> bool {
        let by = i64::from(seconds) * 1_000;
        self.turned_millis
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |turned| {
                (turned + by <= MOST_TURNED_SECONDS * 1_000).then_some(turned + by)
            })
            .is_ok()
    }

    /// Back to the machine's time.
    pub(crate) fn reset(&self) {
        self.turned_millis.store(0, Ordering::Relaxed);
    }
}

/// A point in the simulator's time, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) i64);

impl Moment {
    /// Whole seconds since 1970.
    pub(crate) fn seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// This many seconds later.
    pub(crate) fn plus(self, seconds: u32) -> Self {
        Self(self.0 + i64::from(seconds) * 1_000)
    }

    /// Whole seconds from here to `end`, zero once it has passed.
    pub(crate) fn seconds_until(self, end: Self) -> i64 {
        (end.0 - self.0).max(0) / 1_000
    }

    /// The number of the minute since 1970.
    pub(crate) fn minute(self) -> i64 {
        self.seconds().div_euclid(60)
    }

    /// The number of the day in Asia/Shanghai. WeChat: daily quotas start anew there (hour unconfirmed).
    pub(crate) fn day(self) -> i64 {
        (self.seconds() + 8 * 3_600).div_euclid(86_400)
    }
}

impl Moment {
    /// The month in Asia/Shanghai, as year and number.
    pub(crate) fn month(self) -> String {
        let seconds = u64::try_from(self.seconds() + 8 * 3_600).unwrap_or_default();
        let text = humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string();
        text.chars().take(7).collect()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the simulator has a clock of its own, so that turning it leaves the gateway's alone"
)]
fn machine_millis() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX / 2)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_starts_at_midnight_in_shanghai() {
        let before = Moment(1_700_000_000_000 / 86_400_000 * 86_400_000 + 16 * 3_600_000 - 1);
        assert_eq!(Moment(before.0 + 1).day(), before.day() + 1);
    }

    #[test]
    fn a_month_starts_at_midnight_in_shanghai() {
        let (before, after) = (Moment(1_704_038_399_000), Moment(1_704_038_400_000));
        assert_eq!(
            (before.month().as_str(), after.month().as_str()),
            ("2023-12", "2024-01")
        );
    }

    #[test]
    fn the_clock_turns_forward_and_not_too_far() {
        let clock = Clock::default();
        let start = clock.now();
        assert!(clock.advance(7_200));
        assert!(start.seconds_until(clock.now()) >= 7_200);
        assert!(!clock.advance(u32::MAX));
        assert_eq!(clock.turned_seconds(), 7_200);
    }
}
