//! JSON to BSON and back, member for member. A text or object that looks like MongoDB's extended JSON stays the
//! text or object it is.

use futures_util::TryStreamExt;
use mongodb::Cursor;
use mongodb::bson::{Bson, DateTime, Document as BsonDocument, RawDocumentBuf, Uuid, doc};
use serde_json::{Map, Number, Value};

use super::failure::unavailable;
use crate::domain::time::Timestamp;
use crate::store::engine::{Document, Error, Key, Result};
use crate::store::limits::Entry;
use crate::store::record::Collection;

pub(super) const VERSION: &str = "_version";
pub(super) const NONCE: &str = "_nonce";
pub(super) const EXPIRES: &str = "_expires_at";

/// A document about to be written, with the nonce that marks this very write.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) id: String,
    pub(super) version: i64,
    pub(super) nonce: Uuid,
    pub(super) document: BsonDocument,
    /// The same, as it is sent.
    pub(super) raw: RawDocumentBuf,
}

impl Draft {
    pub(super) fn new(entry: Entry, version: i64) -> Result<Self> {
        let nonce = Uuid::new();
        let mut document = doc! { "_id": &entry.id };
        document.extend(
            entry
                .fields
                .into_iter()
                .map(|(name, value)| (name, to_bson(value))),
        );
        document.insert(VERSION, version);
        document.insert(NONCE, nonce);
        if let Some(at) = entry.expires_at {
            document.insert(EXPIRES, DateTime::from_millis(at));
        }
        // The checks before leave no name that BSON could not write.
        let raw = RawDocumentBuf::try_from(&document).map_err(|cause| Error::Unavailable(Box::new(cause)))?;
        Ok(Self {
            id: entry.id,
            version,
            nonce,
            document,
            raw,
        })
    }
}

/// The condition that a document has not expired.
pub(super) fn live(now: Timestamp) -> Bson {
    doc! { "$not": { "$lte": DateTime::from_millis(now.millis()) } }.into()
}

/// Whether a document has expired.
pub(super) fn is_expired(document: &BsonDocument, now: Timestamp) -> bool {
    document
        .get_datetime(EXPIRES)
        .is_ok_and(|at| at.timestamp_millis() <= now.millis())
}

pub(super) fn nonce(document: &BsonDocument) -> Option<Uuid> {
    match document.get(NONCE) {
        Some(Bson::Binary(binary)) => binary.to_uuid().ok(),
        _ => None,
    }
}

pub(super) fn key(key: &Key) -> Bson {
    match key {
        Key::Int(number) => Bson::Int64(*number),
        Key::Text(text) => Bson::String(text.clone()),
    }
}

/// All documents of an answer.
pub(super) async fn collect(cursor: Cursor<RawDocumentBuf>) -> Result<Vec<BsonDocument>> {
    let raw: Vec<RawDocumentBuf> = cursor.try_collect().await.map_err(unavailable)?;
    raw.iter().map(whole).collect()
}

/// A document out of its raw form.
pub(super) fn whole(raw: &RawDocumentBuf) -> Result<BsonDocument> {
    BsonDocument::try_from(raw.as_ref()).map_err(|cause| Error::Unavailable(Box::new(cause)))
}

/// A stored document as the engine's users see it.
pub(super) fn decode(collection: &'static Collection, mut stored: BsonDocument) -> Result<Document> {
    let id = match stored.remove("_id") {
        Some(Bson::String(id)) => id,
        other => {
            return Err(Error::unreadable(
                collection,
                format!("{other:?}"),
                "its _id is not a text",
            ));
        }
    };
    // Who changes documents by hand may leave a number of another kind.
    let version = match stored.get(VERSION) {
        Some(Bson::Int64(version)) => *version,
        Some(Bson::Int32(version)) => i64::from(*version),
        _ => {
            return Err(Error::unreadable(
                collection,
                id,
                "its _version is not an integer",
            ));
        }
    };
    let mut fields = Map::with_capacity(stored.len());
    for (name, value) in stored {
        if name.starts_with('_') || value == Bson::Null {
            continue;
        }
        let Some(value) = to_json(value) else {
            let what = format!("its member {name} is of a type that JSON does not have");
            return Err(Error::unreadable(collection, id, what));
        };
        fields.insert(name, value);
    }
    Ok(Document { id, version, fields })
}

/// The depth of what comes here was checked before.
fn to_bson(value: Value) -> Bson {
    match value {
        Value::Null => Bson::Null,
        Value::Bool(value) => Bson::Boolean(value),
        Value::String(text) => Bson::String(text),
        Value::Array(values) => Bson::Array(values.into_iter().map(to_bson).collect()),
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (name, to_bson(value)));
            Bson::Document(fields.collect())
        }
        // Larger integers were refused before; every other number is a finite float.
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Bson::Int64(number),
            (None, Some(number)) => Bson::Double(number),
            (None, None) => Bson::Null,
        },
    }
}

/// Nothing for what JSON cannot say.
fn to_json(value: Bson) -> Option<Value> {
    Some(match value {
        Bson::Null => Value::Null,
        Bson::Boolean(value) => Value::Bool(value),
        Bson::String(text) => Value::String(text),
        Bson::Int32(number) => Value::Number(number.into()),
        Bson::Int64(number) => Value::Number(number.into()),
        Bson::Double(number) => Value::Number(Number::from_f64(number)?),
        Bson::Array(values) => Value::Array(values.into_iter().map(to_json).collect::<Option<_>>()?),
        Bson::Document(fields) => {
            let fields = fields
                .into_iter()
                .map(|(name, value)| Some((name, to_json(value)?)));
            Value::Object(fields.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}
