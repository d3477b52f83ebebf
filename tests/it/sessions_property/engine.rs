//! A store in memory whose every operation waits twice, before it takes effect and after: whoever polls the callers
//! decides who goes next, and drops one of them to let it die on either side. What is done with it is in `history`.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use serde_json::{Map, Value};
use wxgate::domain::time::Timestamp;
use wxgate::store::{Collection, Document, Engine, Error, Find, Index, Key, Order, Result};

/// What goes wrong with the next operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It does nothing, and says so.
    Refused,
    /// It takes effect, and the answer is lost.
    Lost,
}

type Fields = Map<String, Value>;
type Things = BTreeMap<String, (i64, Fields)>;

#[derive(Default)]
pub(crate) struct Memory {
    collections: Mutex<BTreeMap<&'static str, Things>>,
    trouble: Mutex<Option<Trouble>>,
}

impl Memory {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn trouble(&self, trouble: Trouble) {
        *self.trouble.lock().unwrap() = Some(trouble);
    }

    /// What was to go wrong does not.
    pub(crate) fn calm(&self) {
        *self.trouble.lock().unwrap() = None;
    }

    /// The members of every document of a collection, by id; expired ones too.
    pub(crate) fn all(&self, collection: &str) -> BTreeMap<String, Fields> {
        let collections = self.collections.lock().unwrap();
        let found = collections.get(collection).cloned().unwrap_or_default();
        found.into_iter().map(|(id, (_, fields))| (id, fields)).collect()
    }

    async fn step<T>(
        &self,
        collection: &'static Collection,
        now: Timestamp,
        effect: impl FnOnce(&mut Things) -> Result<T>,
    ) -> Result<T> {
        Once::default().await;
        let trouble = self.trouble.lock().unwrap().take();
        if trouble == Some(Trouble::Refused) {
            return Err(Error::Unavailable("the test says so".into()));
        }
        let done = {
            let mut collections = self.collections.lock().unwrap();
            let things = collections.entry(collection.name).or_default();
            let live = |(_, fields): &(i64, Fields)| {
                let end = collection.expires.and_then(|name| fields.get(name));
                end.and_then(Value::as_i64).is_none_or(|end| end > now.millis())
            };
            things.retain(|_, thing| live(thing));
            effect(things)
        };
        Once::default().await;
        match trouble {
            Some(_) => Err(Error::Indeterminate("the test says so".into())),
            None => done,
        }
    }
}

fn values(fields: &Fields, index: &Index) -> Option<Vec<Key>> {
    let key = |name: &&str| match fields.get(*name)? {
        Value::String(text) => Some(Key::Text(text.clone())),
        other => other.as_i64().map(Key::Int),
    };
    index.fields.iter().map(key).collect()
}

fn free(things: &Things, collection: &'static Collection, id: &str, fields: &Fields) -> Result<()> {
    for index in collection.indexes.iter().filter(|index| index.unique) {
        let ours = values(fields, index);
        let mut others = things.iter().filter(|(other, _)| *other != id);
        if ours.is_some() && others.any(|(_, (_, other))| values(other, index) == ours) {
            return Err(Error::Duplicate { index: index.name });
        }
    }
    Ok(())
}

fn add(things: &mut Things, collection: &'static Collection, id: String, fields: Fields) -> Result<()> {
    if things.contains_key(&id) {
        return Err(Error::Duplicate { index: "id" });
    }
    free(things, collection, &id, &fields)?;
    things.insert(id, (1, fields));
    Ok(())
}

fn search(things: &Things, find: &Find) -> Vec<Document> {
    let mut found: Vec<(Key, &String, &(i64, Fields))> = Vec::new();
    for (id, thing) in things {
        let Some(keys) = values(&thing.1, find.index) else {
            continue;
        };
        let last = keys.last().unwrap().clone();
        let within = keys.starts_with(&find.equal)
            && find.from.as_ref().is_none_or(|from| last >= *from)
            && find.until.as_ref().is_none_or(|until| last < *until);
        if within {
            found.push((last, id, thing));
        }
    }
    found.sort_by(|one, other| (&one.0, one.1).cmp(&(&other.0, other.1)));
    if find.order == Order::Descending {
        found.reverse();
    }
    let behind = |key: &Key, id: &String| match (&find.after, find.order) {
        (None, _) => true,
        (Some((last, after)), Order::Ascending) => (key, id) > (last, after),
        (Some((last, after)), Order::Descending) => (key, id) < (last, after),
    };
    found.retain(|(key, id, _)| behind(key, id));
    let documents = found.into_iter().map(|(_, id, (version, fields))| Document {
        id: id.clone(),
        version: *version,
        fields: fields.clone(),
    });
    documents.take(find.limit).collect()
}

#[async_trait]
impl Engine for Memory {
    async fn prepare(&self, _: &[&'static Collection]) -> Result<()> {
        Ok(())
    }

    async fn insert(
        &self,
        collection: &'static Collection,
        id: String,
        fields: Fields,
        now: Timestamp,
    ) -> Result<()> {
        self.step(collection, now, |things| add(things, collection, id, fields))
            .await
    }

    async fn insert_many(
        &self,
        collection: &'static Collection,
        documents: Vec<(String, Fields)>,
        now: Timestamp,
    ) -> Result<Vec<Result<()>>> {
        self.step(collection, now, |things| {
            let added = documents
                .into_iter()
                .map(|(id, fields)| add(things, collection, id, fields));
            Ok(added.collect())
        })
        .await
    }

    async fn get(
        &self,
        collection: &'static Collection,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<Document>> {
        self.step(collection, now, |things| {
            let found = things.get(id).map(|(version, fields)| Document {
                id: id.to_owned(),
                version: *version,
                fields: fields.clone(),
            });
            Ok(found)
        })
        .await
    }

    async fn find(
        &self,
        collection: &'static Collection,
        find: Find,
        now: Timestamp,
    ) -> Result<Vec<Document>> {
        self.step(collection, now, |things| Ok(search(things, &find)))
            .await
    }

    async fn replace(
        &self,
        collection: &'static Collection,
        document: Document,
        now: Timestamp,
    ) -> Result<bool> {
        self.step(collection, now, |things| {
            let Document { id, version, fields } = document;
            if things.get(&id).is_none_or(|(stored, _)| *stored != version) {
                return Ok(false);
            }
            free(things, collection, &id, &fields)?;
            things.insert(id, (version + 1, fields));
            Ok(true)
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
        self.step(collection, now, |things| {
            let is_it = |(stored, _): &(i64, Fields)| version.is_none_or(|version| version == *stored);
            let is_there = things.get(id).is_some_and(is_it);
            if is_there {
                things.remove(id);
            }
            Ok(is_there)
        })
        .await
    }

    async fn delete_before(
        &self,
        _: &'static Collection,
        _: &'static Index,
        _: Timestamp,
        _: usize,
    ) -> Result<u64> {
        unimplemented!("no session and no user is removed by its age")
    }

    async fn now(&self) -> Result<Timestamp> {
        unimplemented!("the tests have a clock of their own")
    }

    async fn ping(&self) -> Result<()> {
        Ok(())
    }

    async fn close(&self) {}
}

/// Waits until it is polled again.
#[derive(Default)]
struct Once(bool);

impl Future for Once {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        Poll::Pending
    }
}

/// Polls a future once. Nobody wakes anybody here: whoever has to wait is asked again.
pub(crate) fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls a future alone until it has ended.
pub(crate) fn finish<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    for _ in 0..100_000 {
        if let Poll::Ready(output) = poll(future.as_mut()) {
            return output;
        }
    }
    panic!("it waits for something that does not come");
}
