//! The one thread that writes: it takes what waited while the last commit ran and commits it together. What a
//! write does is not known here.
//!
//! A commit costs one fsync however many writes are in it, so under load this is what the throughput hangs on.
//! A write that fails takes nothing else with it: SQLite undoes a single statement by itself, and more than one run in
//! a savepoint of their own. All are answered after the commit.

use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, ffi};
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::time::timeout_at;

use super::jobs::{Job, Silence, Trouble, job, within};
use super::schema;
use crate::store::engine::{Error, Result};
use crate::store::open::OpenError;

/// The most writes in one commit.
const GROUP: usize = 256;
/// The most writes that wait; a caller that finds the queue full waits for a place until its deadline.
const QUEUE: usize = 1024;

/// How a write that fails is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Undo {
    /// By itself: what it changes, it changes with its last statement. (It may have removed expired documents before.)
    Itself,
    /// By a savepoint, for which a copy is made of every page that is changed: a seventh of what an insert costs.
    Savepoint,
}

struct Write {
    job: Box<dyn Job>,
    undo: Undo,
}

pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Write>>>,
    ended: tokio::sync::Mutex<Option<oneshot::Receiver<()>>>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    /// Starts the thread. It owns the lock on the file, too, and lets it go when it ends.
    pub(super) fn start(connection: Connection, lock: Option<File>) -> Result<Self, OpenError> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let (end, ended) = oneshot::channel();
        let commits = Arc::new(AtomicU64::new(0));
        let counter = commits.clone();
        thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                serve(&connection, receiver, &counter);
                // Closing the last connection brings everything into the main file.
                drop(connection);
                drop(lock);
                let _ = end.send(());
            })
            .map_err(OpenError::Thread)?;
        Ok(Self {
            queue: Mutex::new(Some(sender)),
            ended: tokio::sync::Mutex::new(Some(ended)),
            commits,
        })
    }

    /// Has `work` done in a commit and waits for that.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        limit: Duration,
        undo: Undo,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let deadline = within(limit);
        let queue = self.queue()?;
        let (job, answer) = job(work);
        match timeout_at(deadline, queue.send(Write { job, undo })).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(Trouble::Closed.unavailable()),
            Err(_) => return Err(Trouble::Crowded.unavailable()),
        }
        // The thread ends when nobody can send any more; a caller that only waits must not hold that up.
        drop(queue);
        match answer.wait(deadline).await {
            Ok(outcome) => outcome,
            Err(Silence::NotBegun) => Err(Trouble::Slow.unavailable()),
            Err(Silence::Begun) => Err(Error::Indeterminate(Box::new(Trouble::Slow))),
        }
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Takes no more work, and waits until what was taken is committed and the file is closed.
    pub(super) async fn close(&self) {
        drop(self.lock().take());
        if let Some(ended) = self.ended.lock().await.take() {
            let _ = ended.await;
        }
    }

    fn queue(&self) -> Result<mpsc::Sender<Write>> {
        self.lock().clone().ok_or_else(|| Trouble::Closed.unavailable())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<mpsc::Sender<Write>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve(connection: &Connection, mut queue: mpsc::Receiver<Write>, commits: &AtomicU64) {
    let mut sweep = schema::Sweep::default();
    let mut cut = schema::Cut::default();
    while let Some(first) = queue.blocking_recv() {
        let mut group = vec![first];
        while group.len() < GROUP
            && let Ok(next) = queue.try_recv()
        {
            group.push(next);
        }
        let failure = commit(connection, &mut group);
        if failure.is_none() {
            commits.fetch_add(1, Ordering::Relaxed);
        }
        for write in group {
            write.job.answer(failure.as_ref().map(Failure::error));
        }
        // What has expired is only ever added to by writes, so it is enough to sweep behind them.
        sweep.run_if_due(connection);
        cut.run_if_due(connection);
    }
}

/// Why a whole group failed.
struct Failure {
    cause: Arc<rusqlite::Error>,
    /// Whether the file may hold the group all the same.
    unknown: bool,
}

impl Failure {
    fn error(&self) -> Error {
        let cause = Box::new(self.cause.clone());
        if self.unknown {
            Error::Indeterminate(cause)
        } else {
            Error::Unavailable(cause)
        }
    }
}

fn commit(connection: &Connection, group: &mut [Write]) -> Option<Failure> {
    let failure = match fill(connection, group) {
        Err(cause) => Failure {
            cause: Arc::new(cause),
            unknown: false,
        },
        Ok(()) => match connection.execute_batch("COMMIT") {
            Ok(()) => return None,
            Err(cause) => Failure {
                unknown: !surely_undone(&cause),
                cause: Arc::new(cause),
            },
        },
    };
    if !connection.is_autocommit() {
        // If even this fails, the next BEGIN does, and says so to its callers.
        let _ = connection.execute_batch("ROLLBACK");
    }
    Some(failure)
}

fn fill(connection: &Connection, group: &mut [Write]) -> rusqlite::Result<()> {
    if !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    let run = |sql| connection.prepare_cached(sql)?.execute([]).map(drop);
    run("BEGIN IMMEDIATE")?;
    for Write { job, undo } in group {
        if *undo == Undo::Itself {
            if !job.work(connection) && connection.is_autocommit() {
                // After some failures (a full disk is one) SQLite has rolled back all of the transaction.
                let code = ffi::Error::new(ffi::SQLITE_ABORT_ROLLBACK);
                return Err(rusqlite::Error::SqliteFailure(code, None));
            }
            continue;
        }
        run("SAVEPOINT job")?;
        if !job.work(connection) {
            // If SQLite has rolled back all of the transaction, this fails, too, and so does the group.
            run("ROLLBACK TO job")?;
        }
        run("RELEASE job")?;
    }
    Ok(())
}

/// Whether a failed COMMIT has left no trace. When pages could not be written there is no commit mark either;
/// when the fsync behind the mark fails, a crash now may still find it.
fn surely_undone(cause: &rusqlite::Error) -> bool {
    matches!(
        cause.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::ReadOnly
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::CannotOpen
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::unavailable;

    const LIMIT: Duration = Duration::from_secs(5);

    fn writer(directory: &tempfile::TempDir, setup: &str) -> Writer {
        let connection = Connection::open(directory.path().join("test.db")).unwrap();
        connection
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x)")
            .unwrap();
        connection.execute_batch(setup).unwrap();
        Writer::start(connection, None).unwrap()
    }

    async fn sql(writer: &Writer, sql: &'static str) -> Result<()> {
        writer
            .run(LIMIT, Undo::Savepoint, move |connection| {
                connection.execute_batch(sql).map_err(unavailable)
            })
            .await
    }

    async fn count(writer: &Writer) -> i64 {
        let work = |connection: &Connection| {
            connection
                .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
                .map_err(unavailable)
        };
        writer.run(LIMIT, Undo::Savepoint, work).await.unwrap()
    }

    /// Keeps the thread busy until what is returned is dropped.
    async fn occupy(writer: &Writer) -> std::sync::mpsc::Sender<()> {
        let (hold, release) = std::sync::mpsc::channel();
        let (notice, begun) = oneshot::channel();
        let undo = Undo::Savepoint;
        let (job, _) = job(move |_| {
            let _ = notice.send(());
            let _ = release.recv();
            Ok(())
        });
        writer
            .queue()
            .unwrap()
            .send(Write { job, undo })
            .await
            .ok()
            .unwrap();
        begun.await.unwrap();
        hold
    }

    #[tokio::test]
    async fn a_full_disk_refuses_writes_until_there_is_room() {
        let directory = tempfile::tempdir().unwrap();
        let writer = writer(&directory, "PRAGMA max_page_count = 20");
        let mut stored = 0;
        let refusal = loop {
            match sql(&writer, "INSERT INTO t VALUES (randomblob(5000))").await {
                Ok(()) => stored += 1,
                Err(refusal) => break refusal,
            }
        };
        assert!(matches!(refusal, Error::Unavailable(_)), "{refusal:?}");
        assert_eq!(count(&writer).await, stored);
        sql(&writer, "PRAGMA max_page_count = 1000").await.unwrap();
        sql(&writer, "INSERT INTO t VALUES (randomblob(5000))")
            .await
            .unwrap();
        assert_eq!(count(&writer).await, stored + 1);
        writer.close().await;
    }

    /// A constraint that is checked at the very end stands in for every reason why a commit can fail.
    #[tokio::test]
    async fn a_commit_that_fails_is_told_to_all_of_its_group() {
        let directory = tempfile::tempdir().unwrap();
        let writer = writer(
            &directory,
            "PRAGMA foreign_keys = true; CREATE TABLE parent (id INTEGER PRIMARY KEY); \
             CREATE TABLE child (id REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
        );
        // While the thread is held the two queue up, and share the next commit.
        let hold = occupy(&writer).await;
        let innocent = sql(&writer, "INSERT INTO t VALUES (1)");
        let guilty = sql(&writer, "INSERT INTO child VALUES (1)");
        let release = async {
            tokio::task::yield_now().await;
            drop(hold);
        };
        let (innocent, guilty, ()) = tokio::join!(innocent, guilty, release);
        assert!(matches!(innocent, Err(Error::Indeterminate(_))), "{innocent:?}");
        assert!(matches!(guilty, Err(Error::Indeterminate(_))), "{guilty:?}");
        assert_eq!(count(&writer).await, 0);
        sql(&writer, "INSERT INTO t VALUES (1)").await.unwrap();
        assert_eq!(count(&writer).await, 1);
        writer.close().await;
        let late = sql(&writer, "INSERT INTO t VALUES (1)").await;
        assert!(matches!(late, Err(Error::Unavailable(_))));
    }

    /// What comes behind it in the group must not become a commit of its own.
    #[tokio::test]
    async fn a_single_statement_that_undoes_everything_fails_its_group() {
        let directory = tempfile::tempdir().unwrap();
        let writer = writer(&directory, "");
        let single = |sql: &'static str| {
            writer.run(LIMIT, Undo::Itself, move |connection| {
                connection.execute_batch(sql).map_err(unavailable)
            })
        };
        let hold = occupy(&writer).await;
        let release = async {
            tokio::task::yield_now().await;
            drop(hold);
        };
        let (before, guilty, after, ()) = tokio::join!(
            single("INSERT INTO t VALUES (1)"),
            // Stands in for a failure after which SQLite rolls back.
            single("ROLLBACK; INSERT INTO nowhere VALUES (1)"),
            single("INSERT INTO t VALUES (2)"),
            release
        );
        for outcome in [before, guilty, after] {
            assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
        }
        assert_eq!(count(&writer).await, 0);
        // One that fails otherwise harms nobody.
        let (good, bad) = tokio::join!(
            single("INSERT INTO t VALUES (1)"),
            single("INSERT INTO nowhere VALUES (1)")
        );
        assert!(good.is_ok() && bad.is_err());
        assert_eq!(count(&writer).await, 1);
        writer.close().await;
    }

    /// Whoever gave up before the work began may be sure that it never does.
    #[tokio::test]
    async fn work_that_nobody_waits_for_is_not_begun() {
        let directory = tempfile::tempdir().unwrap();
        let writer = writer(&directory, "");
        let hold = occupy(&writer).await;
        let impatient = writer.run(Duration::from_millis(50), Undo::Savepoint, |connection| {
            connection
                .execute_batch("INSERT INTO t VALUES (1)")
                .map_err(unavailable)
        });
        let impatient = impatient.await;
        drop(hold);
        assert!(matches!(impatient, Err(Error::Unavailable(_))), "{impatient:?}");
        assert_eq!(count(&writer).await, 0);
        writer.close().await;
    }
}
