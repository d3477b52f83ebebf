//! The typed layer over an engine, written once: records in, records out. No engine and no rule of business is known here.

use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use super::engine::{Document, Engine, Error, Find, Key, Result};
use super::record::{Index, Record};
use super::turns::Turns;
use crate::clock::Clock;
use crate::domain::time::Timestamp;
use crate::telemetry::Chain;

/// How often an update is tried anew when others change the same document meanwhile.
const ATTEMPTS: usize = 100;
/// Of so many records it is remembered that they cannot be read.
const MOST_TOLD: usize = 10_000;

/// The records of one kind.
pub struct Repo<R> {
    engine: Arc<dyn Engine>,
    clock: Clock,
    turns: Arc<Turns>,
    /// The ids of records that could not be read, of which it was told.
    told: Arc<Mutex<BTreeSet<String>>>,
    kind: PhantomData<fn() -> R>,
}

impl<R> Clone for Repo<R> {
    fn clone(&self) -> Self {
        Self {
            engine: self.engine.clone(),
            clock: self.clock.clone(),
            turns: self.turns.clone(),
            told: self.told.clone(),
            kind: PhantomData,
        }
    }
}

/// A record as read, with the version that a compare-and-set needs.
#[derive(Debug, Clone)]
pub struct Versioned<R> {
    /// The record.
    pub record: R,
    /// Its version; see [`Document::version`].
    pub version: i64,
}

/// The records of one page that can be read.
#[derive(Debug)]
pub struct Page<R> {
    /// In order.
    pub found: Vec<Versioned<R>>,
    /// What the next page continues behind; nothing if this is the last one.
    pub next: Option<(Key, String)>,
}

/// What the closure given to [`Repo::update`] wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Write the changed record.
    Save,
    /// Leave the stored record as it is.
    Keep,
}

impl<R: Record> Repo<R> {
    /// The repository of `R` in this store.
    pub fn new(engine: Arc<dyn Engine>, clock: Clock) -> Self {
        Self {
            engine,
            clock,
            turns: Arc::default(),
            told: Arc::default(),
            kind: PhantomData,
        }
    }

    /// The live record with this id.
    pub async fn get(&self, id: &str) -> Result<Option<R>> {
        Ok(self.get_versioned(id).await?.map(|found| found.record))
    }

    /// The live record with this id, with its version.
    pub async fn get_versioned(&self, id: &str) -> Result<Option<Versioned<R>>> {
        let found = self.engine.get(R::COLLECTION, id, self.clock.store_now()).await?;
        found.map(decode).transpose()
    }

    /// The first live record that matches.
    pub async fn find_one(&self, mut find: Find) -> Result<Option<R>> {
        find.limit = 1;
        Ok(self
            .find(find)
            .await?
            .into_iter()
            .next()
            .map(|found| found.record))
    }

    /// The live records that match, in order.
    pub async fn find(&self, find: Find) -> Result<Vec<Versioned<R>>> {
        self.find_each(find).await?.into_iter().collect()
    }

    /// As [`Self::find`], for those who can do without records that cannot be read: one that a newer version has
    /// written, for example.
    pub async fn find_each(&self, find: Find) -> Result<Vec<Result<Versioned<R>>>> {
        let now = self.clock.store_now();
        let found = self.engine.find(R::COLLECTION, find, now).await?;
        Ok(found.into_iter().map(decode).collect())
    }

    /// A page of the live records that match, without those that cannot be read: those a newer version has written are
    /// no reason to stop, and what is behind them is found as well. Each of them is logged once.
    pub async fn find_page(&self, find: Find) -> Result<Page<R>> {
        let (index, limit) = (find.index, find.limit);
        let found = self
            .engine
            .find(R::COLLECTION, find, self.clock.store_now())
            .await?;
        let next = found.last().filter(|_| found.len() >= limit);
        let next = next.and_then(|last| Some((key_in(last, index)?, last.id.clone())));
        let found = found.into_iter().filter_map(|document| self.readable(document));
        Ok(Page {
            found: found.collect(),
            next,
        })
    }

    /// As [`Self::find`], without those that cannot be read; see [`Self::find_page`]. Others take their places.
    pub async fn find_readable(&self, mut find: Find) -> Result<Vec<Versioned<R>>> {
        let limit = find.limit;
        let mut all = Vec::new();
        loop {
            let page = self.find_page(find.clone()).await?;
            all.extend(page.found);
            match page.next {
                Some(next) if all.len() < limit => find.after = Some(next),
                _ => break,
            }
        }
        all.truncate(limit);
        Ok(all)
    }

    /// Adds a record.
    ///
    /// # Errors
    /// [`Error::Duplicate`] names the unique index that refused, or `id`.
    pub async fn insert(&self, record: &R) -> Result<()> {
        let (id, fields) = encode(record)?;
        self.engine
            .insert(R::COLLECTION, id, fields, self.clock.store_now())
            .await
    }

    /// Adds several records with one commit; each has a result of its own.
    pub async fn insert_many(&self, records: &[R]) -> Result<Vec<Result<()>>> {
        let documents = records.iter().map(encode).collect::<Result<_>>()?;
        self.engine
            .insert_many(R::COLLECTION, documents, self.clock.store_now())
            .await
    }

    /// Writes `record` over the stored one if nobody has changed that since it was read. Says whether it did.
    pub async fn replace(&self, record: &Versioned<R>) -> Result<bool> {
        let (id, fields) = encode(&record.record)?;
        let document = Document {
            id,
            version: record.version,
            fields,
        };
        self.engine
            .replace(R::COLLECTION, document, self.clock.store_now())
            .await
    }

    /// Reads, changes and writes a record, anew from the reading when another change came between. The closure
    /// may therefore run several times. Returns the record as it is afterwards, or nothing if there is none.
    ///
    /// # Errors
    /// [`Error::Contended`] after a hundred changes by others in between.
    pub async fn update(&self, id: &str, mut change: impl FnMut(&mut R) -> Change) -> Result<Option<R>> {
        let mut turn = None;
        for _ in 0..ATTEMPTS {
            let Some(mut found) = self.get_versioned(id).await? else {
                return Ok(None);
            };
            if change(&mut found.record) == Change::Keep || self.replace(&found).await? {
                return Ok(Some(found.record));
            }
            // Others in this process wait their turn from here on, so that a crowd on one record is a queue:
            // what is left to collide with are other processes and first attempts.
            if turn.is_none() {
                turn = Some(self.turns.take(id).await);
            }
        }
        Err(Error::Contended {
            collection: R::COLLECTION.name,
        })
    }

    /// Removes the record. Says whether there was one.
    pub async fn delete(&self, id: &str) -> Result<bool> {
        self.engine
            .delete(R::COLLECTION, id, None, self.clock.store_now())
            .await
    }

    /// Removes the record if nobody has changed it since it was read. Says whether it did: of several that try
    /// to take the same record away, one.
    pub async fn take(&self, record: &Versioned<R>) -> Result<bool> {
        self.engine
            .delete(
                R::COLLECTION,
                record.record.id(),
                Some(record.version),
                self.clock.store_now(),
            )
            .await
    }

    fn readable(&self, document: Document) -> Option<Versioned<R>> {
        let id = document.id.clone();
        let error = match decode(document) {
            Ok(found) => return Some(found),
            Err(error) => error,
        };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= MOST_TOLD {
            told.clear();
        }
        // It is read again and again.
        if told.insert(id) {
            tracing::error!(error = %Chain(&error), "a record is left out: it cannot be read");
        }
        None
    }

    /// Removes up to `limit` records whose value of the one-member index `index` is an integer below `before`.
    pub async fn delete_before(&self, index: &'static Index, before: Timestamp, limit: usize) -> Result<u64> {
        self.engine
            .delete_before(R::COLLECTION, index, before, limit)
            .await
    }
}

/// A document's value of the index's last member.
fn key_in(document: &Document, index: &Index) -> Option<Key> {
    match document.fields.get(*index.fields.last()?)? {
        Value::String(text) => Some(Key::Text(text.clone())),
        value => value.as_i64().map(Key::Int),
    }
}

fn decode<R: Record>(document: Document) -> Result<Versioned<R>> {
    let Document {
        id,
        version,
        mut fields,
    } = document;
    fields.insert("id".to_owned(), Value::String(id.clone()));
    match serde_json::from_value(Value::Object(fields)) {
        Ok(record) => Ok(Versioned { record, version }),
        Err(cause) => Err(Error::unreadable(R::COLLECTION, id, cause)),
    }
}

fn encode<R: Record>(record: &R) -> Result<(String, Map<String, Value>)> {
    let id = record.id().to_owned();
    match serde_json::to_value(record) {
        Ok(Value::Object(mut fields)) => {
            fields.remove("id");
            fields.retain(|_, value| !value.is_null());
            Ok((id, fields))
        }
        Ok(_) => Err(Error::unreadable(
            R::COLLECTION,
            id,
            "a record must serialise to an object",
        )),
        Err(cause) => Err(Error::unreadable(R::COLLECTION, id, cause)),
    }
}
