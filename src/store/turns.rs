//! Turns: tasks of one process that want to change the same record go one after another. Between processes
//! nothing is locked here; there the version of the record decides.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

/// The keys that somebody changes, or waits to change, just now.
#[derive(Default)]
pub(super) struct Turns {
    keys: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

/// The right to go, until it is dropped.
pub(super) struct Turn {
    turns: Arc<Turns>,
    key: String,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Waits until nobody else has the turn of `key`.
    pub(super) async fn take(self: &Arc<Self>, key: &str) -> Turn {
        let lock = self.locked().entry(key.to_owned()).or_default().clone();
        // Made before the wait, so that giving up in the middle of it tidies up as well.
        let mut turn = Turn {
            turns: self.clone(),
            key: key.to_owned(),
            guard: None,
        };
        turn.guard = Some(lock.lock_owned().await);
        turn
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<tokio::sync::Mutex<()>>>> {
        // The map is whole after every step, so a panic elsewhere leaves nothing half done.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.guard.take());
        let mut keys = self.turns.locked();
        // Only the map knows the lock any more: everyone who waits holds a clone of it.
        if keys
            .get(&self.key)
            .is_some_and(|lock| Arc::strong_count(lock) == 1)
        {
            keys.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_at_a_time_and_nothing_left_behind() {
        let turns = Arc::new(Turns::default());
        let first = turns.take("a").await;
        let waiting = turns.take("a");
        let other = turns.take("b").await;
        assert_eq!(turns.locked().len(), 2);
        let mut waiting = Box::pin(waiting);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        drop(first);
        assert!(futures_util::poll!(&mut waiting).is_ready());
        drop((waiting, other));
        assert_eq!(turns.locked().len(), 0);
    }
}
