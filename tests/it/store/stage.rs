//! What a case stands on: a fresh store of one engine, and the collection that the cases write to.

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::SecretString;
use serde_json::{Map, Value};
use tempfile::TempDir;
use tokio::runtime::Handle;
use wxgate::clock::Clock;
use wxgate::domain::time::Timestamp;
use wxgate::store::{Collection, Document, Engine, Error, Find, Index, OpenMode, Result, open};

use crate::support::mongo::Mongod;

/// The collection of the cases.
pub(crate) static THINGS: Collection = Collection {
    name: "things",
    indexes: &[BY_OWNER, BY_RANK, BY_EMAIL, BY_PAIR],
    expires: Some("until"),
};
/// An equality and a range.
pub(crate) const BY_OWNER: Index = Index {
    name: "by_owner",
    fields: &["owner", "due"],
    unique: false,
};
/// A range alone.
pub(crate) const BY_RANK: Index = Index {
    name: "by_rank",
    fields: &["rank"],
    unique: false,
};
/// Unique, one member.
pub(crate) const BY_EMAIL: Index = Index {
    name: "by_email",
    fields: &["email"],
    unique: true,
};
/// Unique, two members.
pub(crate) const BY_PAIR: Index = Index {
    name: "by_pair",
    fields: &["left", "right"],
    unique: true,
};
pub(crate) static OWNER: Index = BY_OWNER;
pub(crate) static RANK: Index = BY_RANK;
pub(crate) static EMAIL: Index = BY_EMAIL;
pub(crate) static PAIR: Index = BY_PAIR;

/// The engines, and the two shapes of MongoDB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Standalone,
    ReplicaSet,
}

/// A fresh store.
pub(crate) struct Stage {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) clock: Clock,
    url: SecretString,
    directory: TempDir,
}

impl Stage {
    /// A store in which the collection of the cases is prepared.
    pub(crate) async fn new(kind: Kind) -> Self {
        let stage = Self::bare(kind).await;
        stage.engine.prepare(&[&THINGS]).await.unwrap();
        stage
    }

    /// A store without any collection.
    pub(crate) async fn bare(kind: Kind) -> Self {
        let url = match kind {
            Kind::Sqlite => "sqlite:data/store.db".to_owned(),
            Kind::Standalone => Mongod::standalone().await.url(&Mongod::fresh_database()),
            Kind::ReplicaSet => Mongod::replica_set().await.url(&Mongod::fresh_database()),
        };
        let url = SecretString::from(url);
        let directory = TempDir::new().unwrap();
        let clock = Clock::system();
        let engine = open(&url, OpenMode::Serve, directory.path(), &clock, Handle::current());
        let engine = engine.await.unwrap();
        Self {
            engine,
            clock,
            url,
            directory,
        }
    }

    /// Another handle to the same store, as a command beside the server has one.
    pub(crate) async fn another(&self) -> Arc<dyn Engine> {
        let opened = open(
            &self.url,
            OpenMode::Command,
            self.directory.path(),
            &self.clock,
            Handle::current(),
        );
        opened.await.unwrap()
    }

    /// The database file.
    pub(crate) fn file(&self) -> PathBuf {
        self.directory.path().join("data/store.db")
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.store_now()
    }

    /// A moment so many seconds from now, in milliseconds.
    pub(crate) fn soon(&self, seconds: i64) -> i64 {
        self.now().millis() + seconds * 1000
    }

    pub(crate) async fn insert(&self, id: &str, fields: Value) -> Result<()> {
        self.engine
            .insert(&THINGS, id.to_owned(), map(fields), self.now())
            .await
    }

    pub(crate) async fn get(&self, id: &str) -> Option<Document> {
        self.engine.get(&THINGS, id, self.now()).await.unwrap()
    }

    pub(crate) async fn replace(&self, id: &str, version: i64, fields: Value) -> Result<bool> {
        let document = Document {
            id: id.to_owned(),
            version,
            fields: map(fields),
        };
        self.engine.replace(&THINGS, document, self.now()).await
    }

    pub(crate) async fn delete(&self, id: &str, version: Option<i64>) -> bool {
        self.engine
            .delete(&THINGS, id, version, self.now())
            .await
            .unwrap()
    }

    pub(crate) async fn find(&self, find: Find) -> Vec<Document> {
        self.engine.find(&THINGS, find, self.now()).await.unwrap()
    }

    /// The ids of what is found, in order.
    pub(crate) async fn ids(&self, find: Find) -> Vec<String> {
        self.find(find).await.into_iter().map(|found| found.id).collect()
    }
}

/// The members of an object.
pub(crate) fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("not an object: {other}"),
    }
}

/// The index that refused.
pub(crate) fn duplicate<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    match result {
        Err(Error::Duplicate { index }) => index,
        other => panic!("not a duplicate: {other:?}"),
    }
}

/// Why a document or a search was refused.
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T>) -> String {
    match result {
        Err(Error::Refused { cause, .. }) => cause.to_string(),
        other => panic!("not refused: {other:?}"),
    }
}
