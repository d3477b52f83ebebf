//! Writes what was noted, many records at once. What is noted is not known here.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio::time::sleep;

use super::{Audit, AuditRecord};
use crate::store::Error;
use crate::telemetry::Chain;

/// So many are written at once,
const BATCH: usize = 200;
/// and so long the first of them waits for the others.
const GATHERING: Duration = Duration::from_millis(200);
/// How long the store is left alone after it failed.
const PAUSE: Duration = Duration::from_secs(1);

impl Audit {
    /// Writes what is noted, until the process ends, and then what is left.
    pub async fn keep(self: Arc<Self>) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut waiting) = waiting else { return };
        let mut batch = Vec::with_capacity(BATCH);
        while self.gather(&mut waiting, &mut batch).await {
            self.write_patiently(&mut batch).await;
        }
        waiting.close();
        loop {
            batch = self.write(batch).await;
            if !batch.is_empty() {
                // There is no time to wait for the store: these are in the log alone, and so are all others.
                let left = batch.len() + waiting.len();
                self.lose(left);
                tracing::error!(left, "records of the audit could not be written before the end");
                return;
            }
            if waiting.recv_many(&mut batch, BATCH).await == 0 {
                return;
            }
        }
    }

    /// Waits for records and for those that follow soon. Says whether the process goes on.
    async fn gather(&self, waiting: &mut Receiver<AuditRecord>, batch: &mut Vec<AuditRecord>) -> bool {
        tokio::select! {
            () = self.tasks.stopping() => return false,
            _ = waiting.recv_many(batch, BATCH) => {}
        }
        let gathered = sleep(GATHERING);
        tokio::pin!(gathered);
        while batch.len() < BATCH {
            let room = BATCH - batch.len();
            tokio::select! {
                () = self.tasks.stopping() => return false,
                () = &mut gathered => break,
                _ = waiting.recv_many(batch, room) => {}
            }
        }
        true
    }

    /// Writes a batch, however long the store is away. Meanwhile others wait in the queue, which has an end.
    async fn write_patiently(&self, batch: &mut Vec<AuditRecord>) {
        loop {
            *batch = self.write(std::mem::take(batch)).await;
            if batch.is_empty() {
                return;
            }
            tokio::select! {
                () = self.tasks.stopping() => return,
                () = sleep(PAUSE) => {}
            }
        }
    }

    /// Writes what can be written now, and gives back what may be written later.
    async fn write(&self, batch: Vec<AuditRecord>) -> Vec<AuditRecord> {
        if batch.is_empty() {
            return batch;
        }
        let results = match self.repo.insert_many(&batch).await {
            Ok(results) => results,
            Err(error) if error.may_pass() => {
                tracing::debug!(error = %Chain(&error), "records of the audit have to wait");
                return batch;
            }
            Err(error) => {
                self.refused(batch.len(), &error);
                return Vec::new();
            }
        };
        let mut left = Vec::new();
        for (record, result) in batch.into_iter().zip(results) {
            match result {
                // One whose answer was lost the first time is there already.
                Ok(()) | Err(Error::Duplicate { .. }) => {
                    self.written.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) if error.may_pass() => left.push(record),
                Err(error) => self.refused(1, &error),
            }
        }
        left
    }

    fn refused(&self, count: usize, error: &Error) {
        self.lose(count);
        tracing::error!(error = %Chain(error), count, "the store refuses records of the audit");
    }

    fn lose(&self, count: usize) {
        self.lost.fetch_add(count as u64, Ordering::Relaxed);
    }
}
