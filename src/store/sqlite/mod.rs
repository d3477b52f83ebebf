//! The engine for one machine: documents in one `SQLite` file. No record type is known here.
//!
//! One thread writes, and puts all that waited during the last commit into the next one (`writer`); a few
//! threads read beside it (`readers`). Both are plain threads, so that no disk ever holds up an async one.

mod file;
mod header;
mod jobs;
mod read;
mod readers;
mod schema;
mod write;
mod writer;

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::Connection;
use serde_json::{Map, Value};

pub use self::file::OpenMode;
use self::readers::Readers;
use self::write::Row;
use self::writer::{Undo, Writer};
use super::engine::{Document, Engine, Error, Find, Result};
use super::limits::Entry;
use super::open::OpenError;
use super::record::{Collection, Index};
use super::spans::spans;
use crate::domain::time::Timestamp;

/// How long a caller waits for an answer.
const DEADLINE: Duration = Duration::from_secs(5);
/// How long it waits for [`Engine::prepare`], which may have to index what is there.
const PREPARE_DEADLINE: Duration = Duration::from_mins(5);

/// A store in one file.
pub struct Sqlite {
    writer: Writer,
    readers: Readers,
}

impl Sqlite {
    /// Opens the file, or makes it if there is none. This blocks for the time of a few disk accesses.
    ///
    /// # Errors
    /// [`OpenError::Locked`] if another process serves it; [`OpenError::Damaged`], [`OpenError::NotOurs`] and
    /// [`OpenError::Newer`] if the file is not one that this program can use. It is left as it was then.
    pub fn open(path: &Path, mode: OpenMode) -> Result<Self, OpenError> {
        let opened = file::open(path, mode)?;
        let readers = Readers::start(path)?;
        Ok(Self {
            writer: Writer::start(opened.connection, opened.lock)?,
            readers,
        })
    }

    /// How many commits were written since the start, for the metrics: with many writers far fewer than writes.
    pub fn commits(&self) -> u64 {
        self.writer.commits()
    }

    async fn write<T: Send + 'static>(
        &self,
        undo: Undo,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.run(DEADLINE, undo, work).await
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.run(DEADLINE, work).await
    }
}

#[async_trait]
impl Engine for Sqlite {
    async fn prepare(&self, collections: &[&'static Collection]) -> Result<()> {
        let collections = collections.to_vec();
        let work = move |connection: &Connection| schema::prepare(connection, &collections);
        self.writer.run(PREPARE_DEADLINE, Undo::Savepoint, work).await
    }

    async fn insert(
        &self,
        collection: &'static Collection,
        id: String,
        fields: Map<String, Value>,
        now: Timestamp,
    ) -> Result<()> {
        let row = Row::from(Entry::new(collection, id, fields)?);
        self.write(Undo::Itself, move |connection| {
            write::insert(connection, collection, &row, now)
        })
        .await
    }

    async fn insert_many(
        &self,
        collection: &'static Collection,
        documents: Vec<(String, Map<String, Value>)>,
        now: Timestamp,
    ) -> Result<Vec<Result<()>>> {
        let rows: Vec<Result<Row>> = documents
            .into_iter()
            .map(|(id, fields)| Entry::new(collection, id, fields).map(Row::from))
            .collect();
        self.write(Undo::Savepoint, move |connection| {
            write::insert_many(connection, collection, rows, now)
        })
        .await
    }

    async fn get(
        &self,
        collection: &'static Collection,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<Document>> {
        let id = id.to_owned();
        self.read(move |connection| read::get(connection, collection, &id, now))
            .await
    }

    async fn find(
        &self,
        collection: &'static Collection,
        find: Find,
        now: Timestamp,
    ) -> Result<Vec<Document>> {
        let spans = spans(collection, &find)?;
        self.read(move |connection| read::find(connection, collection, &find, &spans, now))
            .await
    }

    async fn replace(
        &self,
        collection: &'static Collection,
        document: Document,
        now: Timestamp,
    ) -> Result<bool> {
        let row = Row::from(Entry::new(collection, document.id, document.fields)?);
        let version = document.version;
        self.write(Undo::Itself, move |connection| {
            write::replace(connection, collection, &row, version, now)
        })
        .await
    }

    async fn delete(
        &self,
        collection: &'static Collection,
        id: &str,
        version: Option<i64>,
        now: Timestamp,
    ) -> Result<bool> {
        let id = id.to_owned();
        self.write(Undo::Itself, move |connection| {
            write::delete(connection, collection, &id, version, now)
        })
        .await
    }

    async fn delete_before(
        &self,
        collection: &'static Collection,
        index: &'static Index,
        before: Timestamp,
        limit: usize,
    ) -> Result<u64> {
        self.write(Undo::Itself, move |connection| {
            write::delete_before(connection, collection, index, before, limit)
        })
        .await
    }

    async fn now(&self) -> Result<Timestamp> {
        self.read(read::now).await
    }

    async fn ping(&self) -> Result<()> {
        // An empty commit: whether the thread that writes is there and gets the file, at the cost of no fsync.
        self.write(Undo::Itself, |_| Ok(())).await?;
        self.read(read::ping).await
    }

    async fn close(&self) {
        // The connection that is closed last brings the log into the file.
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// A failure after which nothing of the statement is in the file.
fn unavailable(cause: rusqlite::Error) -> Error {
    Error::Unavailable(Box::new(cause))
}
