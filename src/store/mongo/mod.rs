//! The engine for several machines: documents in `MongoDB`, a stand-alone server or a replica set. No record type
//! is known here.
//!
//! Documents are natural: an operator finds a record's members at the top level. What belongs to us begins with
//! `_`: `_version`, `_expires_at` for the TTL index, and `_nonce`, new with each write, by which a write whose
//! answer was lost knows its own traces.

mod calls;
mod collide;
mod connect;
mod convert;
mod failure;
mod insert;
mod read;
mod schema;
mod topology;
mod write;

use std::time::Duration;

use async_trait::async_trait;
use mongodb::bson::{RawDocumentBuf, doc};
use secrecy::SecretString;
use serde_json::{Map, Value};
use tokio::runtime::Handle;

use self::calls::Calls;
use self::convert::Draft;
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

/// Documents go to and fro in their raw form: on the way through serde the BSON library takes a member like
/// `{"$date": …}` for extended JSON, and makes something else of it.
type Documents = mongodb::Collection<RawDocumentBuf>;

/// A store in a `MongoDB` database.
pub struct Mongo {
    database: mongodb::Database,
    calls: Calls,
}

impl Mongo {
    /// Connects to the server and the database that `url` names. All of the driver's work runs on `handle`.
    ///
    /// # Errors
    /// [`OpenError::Unreachable`] if no server that takes writes is found within 5 s.
    pub async fn connect(url: &SecretString, handle: Handle) -> Result<Self, OpenError> {
        let (database, calls) = connect::connect(url, handle).await?;
        Ok(Self { database, calls })
    }

    fn documents(&self, collection: &'static Collection) -> Documents {
        self.database.collection(collection.name)
    }
}

#[async_trait]
impl Engine for Mongo {
    async fn prepare(&self, collections: &[&'static Collection]) -> Result<()> {
        let (database, collections) = (self.database.clone(), collections.to_vec());
        let work = async move { schema::prepare(&database, &collections).await };
        self.calls.read(PREPARE_DEADLINE, work).await
    }

    async fn insert(
        &self,
        collection: &'static Collection,
        id: String,
        fields: Map<String, Value>,
        now: Timestamp,
    ) -> Result<()> {
        let draft = Draft::new(Entry::new(collection, id, fields)?, 1)?;
        let at = self.documents(collection);
        insert::one(&self.calls, at, collection, draft, now).await
    }

    async fn insert_many(
        &self,
        collection: &'static Collection,
        documents: Vec<(String, Map<String, Value>)>,
        now: Timestamp,
    ) -> Result<Vec<Result<()>>> {
        let drafts = documents
            .into_iter()
            .map(|(id, fields)| Entry::new(collection, id, fields).and_then(|entry| Draft::new(entry, 1)))
            .collect();
        let at = self.documents(collection);
        insert::many(&self.calls, at, collection, drafts, now).await
    }

    async fn get(
        &self,
        collection: &'static Collection,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<Document>> {
        let (at, id) = (self.documents(collection), id.to_owned());
        let work = async move { read::get(&at, collection, id, now).await };
        self.calls.read(DEADLINE, work).await
    }

    async fn find(
        &self,
        collection: &'static Collection,
        find: Find,
        now: Timestamp,
    ) -> Result<Vec<Document>> {
        let spans = spans(collection, &find)?;
        let at = self.documents(collection);
        let work = async move { read::find(&at, collection, &find, &spans, now).await };
        self.calls.read(DEADLINE, work).await
    }

    async fn replace(
        &self,
        collection: &'static Collection,
        document: Document,
        now: Timestamp,
    ) -> Result<bool> {
        let entry = Entry::new(collection, document.id, document.fields)?;
        let draft = Draft::new(entry, document.version.saturating_add(1))?;
        let at = self.documents(collection);
        write::replace(&self.calls, at, collection, draft, now).await
    }

    async fn delete(
        &self,
        collection: &'static Collection,
        id: &str,
        version: Option<i64>,
        now: Timestamp,
    ) -> Result<bool> {
        let at = self.documents(collection);
        write::delete(&self.calls, at, id.to_owned(), version, now).await
    }

    async fn delete_before(
        &self,
        collection: &'static Collection,
        index: &'static Index,
        before: Timestamp,
        limit: usize,
    ) -> Result<u64> {
        let at = self.documents(collection);
        write::delete_before(&self.calls, at, collection, index, before, limit).await
    }

    async fn now(&self) -> Result<Timestamp> {
        let database = self.database.clone();
        let work = async move {
            let hello = database.run_command(doc! { "hello": 1 }).await;
            let hello = hello.map_err(failure::unavailable)?;
            match hello.get_datetime("localTime") {
                Ok(time) => Ok(Timestamp::from_millis(time.timestamp_millis())),
                Err(cause) => Err(Error::Unavailable(Box::new(cause))),
            }
        };
        self.calls.read(DEADLINE, work).await
    }

    async fn ping(&self) -> Result<()> {
        let database = self.database.clone();
        let work = async move {
            let answer = database.run_command(doc! { "ping": 1 }).await;
            answer.map(drop).map_err(failure::unavailable)
        };
        self.calls.read(DEADLINE, work).await
    }

    async fn close(&self) {
        self.calls.close();
        let client = self.database.client().clone();
        // Every write that was acknowledged is with a majority already; this only says goodbye.
        let goodbye = self.calls.spawn(client.shutdown().immediate(true).into_future());
        let _ = tokio::time::timeout(Duration::from_secs(2), goodbye).await;
    }
}
