//! The version is the fence: what was changed meanwhile is not overwritten.

use serde_json::json;

use crate::store::stage::{Kind, Stage, map};

pub(crate) async fn count_up(kind: Kind) {
    let stage = Stage::new(kind).await;
    stage.insert("a", json!({"n": 1})).await.unwrap();
    for version in 1..=3 {
        assert_eq!(stage.get("a").await.unwrap().version, version);
        assert!(stage.replace("a", version, json!({"n": version})).await.unwrap());
    }
    assert!(stage.delete("a", None).await);
    stage.insert("a", json!({})).await.unwrap();
    assert_eq!(stage.get("a").await.unwrap().version, 1);
}

pub(crate) async fn stale_replace(kind: Kind) {
    let stage = Stage::new(kind).await;
    stage.insert("a", json!({"n": 1, "gone": true})).await.unwrap();
    assert!(stage.replace("a", 1, json!({"n": 2})).await.unwrap());
    for version in [0, 1, 3, i64::MAX, i64::MIN] {
        assert!(!stage.replace("a", version, json!({"n": 3})).await.unwrap());
    }
    let found = stage.get("a").await.unwrap();
    assert_eq!(
        (found.version, found.fields),
        (2, map(json!({"n": 2}))),
        "a replacement replaces all members"
    );
    assert!(!stage.replace("b", 1, json!({})).await.unwrap());
    assert!(
        stage.get("b").await.is_none(),
        "a replacement makes no new document"
    );
}

pub(crate) async fn delete_by_version(kind: Kind) {
    let stage = Stage::new(kind).await;
    stage.insert("a", json!({})).await.unwrap();
    assert!(stage.replace("a", 1, json!({"n": 1})).await.unwrap());
    assert!(!stage.delete("a", Some(1)).await);
    assert!(stage.get("a").await.is_some());
    assert!(stage.delete("a", Some(2)).await);
    assert!(!stage.delete("a", Some(2)).await);
    assert!(!stage.delete("a", None).await);
    assert!(stage.get("a").await.is_none());
}

pub(crate) async fn update_of_nothing(kind: Kind) {
    use crate::store::cases::racing::Counter;
    use wxgate::store::{Change, Repo};

    let stage = Stage::new(kind).await;
    let counters = Repo::<Counter>::new(stage.engine.clone(), stage.clock.clone());
    let updated = counters.update("nobody", |_| Change::Save).await.unwrap();
    assert!(updated.is_none());
    counters.insert(&Counter::new("a")).await.unwrap();
    let kept = counters
        .update("a", |counter| {
            counter.count = 7;
            Change::Keep
        })
        .await
        .unwrap();
    assert_eq!(kept.unwrap().count, 7);
    let stored = counters.get_versioned("a").await.unwrap().unwrap();
    assert_eq!((stored.record.count, stored.version), (0, 1));
}
