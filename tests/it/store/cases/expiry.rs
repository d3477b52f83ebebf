//! What has expired is absent, at once and to everyone, whether or not it has been removed.

use std::time::Duration;

use serde_json::json;
use wxgate::store::Find;

use crate::store::stage::{Kind, OWNER, Stage, THINGS, duplicate};

const LATER: Duration = Duration::from_secs(11);

pub(crate) async fn hidden(kind: Kind) {
    let stage = Stage::new(kind).await;
    let until = stage.soon(10);
    for (id, fields) in [
        ("mortal", json!({"owner": "o", "due": 1, "until": until})),
        ("immortal", json!({"owner": "o", "due": 2})),
    ] {
        stage.insert(id, fields).await.unwrap();
    }
    assert_eq!(stage.get("mortal").await.unwrap().fields["until"], until);
    assert_eq!(
        stage.ids(Find::by(&OWNER, ["o".into()])).await,
        ["mortal", "immortal"]
    );
    stage.clock.advance(LATER);
    assert!(stage.get("mortal").await.is_none());
    assert_eq!(stage.ids(Find::by(&OWNER, ["o".into()])).await, ["immortal"]);
    assert_eq!(
        stage
            .ids(Find {
                limit: 1,
                ..Find::by(&OWNER, ["o".into()])
            })
            .await,
        ["immortal"],
        "what has expired does not count towards the limit"
    );
    // To the millisecond.
    let at = |millis| wxgate::domain::time::Timestamp::from_millis(millis);
    assert!(
        stage
            .engine
            .get(&THINGS, "mortal", at(until - 1))
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        stage
            .engine
            .get(&THINGS, "mortal", at(until))
            .await
            .unwrap()
            .is_none()
    );
}

pub(crate) async fn gives_way_to_an_id(kind: Kind) {
    let stage = Stage::new(kind).await;
    stage
        .insert("a", json!({"n": 1, "until": stage.soon(10)}))
        .await
        .unwrap();
    assert_eq!(duplicate(stage.insert("a", json!({})).await), "id");
    stage.clock.advance(LATER);
    stage.insert("a", json!({"n": 2})).await.unwrap();
    let found = stage.get("a").await.unwrap();
    assert_eq!((found.version, &found.fields["n"]), (1, &json!(2)));
}

pub(crate) async fn gives_way_to_a_key(kind: Kind) {
    let stage = Stage::new(kind).await;
    let until = stage.soon(10);
    for (id, fields) in [
        ("a", json!({"email": "a", "until": until})),
        ("b", json!({"left": "x", "right": 1, "until": until})),
        ("c", json!({"n": 1, "until": until})),
    ] {
        stage.insert(id, fields).await.unwrap();
    }
    let all = json!({"email": "a", "left": "x", "right": 1});
    assert_eq!(duplicate(stage.insert("d", all.clone()).await), "by_email");
    stage.clock.advance(LATER);
    // Three expired documents stand in the way of this one.
    stage.insert("c", all).await.unwrap();
    assert!(stage.get("c").await.is_some());
    let now = stage.now();
    let result = stage
        .engine
        .insert_many(&THINGS, vec![("a".to_owned(), serde_json::Map::new())], now)
        .await
        .unwrap();
    assert!(result[0].is_ok());
}

pub(crate) async fn gives_way_to_a_replacement(kind: Kind) {
    let stage = Stage::new(kind).await;
    stage
        .insert("a", json!({"email": "a", "until": stage.soon(10)}))
        .await
        .unwrap();
    stage.insert("b", json!({})).await.unwrap();
    assert_eq!(
        duplicate(stage.replace("b", 1, json!({"email": "a"})).await),
        "by_email"
    );
    stage.clock.advance(LATER);
    assert!(stage.replace("b", 1, json!({"email": "a"})).await.unwrap());
}

pub(crate) async fn not_replaced_or_deleted(kind: Kind) {
    let stage = Stage::new(kind).await;
    for id in ["a", "b"] {
        stage.insert(id, json!({"until": stage.soon(10)})).await.unwrap();
    }
    assert!(stage.delete("b", None).await);
    stage.clock.advance(LATER);
    assert!(!stage.replace("a", 1, json!({})).await.unwrap());
    assert!(
        !stage.delete("a", Some(1)).await,
        "what has expired cannot be taken any more"
    );
    assert!(!stage.delete("a", None).await);
}

pub(crate) async fn of_a_live_one_changes(kind: Kind) {
    let stage = Stage::new(kind).await;
    stage.insert("a", json!({"until": stage.soon(10)})).await.unwrap();
    assert!(
        stage
            .replace("a", 1, json!({"until": stage.soon(100)}))
            .await
            .unwrap()
    );
    stage.clock.advance(LATER);
    assert!(stage.get("a").await.is_some());
    assert!(stage.replace("a", 2, json!({})).await.unwrap());
    stage.clock.advance(Duration::from_secs(1000));
    assert!(stage.get("a").await.is_some());
    // One that is born expired is never seen.
    stage.insert("b", json!({"until": -1})).await.unwrap();
    assert!(stage.get("b").await.is_none());
}
