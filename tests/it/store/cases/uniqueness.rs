//! Unique indexes, and the ids, which are one.

use serde_json::json;

use crate::store::stage::{Kind, Stage, duplicate};

pub(crate) async fn ids(kind: Kind) {
    let stage = Stage::new(kind).await;
    stage.insert("a", json!({"n": 1})).await.unwrap();
    assert_eq!(duplicate(stage.insert("a", json!({"n": 2})).await), "id");
    assert_eq!(stage.get("a").await.unwrap().fields["n"], 1);
    // Ids are compared byte by byte.
    for other in ["A", "a ", "á", "a\u{301}"] {
        stage.insert(other, json!({})).await.unwrap();
    }
}

pub(crate) async fn one_member(kind: Kind) {
    let stage = Stage::new(kind).await;
    stage.insert("a", json!({"email": "a@x"})).await.unwrap();
    assert_eq!(
        duplicate(stage.insert("b", json!({"email": "a@x"})).await),
        "by_email"
    );
    assert!(stage.get("b").await.is_none());
    stage.insert("b", json!({"email": "A@x"})).await.unwrap();
    // A number and its text are two values.
    stage.insert("c", json!({"email": "1"})).await.unwrap();
    stage.insert("d", json!({"email": 1})).await.unwrap();
    assert_eq!(
        duplicate(stage.insert("e", json!({"email": 1})).await),
        "by_email"
    );
    assert!(stage.delete("a", None).await);
    stage.insert("e", json!({"email": "a@x"})).await.unwrap();
}

pub(crate) async fn two_members(kind: Kind) {
    let stage = Stage::new(kind).await;
    let pair = |left: &str, right: i64| json!({"left": left, "right": right});
    stage.insert("a", pair("x", 1)).await.unwrap();
    stage.insert("b", pair("x", 2)).await.unwrap();
    stage.insert("c", pair("y", 1)).await.unwrap();
    assert_eq!(duplicate(stage.insert("d", pair("x", 1)).await), "by_pair");
}

pub(crate) async fn absent_members(kind: Kind) {
    let stage = Stage::new(kind).await;
    for id in ["a", "b"] {
        stage.insert(id, json!({})).await.unwrap();
        stage
            .insert(&format!("{id}1"), json!({"left": "x"}))
            .await
            .unwrap();
        stage
            .insert(&format!("{id}2"), json!({"right": 1, "left": null}))
            .await
            .unwrap();
    }
}

pub(crate) async fn replacing(kind: Kind) {
    let stage = Stage::new(kind).await;
    stage.insert("a", json!({"email": "a"})).await.unwrap();
    stage.insert("b", json!({"email": "b"})).await.unwrap();
    assert_eq!(
        duplicate(stage.replace("b", 1, json!({"email": "a"})).await),
        "by_email"
    );
    let kept = stage.get("b").await.unwrap();
    assert_eq!((kept.version, &kept.fields["email"]), (1, &json!("b")));
    // A stale replacement is told that it is stale, whatever it would collide with.
    assert!(!stage.replace("b", 9, json!({"email": "a"})).await.unwrap());
    // A document does not collide with itself.
    assert!(
        stage
            .replace("a", 1, json!({"email": "a", "n": 1}))
            .await
            .unwrap()
    );
    assert!(stage.replace("a", 2, json!({})).await.unwrap());
    assert!(stage.replace("b", 1, json!({"email": "a"})).await.unwrap());
}

pub(crate) async fn first_declared_index(kind: Kind) {
    let stage = Stage::new(kind).await;
    stage.insert("a", json!({"left": "x", "right": 1})).await.unwrap();
    stage.insert("b", json!({"email": "b"})).await.unwrap();
    let both = json!({"left": "x", "right": 1, "email": "b"});
    assert_eq!(duplicate(stage.insert("c", both.clone()).await), "by_email");
    assert_eq!(duplicate(stage.insert("a", both).await), "id");
}
