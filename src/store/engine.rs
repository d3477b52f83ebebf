//! The seam between the typed layer and an engine: few methods, plain documents. No types of records are known here.

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::record::{Collection, Index};
use crate::domain::time::Timestamp;

/// What an engine answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

pub(super) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why an engine could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another live document has the same id (index `id`) or agrees in all members of this unique index.
    #[error("a document with the same {index} exists already")]
    Duplicate {
        /// The index that refused, or `id`.
        index: &'static str,
    },
    /// The store cannot be reached or refuses to work; nothing was written.
    #[error("the store is unavailable")]
    Unavailable(#[source] Cause),
    /// The answer to a write was lost: it may have been carried out or not, or still be.
    #[error("it is not known whether the store carried out a write")]
    Indeterminate(#[source] Cause),
    /// What was asked breaks a rule that both engines share (see [`limits`](super::limits)), or names an index or
    /// a layout that the store does not have. Trying again is no use.
    #[error("{collection} does not take this")]
    Refused {
        /// The collection.
        collection: &'static str,
        /// Which rule.
        #[source]
        cause: Cause,
    },
    /// A stored document does not have the shape its record declares.
    #[error("document {id:?} of {collection} cannot be read")]
    Unreadable {
        /// The collection.
        collection: &'static str,
        /// The document's id.
        id: String,
        /// What is wrong with it.
        #[source]
        cause: Cause,
    },
    /// The same document was changed by others at every one of many attempts.
    #[error("a document of {collection} is changed too often by others")]
    Contended {
        /// The collection.
        collection: &'static str,
    },
}

impl Error {
    pub(super) fn unreadable(collection: &Collection, id: String, cause: impl Into<Cause>) -> Self {
        Self::Unreadable {
            collection: collection.name,
            id,
            cause: cause.into(),
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Indeterminate(_) | Self::Contended { .. } => true,
            Self::Duplicate { .. } | Self::Unreadable { .. } | Self::Refused { .. } => false,
        }
    }
}

/// A stored document. `fields` holds every member but the id; members that are null are left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its key.
    pub id: String,
    /// How often it was written: 1 after the insert, one more with each replace. The fence of all compare-and-sets.
    pub version: i64,
    /// Its members.
    pub fields: Map<String, Value>,
}

/// A value in an index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// An integer. Integers sort before texts.
    Int(i64),
    /// A text, compared byte by byte.
    Text(String),
}

/// The order of what [`Engine::find`] returns: by the index's last member, then by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Smallest first.
    #[default]
    Ascending,
    /// Largest first.
    Descending,
}

/// A search over a declared index.
///
/// Documents in which one of the index's members is absent are not found.
#[derive(Debug, Clone)]
pub struct Find {
    /// The index, one of the collection's own.
    pub index: &'static Index,
    /// Values for the first members: for all of them, or for all but the last.
    pub equal: Vec<Key>,
    /// The smallest value of the last member, included. Only where `equal` leaves that member open.
    pub from: Option<Key>,
    /// The end of the last member's values, excluded. Only where `equal` leaves that member open.
    pub until: Option<Key>,
    /// The order.
    pub order: Order,
    /// At most so many documents; 1 to 1000.
    pub limit: usize,
    /// Continue behind this document: its value of the index's last member, and its id.
    pub after: Option<(Key, String)>,
}

impl Find {
    /// All documents that agree with `equal` in the index's first members, at most 100.
    pub fn by(index: &'static Index, equal: impl IntoIterator<Item = Key>) -> Self {
        let equal = equal.into_iter().collect();
        Self {
            index,
            equal,
            from: None,
            until: None,
            order: Order::Ascending,
            limit: 100,
            after: None,
        }
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Key {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<Timestamp> for Key {
    fn from(time: Timestamp) -> Self {
        Self::Int(time.millis())
    }
}

/// A store of documents.
///
/// Every method that reads takes `now` and treats a document whose expiry is not later as absent. When an
/// answer arrives, the write is durable: it survives the death of this process, and of the machine in so far
/// as the engine can promise it (`SQLite`: after fsync; `MongoDB`: after a majority has it).
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// Makes the collections and their indexes, as far as they do not exist yet. It may run in several
    /// processes at once. An index whose declaration changes needs a new name; one that is no longer declared
    /// stays, because an older instance may still be using it.
    ///
    /// # Errors
    /// [`Error::Refused`] if an index of that name but of another shape exists, or if stored documents collide
    /// in a new unique index.
    async fn prepare(&self, collections: &[&'static Collection]) -> Result<()>;

    /// Adds a document. An expired document with the same id or unique key gives way.
    ///
    /// # Errors
    /// [`Error::Duplicate`] if a live document has the id, or a unique key, already.
    async fn insert(
        &self,
        collection: &'static Collection,
        id: String,
        fields: Map<String, Value>,
        now: Timestamp,
    ) -> Result<()>;

    /// Adds several documents with one commit (or one round trip); each has a result of its own.
    async fn insert_many(
        &self,
        collection: &'static Collection,
        documents: Vec<(String, Map<String, Value>)>,
        now: Timestamp,
    ) -> Result<Vec<Result<()>>>;

    /// The document with this id.
    async fn get(
        &self,
        collection: &'static Collection,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<Document>>;

    /// The documents that match.
    async fn find(
        &self,
        collection: &'static Collection,
        find: Find,
        now: Timestamp,
    ) -> Result<Vec<Document>>;

    /// Replaces all members of the document if its version is still `document.version`; the new version is one
    /// higher. Says whether it did.
    ///
    /// # Errors
    /// [`Error::Duplicate`] if the new members collide with a live document in a unique index.
    async fn replace(
        &self,
        collection: &'static Collection,
        document: Document,
        now: Timestamp,
    ) -> Result<bool>;

    /// Removes a live document, if `version` is given only in that version. Says whether it did; of several
    /// that try at once, one.
    async fn delete(
        &self,
        collection: &'static Collection,
        id: &str,
        version: Option<i64>,
        now: Timestamp,
    ) -> Result<bool>;

    /// Removes up to `limit` documents whose value of the one-member index `index` is an integer below `before`,
    /// smallest first. Says how many; expired ones count as long as they are physically there.
    async fn delete_before(
        &self,
        collection: &'static Collection,
        index: &'static Index,
        before: Timestamp,
        limit: usize,
    ) -> Result<u64>;

    /// The store's own time.
    async fn now(&self) -> Result<Timestamp>;

    /// Whether the store answers.
    async fn ping(&self) -> Result<()>;

    /// Ends all work; what was acknowledged is safe.
    async fn close(&self);
}
