//! The events that this process is adding to the log just now. What other processes add is not known here.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::ids::EventId;

/// The ids of events that are on their way to the store.
#[derive(Debug, Default)]
pub(super) struct Arriving(Mutex<BTreeMap<EventId, Way>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Somebody waits for the store.
    Awaited,
    /// Nobody waits any more, but the store may still be at it.
    Abandoned,
}

/// One that is on its way. If this is dropped without a word, it may still arrive.
#[derive(Debug)]
pub(super) struct Arrival<'a> {
    all: &'a Arriving,
    id: EventId,
    has_ended: bool,
}

impl Arriving {
    pub(super) fn begin(&self, id: &EventId) -> Arrival<'_> {
        self.locked().insert(id.clone(), Way::Awaited);
        Arrival {
            all: self,
            id: id.clone(),
            has_ended: false,
        }
    }

    /// The first that may still arrive. Those before `settled` that nobody waits for do not.
    pub(super) fn first(&self, settled: &str) -> Option<EventId> {
        let mut all = self.locked();
        all.retain(|id, way| *way == Way::Awaited || id.as_str() >= settled);
        all.keys().next().cloned()
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<EventId, Way>> {
        // The map is whole after every step, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrival<'_> {
    /// It is in the store now, or will never be.
    pub(super) fn has_ended(mut self) {
        self.has_ended = true;
    }
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        let mut all = self.all.locked();
        if self.has_ended {
            all.remove(&self.id);
        } else {
            all.insert(self.id.clone(), Way::Abandoned);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_waits_for_is_expected_for_a_while() {
        let all = Arriving::default();
        let id = |text: &str| -> EventId { text.parse().unwrap() };
        assert_eq!(all.first("evt_1"), None);
        let (second, first) = (all.begin(&id("evt_2")), all.begin(&id("evt_1")));
        assert_eq!(all.first("evt_9"), Some(id("evt_1")), "however long it takes");
        first.has_ended();
        assert_eq!(all.first("evt_9"), Some(id("evt_2")));
        drop(second);
        assert_eq!(all.first("evt_2"), Some(id("evt_2")));
        assert_eq!(all.first("evt_3"), None);
        assert_eq!(all.first("evt_1"), None, "it is forgotten");
    }
}
