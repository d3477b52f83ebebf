//! How often one user may have something, counted in this process alone. What it is, is not known here.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::ids::UserId;
use crate::domain::time::Timestamp;

/// So many calls within one window.
const MOST: u32 = 30;
const WINDOW: Duration = Duration::from_secs(60);
/// Fewer users than this are not worth looking at.
const ROOM: usize = 4096;

/// Counts calls.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<Known>);

/// When each user's window began and how many calls were in it; and from how many users on it is looked for those whose
/// window is over.
#[derive(Debug, Default)]
struct Known {
    users: HashMap<UserId, (Timestamp, u32)>,
    room: usize,
}

impl Pace {
    /// Counts one call.
    ///
    /// # Errors
    /// How long it takes until there may be another.
    pub(super) fn take(&self, user: &UserId, now: Timestamp) -> Result<(), Duration> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Known { users, room } = &mut *known;
        // A clock that was set back begins new windows.
        let is_open = |began: Timestamp| began <= now && now.since(began) < WINDOW;
        if users.len() >= (*room).max(ROOM) {
            users.retain(|_, (began, _)| is_open(*began));
            // However many there are in one minute, each is looked at a few times only.
            *room = 2 * users.len();
        }
        let entry = users.entry(user.clone()).or_insert((now, 0));
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
