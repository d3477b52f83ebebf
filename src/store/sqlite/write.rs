//! The statements that write, within a larger commit. When to commit, and what is undone, is decided elsewhere.

use rusqlite::{Connection, ErrorCode, OptionalExtension, Params, params};

use super::schema::{index_name, member, member_of};
use super::unavailable;
use crate::domain::time::Timestamp;
use crate::store::engine::{Error, Result};
use crate::store::limits::{Broken, Entry, refused};
use crate::store::record::{Collection, Index};

/// A document as it is stored. The text is made on the caller's side, not by the one thread that writes.
pub(super) struct Row {
    id: String,
    expires_at: Option<i64>,
    fields: String,
}

impl From<Entry> for Row {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id,
            expires_at: entry.expires_at,
            // Not `to_string()` of a `Value`, which goes through a formatter piece by piece.
            fields: serde_json::to_string(&entry.fields).expect("members of JSON can be written as JSON"),
        }
    }
}

pub(super) fn insert(
    connection: &Connection,
    collection: &'static Collection,
    row: &Row,
    now: Timestamp,
) -> Result<()> {
    let table = collection.name;
    let sql = format!("INSERT INTO \"{table}\" (id, version, expires_at, fields) VALUES (?1, 1, ?2, ?3)");
    let values = params![row.id, row.expires_at, row.fields];
    match execute(connection, &sql, values) {
        Err(cause) if collides(&cause) => {}
        outcome => return outcome.map(drop).map_err(unavailable),
    }
    if let Some(false) = expired(
        connection,
        &format!("SELECT id, expires_at FROM \"{table}\" WHERE id = ?1"),
        params![row.id],
        collection,
        now,
    )? {
        return Err(Error::Duplicate { index: "id" });
    }
    make_way(connection, collection, row, now)?;
    execute(connection, &sql, values).map(drop).map_err(unavailable)
}

pub(super) fn insert_many(
    connection: &Connection,
    collection: &'static Collection,
    rows: Vec<Result<Row>>,
    now: Timestamp,
) -> Result<Vec<Result<()>>> {
    let mut results = Vec::with_capacity(rows.len());
    for row in rows {
        let result = row.and_then(|row| insert(connection, collection, &row, now));
        // The one commit fails or stands as a whole.
        if let Err(error @ Error::Unavailable(_)) = result {
            return Err(error);
        }
        results.push(result);
    }
    Ok(results)
}

pub(super) fn replace(
    connection: &Connection,
    collection: &'static Collection,
    row: &Row,
    version: i64,
    now: Timestamp,
) -> Result<bool> {
    let table = collection.name;
    let sql = format!(
        "UPDATE \"{table}\" SET version = version + 1, expires_at = ?2, fields = ?3 \
         WHERE id = ?1 AND version = ?4 AND (expires_at IS NULL OR expires_at > ?5)"
    );
    let values = params![row.id, row.expires_at, row.fields, version, now.millis()];
    match execute(connection, &sql, values) {
        Err(cause) if collides(&cause) => {}
        outcome => return outcome.map(|changed| changed == 1).map_err(unavailable),
    }
    make_way(connection, collection, row, now)?;
    execute(connection, &sql, values)
        .map(|changed| changed == 1)
        .map_err(unavailable)
}

pub(super) fn delete(
    connection: &Connection,
    collection: &'static Collection,
    id: &str,
    version: Option<i64>,
    now: Timestamp,
) -> Result<bool> {
    let sql = format!(
        "DELETE FROM \"{}\" WHERE id = ?1 AND (?2 IS NULL OR version = ?2) \
         AND (expires_at IS NULL OR expires_at > ?3)",
        collection.name
    );
    execute(connection, &sql, params![id, version, now.millis()])
        .map(|changed| changed == 1)
        .map_err(unavailable)
}

pub(super) fn delete_before(
    connection: &Connection,
    collection: &'static Collection,
    index: &'static Index,
    before: Timestamp,
    limit: usize,
) -> Result<u64> {
    let [only] = index.fields else {
        let (index, what) = (index.name, "must have one member to delete by it");
        return Err(refused(collection, Broken::Search { index, what }));
    };
    let sql = format!(
        "DELETE FROM \"{table}\" WHERE rowid IN (SELECT rowid FROM \"{table}\" INDEXED BY {index} \
         WHERE {only} < ?1 ORDER BY {only} LIMIT ?2)",
        table = collection.name,
        index = index_name(collection, index),
        only = member(only),
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    execute(connection, &sql, params![before.millis(), limit])
        .map(|count| count as u64)
        .map_err(unavailable)
}

/// Removes the expired documents that `row` collides with in unique indexes, or names the index in which it
/// collides with a live one.
fn make_way(
    connection: &Connection,
    collection: &'static Collection,
    row: &Row,
    now: Timestamp,
) -> Result<()> {
    for index in collection.indexes.iter().filter(|index| index.unique) {
        let same: Vec<_> = index
            .fields
            .iter()
            .map(|name| format!("{} = {}", member(name), member_of("?2", name)))
            .collect();
        let sql = format!(
            "SELECT id, expires_at FROM \"{}\" INDEXED BY {} WHERE id <> ?1 AND {}",
            collection.name,
            index_name(collection, index),
            same.join(" AND ")
        );
        if let Some(false) = expired(connection, &sql, params![row.id, row.fields], collection, now)? {
            return Err(Error::Duplicate { index: index.name });
        }
    }
    Ok(())
}

/// Whether the document that `sql` finds has expired; then it is removed.
fn expired(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    collection: &'static Collection,
    now: Timestamp,
) -> Result<Option<bool>> {
    let found: Option<(String, Option<i64>)> = connection
        .prepare_cached(sql)
        .and_then(|mut statement| {
            let columns = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            statement.query_row(values, columns).optional()
        })
        .map_err(unavailable)?;
    let Some((id, expires_at)) = found else {
        return Ok(None);
    };
    if expires_at.is_none_or(|at| at > now.millis()) {
        return Ok(Some(false));
    }
    let sql = format!("DELETE FROM \"{}\" WHERE id = ?1", collection.name);
    execute(connection, &sql, params![id]).map_err(unavailable)?;
    Ok(Some(true))
}

fn execute(connection: &Connection, sql: &str, values: impl Params) -> rusqlite::Result<usize> {
    connection.prepare_cached(sql)?.execute(values)
}

fn collides(cause: &rusqlite::Error) -> bool {
    cause.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}
