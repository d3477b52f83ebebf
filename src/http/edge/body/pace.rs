//! How fast a body must arrive. It does not read the body.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::Sleep;

/// A body may be slower than that on average, but not for longer than [`GRACE`].
const BYTES_PER_SECOND: u128 = 1024;
const GRACE: Duration = Duration::from_secs(5);
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// Watches one body.
pub(super) struct Pace {
    started: Instant,
    deadline: Instant,
    total: u64,
    /// Most bodies are there when they are first asked for and need no timer.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    /// A body that must be complete `within` that time.
    pub(super) fn new(started: Instant, within: Duration) -> Self {
        Self {
            started,
            deadline: started + within,
            total: 0,
            timer: None,
        }
    }

    /// Gives the body at least so long, from its beginning.
    pub(super) fn allow(&mut self, within: Duration) {
        self.deadline = self.deadline.max(self.started + within);
    }

    /// Notes that bytes have come.
    pub(super) fn received(&mut self, bytes: usize) {
        self.total += bytes as u64;
    }

    /// How many have come.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Ready once the body is too slow.
    pub(super) fn poll_too_slow(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let first = (self.started + GRACE).min(self.deadline);
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(first.into())));
        while timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            let elapsed = now.saturating_duration_since(self.started);
            let crawling = u128::from(self.total) * 1000 < BYTES_PER_SECOND * elapsed.as_millis();
            if now >= self.deadline || (elapsed >= GRACE && crawling) {
                return Poll::Ready(());
            }
            timer
                .as_mut()
                .reset((now + CHECK_EVERY).min(self.deadline).into());
        }
        Poll::Pending
    }
}
