//! Many documents at once.

use serde_json::{Map, Value, json};
use wxgate::domain::time::Timestamp;
use wxgate::store::{Error, Find, Key};

use crate::store::stage::{Kind, OWNER, RANK, Stage, THINGS, map};

fn named(documents: Value) -> Vec<(String, Map<String, Value>)> {
    map(documents)
        .into_iter()
        .map(|(id, fields)| (id, map(fields)))
        .collect()
}

pub(crate) async fn mixed_results(kind: Kind) {
    let stage = Stage::new(kind).await;
    stage.insert("a", json!({"email": "a"})).await.unwrap();
    let mut documents = named(json!({
        "b": {"email": "b"},
        "c": {"email": "a"},
        "d": {"email": "b"},
        "e": {"rank": true},
        "f": {"email": "f"},
        "a": {"email": "z"},
    }));
    documents.push(("f".to_owned(), Map::new()));
    let results = stage
        .engine
        .insert_many(&THINGS, documents, stage.now())
        .await
        .unwrap();
    let told: Vec<_> = results
        .iter()
        .map(|result| match result {
            Ok(()) => "inserted",
            Err(Error::Duplicate { index }) => index,
            Err(Error::Refused { .. }) => "refused",
            Err(other) => panic!("{other}"),
        })
        .collect();
    assert_eq!(
        told,
        [
            "inserted", "by_email", "by_email", "refused", "inserted", "id", "id"
        ]
    );
    assert_eq!(stage.get("f").await.unwrap().fields["email"], "f");
    assert_eq!(stage.get("a").await.unwrap().fields["email"], "a");
}

pub(crate) async fn nothing_at_all(kind: Kind) {
    let stage = Stage::new(kind).await;
    let none = stage
        .engine
        .insert_many(&THINGS, Vec::new(), stage.now())
        .await
        .unwrap();
    assert!(none.is_empty());
    let refused = named(json!({"a": {"rank": true}}));
    let results = stage
        .engine
        .insert_many(&THINGS, refused, stage.now())
        .await
        .unwrap();
    assert!(matches!(results[..], [Err(Error::Refused { .. })]));
}

pub(crate) async fn many(kind: Kind) {
    let stage = Stage::new(kind).await;
    let documents = (0..3000)
        .map(|n| (format!("{n:04}"), map(json!({"owner": "o", "due": n}))))
        .collect();
    let results = stage
        .engine
        .insert_many(&THINGS, documents, stage.now())
        .await
        .unwrap();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3000);
    let found = stage
        .find(Find {
            limit: 1000,
            from: Some(Key::Int(1500)),
            ..Find::by(&OWNER, ["o".into()])
        })
        .await;
    assert_eq!(found.len(), 1000);
    assert_eq!(found[999].id, "2499");
}

pub(crate) async fn before(kind: Kind) {
    let stage = Stage::new(kind).await;
    for (id, fields) in [
        ("old", json!({"rank": 1})),
        ("older", json!({"rank": -5})),
        ("new", json!({"rank": 10})),
        ("text", json!({"rank": "0"})),
        ("none", json!({})),
    ] {
        stage.insert(id, fields).await.unwrap();
    }
    let sweep = |before| {
        stage
            .engine
            .delete_before(&THINGS, &RANK, Timestamp::from_millis(before), 100)
    };
    assert_eq!(sweep(10).await.unwrap(), 2);
    assert_eq!(sweep(10).await.unwrap(), 0);
    for id in ["new", "text", "none"] {
        assert!(stage.get(id).await.is_some(), "{id}");
    }
    assert_eq!(sweep(i64::MAX).await.unwrap(), 1);
    let two = stage
        .engine
        .delete_before(&THINGS, &OWNER, Timestamp::from_millis(0), 1);
    assert!(matches!(two.await, Err(Error::Refused { .. })));
}

pub(crate) async fn before_a_limit(kind: Kind) {
    let stage = Stage::new(kind).await;
    for n in 0..10 {
        stage
            .insert(&format!("{n}"), json!({"rank": 100 - n}))
            .await
            .unwrap();
    }
    let sweep = |limit| {
        stage
            .engine
            .delete_before(&THINGS, &RANK, Timestamp::from_millis(1000), limit)
    };
    assert_eq!(sweep(0).await.unwrap(), 0);
    assert_eq!(sweep(3).await.unwrap(), 3);
    let left = stage.ids(Find::by(&RANK, [])).await;
    assert_eq!(left, ["6", "5", "4", "3", "2", "1", "0"], "the smallest go first");
    assert_eq!(sweep(100).await.unwrap(), 7);
}
