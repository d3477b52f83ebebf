//! The threads that hash, and the queue before them. What they compute is not known here.

use std::io;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, available_parallelism};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::Error;
use super::phc::Memory;

/// How long anybody waits for a turn.
const PATIENCE: Duration = Duration::from_secs(2);
/// How much the threads yield to all others: with `nice` 10, a core that both kinds want is theirs for a tenth.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// The threads and their queue. The threads end with it.
pub(super) struct Pool {
    jobs: Sender<Job>,
    turns: Arc<Semaphore>,
    /// Those who have a turn and those who wait for one.
    places: Arc<Semaphore>,
}

/// A turn. Jobs run one at a time under it, and one that was begun keeps it to its end, whoever goes away.
pub(super) struct Permit {
    jobs: Sender<Job>,
    held: Arc<(OwnedSemaphorePermit, OwnedSemaphorePermit)>,
}

impl Pool {
    pub(super) fn start(concurrent: usize, queue: usize) -> io::Result<Self> {
        let threads = match concurrent {
            0 => available_parallelism().map_or(1, NonZero::get),
            threads => threads,
        };
        let (jobs, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..threads {
            let waiting = waiting.clone();
            thread::Builder::new()
                .name("passwords".to_owned())
                .spawn(move || work(&waiting))?;
        }
        Ok(Self {
            jobs,
            turns: Arc::new(Semaphore::new(threads)),
            places: Arc::new(Semaphore::new(threads + queue)),
        })
    }

    /// Whether there is room to wait just now.
    pub(super) fn has_room(&self) -> bool {
        self.places.available_permits() > 0
    }

    /// How many may have a turn or wait for one, while nobody does.
    pub(super) fn places(&self) -> usize {
        self.places.available_permits()
    }

    /// Waits for a turn, if there is room to wait.
    pub(super) async fn permit(&self) -> Result<Permit, Error> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| Error::Busy)?;
        let turn = tokio::time::timeout(PATIENCE, self.turns.clone().acquire_owned())
            .await
            .map_err(|_| Error::Busy)?
            .map_err(|_| Error::Busy)?;
        Ok(Permit {
            jobs: self.jobs.clone(),
            held: Arc::new((turn, place)),
        })
    }
}

impl Permit {
    /// Runs `job` on one of the threads.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (sender, result) = oneshot::channel();
        let held = self.held.clone();
        let job = Box::new(move |memory: &mut Memory| {
            // Nobody may wait for it any more.
            let _ = sender.send(job(memory));
            drop(held);
        });
        self.jobs.send(job).map_err(|_| Error::Busy)?;
        result.await.map_err(|_| Error::Busy)
    }
}

fn work(waiting: &Mutex<Receiver<Job>>) {
    yield_to_others();
    let mut memory = Memory::new();
    loop {
        // Only the one that waits for the next job holds the lock; the others wait for the lock.
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            // Whoever waits for the result of a job that panics hears that there is none; the thread goes on.
            Ok(job) => drop(catch_unwind(AssertUnwindSafe(|| job(&mut memory)))),
            Err(_) => return,
        }
    }
}

/// On Linux a priority belongs to a thread; elsewhere it would be that of the whole process.
#[cfg(target_os = "linux")]
fn yield_to_others() {
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "the threads that hash passwords keep their priority");
    }
}

#[cfg(not(target_os = "linux"))]
fn yield_to_others() {}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn no_more_run_at_once_than_there_are_threads() {
        let pool = Pool::start(2, 64).unwrap();
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let one = async || {
            let (running, most) = (running.clone(), most.clone());
            let permit = pool.permit().await.unwrap();
            let job = move |_: &mut Memory| {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(2));
                running.fetch_sub(1, Ordering::SeqCst);
            };
            permit.run(job).await.unwrap();
        };
        join_all((0..40).map(|_| one())).await;
        assert_eq!(most.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn whoever_finds_no_room_or_waits_too_long_is_sent_away() {
        let pool = Pool::start(1, 1).unwrap();
        let first = pool.permit().await.unwrap();
        assert!(pool.has_room());
        let started = std::time::Instant::now();
        let (second, third, room) = tokio::join!(pool.permit(), pool.permit(), async { pool.has_room() });
        assert!(!room);
        assert_eq!(second.map(drop), Err(Error::Busy));
        assert_eq!(third.map(drop), Err(Error::Busy));
        let waited = started.elapsed();
        assert!((PATIENCE..PATIENCE * 2).contains(&waited), "{waited:?}");
        drop(first);
        pool.permit().await.unwrap();
    }

    #[tokio::test]
    async fn a_job_that_runs_keeps_its_turn_when_its_owner_goes_away() {
        let pool = Pool::start(1, 0).unwrap();
        let permit = pool.permit().await.unwrap();
        let (go_on, wait) = channel::<()>();
        let run = permit.run(move |_| wait.recv().is_ok());
        assert!(
            tokio::time::timeout(Duration::from_millis(20), run)
                .await
                .is_err()
        );
        drop(permit);
        assert_eq!(pool.permit().await.map(drop), Err(Error::Busy));
        go_on.send(()).unwrap();
        while pool.permit().await.is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_threads_yield_and_their_callers_do_not() {
        let own = rustix::process::getpriority_process(None).unwrap();
        let pool = Pool::start(1, 1).unwrap();
        let permit = pool.permit().await.unwrap();
        let theirs = permit.run(|_| rustix::process::getpriority_process(None).unwrap());
        assert_eq!(theirs.await, Ok(NICE.max(own)));
        assert_eq!(rustix::process::getpriority_process(None), Ok(own));
    }
}
