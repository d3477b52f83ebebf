//! How often one user may have something, counted in this process alone. What it is, is not known here.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::ids::UserId;
use crate::domain::time::Timestamp;

/// So many calls within one window.
const MOST: u32 = 30;
const WINDOW: Duration = Duration::from_secs(60);
/// So many users are kept before it is looked for those whose window is over.
const ROOM: usize = 4096;

/// Counts calls.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<HashMap<UserId, (Timestamp, u32)>>);

impl Pace {
    /// Counts one call.
    ///
    /// # Errors
    /// How long it takes until there may be another.
    pub(super) fn take(&self, user: &UserId, now: Timestamp) -> Result<(), Duration> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back begins new windows.
        let is_open = |began: Timestamp| began <= now && now.since(began) < WINDOW;
        if all.len() >= ROOM && !all.contains_key(user) {
            all.retain(|_, (began, _)| is_open(*began));
        }
        let entry = all.entry(user.clone()).or_insert((now, 0));
        if !is_open(entry.0) {
            *entry = (now, 0);
        }
        if entry.1 >= MOST {
            return Err(WINDOW
                .saturating_sub(now.since(entry.0))
                .max(Duration::from_secs(1)));
        }
        entry.1 += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_has_a_number_of_calls_in_a_minute() {
        let pace = Pace::default();
        let [ann, bob] = ["usr_1", "usr_2"].map(|id| id.parse::<UserId>().unwrap());
        let at = Timestamp::from_secs;
        for _ in 0..MOST {
            assert_eq!(pace.take(&ann, at(1000)), Ok(()));
        }
        assert_eq!(pace.take(&ann, at(1010)), Err(Duration::from_secs(50)));
        assert_eq!(pace.take(&bob, at(1010)), Ok(()));
        assert_eq!(pace.take(&ann, at(1060)), Ok(()));
        assert_eq!(pace.take(&bob, at(900)), Ok(()), "the clock was set back");
    }
}
