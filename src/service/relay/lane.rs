//! One app's way to the platform: how many calls may be under way, and whether it is worth trying.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::Clock;
use crate::service::circuit::{Circuit, Pass};

/// A call that was given up after so long without an answer counts as one that failed.
const PATIENCE: Duration = Duration::from_secs(3);

/// A lane.
pub(super) struct Lane {
    most: usize,
    places: Arc<Semaphore>,
    circuit: Mutex<Circuit>,
    clock: Clock,
}

/// Why a call is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closed {
    /// Too many are under way.
    Full,
    /// The platform has failed too often lately.
    Broken(Duration),
}

/// A call that may be made. Whoever has it says how it went; saying nothing says nothing about the platform.
pub(super) struct Turn<'a> {
    lane: &'a Lane,
    is_try: bool,
    told: bool,
    /// Since when the platform is waited for, if it alone is.
    since: Option<Instant>,
}

impl Lane {
    pub(super) fn new(places: usize, clock: Clock) -> Self {
        Self {
            most: places,
            places: Arc::new(Semaphore::new(places)),
            circuit: Mutex::default(),
            clock,
        }
    }

    /// A place, for as long as the call is under way, and leave to make it. `alone` says that nobody but the platform can
    /// hold it up.
    pub(super) fn enter(&self, alone: bool) -> Result<(OwnedSemaphorePermit, Turn<'_>), Closed> {
        let place = self
            .places
            .clone()
            .try_acquire_owned()
            .map_err(|_| Closed::Full)?;
        let is_try = match self.circuit().pass(self.clock.store_now()) {
            Pass::All => false,
            Pass::One => true,
            Pass::Wait(rest) => return Err(Closed::Broken(rest)),
        };
        let turn = Turn {
            lane: self,
            is_try,
            told: false,
            since: alone.then(Instant::now),
        };
        Ok((place, turn))
    }

    /// How many calls are under way.
    pub(super) fn busy(&self) -> usize {
        self.most.saturating_sub(self.places.available_permits())
    }

    /// Whether the platform is not asked at the moment.
    pub(super) fn is_open(&self) -> bool {
        self.circuit().is_open()
    }

    fn circuit(&self) -> MutexGuard<'_, Circuit> {
        self.circuit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// The platform answered. Says whether that ends an outage.
    pub(super) fn went_well(&mut self) -> bool {
        self.told = true;
        self.lane.circuit().note_success(self.lane.clock.store_now())
    }

    /// What held the call up was not the platform.
    pub(super) fn innocent(mut self) {
        self.since = None;
    }

    /// It did not, or said that it is in trouble. Says whether it is left alone from now on.
    pub(super) fn failed(&mut self) -> bool {
        self.told = true;
        let now = self.lane.clock.store_now();
        let mut circuit = self.lane.circuit();
        if self.is_try {
            circuit.tried();
        }
        circuit.note_failure(now)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.told {
            return;
        }
        if self.since.is_some_and(|since| since.elapsed() >= PATIENCE) {
            // Whoever waited has given up.
            self.failed();
        } else if self.is_try {
            self.lane.circuit().not_tried(self.lane.clock.store_now());
        }
    }
}
