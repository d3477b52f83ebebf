//! The operations that read. Tasks and deadlines are elsewhere.

use mongodb::bson::{Document as BsonDocument, doc};
use mongodb::options::Hint;

use super::convert::{EXPIRES, collect, decode, is_expired, key, live, whole};
use super::failure::unavailable;
use super::{DEADLINE, Documents};
use crate::domain::time::Timestamp;
use crate::store::engine::{Document, Find, Key, Order, Result};
use crate::store::record::Collection;
use crate::store::spans::{Lower, Span};

pub(super) async fn get(
    at: &Documents,
    collection: &'static Collection,
    id: String,
    now: Timestamp,
) -> Result<Option<Document>> {
    let found = at.find_one(doc! { "_id": id }).max_time(DEADLINE).await;
    let Some(raw) = found.map_err(unavailable)? else {
        return Ok(None);
    };
    let found = whole(&raw)?;
    if is_expired(&found, now) {
        return Ok(None);
    }
    decode(collection, found).map(Some)
}

pub(super) async fn find(
    at: &Documents,
    collection: &'static Collection,
    find: &Find,
    spans: &[Span],
    now: Timestamp,
) -> Result<Vec<Document>> {
    let mut found = Vec::new();
    for span in spans {
        let limit = find.limit - found.len();
        if limit == 0 {
            break;
        }
        let cursor = at
            .find(filter(collection, find, span, now))
            .sort(sort(find, span))
            // Without it the server may prefer another index, and sort in memory.
            .hint(Hint::Name(find.index.name.to_owned()))
            .limit(i64::try_from(limit).unwrap_or(i64::MAX))
            .max_time(DEADLINE)
            .await
            .map_err(unavailable)?;
        for document in collect(cursor).await? {
            found.push(decode(collection, document)?);
        }
    }
    Ok(found)
}

fn filter(collection: &Collection, find: &Find, span: &Span, now: Timestamp) -> BsonDocument {
    let mut filter = BsonDocument::new();
    for (name, value) in find.index.fields.iter().zip(&span.equal) {
        filter.insert(*name, key(value));
    }
    if let Some(open) = span.open_member(find.index) {
        let conditions = range(span).into_iter().map(|condition| doc! { open: condition });
        filter.insert("$and", conditions.collect::<Vec<_>>());
    }
    if let Some(id) = &span.behind {
        let beyond = match find.order {
            Order::Ascending => "$gt",
            Order::Descending => "$lt",
        };
        filter.insert("_id", doc! { beyond: id });
    }
    if collection.expires.is_some() {
        filter.insert(EXPIRES, live(now));
    }
    filter
}

/// Conditions for the open member. A plain comparison sees values of its own type only, but a range goes over
/// integers and texts in one order: an end towards the other type is therefore told by what lies beyond it.
fn range(span: &Span) -> Vec<BsonDocument> {
    // Only by this the server knows that the partial index has every document that is asked for.
    let mut conditions = vec![doc! { "$exists": true }];
    let (from, beyond, inside) = match &span.lower {
        Some(Lower::At(from)) => (Some(from), "$lt", "$gte"),
        Some(Lower::Above(from)) => (Some(from), "$lte", "$gt"),
        None => (None, "", ""),
    };
    let until = span.upper.as_ref();
    match (from, until) {
        (Some(from @ Key::Int(_)), None | Some(Key::Text(_))) => {
            conditions.push(doc! { "$not": { beyond: key(from) } });
        }
        (Some(from), _) => conditions.push(doc! { inside: key(from) }),
        (None, _) => {}
    }
    match (from, until) {
        (None | Some(Key::Int(_)), Some(until @ Key::Text(_))) => {
            conditions.push(doc! { "$not": { "$gte": key(until) } });
        }
        (_, Some(until)) => conditions.push(doc! { "$lt": key(until) }),
        (_, None) => {}
    }
    conditions
}

/// A unique index does not hold ids. Nor need it: all its members together have one document at most.
fn sort(find: &Find, span: &Span) -> BsonDocument {
    let direction = match find.order {
        Order::Ascending => 1,
        Order::Descending => -1,
    };
    let mut sort = BsonDocument::new();
    if let Some(open) = span.open_member(find.index) {
        sort.insert(open, direction);
    }
    if !find.index.unique {
        sort.insert("_id", direction);
    }
    sort
}
