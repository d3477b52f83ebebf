//! Who changed what: notes of calls that change something, written beside the calls. Which calls these are, is for those
//! who make them to say (`domain::state_change`); what a call carries is never noted.

mod list;
mod writer;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use uuid::Uuid;

pub use self::list::{Before, Listed, Wanted};
use super::records::AuditRecord;
use crate::clock::Clock;
use crate::domain::ids::{AppName, CallerId, UserId};
use crate::domain::time::Timestamp;
use crate::store::{Engine, Repo};
use crate::tasks::Tasks;

/// How many records may wait to be written. More than a store that is away for some seconds makes wait.
const WAITING: usize = 8192;
/// Longer paths are cut. None of WeChat's is a quarter as long.
const LONGEST_PATH: usize = 512;
/// The longest of the other texts.
const LONGEST_WORD: usize = 64;

/// A call that has changed something, or was to.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When it was answered, by the store's time.
    pub at: Timestamp,
    /// The service of the company's that made it.
    pub caller: Option<CallerId>,
    /// The user or administrator who made it.
    pub user: Option<UserId>,
    /// The app it was about.
    pub app: AppName,
    /// Its method.
    pub method: String,
    /// Its path without the query, which may have secrets in it.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
    /// WeChat's errcode, if it gave one.
    pub errcode: Option<i64>,
    /// WeChat's own id of the call.
    pub rid: Option<String>,
    /// Our id of the request.
    pub request_id: Option<String>,
}

/// How many records were written and lost since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// So many are in the store.
    pub written: u64,
    /// So many are in the log alone, because too many waited or the store refused them.
    pub lost: u64,
}

/// The notes of such calls.
pub struct Audit {
    repo: Repo<AuditRecord>,
    clock: Clock,
    retention: Duration,
    tasks: Tasks,
    queue: mpsc::Sender<AuditRecord>,
    /// The other end of the queue, until somebody writes.
    waiting: Mutex<Option<mpsc::Receiver<AuditRecord>>>,
    written: AtomicU64,
    lost: AtomicU64,
}

impl Audit {
    /// Notes in this store, kept for `retention`. They are written once [`Self::keep`] runs.
    #[must_use]
    pub fn new(engine: &Arc<dyn Engine>, clock: Clock, tasks: Tasks, retention: Duration) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING);
        Self {
            repo: Repo::new(engine.clone(), clock.clone()),
            clock,
            retention,
            tasks,
            queue,
            waiting: Mutex::new(Some(waiting)),
            written: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        }
    }

    /// Notes a call: a line in the log at once, and a record soon. It never waits and never fails; what cannot be
    /// recorded is counted.
    pub fn note(&self, entry: Entry) {
        let record = self.record(entry);
        log(&record);
        if self.queue.try_send(record).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The time that an entry of now has.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.store_now()
    }

    /// How many were written and lost.
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures {
            written: self.written.load(Ordering::Relaxed),
            lost: self.lost.load(Ordering::Relaxed),
        }
    }

    fn record(&self, entry: Entry) -> AuditRecord {
        AuditRecord {
            id: format!("aud_{}", Uuid::now_v7().simple()),
            at: entry.at,
            app: entry.app,
            caller: entry.caller,
            user: entry.user,
            method: cut(entry.method, LONGEST_WORD),
            path: cut(entry.path, LONGEST_PATH),
            status: entry.status,
            errcode: entry.errcode,
            rid: entry.rid.map(|rid| cut(rid, LONGEST_WORD)),
            request_id: entry.request_id.map(|id| cut(id, LONGEST_WORD)),
            expires_at: entry.at + self.retention,
        }
    }
}

/// The line in the log. Debug escapes what could forge a line or drive a terminal.
fn log(record: &AuditRecord) {
    tracing::info!(
        target: "wxgate::audit",
        app = record.app.as_str(),
        caller = record.caller.as_ref().map(CallerId::as_str),
        user = record.user.as_ref().map(UserId::as_str),
        method = ?record.method,
        path = ?record.path,
        status = record.status,
        errcode = record.errcode,
        rid = record.rid.as_deref().map(tracing::field::debug),
        request_id = record.request_id.as_deref(),
        "a call that changes something"
    );
}

fn cut(mut text: String, most: usize) -> String {
    text.truncate(text.floor_char_boundary(most));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("茶茶".to_owned(), 6), "茶茶");
        assert_eq!(cut("茶茶".to_owned(), 5), "茶");
        assert_eq!(cut(String::new(), 5), "");
    }
}
