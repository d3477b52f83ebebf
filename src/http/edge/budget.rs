//! A bound on the bytes of request bodies held at once. Who is refused when it is used up is decided elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that may still be held.
#[derive(Debug)]
pub struct Budget {
    left: AtomicUsize,
}

/// Bytes taken from a [`Budget`]; they go back when this is dropped.
#[derive(Debug)]
pub struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    /// A budget of that many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(bytes) })
    }

    /// An empty share.
    #[must_use]
    pub fn share(self: &Arc<Self>) -> Share {
        Share { budget: Arc::clone(self), bytes: 0 }
    }
}

impl Share {
    /// Takes more bytes. Says whether there were enough; if not, nothing changed.
    #[must_use]
    pub fn grow(&mut self, by: usize) -> bool {
        let left = &self.budget.left;
        let taken = left.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(by)).is_ok();
        if taken {
            self.bytes += by;
        }
        taken
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.left.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_when_a_share_is_dropped() {
        let budget = Budget::new(100);
        let mut first = budget.share();
        assert!(first.grow(60));
        assert!(first.grow(40));
        let mut second = budget.share();
        assert!(!second.grow(1));
        drop(first);
        assert!(second.grow(100));
    }
}
