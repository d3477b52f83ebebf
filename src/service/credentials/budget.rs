//! How often the platform may be asked for a token: a bucket of calls, and the platform's limits on forced
//! refreshes. Pure; the state lives in the shared record, so that it holds for all instances together.

use std::time::Duration;

use crate::config::TokenBudget;
use crate::domain::time::Timestamp;
use crate::service::records::{Budget, Forced};

/// Thousandths, the unit in which spent calls are counted.
const CALL: i64 = 1000;
const DAY_MILLIS: i64 = 86_400_000;
/// The platform counts days in Shanghai, eight hours ahead of UTC.
const SHANGHAI_MILLIS: i64 = 8 * 3_600_000;
/// The platform's limits on `force_refresh`. (获取稳定版接口调用凭据: 20 a day, 30 seconds apart.)
const FORCED_PER_DAY: u32 = 20;
const FORCED_APART: Duration = Duration::from_secs(31);

/// What a call is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// There is no value, or it ends soon.
    Renewal,
    /// Somebody says that the value is dead. Whoever says so again and again must not keep us from renewing, so a
    /// fifth of the bucket is not for this.
    Report,
}

/// Takes one call out of the bucket.
///
/// # Errors
/// How long to wait for the next one.
pub(super) fn spend(
    state: &mut Budget,
    limits: TokenBudget,
    purpose: Purpose,
    now: Timestamp,
) -> Result<(), Duration> {
    let per_day = i64::from(limits.per_day.max(1));
    let elapsed = i64::try_from(now.since(state.at).as_millis())
        .unwrap_or(i64::MAX)
        .min(DAY_MILLIS);
    let spent = (state.spent - elapsed * per_day * CALL / DAY_MILLIS).max(0);
    let kept = match purpose {
        Purpose::Renewal => 0,
        Purpose::Report => limits.burst / 5,
    };
    let most = i64::from(limits.burst - kept) * CALL;
    if spent + CALL > most {
        let missing = u64::try_from((spent + CALL - most) * DAY_MILLIS / (per_day * CALL)).unwrap_or(0);
        return Err(Duration::from_millis(missing + 1));
    }
    *state = Budget {
        spent: spent + CALL,
        at: now,
    };
    Ok(())
}

/// Takes one forced refresh of today's, if the platform would carry it out. Says whether.
pub(super) fn may_force(state: &mut Forced, now: Timestamp) -> bool {
    let day = (now.millis() + SHANGHAI_MILLIS).div_euclid(DAY_MILLIS);
    if state.day != day {
        *state = Forced {
            day,
            count: 0,
            last: state.last,
        };
    }
    if state.count >= FORCED_PER_DAY || now < state.last + FORCED_APART {
        return false;
    }
    *state = Forced {
        day,
        count: state.count + 1,
        last: now,
    };
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: TokenBudget = TokenBudget {
        burst: 50,
        per_day: 500,
    };

    #[test]
    fn a_storm_spends_the_burst_and_then_what_a_day_gives_back() {
        let (mut state, start) = (Budget::default(), Timestamp::from_secs(1_700_000_000));
        let spent = (0..86_400)
            .filter(|s| {
                let now = start + Duration::from_secs(*s);
                spend(&mut state, LIMITS, Purpose::Renewal, now).is_ok()
            })
            .count();
        assert!((540..=550).contains(&spent), "{spent}");
        let now = start + Duration::from_secs(86_400);
        let wait = spend(&mut state, LIMITS, Purpose::Renewal, now).unwrap_err();
        assert!(wait <= Duration::from_secs(173), "{wait:?}");
        assert!(spend(&mut state, LIMITS, Purpose::Renewal, now + wait).is_ok());
    }

    #[test]
    fn reports_leave_something_for_renewals() {
        let (mut state, now) = (Budget::default(), Timestamp::from_secs(1_700_000_000));
        let mut spend = |purpose| spend(&mut state, LIMITS, purpose, now);
        let reports = (0..100).filter(|_| spend(Purpose::Report).is_ok()).count();
        let renewals = (0..100).filter(|_| spend(Purpose::Renewal).is_ok()).count();
        assert_eq!((reports, renewals), (40, 10));
        let mut state = Budget::default();
        let one = TokenBudget { burst: 1, per_day: 1 };
        assert!(super::spend(&mut state, one, Purpose::Report, now).is_ok());
    }

    #[test]
    fn refreshes_are_forced_twenty_times_a_day_and_thirty_seconds_apart() {
        // Noon in Shanghai, so that the day does not end within the test.
        let (mut state, start) = (Forced::default(), Timestamp::from_secs(1_699_934_400 + 4 * 3600));
        let forced = (0..7200)
            .filter(|s| may_force(&mut state, start + Duration::from_secs(*s)))
            .count();
        assert_eq!(forced, 20);
        assert!(may_force(&mut state, start + Duration::from_secs(86_400)));
        assert!(!may_force(&mut state, start + Duration::from_secs(86_400 + 30)));
        assert!(may_force(&mut state, start + Duration::from_secs(86_400 + 31)));
    }
}
