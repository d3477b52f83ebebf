//! What is particular to the SQLite engine while it runs: commits in groups, queues, a full disk.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;
use wxgate::domain::time::Timestamp;
use wxgate::store::sqlite::Sqlite;
use wxgate::store::{Engine, Error, OpenMode};

use super::stage::{Kind, Stage, THINGS, map};

const NOW: Timestamp = Timestamp::from_millis(0);

async fn open(directory: &TempDir) -> Arc<Sqlite> {
    let path = directory.path().join("store.db");
    let engine = Arc::new(Sqlite::open(&path, OpenMode::Serve).unwrap());
    engine.prepare(&[&THINGS]).await.unwrap();
    engine
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_at_once_share_commits() {
    let directory = TempDir::new().unwrap();
    let engine = open(&directory).await;
    let before = engine.commits();
    let mut tasks = JoinSet::new();
    for number in 0..2000 {
        let engine = engine.clone();
        tasks.spawn(async move {
            let fields = map(json!({"rank": number}));
            engine.insert(&THINGS, format!("{number}"), fields, NOW).await
        });
    }
    for outcome in tasks.join_all().await {
        outcome.unwrap();
    }
    let commits = engine.commits() - before;
    assert!((2000 / 256..500).contains(&commits), "{commits} commits");
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_fails_takes_nothing_else_with_it() {
    let directory = TempDir::new().unwrap();
    let engine = open(&directory).await;
    let mut tasks = JoinSet::new();
    for number in 0..400 {
        let engine = engine.clone();
        tasks.spawn(async move {
            let fields = map(json!({"email": number % 100}));
            let outcome = engine.insert(&THINGS, format!("{number}"), fields, NOW).await;
            (number, outcome)
        });
    }
    let mut stored = 0;
    for (number, outcome) in tasks.join_all().await {
        let found = engine.get(&THINGS, &format!("{number}"), NOW).await.unwrap();
        match outcome {
            Ok(()) => stored += 1,
            Err(Error::Duplicate { index: "by_email" }) => {}
            Err(other) => panic!("{other:?}"),
        }
        assert_eq!(found.is_some(), outcome.is_ok());
    }
    assert_eq!(stored, 100);
    engine.close().await;
}

/// Another process that holds the file's write lock for long: whoever waits is told in time, and that nothing was
/// written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_file_delays_writes_and_not_reads() {
    let stage = Stage::new(Kind::Sqlite).await;
    stage.insert("a", json!({})).await.unwrap();
    let other = Connection::open(stage.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = Instant::now();
    let (first, read) = tokio::join!(stage.insert("b", json!({})), async {
        let found = stage.get("a").await;
        (found, begun.elapsed())
    });
    assert!(matches!(first, Err(Error::Unavailable(_))), "{first:?}");
    assert!(begun.elapsed() < Duration::from_secs(6));
    assert!(read.0.is_some() && read.1 < Duration::from_secs(1), "{read:?}");
    other.execute_batch("ROLLBACK").unwrap();
    stage.insert("b", json!({})).await.unwrap();
}

/// The queue is full, and stays so: the callers behind it are told within their deadline.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_is_told_in_time() {
    let stage = Stage::new(Kind::Sqlite).await;
    let other = Connection::open(stage.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut tasks = JoinSet::new();
    for number in 0..3000 {
        let (engine, now) = (stage.engine.clone(), stage.now());
        tasks.spawn(async move {
            let begun = Instant::now();
            let outcome = engine
                .insert(&THINGS, format!("{number}"), map(json!({})), now)
                .await;
            (outcome, begun.elapsed())
        });
    }
    let mut unavailable = 0;
    for (outcome, took) in tasks.join_all().await {
        assert!(took < Duration::from_secs(6), "{took:?}");
        match outcome {
            Err(Error::Unavailable(_)) => unavailable += 1,
            // The group that waits for the lock at the deadline: it was begun, or is about to be.
            Err(Error::Indeterminate(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(unavailable > 2000, "{unavailable}");
    other.execute_batch("ROLLBACK").unwrap();
    stage.insert("after", json!({})).await.unwrap();
}

/// What is expired is removed for good by and by, and the file does not grow for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_expired_is_swept() {
    let stage = Stage::new(Kind::Sqlite).await;
    stage.insert("old", json!({"until": 1000})).await.unwrap();
    stage
        .insert("new", json!({"until": stage.soon(100)}))
        .await
        .unwrap();
    stage.engine.close().await;
    // The first write after a start sweeps.
    let again = stage.another().await;
    again
        .insert(&THINGS, "other".to_owned(), map(json!({})), stage.now())
        .await
        .unwrap();
    again.close().await;
    let left: String = Connection::open(stage.file())
        .unwrap()
        .query_row("SELECT group_concat(id) FROM things ORDER BY id", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(left, "new,other");
}

/// A record of an operator's own reading: one table per collection, JSON in it.
#[tokio::test]
async fn an_operator_can_read_the_file() {
    let stage = Stage::new(Kind::Sqlite).await;
    stage
        .insert("a", json!({"email": "a@x", "name": "名"}))
        .await
        .unwrap();
    let row: (String, i64, String) = Connection::open(stage.file())
        .unwrap()
        .query_row("SELECT id, version, fields ->> 'name' FROM things", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!(row, ("a".to_owned(), 1, "名".to_owned()));
}

/// A command's changes are seen by the server at once, and the other way round.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_works_beside_the_server() {
    let stage = Stage::new(Kind::Sqlite).await;
    let command = stage.another().await;
    stage.insert("a", json!({})).await.unwrap();
    assert!(command.get(&THINGS, "a", stage.now()).await.unwrap().is_some());
    command
        .insert(&THINGS, "b".to_owned(), map(json!({})), stage.now())
        .await
        .unwrap();
    assert!(stage.get("b").await.is_some());
    command.close().await;
    assert!(stage.get("b").await.is_some());
}
