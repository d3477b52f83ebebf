//! Collections and their indexes come into being once, however often and by however many they are asked for.

use futures_util::future::join_all;
use serde_json::json;
use wxgate::store::{Collection, Find, Index};

use crate::store::stage::{
    BY_EMAIL, BY_OWNER, BY_RANK, EMAIL, Kind, OWNER, RANK, Stage, THINGS, duplicate, map, refused,
};

static FEWER: Collection = Collection {
    name: "things",
    indexes: &[BY_OWNER],
    expires: None,
};
static OTHERS: Collection = Collection {
    name: "others",
    indexes: &[BY_RANK, BY_EMAIL],
    expires: Some("until"),
};

pub(crate) async fn again(kind: Kind) {
    let stage = Stage::new(kind).await;
    stage.insert("a", json!({"email": "a"})).await.unwrap();
    stage.engine.prepare(&[&THINGS, &OTHERS]).await.unwrap();
    stage.engine.prepare(&[&THINGS]).await.unwrap();
    assert!(stage.get("a").await.is_some());
    assert_eq!(
        duplicate(stage.insert("b", json!({"email": "a"})).await),
        "by_email"
    );
    // An older program declares less; nothing is taken away from a newer one beside it.
    stage.engine.prepare(&[&FEWER]).await.unwrap();
    assert_eq!(
        duplicate(stage.insert("b", json!({"email": "a"})).await),
        "by_email"
    );
}

pub(crate) async fn new_index_over_old_documents(kind: Kind) {
    let stage = Stage::bare(kind).await;
    stage.engine.prepare(&[&FEWER]).await.unwrap();
    for n in 0..20 {
        let fields = map(json!({"rank": 20 - n, "email": format!("{n}"), "owner": "o", "due": n}));
        let inserted = stage
            .engine
            .insert(&FEWER, format!("{n:02}"), fields, stage.now());
        inserted.await.unwrap();
    }
    stage.engine.prepare(&[&THINGS]).await.unwrap();
    let three = Find {
        limit: 3,
        ..Find::by(&RANK, [])
    };
    assert_eq!(stage.ids(three).await, ["19", "18", "17"]);
    assert_eq!(stage.ids(Find::by(&EMAIL, ["7".into()])).await, ["07"]);
    assert_eq!(
        duplicate(stage.insert("x", json!({"email": "7"})).await),
        "by_email"
    );
    assert_eq!(stage.ids(Find::by(&OWNER, ["o".into(), 5.into()])).await, ["05"]);
}

pub(crate) async fn new_unique_index_over_duplicates(kind: Kind) {
    let stage = Stage::bare(kind).await;
    stage.engine.prepare(&[&FEWER]).await.unwrap();
    for id in ["a", "b"] {
        let fields = map(json!({"email": "same"}));
        stage
            .engine
            .insert(&FEWER, id.to_owned(), fields, stage.now())
            .await
            .unwrap();
    }
    refused(stage.engine.prepare(&[&THINGS]).await);
    assert!(stage.get("a").await.is_some());
}

pub(crate) async fn another_shape(kind: Kind) {
    static CHANGED: Collection = Collection {
        name: "things",
        indexes: &[Index {
            name: "by_rank",
            fields: &["rank", "owner"],
            unique: false,
        }],
        expires: None,
    };
    let stage = Stage::new(kind).await;
    refused(stage.engine.prepare(&[&CHANGED]).await);
}

pub(crate) async fn at_once(kind: Kind) {
    let stage = Stage::bare(kind).await;
    let (one, two) = (stage.another().await, stage.another().await);
    let engines = [&stage.engine, &one, &two];
    let collections = [&THINGS, &OTHERS];
    let all = engines
        .iter()
        .cycle()
        .take(9)
        .map(|engine| engine.prepare(&collections));
    for prepared in join_all(all).await {
        prepared.unwrap();
    }
    stage.insert("a", json!({"email": "a"})).await.unwrap();
    let again = two.insert(&THINGS, "b".to_owned(), map(json!({"email": "a"})), stage.now());
    assert_eq!(duplicate(again.await), "by_email");
    one.close().await;
    two.close().await;
}

pub(crate) async fn odd_names(kind: Kind) {
    static ODD: Collection = Collection {
        name: "things\" (",
        indexes: &[],
        expires: None,
    };
    let stage = Stage::bare(kind).await;
    refused(stage.engine.prepare(&[&ODD]).await);
}
