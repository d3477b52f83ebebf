//! Replaces and deletes that know, in the end, whether they took place. Tasks and deadlines are elsewhere.

use mongodb::bson::{Document as BsonDocument, Uuid, doc};
use mongodb::options::Hint;
use tokio::time::{Instant, sleep};

use super::calls::Calls;
use super::collide::{self, Collision};
use super::convert::{Draft, EXPIRES, NONCE, VERSION, collect, live, nonce, whole};
use super::failure::{Fate, fate, indeterminate, unavailable};
use super::insert::{ATTEMPTS, PAUSE};
use super::{DEADLINE, Documents};
use crate::domain::time::Timestamp;
use crate::store::engine::{Error, Result};
use crate::store::limits::{Broken, refused};
use crate::store::record::{Collection, Index};

pub(super) async fn replace(
    calls: &Calls,
    at: Documents,
    collection: &'static Collection,
    draft: Draft,
    now: Timestamp,
) -> Result<bool> {
    let deadline = Instant::now() + DEADLINE;
    let traces = {
        let (at, id, version, ours) = (at.clone(), draft.id.clone(), draft.version, draft.nonce);
        async move { traces(&at, &id, version, ours).await }
    };
    let work = async move { attempt_replace(&at, collection, &draft, now, deadline).await };
    calls.write(deadline, work, traces).await
}

pub(super) async fn delete(
    calls: &Calls,
    at: Documents,
    id: String,
    version: Option<i64>,
    now: Timestamp,
) -> Result<bool> {
    let deadline = Instant::now() + DEADLINE;
    let mut filter = doc! { "_id": id, EXPIRES: live(now) };
    if let Some(version) = version {
        filter.insert(VERSION, version);
    }
    let work = async move { attempt_delete(&at, &filter, deadline).await };
    // A document that is gone does not tell who removed it.
    calls.write(deadline, work, async { None }).await
}

pub(super) async fn delete_before(
    calls: &Calls,
    at: Documents,
    collection: &'static Collection,
    index: &'static Index,
    before: Timestamp,
    limit: usize,
) -> Result<u64> {
    let [member] = index.fields else {
        let (index, what) = (index.name, "must have one member to delete by it");
        return Err(refused(collection, Broken::Search { index, what }));
    };
    if limit == 0 {
        return Ok(0);
    }
    let work = async move {
        let old = doc! { *member: { "$lt": before.millis() } };
        let cursor = at
            .find(old.clone())
            .projection(doc! { "_id": 1 })
            .sort(doc! { *member: 1 })
            .hint(Hint::Name(index.name.to_owned()))
            .limit(i64::try_from(limit).unwrap_or(i64::MAX))
            .await
            .map_err(unavailable)?;
        let found = collect(cursor).await?;
        let ids: Vec<_> = found
            .into_iter()
            .filter_map(|mut old| old.remove("_id"))
            .collect();
        if ids.is_empty() {
            return Ok(0);
        }
        // One that was given a later value meanwhile stays.
        let mut filter = old;
        filter.insert("_id", doc! { "$in": ids });
        match at.delete_many(filter).await {
            Ok(outcome) => Ok(outcome.deleted_count),
            Err(error) if fate(&error) == Fate::Unknown => Err(indeterminate(error)),
            Err(error) => Err(unavailable(error)),
        }
    };
    calls.write(Instant::now() + DEADLINE, work, async { None }).await
}

/// Replaces until the outcome is known. Trying again is safe: the version admits one write, and the nonce says
/// whether that was ours.
async fn attempt_replace(
    at: &Documents,
    collection: &'static Collection,
    draft: &Draft,
    now: Timestamp,
    deadline: Instant,
) -> Result<bool> {
    let filter = doc! { "_id": &draft.id, VERSION: draft.version - 1, EXPIRES: live(now) };
    let (mut lost, mut attempts) = (None, ATTEMPTS);
    loop {
        let error = match at.replace_one(filter.clone(), &draft.raw).await {
            Ok(outcome) if outcome.matched_count == 1 => return Ok(true),
            Ok(_) => match lost.take() {
                None => return Ok(false),
                Some(error) => match traces(at, &draft.id, draft.version, draft.nonce).await {
                    Some(outcome) => return Ok(outcome),
                    None => error,
                },
            },
            Err(error) => error,
        };
        attempts -= 1;
        let fate = fate(&error);
        match fate {
            Fate::Duplicate => match collide::look(at, collection, draft, false, now).await {
                // What failed is only the look. What is not known is whether an earlier attempt succeeded.
                Err(_) if lost.is_some() => {}
                Err(failed) => return Err(failed),
                Ok(Collision::Index(index)) => return Err(Error::Duplicate { index }),
                Ok(Collision::None | Collision::Itself | Collision::Id { .. }) => {}
            },
            Fate::Refused if lost.is_none() => return Err(unavailable(error)),
            Fate::Refused => return Err(indeterminate(error)),
            Fate::Again | Fate::Unknown => {}
        }
        let unknown = lost.is_some() || fate == Fate::Unknown;
        if attempts == 0 || Instant::now() + PAUSE >= deadline {
            return Err(if unknown {
                indeterminate(error)
            } else {
                unavailable(error)
            });
        }
        if unknown {
            lost = Some(error);
            sleep(PAUSE).await;
        }
    }
}

/// Deletes until the outcome is known. When an answer was lost and the document is gone at the next attempt,
/// either our first attempt did it or somebody else.
async fn attempt_delete(at: &Documents, filter: &BsonDocument, deadline: Instant) -> Result<bool> {
    let mut lost = None;
    loop {
        let error = match at.delete_one(filter.clone()).await {
            Ok(outcome) if outcome.deleted_count == 1 => return Ok(true),
            Ok(_) => return lost.map_or(Ok(false), |error| Err(indeterminate(error))),
            Err(error) => error,
        };
        match fate(&error) {
            Fate::Unknown => lost = Some(error),
            Fate::Again if Instant::now() + PAUSE < deadline => {}
            _ if lost.is_some() => return Err(indeterminate(error)),
            _ => return Err(unavailable(error)),
        }
        if Instant::now() + PAUSE >= deadline {
            return lost.map_or(Ok(false), |error| Err(indeterminate(error)));
        }
        sleep(PAUSE).await;
    }
}

/// What the document says about a write that was to give it `version` with the nonce `ours`.
async fn traces(at: &Documents, id: &str, version: i64, ours: Uuid) -> Option<bool> {
    let found = at
        .find_one(doc! { "_id": id })
        .projection(doc! { VERSION: 1, NONCE: 1 })
        .await
        .ok()??;
    let found = whole(&found).ok()?;
    if nonce(&found) == Some(ours) {
        return Some(true);
    }
    // Another write has given it that version. What is still older, or newer already, tells nothing.
    (found.get_i64(VERSION).ok()? == version).then_some(false)
}
