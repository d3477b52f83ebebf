//! Whether a peer is worth trying: its failures in a row decide. What is sent to it is not known here. Pure.

use std::time::Duration;

use crate::domain::time::Timestamp;

/// So many failures in a row open it.
const FAILURES: u32 = 5;
/// A peer that took something so lately is not gone but troubled ...
const LATELY: Duration = Duration::from_secs(1);
/// ... and has to fail so often in a row: as often as a peer that fails two times of three hardly ever does.
const FAILURES_AFTER_SUCCESS: u32 = 40;
/// While it is open, one call is let through so often.
const PAUSE: Duration = Duration::from_secs(10);

/// What may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// As much as there is.
    All,
    /// One; whoever gets this says what became of it.
    One,
    /// Nothing for so long.
    Wait(Duration),
}

#[derive(Debug, Default)]
pub(super) struct Circuit {
    failures: u32,
    succeeded: Option<Timestamp>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    next: Timestamp,
    trying: bool,
}

impl Circuit {
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub(super) fn pass(&mut self, now: Timestamp) -> Pass {
        let Some(open) = &mut self.open else {
            return Pass::All;
        };
        // A time far ahead was noted before the clock was set back.
        let rest = open.next.since(now);
        if open.trying || (!rest.is_zero() && rest <= PAUSE) {
            return Pass::Wait(rest.min(PAUSE));
        }
        open.trying = true;
        open.next = now + PAUSE;
        Pass::One
    }

    /// The one that was let through has ended.
    pub(super) fn tried(&mut self) {
        if let Some(open) = &mut self.open {
            open.trying = false;
        }
    }

    /// There was none to let through, or nothing was sent: the next one need not wait for it.
    pub(super) fn not_tried(&mut self, now: Timestamp) {
        if let Some(open) = &mut self.open {
            open.trying = false;
            open.next = now;
        }
    }

    /// The peer took something. Says whether that closes an open circuit.
    pub(super) fn note_success(&mut self, now: Timestamp) -> bool {
        self.failures = 0;
        self.succeeded = Some(now);
        self.open.take().is_some()
    }

    /// The peer did not take something. Says whether that opens the circuit.
    pub(super) fn note_failure(&mut self, now: Timestamp) -> bool {
        self.failures = self.failures.saturating_add(1);
        let lately = self.succeeded.is_some_and(|at| now.since(at) < LATELY);
        let enough = if lately { FAILURES_AFTER_SUCCESS } else { FAILURES };
        if self.open.is_some() || self.failures < enough {
            return false;
        }
        self.open = Some(Open {
            next: now + PAUSE,
            trying: false,
        });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_secs(1_700_000_000);

    fn later(secs: u64) -> Timestamp {
        START + Duration::from_secs(secs)
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_the_first_success_closes_it() {
        let mut circuit = Circuit::default();
        for _ in 0..4 {
            assert!(!circuit.note_failure(START));
        }
        assert!(!circuit.note_success(START));
        for _ in 0..4 {
            assert!(!circuit.note_failure(later(2)));
        }
        assert_eq!(circuit.pass(later(2)), Pass::All);
        assert!(circuit.note_failure(later(2)));
        assert_eq!(circuit.pass(later(2)), Pass::Wait(PAUSE));
        assert!(circuit.note_success(later(2)));
        assert_eq!(circuit.pass(later(2)), Pass::All);
    }

    #[test]
    fn while_it_is_open_one_passes_every_ten_seconds() {
        let mut circuit = Circuit::default();
        for _ in 0..5 {
            circuit.note_failure(START);
        }
        assert!(matches!(circuit.pass(later(9)), Pass::Wait(_)));
        assert_eq!(circuit.pass(later(10)), Pass::One);
        // As long as that one is on its way no other passes, however long it takes.
        assert!(matches!(circuit.pass(later(25)), Pass::Wait(_)));
        assert!(!circuit.note_failure(later(25)));
        circuit.tried();
        assert_eq!(circuit.pass(later(25)), Pass::One);
        circuit.tried();
        assert!(matches!(circuit.pass(later(26)), Pass::Wait(_)));
        // A pass that nothing was sent with is not spent.
        assert_eq!(circuit.pass(later(35)), Pass::One);
        circuit.not_tried(later(36));
        assert_eq!(circuit.pass(later(36)), Pass::One);
        circuit.tried();
        assert!(matches!(circuit.pass(later(37)), Pass::Wait(_)));
        // The clock was set back.
        assert_eq!(circuit.pass(START), Pass::One);
    }

    #[test]
    fn a_receiver_that_takes_some_is_not_given_up() {
        let mut circuit = Circuit::default();
        circuit.note_success(START);
        for _ in 0..39 {
            assert!(!circuit.note_failure(START));
        }
        assert!(circuit.note_failure(START), "but not for ever");
    }
}
