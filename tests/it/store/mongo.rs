//! What is particular to the MongoDB engine: natural documents, native indexes, addresses. Servers that fail are in
//! `mongo_faults`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mongodb::bson::{Bson, Document, doc};
use mongodb::{Client, Database};
use secrecy::SecretString;
use serde_json::json;
use tokio::runtime::Handle;
use wxgate::domain::time::Timestamp;
use wxgate::store::mongo::Mongo;
use wxgate::store::{Engine, Find, OpenError};

use super::stage::{THINGS, map};
use crate::support::mongo::Mongod;

pub(super) const NOW: Timestamp = Timestamp::from_millis(1000);
pub(super) const IN_TIME: Duration = Duration::from_secs(6);

pub(super) async fn connect(url: &str) -> Result<Arc<Mongo>, OpenError> {
    Mongo::connect(&SecretString::from(url), Handle::current())
        .await
        .map(Arc::new)
}

/// A fresh database on the shared server: our engine, and a client that knows nothing of it.
async fn fresh() -> (Arc<Mongo>, Database) {
    let (server, name) = (Mongod::standalone().await, Mongod::fresh_database());
    let engine = connect(&server.url(&name)).await.unwrap();
    engine.prepare(&[&THINGS]).await.unwrap();
    let client = Client::with_uri_str(server.url(&name)).await.unwrap();
    (engine, client.database(&name))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_are_natural() {
    let (engine, database) = fresh().await;
    let fields = json!({"email": "a@x", "until": 4_000_000_000_000_i64, "tags": ["x", 1, null], "half": 0.5});
    engine
        .insert(&THINGS, "a".to_owned(), map(fields), NOW)
        .await
        .unwrap();
    let things = database.collection::<Document>("things");
    let mut found = things
        .find_one(doc! { "email": "a@x", "until": { "$gt": 5 } })
        .await
        .unwrap()
        .unwrap();
    assert!(matches!(found.remove("_nonce"), Some(Bson::Binary(_))));
    let expires = mongodb::bson::DateTime::from_millis(4_000_000_000_000);
    assert_eq!(
        found,
        doc! {
            "_id": "a", "email": "a@x", "until": 4_000_000_000_000_i64, "tags": ["x", 1_i64, null],
            "half": 0.5, "_version": 1_i64, "_expires_at": expires,
        }
    );
    // What an operator changes by hand is read; what we could not have written is not taken for anything else.
    let set = |what: Document| things.update_one(doc! { "_id": "a" }, doc! { "$set": what });
    set(doc! { "half": 3_i32, "_version": 2_i32, "_expires_at": Bson::Null, "tags": Bson::Null })
        .await
        .unwrap();
    let read = engine.get(&THINGS, "a", NOW).await.unwrap().unwrap();
    assert_eq!(
        (read.version, read.fields),
        (
            2,
            map(json!({"email": "a@x", "until": 4_000_000_000_000_i64, "half": 3}))
        )
    );
    set(doc! { "half": mongodb::bson::oid::ObjectId::new() })
        .await
        .unwrap();
    let unreadable = engine.get(&THINGS, "a", NOW).await.unwrap_err();
    assert_eq!(unreadable.to_string(), "document \"a\" of things cannot be read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn indexes_are_native() {
    let (_engine, database) = fresh().await;
    let answer = database
        .run_command(doc! { "listIndexes": "things" })
        .await
        .unwrap();
    let indexes = answer
        .get_document("cursor")
        .unwrap()
        .get_array("firstBatch")
        .unwrap();
    let mut seen: Vec<Document> = indexes
        .iter()
        .map(|index| index.as_document().unwrap().clone())
        .collect();
    for index in &mut seen {
        index.remove("v");
    }
    assert_eq!(
        seen,
        [
            doc! { "key": { "_id": 1 }, "name": "_id_" },
            doc! {
                "key": { "owner": 1, "due": 1, "_id": 1 }, "name": "by_owner",
                "partialFilterExpression": { "owner": { "$exists": true }, "due": { "$exists": true } },
            },
            doc! {
                "key": { "rank": 1, "_id": 1 }, "name": "by_rank",
                "partialFilterExpression": { "rank": { "$exists": true } },
            },
            doc! {
                "key": { "email": 1 }, "name": "by_email", "unique": true,
                "partialFilterExpression": { "email": { "$exists": true } },
            },
            doc! {
                "key": { "left": 1, "right": 1 }, "name": "by_pair", "unique": true,
                "partialFilterExpression": { "left": { "$exists": true }, "right": { "$exists": true } },
            },
            doc! { "key": { "_expires_at": 1 }, "name": "_expires_at", "expireAfterSeconds": 0 },
        ]
    );
}

/// The server's own record of how it searched: by the index and nothing else, no sorting, as many keys as documents.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn searches_go_by_their_index() {
    use wxgate::store::{Key, Order};

    let (engine, database) = fresh().await;
    let documents = (0..500).map(|n| {
        let due = if n % 2 == 0 {
            json!(n / 10)
        } else {
            json!(format!("{n}"))
        };
        let fields = json!({"owner": "o", "due": due, "rank": n, "email": n, "left": "l", "right": n});
        (format!("{n:03}"), map(fields))
    });
    engine
        .insert_many(&THINGS, documents.collect(), NOW)
        .await
        .unwrap();
    database.run_command(doc! { "profile": 2 }).await.unwrap();
    let mut count = 0;
    for index in THINGS.indexes {
        let open = match index.name {
            "by_owner" => Find::by(index, ["o".into()]),
            "by_pair" => Find::by(index, ["l".into()]),
            _ => Find::by(index, []),
        };
        for order in [Order::Ascending, Order::Descending] {
            for (from, until) in [
                (None, None),
                (Some(Key::Int(5)), None),
                (None, Some(Key::Int(30))),
                (Some(Key::Int(5)), Some(Key::Int(30))),
                (Some(Key::Int(5)), Some(Key::from("3"))),
            ] {
                for after in [None, Some((Key::Int(7), "080".to_owned()))] {
                    let find = Find {
                        from: from.clone(),
                        until: until.clone(),
                        order,
                        limit: 20,
                        after,
                        ..open.clone()
                    };
                    engine.find(&THINGS, find, NOW).await.unwrap();
                    count += 1;
                }
            }
        }
    }
    database.run_command(doc! { "profile": 0 }).await.unwrap();
    let profile = database.collection::<Document>("system.profile");
    let mut cursor = profile.find(doc! { "command.find": "things" }).await.unwrap();
    let mut searches = 0;
    while cursor.advance().await.unwrap() {
        let seen = cursor.deserialize_current().unwrap();
        let number = |name: &str| seen.get_i32(name).unwrap_or_default();
        assert!(!seen.contains_key("hasSortStage"), "{seen}");
        // A range from both ends skips what lies between its parts with one key more.
        assert!(number("keysExamined") <= number("nreturned") + 2, "{seen}");
        // The mark itself is looked at where all members are given and the index is unique.
        assert!(number("docsExamined") <= number("nreturned") + 1, "{seen}");
        let plan = seen.get_str("planSummary").unwrap_or("IXSCAN");
        assert!(plan.starts_with("IXSCAN") || plan == "EOF", "{seen}");
        searches += 1;
    }
    assert!(searches >= count, "{searches} of {count}");
}

#[tokio::test]
async fn addresses() {
    for (address, expected) in [
        (
            "mongodb://user:hidden@localhost:1",
            "the store's mongodb address names no database: write it behind the host, as in mongodb://host/wxgate",
        ),
        (
            "mongodb://user:hid/den@localhost:1/db",
            "the store's mongodb address is not valid: check its form; special characters in the user name and \
             the password must be percent-encoded",
        ),
        (
            "mongodb://user:hidden@localhost:1/db?heartbeatFrequencyMS=1",
            "the store's mongodb address is not valid: check its form; special characters in the user name and \
             the password must be percent-encoded",
        ),
    ] {
        let error = connect(address).await.map(drop).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(!format!("{error:?}").contains("hid"), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_at_the_start() {
    let begun = Instant::now();
    let error = connect("mongodb://user:hidden@127.0.0.1:9/db")
        .await
        .map(drop)
        .unwrap_err();
    assert!(begun.elapsed() < IN_TIME);
    assert_eq!(
        error.to_string(),
        "no MongoDB server that takes writes answers at 127.0.0.1:9 within 5 s"
    );
}

#[tokio::test]
async fn a_newer_layout_is_refused() {
    let (server, name) = (Mongod::standalone().await, Mongod::fresh_database());
    connect(&server.url(&name)).await.unwrap().close().await;
    let client = Client::with_uri_str(server.url(&name)).await.unwrap();
    client
        .database(&name)
        .collection::<Document>("_wxgate")
        .update_one(doc! { "_id": "store" }, doc! { "$set": { "layout": 9 } })
        .await
        .unwrap();
    let error = connect(&server.url(&name)).await.map(drop).unwrap_err();
    assert!(
        matches!(error, OpenError::Newer { found: 9, known: 1 }),
        "{error:?}"
    );
}
