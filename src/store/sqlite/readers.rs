//! A few threads that read, each with a connection of its own, beside the one that writes. What is read is
//! not known here.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout_at;

use super::file;
use super::jobs::{Job, Trouble, job, within};
use crate::store::engine::Result;
use crate::store::open::OpenError;

/// The most reads that wait; a caller that finds the queue full waits for a place until its deadline.
const QUEUE: usize = 1024;

pub(super) struct Readers {
    queue: Mutex<Option<Sender<Box<dyn Job>>>>,
    places: Semaphore,
    /// Ends when all threads have.
    ended: tokio::sync::Mutex<mpsc::Receiver<()>>,
}

impl Readers {
    pub(super) fn start(path: &Path) -> Result<Self, OpenError> {
        let (sender, receiver) = channel();
        let receiver = Arc::new(Mutex::new(receiver));
        let (end, ended) = mpsc::channel(1);
        // Reads are short and mostly served from memory: more threads than cores would only take turns.
        let count = thread::available_parallelism().map_or(2, usize::from).clamp(2, 8);
        for _ in 0..count {
            let connection = file::reader(path)?;
            let (receiver, end) = (receiver.clone(), end.clone());
            thread::Builder::new()
                .name("store-reader".to_owned())
                .spawn(move || {
                    serve(&connection, &receiver);
                    drop(connection);
                    drop(end);
                })
                .map_err(OpenError::Thread)?;
        }
        Ok(Self {
            queue: Mutex::new(Some(sender)),
            places: Semaphore::new(QUEUE),
            ended: tokio::sync::Mutex::new(ended),
        })
    }

    /// Has `work` done on one of the threads and waits for its answer.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let deadline = within(limit);
        // Nobody closes the semaphore, so all that can go wrong here is time.
        let Ok(Ok(_place)) = timeout_at(deadline, self.places.acquire()).await else {
            return Err(Trouble::Crowded.unavailable());
        };
        let (job, answer) = job(work);
        let sent = match &*self.queue.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(queue) => queue.send(job).is_ok(),
            None => false,
        };
        if !sent {
            return Err(Trouble::Closed.unavailable());
        }
        let outcome = answer.wait(deadline).await;
        outcome.unwrap_or_else(|_| Err(Trouble::Slow.unavailable()))
    }

    /// Takes no more work, and waits until what was taken is answered and the connections are closed.
    pub(super) async fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        // Nothing is ever sent; this returns when the last thread has let go of its end.
        self.ended.lock().await.recv().await;
    }
}

fn serve(connection: &Connection, queue: &Mutex<Receiver<Box<dyn Job>>>) {
    loop {
        // One idle thread waits for work, holding the lock; the others wait for the lock.
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(mut job) = next else { return };
        job.work(connection);
        job.answer(None);
    }
}
