//! Work handed from an async caller to a thread that owns a connection, with a deadline for the answer.
//! Which thread, and what happens around the work, is decided elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::store::engine::{Error, Result};

const WAITING: u8 = 0;
const BEGUN: u8 = 1;
const GIVEN_UP: u8 = 2;

/// Work whose type of answer the thread need not know.
pub(super) trait Job: Send {
    /// Does the work, unless its caller has given up waiting. Says whether it stands.
    fn work(&mut self, connection: &Connection) -> bool;
    /// Tells the caller the outcome; with a failure, that instead.
    fn answer(self: Box<Self>, failure: Option<Error>);
}

/// Why there is no answer.
pub(super) enum Silence {
    /// The work was never begun, and will not be.
    NotBegun,
    /// The work was begun; what became of it is not known.
    Begun,
}

/// The caller's end of a job.
pub(super) struct Answer<T> {
    outcome: oneshot::Receiver<Result<T>>,
    progress: Arc<AtomicU8>,
}

struct Work<T, F> {
    closure: Option<F>,
    outcome: Option<Result<T>>,
    answer: oneshot::Sender<Result<T>>,
    progress: Arc<AtomicU8>,
}

/// Makes a job of a closure.
pub(super) fn job<T, F>(work: F) -> (Box<dyn Job>, Answer<T>)
where
    T: Send + 'static,
    F: FnOnce(&Connection) -> Result<T> + Send + 'static,
{
    let (sender, receiver) = oneshot::channel();
    let progress = Arc::new(AtomicU8::new(WAITING));
    let job = Work {
        closure: Some(work),
        outcome: None,
        answer: sender,
        progress: progress.clone(),
    };
    let answer = Answer {
        outcome: receiver,
        progress,
    };
    (Box::new(job), answer)
}

impl<T: Send, F: FnOnce(&Connection) -> Result<T> + Send> Job for Work<T, F> {
    fn work(&mut self, connection: &Connection) -> bool {
        let begun = self
            .progress
            .compare_exchange(WAITING, BEGUN, Ordering::AcqRel, Ordering::Acquire);
        let (Ok(_), Some(work)) = (begun, self.closure.take()) else {
            return true;
        };
        let outcome = work(connection);
        let stands = outcome.is_ok();
        self.outcome = Some(outcome);
        stands
    }

    fn answer(self: Box<Self>, failure: Option<Error>) {
        let outcome = failure.map(Err).or(self.outcome);
        if let Some(outcome) = outcome {
            // A caller that is gone needs no answer.
            let _ = self.answer.send(outcome);
        }
    }
}

impl<T> Answer<T> {
    /// Waits for the outcome until the deadline.
    pub(super) async fn wait(self, deadline: Instant) -> Result<Result<T>, Silence> {
        if let Ok(Ok(outcome)) = timeout_at(deadline, self.outcome).await {
            return Ok(outcome);
        }
        let begun = self
            .progress
            .compare_exchange(WAITING, GIVEN_UP, Ordering::AcqRel, Ordering::Acquire);
        Err(if begun.is_ok() {
            Silence::NotBegun
        } else {
            Silence::Begun
        })
    }
}

/// The moment so far from now.
pub(super) fn within(limit: Duration) -> Instant {
    Instant::now() + limit
}

/// Why a job was not carried out, in words.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("the store's queue was full for too long")]
    Crowded,
    #[error("the store took too long")]
    Slow,
    #[error("the store is closed")]
    Closed,
}

impl Trouble {
    pub(super) fn unavailable(self) -> Error {
        Error::Unavailable(Box::new(self))
    }
}
