//! How many may follow the log at once, in all and each caller.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::ids::CallerId;

/// In all.
const SEATS: usize = 200;
/// For one caller.
const SEATS_OF_ONE: usize = 20;

/// The seats that are taken, by caller.
#[derive(Debug, Default)]
pub(super) struct Seats(Mutex<HashMap<CallerId, usize>>);

/// A seat, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    caller: CallerId,
}

impl Seats {
    /// A seat, if one is left for this caller.
    pub(super) fn take(self: &Arc<Self>, caller: &CallerId) -> Option<Seat> {
        let mut taken = self.locked();
        let own = taken.get(caller).copied().unwrap_or_default();
        if own >= SEATS_OF_ONE || taken.values().sum::<usize>() >= SEATS {
            return None;
        }
        taken.insert(caller.clone(), own + 1);
        Some(Seat {
            seats: self.clone(),
            caller: caller.clone(),
        })
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.locked().values().sum()
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<CallerId, usize>> {
        // The map is whole after every step, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.locked();
        if let Some(own) = taken.get_mut(&self.caller) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_caller_leaves_seats_to_the_others() {
        let seats = Arc::new(Seats::default());
        let caller = |number: usize| -> CallerId { format!("clr_{number}").parse().unwrap() };
        let take_all = |number| -> Vec<_> { std::iter::from_fn(|| seats.take(&caller(number))).collect() };
        let mut all: Vec<_> = (0..9).map(take_all).collect();
        assert!(all.iter().all(|own| own.len() == SEATS_OF_ONE));
        all.extend((9..12).map(take_all));
        assert_eq!(seats.taken(), SEATS);
        all[0].pop();
        assert_eq!(seats.taken(), SEATS - 1);
        assert!(seats.take(&caller(1)).is_none(), "it has as many as it may");
        assert!(seats.take(&caller(0)).is_some());
        all.clear();
        assert_eq!(seats.taken(), 0);
    }
}
