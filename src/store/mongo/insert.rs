//! Inserts that know, in the end, whether they took place. Tasks and deadlines are elsewhere.

use std::time::Duration;

use mongodb::bson::{Uuid, doc};
use mongodb::error::ErrorKind;
use tokio::time::{Instant, sleep};

use super::calls::{Calls, Trouble};
use super::collide::{self, Collision};
use super::convert::{Draft, NONCE, collect, nonce};
use super::failure::{Fate, fate, indeterminate, unavailable};
use super::{DEADLINE, Documents};
use crate::domain::time::Timestamp;
use crate::store::engine::{Error, Result};
use crate::store::record::Collection;

/// Between two attempts.
pub(super) const PAUSE: Duration = Duration::from_millis(50);
/// How often a collision is looked into whose cause is gone when it is looked for.
pub(super) const ATTEMPTS: usize = 20;

pub(super) async fn one(
    calls: &Calls,
    at: Documents,
    collection: &'static Collection,
    draft: Draft,
    now: Timestamp,
) -> Result<()> {
    let deadline = Instant::now() + DEADLINE;
    let traces = {
        let (at, id, ours) = (at.clone(), draft.id.clone(), draft.nonce);
        async move { find_nonces(&at, vec![id]).await?.contains(&ours).then_some(()) }
    };
    let work = async move { attempt(&at, collection, &draft, now, deadline).await };
    calls.write(deadline, work, traces).await
}

pub(super) async fn many(
    calls: &Calls,
    at: Documents,
    collection: &'static Collection,
    drafts: Vec<Result<Draft>>,
    now: Timestamp,
) -> Result<Vec<Result<()>>> {
    let deadline = Instant::now() + DEADLINE;
    // The refused ones stay where they are, so that each result gets its place.
    let (mut sound, mut results) = (Vec::new(), Vec::with_capacity(drafts.len()));
    for draft in drafts {
        results.push(draft.map(|draft| sound.push(draft)));
    }
    if sound.is_empty() {
        return Ok(results);
    }
    let marks: Vec<(String, Uuid)> = sound
        .iter()
        .map(|draft| (draft.id.clone(), draft.nonce))
        .collect();
    let traces = {
        let at = at.clone();
        async move {
            let ids = marks.iter().map(|(id, _)| id.clone()).collect();
            let found = find_nonces(&at, ids).await?;
            let outcome = |(_, ours): &(String, Uuid)| {
                if found.contains(ours) {
                    Ok(())
                } else {
                    Err(Error::Indeterminate(Box::new(Trouble::Slow)))
                }
            };
            Some(marks.iter().map(outcome).collect::<Vec<_>>())
        }
    };
    let work = async move { attempt_many(&at, collection, &sound, now, deadline).await };
    let mut outcomes = calls.write(deadline, work, traces).await?.into_iter();
    for result in results.iter_mut().filter(|result| result.is_ok()) {
        *result = outcomes.next().unwrap_or(Ok(()));
    }
    Ok(results)
}

/// Inserts until the outcome is known. Trying again is safe: the id admits one document, and the nonce says
/// whether that is ours.
async fn attempt(
    at: &Documents,
    collection: &'static Collection,
    draft: &Draft,
    now: Timestamp,
    deadline: Instant,
) -> Result<()> {
    let (mut sent, mut attempts) = (false, ATTEMPTS);
    loop {
        let Err(error) = at.insert_one(&draft.raw).await else {
            return Ok(());
        };
        attempts -= 1;
        match fate(&error) {
            Fate::Duplicate => match collide::look(at, collection, draft, true, now).await {
                // What failed is only the look. What is not known is whether an earlier attempt succeeded.
                Err(_) if sent => {}
                Err(failed) => return Err(failed),
                Ok(Collision::Itself) => return Ok(()),
                // Somebody may have changed our document already, before we knew that it was there.
                Ok(Collision::Id { version }) if sent && version > 1 => return Err(indeterminate(error)),
                Ok(Collision::Id { .. }) => return Err(Error::Duplicate { index: "id" }),
                Ok(Collision::Index(index)) => return Err(Error::Duplicate { index }),
                Ok(Collision::None) => {}
            },
            Fate::Refused if sent => return Err(indeterminate(error)),
            Fate::Refused => return Err(unavailable(error)),
            Fate::Again => {}
            Fate::Unknown => sent = true,
        }
        if attempts == 0 || Instant::now() + PAUSE >= deadline {
            return Err(if sent {
                indeterminate(error)
            } else {
                unavailable(error)
            });
        }
        if sent {
            sleep(PAUSE).await;
        }
    }
}

async fn attempt_many(
    at: &Documents,
    collection: &'static Collection,
    drafts: &[Draft],
    now: Timestamp,
    deadline: Instant,
) -> Result<Vec<Result<()>>> {
    if !collide::apart(collection, drafts) {
        // Of two that collide the first one counts, so here they go one by one.
        let mut results = Vec::with_capacity(drafts.len());
        for draft in drafts {
            results.push(attempt(at, collection, draft, now, deadline).await);
        }
        return Ok(results);
    }
    let documents = drafts.iter().map(|draft| &draft.raw);
    let outcome = at.insert_many(documents).ordered(false).await;
    let mut results: Vec<Result<()>> = drafts.iter().map(|_| Ok(())).collect();
    let Err(error) = outcome else {
        return Ok(results);
    };
    // Those that failed are tried one by one, which sorts out every reason.
    let failed: Vec<usize> = match &*error.kind {
        ErrorKind::InsertMany(cause) if cause.write_concern_error.is_none() => {
            let failed = cause.write_errors.iter().flatten();
            failed.map(|failed| failed.index).collect()
        }
        _ if fate(&error) == Fate::Refused => return Err(unavailable(error)),
        _ => (0..drafts.len()).collect(),
    };
    for index in failed {
        if let (Some(draft), Some(result)) = (drafts.get(index), results.get_mut(index)) {
            *result = attempt(at, collection, draft, now, deadline).await;
        }
    }
    Ok(results)
}

/// The nonces of the documents with these ids, if the server answers.
async fn find_nonces(at: &Documents, ids: Vec<String>) -> Option<Vec<Uuid>> {
    let filter = doc! { "_id": { "$in": ids } };
    let cursor = at.find(filter).projection(doc! { NONCE: 1 }).await.ok()?;
    let found = collect(cursor).await.ok()?;
    Some(found.iter().filter_map(nonce).collect())
}
