//! The one place that reads the time. Wall time is what JWTs and signatures carry; store time is what
//! everything shared between instances is measured by.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::domain::time::Timestamp;

/// The store answers within five seconds or not at all.
const LONGEST_MEASUREMENT: Duration = Duration::from_secs(10);

/// A clock that every part of one process shares. Cloning it gives another handle to the same clock.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    offsets: Arc<Offsets>,
}

#[derive(Debug, Default)]
struct Offsets {
    /// What a test has turned the clock by, in milliseconds.
    turned: AtomicI64,
    /// How far this machine's clock is taken to be ahead of the right time, in milliseconds.
    wrong: i64,
    /// How far the store's clock is ahead of this machine's, in milliseconds.
    store: AtomicI64,
}

impl Clock {
    /// The machine's own clock.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// The clock of a machine that is so many milliseconds ahead of this one, for tests of machines that disagree. Unlike
    /// what [`Self::advance`] turns, this is an error that the store's clock shows.
    #[must_use]
    pub fn wrong_by(millis: i64) -> Self {
        let offsets = Offsets {
            wrong: millis,
            ..Offsets::default()
        };
        Self {
            offsets: Arc::new(offsets),
        }
    }

    /// Wall time on this machine.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let offset = self.offsets.wrong + self.offsets.turned.load(Ordering::Relaxed);
        Timestamp::from_millis(machine_millis().saturating_add(offset))
    }

    /// The store's time: this machine's, corrected by the offset measured last.
    #[must_use]
    pub fn store_now(&self) -> Timestamp {
        let offset = self.offsets.store.load(Ordering::Relaxed);
        Timestamp::from_millis(self.now().millis().saturating_add(offset))
    }

    /// Notes that the store's clock read `store` halfway between `asked` and `answered` of [`Self::now`].
    ///
    /// What a test has turned this clock by stays out of the measured offset: the store's clock was not turned. A
    /// measurement that seems to have taken long tells nothing: the machine slept meanwhile, or its clock was turned.
    pub fn observe_store(&self, store: Timestamp, asked: Timestamp, answered: Timestamp) {
        if answered.since(asked) > LONGEST_MEASUREMENT {
            return;
        }
        let turned = self.offsets.turned.load(Ordering::Relaxed);
        let here = asked.millis() + (answered.millis() - asked.millis()) / 2 - turned;
        self.offsets.store.store(store.millis() - here, Ordering::Relaxed);
    }

    /// Turns the clock forward, for tests of expiry.
    pub fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.offsets.turned.fetch_add(millis, Ordering::Relaxed);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the time"
)]
fn machine_millis() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn store_time_follows_the_measured_offset_and_the_turned_clock() {
        let clock = Clock::system();
        clock.advance(Duration::from_secs(100));
        let now = clock.now();
        // The store is five seconds ahead of the machine, which itself was not turned.
        let store = Timestamp::from_millis(now.millis() - 100_000 + 5_000);
        clock.observe_store(store, now, now);
        let ahead = clock.store_now().millis() - clock.now().millis();
        assert!((4_990..=5_010).contains(&ahead), "{ahead}");
        // A wrong machine's clock agrees with the store's once it was measured.
        let wrong = Clock::wrong_by(-30_000);
        let right = Clock::system().now();
        wrong.observe_store(right, wrong.now(), wrong.now());
        let behind = wrong.store_now().millis() - right.millis();
        assert!((0..=20).contains(&behind), "{behind}");
        // The clock was turned while the store was asked.
        clock.advance(Duration::from_secs(100));
        clock.observe_store(store, now, clock.now());
        let ahead = clock.store_now().millis() - clock.now().millis();
        assert!((4_990..=5_010).contains(&ahead), "{ahead}");
    }
}
