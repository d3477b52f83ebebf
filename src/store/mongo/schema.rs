//! Collections, indexes and the layout's mark. Documents are read and written elsewhere.

use std::time::Duration;

use mongodb::bson::{Bson, Document as BsonDocument, doc};
use mongodb::error::{Error as DriverError, ErrorKind};
use mongodb::options::IndexOptions;
use mongodb::{Database, IndexModel};

use super::convert::EXPIRES;
use super::failure::{DUPLICATE_KEY, unavailable};
use crate::store::engine::{Error, Result};
use crate::store::limits;
use crate::store::open::LAYOUT;
use crate::store::record::{Collection, Index};

/// Where the layout is noted.
const META: &str = "_wxgate";
/// An index of the same name, or over the same members, has another shape.
const SHAPES: [i32; 3] = [67, 85, 86];
/// Another process is at the same work just now.
const BUSY: [i32; 3] = [48, 112, 117];

/// Notes the layout in a new store; says which an existing one has.
pub(super) async fn layout(database: &Database) -> Result<i64, DriverError> {
    let meta = database.collection::<BsonDocument>(META);
    let mark = doc! { "_id": "store" };
    for _ in 0..3 {
        if let Some(found) = meta.find_one(mark.clone()).await? {
            let layout = match found.get("layout") {
                Some(Bson::Int64(layout)) => *layout,
                Some(Bson::Int32(layout)) => i64::from(*layout),
                // Whatever that is, it was not this program.
                _ => i64::MAX,
            };
            return Ok(layout);
        }
        match meta.insert_one(doc! { "_id": "store", "layout": LAYOUT }).await {
            // Another process was first; see what it wrote.
            Err(error) if code(&error) == Some(DUPLICATE_KEY) => {}
            outcome => return outcome.map(|_| LAYOUT),
        }
    }
    Ok(LAYOUT)
}

/// Makes what does not exist yet.
pub(super) async fn prepare(database: &Database, collections: &[&'static Collection]) -> Result<()> {
    for collection in collections {
        limits::declaration(collection)?;
        let mut indexes: Vec<_> = collection.indexes.iter().map(model).collect();
        if collection.expires.is_some() {
            indexes.push(expiry());
        }
        if !indexes.is_empty() {
            prepare_indexes(database, collection, indexes).await?;
        }
    }
    Ok(())
}

async fn prepare_indexes(
    database: &Database,
    collection: &'static Collection,
    indexes: Vec<IndexModel>,
) -> Result<()> {
    let documents = database.collection::<BsonDocument>(collection.name);
    let mut attempts = 20;
    loop {
        let Err(error) = documents.create_indexes(indexes.clone()).await else {
            return Ok(());
        };
        attempts -= 1;
        match code(&error) {
            Some(code) if SHAPES.contains(&code) || code == DUPLICATE_KEY => {
                return Err(Error::Refused {
                    collection: collection.name,
                    cause: Box::new(error),
                });
            }
            Some(code) if BUSY.contains(&code) && attempts > 0 => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            _ => return Err(unavailable(error)),
        }
    }
}

fn model(index: &Index) -> IndexModel {
    let mut keys = BsonDocument::new();
    let mut present = BsonDocument::new();
    for member in index.fields {
        keys.insert(*member, 1);
        present.insert(*member, doc! { "$exists": true });
    }
    if !index.unique {
        // The order among equals.
        keys.insert("_id", 1);
    }
    let options = IndexOptions::builder()
        .name(index.name.to_owned())
        .unique(index.unique.then_some(true))
        // Not a sparse one: that holds documents with any of the members, this those with all of them.
        .partial_filter_expression(present)
        .build();
    IndexModel::builder().keys(keys).options(options).build()
}

fn expiry() -> IndexModel {
    let options = IndexOptions::builder()
        .name(EXPIRES.to_owned())
        .expire_after(Duration::ZERO)
        .build();
    IndexModel::builder()
        .keys(doc! { EXPIRES: 1 })
        .options(options)
        .build()
}

fn code(error: &DriverError) -> Option<i32> {
    use mongodb::error::WriteFailure;
    match &*error.kind {
        ErrorKind::Command(cause) => Some(cause.code),
        ErrorKind::Write(WriteFailure::WriteError(cause)) => Some(cause.code),
        _ => None,
    }
}
