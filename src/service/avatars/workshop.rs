//! Where pictures are worked on: a few threads of their own, and a bound on the memory that the work takes. What the
//! work is, is not known here.
//!
//! The threads are the same few all the time because an allocator keeps what a thread has freed for that thread:
//! spread over a pool of many, the same work would leave several times the memory behind.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

/// What all work may take together, in KiB. The largest picture that is allowed is worked on alone.
const MEMORY: u32 = 96 * 1024;
/// More threads would be of use only to those who want the machine busy.
const THREADS: usize = 4;

type Job = Box<dyn FnOnce() + Send>;

pub(super) struct Workshop {
    jobs: Sender<Job>,
    memory: Semaphore,
}

/// The work was not carried out to its end.
#[derive(Debug)]
pub(super) struct BrokenOff;

impl Workshop {
    pub(super) fn open() -> Self {
        let (jobs, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..cores.min(THREADS) {
            let waiting = Arc::clone(&waiting);
            let thread = std::thread::Builder::new().name("pictures".to_owned());
            if let Err(error) = thread.spawn(move || work_off(&waiting)) {
                tracing::error!(%error, "there is no thread to work on pictures");
            }
        }
        let memory = Semaphore::new(MEMORY as usize);
        Self { jobs, memory }
    }

    /// Waits until there is room for work that takes so many bytes. The room is given back when this is dropped.
    pub(super) async fn room(&self, bytes: u64) -> Result<SemaphorePermit<'_>, BrokenOff> {
        let kibibytes = u32::try_from(bytes.div_ceil(1024)).unwrap_or(MEMORY);
        let room = self.memory.acquire_many(kibibytes.min(MEMORY)).await;
        room.map_err(|_| BrokenOff)
    }

    /// Does something when it is its turn. Once begun it is done to its end, whether anybody waits or not.
    pub(super) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, BrokenOff> {
        let (done, result) = oneshot::channel();
        let job = move || {
            // Who asked may have gone away.
            if !done.is_closed() {
                let _ = done.send(work());
            }
        };
        self.jobs.send(Box::new(job)).map_err(|_| BrokenOff)?;
        result.await.map_err(|_| BrokenOff)
    }
}

/// Ends when the workshop is gone. A decoder that panics over a file does not take the thread with it.
fn work_off(waiting: &Mutex<Receiver<Job>>) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else {
            return;
        };
        if catch_unwind(AssertUnwindSafe(job)).is_err() {
            tracing::error!("the work on a picture panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_panics_harms_nobody_else() {
        let workshop = Workshop::open();
        for _ in 0..2 * THREADS {
            let broken = workshop.work(|| panic!("a test asked for it")).await;
            assert!(matches!(broken, Err::<(), _>(BrokenOff)));
        }
        assert_eq!(workshop.work(|| 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn the_largest_work_is_done_alone() {
        let workshop = Workshop::open();
        let all = workshop.room(u64::MAX).await.unwrap();
        assert_eq!(workshop.memory.available_permits(), 0);
        drop(all);
        assert!(workshop.room(1).await.is_ok());
        assert_eq!(workshop.memory.available_permits(), MEMORY as usize);
    }
}
