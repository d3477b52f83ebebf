//! The MongoDB servers of the tests themselves: they take writes, and they can be ill-treated as promised.

use std::time::Duration;

use mongodb::{
    Client,
    bson::{Document, doc},
    options::WriteConcern,
};

use crate::support::mongo::Mongod;

#[tokio::test]
async fn the_shared_standalone_server_takes_writes() {
    let mongod = Mongod::standalone().await;
    writes_and_reads(&mongod.url(&Mongod::fresh_database())).await;
}

#[tokio::test]
async fn the_shared_replica_set_takes_writes() {
    let mongod = Mongod::replica_set().await;
    writes_and_reads(&mongod.url(&Mongod::fresh_database())).await;
}

#[tokio::test]
async fn shared_servers_start_once() {
    let (first, second) = tokio::join!(Mongod::standalone(), Mongod::standalone());
    assert!(std::ptr::eq(first, second));
}

#[tokio::test]
async fn a_private_server_survives_a_kill_and_leaves_nothing_behind() {
    let mongod = Mongod::start_private().await;
    let url = mongod.url("kept");
    writes_and_reads(&url).await;
    let pid = mongod.pid();

    mongod.kill();
    assert!(count(&url).await.is_err());
    mongod.restart().await;
    assert_ne!(mongod.pid(), pid);
    assert_eq!(count(&url).await, Ok(1));

    let folder = mongod.nodes()[0].folder().to_owned();
    assert!(folder.exists());
    drop(mongod);
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_frozen_server_answers_again_when_it_may() {
    let mongod = Mongod::start_private().await;
    let url = mongod.url("frozen");
    writes_and_reads(&url).await;

    mongod.stop();
    assert!(count(&url).await.is_err());
    mongod.cont();
    assert_eq!(count(&url).await, Ok(1));
}

#[tokio::test]
async fn a_replica_set_elects_another_primary() {
    let mongod = Mongod::replica_set_of(3).await;
    let url = mongod.url("elected");
    writes_and_reads(&url).await;

    let first = mongod.primary().await;
    first.kill();
    let second = mongod.primary().await;
    assert_ne!(first.address(), second.address());
    assert_eq!(count(&url).await, Ok(1));

    mongod.restart().await;
    assert_eq!(count(&url).await, Ok(1));
}

async fn writes_and_reads(url: &str) {
    let client = Client::with_uri_str(url).await.unwrap();
    let things = client
        .default_database()
        .unwrap()
        .collection::<Document>("things");
    // A standalone server acknowledges other writes before its journal is on the disk, and a kill loses them.
    let durable = WriteConcern::majority();
    things
        .insert_one(doc! { "_id": "a", "n": 1 })
        .write_concern(durable)
        .await
        .unwrap();
    let thing = things.find_one(doc! { "n": 1 }).await.unwrap();
    assert_eq!(thing, Some(doc! { "_id": "a", "n": 1 }));
}

/// What a client that has never seen the server before counts, if it is answered soon.
async fn count(url: &str) -> Result<u64, String> {
    let separator = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{separator}serverSelectionTimeoutMS=2000&connectTimeoutMS=1000");
    let client = Client::with_uri_str(&url).await.unwrap();
    let things = client
        .default_database()
        .unwrap()
        .collection::<Document>("things");
    let counting = tokio::time::timeout(Duration::from_secs(5), things.count_documents(doc! {}));
    counting
        .await
        .map_err(|_| "no answer".to_owned())?
        .map_err(|error| error.to_string())
}
