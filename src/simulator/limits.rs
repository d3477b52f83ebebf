//! Counters of calls per app and endpoint, by the day and by the minute. What counts as a call is
//! decided by the callers.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::clock::Moment;
use super::errcode;
use super::reply::{Refusal, refuse};

/// How often something may be called. An absent bound is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limit {
    /// Calls a day (Asia/Shanghai).
    #[serde(default)]
    pub(crate) daily: Option<u32>,
    /// Calls in one minute of the clock.
    #[serde(default)]
    pub(crate) minute: Option<u32>,
}

/// WeChat: how often a month an account may clear all its counters, and one of them.
const CLEARS_A_MONTH: u32 = 10;
const SINGLE_CLEARS_A_MONTH: u32 = 50;

/// What one app has used of its limits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Limits {
    used: HashMap<&'static str, Counter>,
    clears: Clears,
}

#[derive(Debug, Clone, Default)]
struct Clears {
    month: String,
    all: u32,
    single: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counter {
    day: i64,
    today: u32,
    minute: i64,
    this_minute: u32,
}

impl Limits {
    /// Counts one call of `name`, or refuses it without counting.
    ///
    /// WeChat: 45009 when the day's calls are used up, 45011 when the minute's are.
    pub(crate) fn charge(&mut self, name: &'static str, limit: Limit, now: Moment) -> Result<(), Refusal> {
        let counter = self.used.entry(name).or_default();
        if counter.day != now.day() {
            (counter.day, counter.today) = (now.day(), 0);
        }
        if counter.minute != now.minute() {
            (counter.minute, counter.this_minute) = (now.minute(), 0);
        }
        if limit.daily.is_some_and(|most| counter.today >= most) {
            return Err(Refusal::of(errcode::DAILY_QUOTA));
        }
        if limit.minute.is_some_and(|most| counter.this_minute >= most) {
            return Err(Refusal::of(errcode::MINUTE_QUOTA));
        }
        counter.today += 1;
        counter.this_minute += 1;
        Ok(())
    }

    /// How many calls of `name` there were today.
    pub(crate) fn used(&self, name: &str, now: Moment) -> u32 {
        let counter = self.used.get(name).filter(|counter| counter.day == now.day());
        counter.map_or(0, |counter| counter.today)
    }

    /// Sets all counters of the day back. WeChat: 48006 after ten times in a month.
    pub(crate) fn clear_all(&mut self, now: Moment) -> Result<(), Refusal> {
        let clears = self.clears.of(now);
        if clears.all >= CLEARS_A_MONTH {
            return refuse(errcode::CLEARED_TOO_OFTEN);
        }
        clears.all += 1;
        self.used.values_mut().for_each(|counter| counter.today = 0);
        Ok(())
    }

    /// Sets one counter of the day back. WeChat: 45009 after fifty times in a month.
    pub(crate) fn clear(&mut self, name: &str, now: Moment) -> Result<(), Refusal> {
        let clears = self.clears.of(now);
        if clears.single >= SINGLE_CLEARS_A_MONTH {
            return refuse(errcode::DAILY_QUOTA);
        }
        clears.single += 1;
        if let Some(counter) = self.used.get_mut(name) {
            counter.today = 0;
        }
        Ok(())
    }
}

impl Clears {
    /// Those of this month.
    fn of(&mut self, now: Moment) -> &mut Self {
        let month = now.month();
        if self.month != month {
            *self = Self {
                month,
                ..Self::default()
            };
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit {
        daily: Some(3),
        minute: Some(2),
    };

    fn code(result: Result<(), Refusal>) -> Option<i32> {
        result.err().map(|refusal| refusal.code)
    }

    #[test]
    fn the_minute_refuses_first_and_the_day_last() {
        let mut limits = Limits::default();
        let now = Moment(1_700_000_040_000);
        assert_eq!(code(limits.charge("a", LIMIT, now)), None);
        assert_eq!(code(limits.charge("a", LIMIT, now)), None);
        assert_eq!(code(limits.charge("a", LIMIT, now)), Some(45_011));
        assert_eq!(code(limits.charge("a", LIMIT, now.plus(60))), None);
        assert_eq!(code(limits.charge("a", LIMIT, now.plus(120))), Some(45_009));
        assert_eq!(code(limits.charge("a", LIMIT, now.plus(86_400))), None);
    }

    #[test]
    fn names_are_counted_apart() {
        let mut limits = Limits::default();
        let limit = Limit {
            daily: Some(1),
            minute: None,
        };
        assert_eq!(code(limits.charge("a", limit, Moment(0))), None);
        assert_eq!(code(limits.charge("b", limit, Moment(0))), None);
    }
}
