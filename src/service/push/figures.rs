//! What pushes are counted by. How figures are shown is not known here.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Answered, Error};

/// What became of pushes since the start, by name.
pub type Figures = [(&'static str, u64); 6];

/// What became of late replies since the start, by name.
pub type LateFigures = [(&'static str, u64); 2];

#[derive(Debug, Default)]
pub(super) struct Counters {
    acknowledged: AtomicU64,
    replied: AtomicU64,
    /// Of these two, those that were known already.
    pub(super) repeated: AtomicU64,
    refused: AtomicU64,
    malformed: AtomicU64,
    not_stored: AtomicU64,
    /// Messages that went out, and those that were given up.
    pub(super) late_sent: AtomicU64,
    pub(super) late_dropped: AtomicU64,
}

impl Counters {
    pub(super) fn note(&self, outcome: &Result<Answered, Error>) {
        let counter = match outcome {
            Ok(answered) if answered.format.is_some() => &self.replied,
            Ok(_) => &self.acknowledged,
            Err(Error::NoApp | Error::Refused) => &self.refused,
            Err(Error::Malformed(_)) => &self.malformed,
            Err(Error::Store(_) | Error::Slow) => &self.not_stored,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn late(&self) -> LateFigures {
        [("sent", &self.late_sent), ("dropped", &self.late_dropped)]
            .map(|(name, counter)| (name, counter.load(Ordering::Relaxed)))
    }

    pub(super) fn figures(&self) -> Figures {
        [
            ("acknowledged", &self.acknowledged),
            ("replied", &self.replied),
            ("repeated", &self.repeated),
            ("refused", &self.refused),
            ("malformed", &self.malformed),
            ("not_stored", &self.not_stored),
        ]
        .map(|(name, counter)| (name, counter.load(Ordering::Relaxed)))
    }
}
