//! Servers of MongoDB that die, freeze, or hand over: every caller is told in time, and nothing that was acknowledged
//! is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::{FutureExt, TryFutureExt, join_all};
use serde_json::json;
use tokio::task::JoinSet;
use wxgate::store::mongo::Mongo;
use wxgate::store::{Engine, Error, Find};

use super::mongo::{IN_TIME, NOW, connect};
use super::stage::{OWNER, THINGS, map};
use crate::support::mongo::Mongod;

/// Each of the operations, all at once; how long it took, and what came of it.
async fn everything(engine: &Arc<Mongo>) -> Vec<(&'static str, Duration, Option<Error>)> {
    let begun = Instant::now();
    let id = |id: &str| id.to_owned();
    let document = wxgate::store::Document {
        id: id("a"),
        version: 1,
        fields: map(json!({"n": 1})),
    };
    let find = Find::by(&OWNER, ["o".into()]);
    let many = vec![(id("m1"), map(json!({}))), (id("m2"), map(json!({})))];
    let many = async {
        let results = engine.insert_many(&THINGS, many, NOW).await?;
        results.into_iter().collect()
    };
    let all = [
        ("get", engine.get(&THINGS, "a", NOW).map_ok(drop).boxed()),
        ("find", engine.find(&THINGS, find, NOW).map_ok(drop).boxed()),
        ("insert", engine.insert(&THINGS, id("new"), map(json!({})), NOW)),
        ("insert_many", many.boxed()),
        (
            "replace",
            engine.replace(&THINGS, document, NOW).map_ok(drop).boxed(),
        ),
        (
            "delete",
            engine.delete(&THINGS, "b", None, NOW).map_ok(drop).boxed(),
        ),
        ("now", engine.now().map_ok(drop).boxed()),
        ("ping", engine.ping()),
    ];
    let timed = all.map(async |(name, work)| {
        let error = work.await.err();
        (name, begun.elapsed(), error)
    });
    join_all(timed).await
}

fn reads(name: &str) -> bool {
    matches!(name, "get" | "find" | "now" | "ping")
}

/// The signal is on its way to each of the server's threads for a moment; until then one may still answer.
async fn freeze(server: &Mongod) {
    server.stop();
    let stopped = |thread: std::fs::DirEntry| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        // The state stands behind the name, which is in parentheses.
        stat.rsplit_once(") ")
            .is_none_or(|(_, rest)| rest.starts_with('T'))
    };
    let threads = format!("/proc/{}/task", server.pid());
    while !std::fs::read_dir(&threads)
        .unwrap()
        .all(|thread| stopped(thread.unwrap()))
    {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn recovered(engine: &Arc<Mongo>) {
    let begun = Instant::now();
    while let Err(error) = engine.ping().await {
        assert!(begun.elapsed() < Duration::from_secs(20), "{error:?}");
    }
}

/// A server that takes a connection and never answers is the worst: nothing tells that it is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_is_told_in_time_and_forgiven() {
    let server = Mongod::start_private().await;
    let engine = connect(&server.url("frozen")).await.unwrap();
    engine.prepare(&[&THINGS]).await.unwrap();
    for id in ["a", "b"] {
        engine
            .insert(&THINGS, id.to_owned(), map(json!({})), NOW)
            .await
            .unwrap();
    }
    freeze(&server).await;
    for (name, took, error) in everything(&engine).await {
        assert!(took < IN_TIME, "{name}: {took:?}");
        match error {
            Some(Error::Unavailable(_)) => {}
            Some(Error::Indeterminate(_)) => assert!(!reads(name), "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    // By now it is known that there is no server: nothing more is sent, and that is certain.
    for (name, took, error) in everything(&engine).await {
        assert!(took < IN_TIME, "{name}: {took:?}");
        assert!(matches!(error, Some(Error::Unavailable(_))), "{name}: {error:?}");
    }
    server.cont();
    recovered(&engine).await;
    // What was not known may have happened by now or not, but once at most.
    engine.get(&THINGS, "new", NOW).await.unwrap();
    let a = engine.get(&THINGS, "a", NOW).await.unwrap().unwrap();
    assert!(a.version <= 2, "{a:?}");
    engine
        .insert(&THINGS, "after".to_owned(), map(json!({})), NOW)
        .await
        .unwrap();
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_is_told_in_time_and_forgiven() {
    let server = Mongod::start_private().await;
    let engine = connect(&server.url("killed")).await.unwrap();
    engine.prepare(&[&THINGS]).await.unwrap();
    engine
        .insert(&THINGS, "a".to_owned(), map(json!({})), NOW)
        .await
        .unwrap();
    server.kill();
    for _ in 0..2 {
        for (name, took, error) in everything(&engine).await {
            assert!(took < IN_TIME, "{name}: {took:?}");
            match error {
                Some(Error::Unavailable(_)) => {}
                Some(Error::Indeterminate(_)) => assert!(!reads(name), "{name}"),
                other => panic!("{name}: {other:?}"),
            }
        }
    }
    server.restart().await;
    recovered(&engine).await;
    assert!(engine.get(&THINGS, "a", NOW).await.unwrap().is_some());
    engine.close().await;
}

/// A short freeze is no error at all: whoever waits gets the outcome.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_freeze_is_only_slow() {
    let server = Mongod::start_private().await;
    let engine = connect(&server.url("short")).await.unwrap();
    engine.prepare(&[&THINGS]).await.unwrap();
    for id in ["a", "b"] {
        engine
            .insert(&THINGS, id.to_owned(), map(json!({})), NOW)
            .await
            .unwrap();
    }
    freeze(&server).await;
    let (outcomes, ()) = tokio::join!(everything(&engine), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        server.cont();
    });
    for (name, took, error) in outcomes {
        assert!(error.is_none(), "{name} after {took:?}: {error:?}");
    }
    assert_eq!(engine.get(&THINGS, "a", NOW).await.unwrap().unwrap().version, 2);
    engine.close().await;
}

/// The primary of three dies under load. The callers only see it as a pause: another one is elected within their
/// deadline, and the writes that were under way find out what became of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_loses_nothing_that_was_acknowledged() {
    let server = Mongod::replica_set_of(3).await;
    let engine = connect(&server.url("failover")).await.unwrap();
    engine.prepare(&[&THINGS]).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    for writer in 0..8 {
        let (engine, stop) = (engine.clone(), stop.clone());
        tasks.spawn(async move {
            let (mut stored, mut slowest) = (Vec::new(), Duration::ZERO);
            for number in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let (id, begun) = (format!("{writer}-{number}"), Instant::now());
                match engine
                    .insert(&THINGS, id.clone(), map(json!({"email": id})), NOW)
                    .await
                {
                    Ok(()) => stored.push(id),
                    Err(Error::Unavailable(_) | Error::Indeterminate(_)) => {}
                    Err(other) => panic!("{id}: {other:?}"),
                }
                slowest = slowest.max(begun.elapsed());
            }
            (stored, slowest)
        });
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.primary().await.kill();
    let primary = server.primary().await.address();
    recovered(&engine).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    stop.store(true, Ordering::Relaxed);
    let mut count = 0;
    for (stored, slowest) in tasks.join_all().await {
        assert!(slowest < IN_TIME, "{slowest:?}");
        count += stored.len();
        for id in stored {
            let found = engine.get(&THINGS, &id, NOW).await.unwrap();
            assert!(found.is_some(), "{id} is lost; the new primary is {primary}");
        }
    }
    assert!(count > 0);
    engine.close().await;
}
