//! What a write that the server refused as a duplicate collides with: an expired document gives way, a live one
//! is named by its index. How often the write is tried again is decided elsewhere.

use std::collections::HashSet;

use mongodb::bson::{Bson, Document as BsonDocument, doc};

use super::convert::{Draft, EXPIRES, NONCE, VERSION, collect, is_expired, nonce};
use super::failure::unavailable;
use super::{DEADLINE, Documents};
use crate::domain::time::Timestamp;
use crate::store::engine::Result;
use crate::store::record::{Collection, Index};

/// What stands in a write's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Collision {
    /// Nothing, or nothing any more: expired documents were removed.
    None,
    /// The write itself, which has taken place before.
    Itself,
    /// Another document with the same id, which this many writes have made what it is.
    Id { version: i64 },
    /// Another document that agrees with ours in this unique index.
    Index(&'static str),
}

/// Looks for what `draft` collides with, for an insert by its id, too.
pub(super) async fn look(
    at: &Documents,
    collection: &'static Collection,
    draft: &Draft,
    inserting: bool,
    now: Timestamp,
) -> Result<Collision> {
    let mut any = Vec::new();
    if inserting {
        any.push(doc! { "_id": &draft.id });
    }
    let mut projection = doc! { VERSION: 1, NONCE: 1, EXPIRES: 1 };
    for index in collection.indexes.iter().filter(|index| index.unique) {
        projection.extend(
            index
                .fields
                .iter()
                .map(|name| ((*name).to_owned(), Bson::Int32(1))),
        );
        any.extend(members(&draft.document, index));
    }
    if any.is_empty() {
        return Ok(Collision::None);
    }
    let cursor = at
        .find(doc! { "$or": any })
        .projection(projection)
        .max_time(DEADLINE)
        .await
        .map_err(unavailable)?;
    let mut live = Vec::new();
    for other in collect(cursor).await? {
        if nonce(&other) == Some(draft.nonce) {
            return Ok(Collision::Itself);
        }
        let is_same = other.get_str("_id").is_ok_and(|id| id == draft.id);
        if is_same && !inserting {
            continue;
        }
        if is_expired(&other, now) {
            remove(at, &other).await?;
        } else if is_same {
            let version = other.get_i64(VERSION).unwrap_or(i64::MAX);
            return Ok(Collision::Id { version });
        } else {
            live.push(other);
        }
    }
    // The same choice as in SQLite where several indexes refuse: the one that was declared first.
    let agrees = |index: &&Index| {
        let ours = members(&draft.document, index);
        ours.is_some() && live.iter().any(|other| members(other, index) == ours)
    };
    let first = collection
        .indexes
        .iter()
        .filter(|index| index.unique)
        .find(agrees);
    Ok(first.map_or(Collision::None, |index| Collision::Index(index.name)))
}

/// Whether none of these collides with another one of them.
pub(super) fn apart(collection: &'static Collection, drafts: &[Draft]) -> bool {
    let mut ids = HashSet::with_capacity(drafts.len());
    let unique = || collection.indexes.iter().filter(|index| index.unique);
    let mut keys = HashSet::new();
    drafts.iter().all(|draft| {
        let fresh = |index: &Index| {
            members(&draft.document, index)
                .is_none_or(|members| keys.insert((index.name, members.to_string())))
        };
        ids.insert(&draft.id) && unique().all(fresh)
    })
}

/// Removes an expired document, if nobody has written it again meanwhile.
async fn remove(at: &Documents, expired: &BsonDocument) -> Result<()> {
    let same = |name: &str| expired.get(name).cloned().unwrap_or(Bson::Null);
    let filter = doc! { "_id": same("_id"), NONCE: same(NONCE), EXPIRES: same(EXPIRES) };
    at.delete_one(filter).await.map(drop).map_err(unavailable)
}

/// The document's members in this index, if it has them all.
fn members(document: &BsonDocument, index: &Index) -> Option<BsonDocument> {
    let members = index
        .fields
        .iter()
        .map(|name| Some(((*name).to_owned(), document.get(name)?.clone())));
    members.collect()
}
