//! What deliveries are counted by. How figures are shown is not known here.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::failure::Failure;

/// How deliveries stand in this process.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Attempts since the start, by what came of them.
    pub attempts: BTreeMap<&'static str, u64>,
    /// Deliveries that were given up since the start.
    pub dead: u64,
    /// Deliveries that are being tried.
    pub in_flight: usize,
    /// Webhooks with deliveries that have not ended.
    pub waiting: usize,
    /// Webhooks that do not take deliveries, so that most of them wait.
    pub circuits_open: usize,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    attempts: Mutex<BTreeMap<&'static str, u64>>,
    pub(super) dead: AtomicU64,
    pub(super) in_flight: AtomicUsize,
}

impl Counters {
    pub(super) fn note(&self, failure: Option<Failure>) {
        let word = failure.map_or("delivered", Failure::word);
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        *attempts.entry(word).or_default() += 1;
    }

    pub(super) fn figures(&self) -> Figures {
        let attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        Figures {
            attempts: attempts.clone(),
            dead: self.dead.load(Ordering::Relaxed),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            waiting: 0,
            circuits_open: 0,
        }
    }
}
