//! How many requests a second a caller may make, counted in this process alone. Who the caller is, is not known here.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::ids::CallerId;

/// More than one process answers.
const MOST: u32 = 1_000_000;
/// So many buckets are kept before it is looked for full ones.
const ROOM: usize = 1024;
/// What a bucket holds: the requests of one second, which may come at once.
const BURST: Duration = Duration::from_secs(1);

/// Requests per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(NonZeroU32);

/// A text that is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a rate is written N/s, with N from 1 to {MOST}")]
pub struct BadRate;

impl Rate {
    /// As a number.
    #[must_use]
    pub fn per_second(self) -> u32 {
        self.0.get()
    }

    /// The rate of a record; none if it does not limit.
    pub(super) fn of(per_second: Option<u32>) -> Option<Self> {
        per_second.and_then(NonZeroU32::new).map(Self)
    }

    /// The time in which one request's worth comes back.
    fn interval(self) -> Duration {
        BURST / self.0.get()
    }
}

impl FromStr for Rate {
    type Err = BadRate;

    fn from_str(text: &str) -> Result<Self, BadRate> {
        let number = text.strip_suffix("/s").ok_or(BadRate)?;
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BadRate);
        }
        let number = number.parse().ok().and_then(NonZeroU32::new);
        number
            .filter(|number| number.get() <= MOST)
            .map(Self)
            .ok_or(BadRate)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

/// Counts what callers use of their rates.
#[derive(Debug)]
pub(super) struct Rates {
    /// Times are measured from here, by a clock that nobody sets.
    began: Instant,
    /// When each bucket will be full again. One that is full is as good as none.
    full_at: Mutex<HashMap<CallerId, Duration>>,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            full_at: Mutex::default(),
        }
    }
}

impl Rates {
    /// Takes one request out of the caller's bucket.
    ///
    /// # Errors
    /// How long it takes until there is one again.
    pub(super) fn take(&self, caller: &CallerId, rate: Rate) -> Result<(), Duration> {
        self.take_at(self.began.elapsed(), caller, rate)
    }

    fn take_at(&self, now: Duration, caller: &CallerId, rate: Rate) -> Result<(), Duration> {
        let mut all = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        // What remains then are callers of this second, each of which has shown its key.
        if all.len() >= ROOM && !all.contains_key(caller) {
            all.retain(|_, full_at| *full_at > now);
        }
        let full_at = all.get(caller).map_or(now, |full_at| now.max(*full_at));
        let then = full_at + rate.interval();
        if let Some(wait) = then.checked_sub(now + BURST).filter(|wait| !wait.is_zero()) {
            return Err(wait);
        }
        all.insert(caller.clone(), then);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(number: usize) -> CallerId {
        format!("clr_{number}").parse().unwrap()
    }

    #[test]
    fn a_rate_is_a_number_per_second() {
        for good in ["1/s", "20/s", "1000000/s"] {
            assert_eq!(good.parse::<Rate>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "/s",
            "0/s",
            "20",
            "20/m",
            "-1/s",
            "+1/s",
            "1.5/s",
            "1 /s",
            "1000001/s",
            "99999999999/s",
        ] {
            assert_eq!(bad.parse::<Rate>(), Err(BadRate), "{bad}");
        }
    }

    #[test]
    fn a_second_holds_what_the_rate_says_and_no_more() {
        let rates = Rates::default();
        let (ann, bob, rate) = (caller(1), caller(2), "4/s".parse().unwrap());
        let take = |millis, caller| rates.take_at(Duration::from_millis(millis), caller, rate);
        for _ in 0..4 {
            assert_eq!(take(0, &ann), Ok(()));
        }
        assert_eq!(take(0, &ann), Err(Duration::from_millis(250)));
        assert_eq!(take(100, &ann), Err(Duration::from_millis(150)));
        assert_eq!(take(100, &bob), Ok(()), "it has a bucket of its own");
        // Being refused costs nothing.
        assert_eq!(take(250, &ann), Ok(()));
        assert_eq!(take(250, &ann), Err(Duration::from_millis(250)));
        // A rest gives back one second's worth, however long it is.
        for _ in 0..4 {
            assert_eq!(take(60_000, &ann), Ok(()));
        }
        assert!(take(60_000, &ann).is_err());
    }

    #[test]
    fn rates_that_do_not_divide_a_second_are_kept_all_the_same() {
        let rates = Rates::default();
        let (ann, rate) = (caller(1), "7/s".parse().unwrap());
        // One each millisecond, for ten seconds: the first second's worth at once, then seven each second.
        let taken =
            (0..10_000).filter(|millis| rates.take_at(Duration::from_millis(*millis), &ann, rate).is_ok());
        assert!((76..=77).contains(&taken.count()));
    }

    #[test]
    fn callers_who_rest_are_forgotten() {
        let rates = Rates::default();
        let rate = "2/s".parse().unwrap();
        for number in 0..5 * ROOM {
            let now = Duration::from_millis(u64::try_from(number).unwrap());
            assert_eq!(rates.take_at(now, &caller(number), rate), Ok(()));
        }
        assert!(rates.full_at.lock().unwrap().len() <= 2 * ROOM);
    }
}
