//! What a stored thing declares about itself: its collection, id, indexes and expiry. No engine is known here.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A kind of stored document.
///
/// It serialises to a JSON object whose member `id` is a string and its key. Members that are null or absent
/// are the same. Names beginning with `_` belong to the engines.
pub trait Record: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Where records of this kind live.
    const COLLECTION: &'static Collection;

    /// The key, unique within the collection.
    fn id(&self) -> &str;
}

/// A named set of documents with its declared indexes.
#[derive(Debug, PartialEq, Eq)]
pub struct Collection {
    /// The name, in lower-case letters and `_`.
    pub name: &'static str,
    /// The declared indexes: the only ways to find documents other than by id.
    pub indexes: &'static [Index],
    /// The member that holds the moment (milliseconds since the epoch) from which on a document reads as absent.
    pub expires: Option<&'static str>,
}

/// An index over one to three members that hold texts or integers.
///
/// A document in which one of the members is absent is not in the index, so a unique index does not bind it.
#[derive(Debug, PartialEq, Eq)]
pub struct Index {
    /// The name, unique within its collection.
    pub name: &'static str,
    /// The members, in order. A search gives a value for each but the last, for which it may give a range.
    pub fields: &'static [&'static str],
    /// Whether two live documents may not agree in all members.
    pub unique: bool,
}
