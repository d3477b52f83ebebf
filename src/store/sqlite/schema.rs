//! Tables and indexes, and the sweep of what has expired. Documents are read and written elsewhere.

use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, params};

use super::file::BUSY;
use super::unavailable;
use crate::store::engine::{Error, Result};
use crate::store::limits;
use crate::store::record::{Collection, Index};

/// How often the log is emptied, at most.
const CUT_EVERY: Duration = Duration::from_secs(10);
/// How often expired documents are swept, at most.
const SWEEP_EVERY: Duration = Duration::from_mins(1);
/// The most documents of a collection in one sweep, so that it holds up no write for long.
const SWEEP_LIMIT: u32 = 500;

/// The name of an index as statements write it. `SQLite` wants it unique in the file, not in the table.
pub(super) fn index_name(collection: &Collection, index: &Index) -> String {
    format!("\"{}.{}\"", collection.name, index.name)
}

/// The expression for a member of a stored document, as indexes and searches write it.
pub(super) fn member(name: &str) -> String {
    member_of("fields", name)
}

/// The expression for a member of the document `text`.
pub(super) fn member_of(text: &str, name: &str) -> String {
    format!("json_extract({text}, '$.{name}')")
}

/// Makes what does not exist yet. It runs within a commit, so processes that do it at once do it in turn.
pub(super) fn prepare(connection: &Connection, collections: &[&'static Collection]) -> Result<()> {
    for collection in collections {
        limits::declaration(collection)?;
        let table = collection.name;
        let sql = format!(
            "CREATE TABLE IF NOT EXISTS \"{table}\" (id TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL, \
             expires_at INTEGER, fields TEXT NOT NULL) STRICT; \
             CREATE INDEX IF NOT EXISTS \"{table}._expires\" ON \"{table}\" (expires_at) \
             WHERE expires_at IS NOT NULL;"
        );
        connection.execute_batch(&sql).map_err(unavailable)?;
        for index in collection.indexes {
            prepare_index(connection, collection, index)?;
        }
    }
    Ok(())
}

fn prepare_index(connection: &Connection, collection: &'static Collection, index: &Index) -> Result<()> {
    let unique = if index.unique { "UNIQUE " } else { "" };
    let mut columns: Vec<_> = index.fields.iter().copied().map(member).collect();
    if !index.unique {
        // The order among equals.
        columns.push("id".to_owned());
    }
    let sql = format!(
        "CREATE {unique}INDEX {} ON \"{}\" ({})",
        index_name(collection, index),
        collection.name,
        columns.join(", ")
    );
    let existing: Option<String> = connection
        .query_row(
            "SELECT sql FROM sqlite_schema WHERE type = 'index' AND name = ?1",
            params![index_name(collection, index).trim_matches('"')],
            |row| row.get(0),
        )
        .optional()
        .map_err(unavailable)?;
    match existing {
        Some(existing) if existing == sql => Ok(()),
        Some(existing) => Err(Error::Refused {
            collection: collection.name,
            cause: format!("there is already another index of that name: {existing}").into(),
        }),
        None => connection.execute_batch(&sql).map_err(|cause| {
            if cause.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) {
                Error::Refused {
                    collection: collection.name,
                    cause: Box::new(cause),
                }
            } else {
                unavailable(cause)
            }
        }),
    }
}

/// Removes expired documents now and then. They read as absent anyway; this gives their space back.
#[derive(Default)]
pub(super) struct Sweep {
    last: Option<Instant>,
}

impl Sweep {
    pub(super) fn run_if_due(&mut self, connection: &Connection) {
        if self.last.is_some_and(|last| last.elapsed() < SWEEP_EVERY) {
            return;
        }
        // What cannot be swept now (a full disk, say) is swept another time.
        let more = sweep(connection).unwrap_or(false);
        self.last = (!more).then(Instant::now);
    }
}

/// Empties the log behind writes: what was deleted must not live on in it for as long as the log is not full.
#[derive(Default)]
pub(super) struct Cut {
    last: Option<Instant>,
    changes: u64,
}

impl Cut {
    pub(super) fn run_if_due(&mut self, connection: &Connection) {
        let changes = connection.total_changes();
        if changes == self.changes || self.last.is_some_and(|last| last.elapsed() < CUT_EVERY) {
            return;
        }
        // A reader may be in the log just now. It is not waited for: the next time is soon.
        let cut = connection
            .busy_timeout(Duration::ZERO)
            .and_then(|()| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)));
        // Only a number out of range could keep the time from being set back.
        let _ = connection.busy_timeout(BUSY);
        if cut.is_ok_and(|busy: i64| busy == 0) {
            self.changes = changes;
            self.last = Some(Instant::now());
        }
    }
}

/// Says whether there may be more.
fn sweep(connection: &Connection) -> rusqlite::Result<bool> {
    let tables: Vec<String> = connection
        .prepare_cached("SELECT tbl_name FROM sqlite_schema WHERE name LIKE '%.\\_expires' ESCAPE '\\'")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut more = false;
    for table in tables {
        let sql = format!(
            "DELETE FROM \"{table}\" WHERE rowid IN (SELECT rowid FROM \"{table}\" \
             WHERE expires_at <= CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER) LIMIT ?1)"
        );
        let swept = connection.prepare_cached(&sql)?.execute(params![SWEEP_LIMIT])?;
        more |= swept == SWEEP_LIMIT as usize;
    }
    Ok(more)
}
