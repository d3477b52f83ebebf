//! Searches over declared indexes: what they find, in which order, and in how many steps.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wxgate::store::{Find, Index, Key, Order};

use crate::store::stage::{EMAIL, Kind, OWNER, PAIR, RANK, Stage, THINGS, map, refused};

async fn stage_with(kind: Kind, documents: Value) -> Stage {
    let stage = Stage::new(kind).await;
    let documents = map(documents).into_iter().map(|(id, fields)| (id, map(fields)));
    let inserted = stage
        .engine
        .insert_many(&THINGS, documents.collect(), stage.now());
    for result in inserted.await.unwrap() {
        result.unwrap();
    }
    stage
}

/// Owner o with five, due at 10, 20, 20, 20 and 30; and others.
async fn five(kind: Kind) -> Stage {
    stage_with(
        kind,
        json!({
            "e": {"owner": "o", "due": 10},
            "b": {"owner": "o", "due": 20},
            "c": {"owner": "o", "due": 20},
            "a": {"owner": "o", "due": 20},
            "d": {"owner": "o", "due": 30},
            "x": {"owner": "p", "due": 20},
            "y": {"owner": "o"},
            "z": {"due": 20},
        }),
    )
    .await
}

fn of(owner: &str) -> Find {
    Find::by(&OWNER, [owner.into()])
}

fn descending(find: Find) -> Find {
    Find {
        order: Order::Descending,
        ..find
    }
}

fn between(from: impl Into<Option<Key>>, until: impl Into<Option<Key>>, find: Find) -> Find {
    Find {
        from: from.into(),
        until: until.into(),
        ..find
    }
}

pub(crate) async fn equality(kind: Kind) {
    let stage = five(kind).await;
    assert_eq!(stage.ids(of("o")).await, ["e", "a", "b", "c", "d"]);
    assert_eq!(stage.ids(of("p")).await, ["x"]);
    assert!(stage.ids(of("O")).await.is_empty());
    let found = stage.find(of("p")).await;
    assert_eq!(found[0].version, 1);
    assert_eq!(found[0].fields, map(json!({"owner": "p", "due": 20})));
}

pub(crate) async fn ranges(kind: Kind) {
    let stage = five(kind).await;
    for (from, until, expected) in [
        (Some(10), Some(20), "e"),
        (Some(11), Some(21), "abc"),
        (Some(20), None, "abcd"),
        (None, Some(20), "e"),
        (None, Some(10), ""),
        (Some(31), None, ""),
        (Some(20), Some(20), ""),
        (Some(30), Some(10), ""),
        (Some(i64::MIN), Some(i64::MAX), "eabcd"),
    ] {
        let find = between(from.map(Key::Int), until.map(Key::Int), of("o"));
        assert_eq!(stage.ids(find.clone()).await.concat(), expected, "{find:?}");
        let reversed: String = expected.chars().rev().collect();
        assert_eq!(
            stage.ids(descending(find.clone())).await.concat(),
            reversed,
            "{find:?}"
        );
    }
}

pub(crate) async fn over_both_types(kind: Kind) {
    let stage = stage_with(
        kind,
        json!({
            "1": {"rank": i64::MIN}, "2": {"rank": -1}, "3": {"rank": 0}, "4": {"rank": i64::MAX},
            "5": {"rank": ""}, "6": {"rank": "-1"}, "7": {"rank": "0"}, "8": {"rank": "z"}, "9": {"rank": "中"},
        }),
    )
    .await;
    let (int, text) = (Key::Int, |text: &str| Key::Text(text.to_owned()));
    for (from, until, expected) in [
        (None, None, "123456789"),
        (Some(int(0)), None, "3456789"),
        (None, Some(text("0")), "123456"),
        (Some(int(0)), Some(text("0")), "3456"),
        (Some(text("")), None, "56789"),
        (None, Some(int(0)), "12"),
        (Some(text("0")), Some(text("中")), "78"),
        (Some(text("")), Some(int(5)), ""),
    ] {
        let find = between(from, until, Find::by(&RANK, []));
        assert_eq!(stage.ids(find.clone()).await.concat(), expected, "{find:?}");
        let mut reversed = Vec::new();
        // One by one from the far end, so that every kind of mark is met.
        let mut step = Find {
            limit: 1,
            ..descending(find.clone())
        };
        while let [found] = &stage.find(step.clone()).await[..] {
            reversed.insert(0, found.id.clone());
            step.after = Some((key(&found.fields["rank"]), found.id.clone()));
        }
        assert_eq!(reversed.concat(), expected, "{find:?}");
    }
}

pub(crate) async fn orders(kind: Kind) {
    let stage = five(kind).await;
    assert_eq!(stage.ids(descending(of("o"))).await, ["d", "c", "b", "a", "e"]);
    let first = Find {
        limit: 2,
        ..descending(of("o"))
    };
    assert_eq!(stage.ids(first).await, ["d", "c"]);
}

pub(crate) async fn ties_by_id(kind: Kind) {
    let stage = stage_with(
        kind,
        json!({"b": {"rank": 1}, "B": {"rank": 1}, "a": {"rank": 1}, "é": {"rank": 1}, "10": {"rank": 1}, "9": {"rank": 1}}),
    )
    .await;
    assert_eq!(
        stage.ids(Find::by(&RANK, [1.into()])).await,
        ["10", "9", "B", "a", "b", "é"]
    );
    assert_eq!(
        stage.ids(descending(Find::by(&RANK, []))).await,
        ["é", "b", "a", "B", "9", "10"]
    );
}

pub(crate) async fn limits(kind: Kind) {
    let stage = five(kind).await;
    for limit in 1..=6 {
        let find = Find { limit, ..of("o") };
        assert_eq!(stage.ids(find).await, ["e", "a", "b", "c", "d"][..limit.min(5)]);
    }
}

pub(crate) async fn resumed(kind: Kind) {
    let stage = five(kind).await;
    let after = |due: i64, id: &str, find: Find| Find {
        after: Some((due.into(), id.to_owned())),
        ..find
    };
    assert_eq!(stage.ids(after(20, "a", of("o"))).await, ["b", "c", "d"]);
    assert_eq!(stage.ids(after(20, "a", descending(of("o")))).await, ["e"]);
    assert_eq!(
        stage.ids(after(20, "bb", of("o"))).await,
        ["c", "d"],
        "the mark may be gone"
    );
    assert_eq!(stage.ids(after(15, "zzz", of("o"))).await, ["a", "b", "c", "d"]);
    assert_eq!(
        stage.ids(after(5, "zzz", of("o"))).await,
        ["e", "a", "b", "c", "d"]
    );
    assert!(stage.ids(after(30, "d", of("o"))).await.is_empty());
    let whole = Find::by(&OWNER, ["o".into(), 20.into()]);
    assert_eq!(stage.ids(after(20, "a", whole.clone())).await, ["b", "c"]);
    assert_eq!(stage.ids(after(20, "c", descending(whole))).await, ["b", "a"]);
    let until = between(None, Key::Int(20), of("o"));
    assert!(stage.ids(after(20, "a", until)).await.is_empty());
}

/// Whoever was there before the first page is on exactly one page.
pub(crate) async fn pages_while_others_insert(kind: Kind) {
    for order in [Order::Ascending, Order::Descending] {
        let stage = Stage::new(kind).await;
        let (engine, now) = (stage.engine.clone(), stage.now());
        let documents = (0..300).map(|n| (format!("old{n:03}"), map(json!({"owner": "o", "due": n / 20}))));
        engine
            .insert_many(&THINGS, documents.collect(), now)
            .await
            .unwrap();
        let mut find = Find {
            order,
            limit: 7,
            ..of("o")
        };
        let (mut seen, mut number) = (Vec::new(), 0);
        loop {
            let page = stage.find(find.clone()).await;
            let Some(last) = page.last() else { break };
            find.after = Some((key(&last.fields["due"]), last.id.clone()));
            seen.extend(page.into_iter().map(|found| found.id));
            if number < 60 {
                // Before, among and behind the mark.
                for due in [-1, number % 15, 99] {
                    number += 1;
                    let id = format!("new{number}");
                    stage
                        .insert(&id, json!({"owner": "o", "due": due}))
                        .await
                        .unwrap();
                }
            }
        }
        let all: BTreeSet<_> = seen.iter().collect();
        assert_eq!(all.len(), seen.len(), "twice");
        let old = seen.iter().filter(|id| id.starts_with("old")).count();
        assert_eq!(old, 300, "{order:?}");
    }
}

pub(crate) async fn whole_keys(kind: Kind) {
    let stage = stage_with(
        kind,
        json!({"a": {"email": "a", "left": "x", "right": 1}, "b": {"email": "b", "left": "x", "right": 2}}),
    )
    .await;
    assert_eq!(stage.ids(Find::by(&EMAIL, ["b".into()])).await, ["b"]);
    assert_eq!(stage.ids(Find::by(&EMAIL, [])).await, ["a", "b"]);
    assert_eq!(stage.ids(Find::by(&PAIR, ["x".into(), 2.into()])).await, ["b"]);
    assert_eq!(
        stage.ids(descending(Find::by(&PAIR, ["x".into()]))).await,
        ["b", "a"]
    );
    let second = Find {
        after: Some((1.into(), "a".to_owned())),
        ..Find::by(&PAIR, ["x".into()])
    };
    assert_eq!(stage.ids(second).await, ["b"]);
    let after_itself = Find {
        after: Some((2.into(), "b".to_owned())),
        ..Find::by(&PAIR, ["x".into(), 2.into()])
    };
    assert!(stage.ids(after_itself).await.is_empty());
}

pub(crate) async fn without_the_member(kind: Kind) {
    let stage = stage_with(
        kind,
        json!({"a": {}, "b": {"rank": null}, "c": {"rank": 1}, "d": {"due": 1}, "e": {"owner": "o"}}),
    )
    .await;
    assert_eq!(stage.ids(Find::by(&RANK, [])).await, ["c"]);
    assert_eq!(stage.ids(descending(Find::by(&RANK, []))).await, ["c"]);
    assert!(stage.ids(of("o")).await.is_empty());
}

pub(crate) async fn misfits(kind: Kind) {
    static STRANGE: Index = Index {
        name: "by_nothing",
        fields: &["rank"],
        unique: false,
    };
    let stage = Stage::new(kind).await;
    let whole = Find::by(&RANK, [1.into()]);
    for find in [
        Find::by(&STRANGE, [1.into()]),
        Find::by(&OWNER, []),
        Find::by(&RANK, [1.into(), 2.into()]),
        between(Key::Int(1), None, whole.clone()),
        Find { limit: 0, ..whole },
    ] {
        refused(stage.engine.find(&THINGS, find, stage.now()).await);
    }
}

pub(crate) async fn odd_texts(kind: Kind) {
    let texts = [
        "",
        "\u{0}",
        "a",
        "a\u{0}",
        "a\u{0}b",
        "a\u{1}",
        "'\"\\",
        "{\"$gt\":1}",
        "微",
        "😀",
    ];
    let stage = Stage::new(kind).await;
    for (number, text) in texts.iter().enumerate() {
        let fields = json!({"email": text, "rank": text, "owner": text, "due": text});
        stage.insert(&format!("{number}"), fields).await.unwrap();
    }
    let mut sorted = texts.to_vec();
    sorted.sort_unstable();
    let ranks: Vec<_> = stage.find(Find::by(&RANK, [])).await;
    let ranks: Vec<_> = ranks
        .iter()
        .map(|found| found.fields["rank"].as_str().unwrap())
        .collect();
    assert_eq!(ranks, sorted);
    for (number, text) in texts.iter().enumerate() {
        let id = [format!("{number}")];
        assert_eq!(
            stage.ids(Find::by(&EMAIL, [(*text).into()])).await,
            id,
            "{text:?}"
        );
        let whole = Find::by(&OWNER, [(*text).into(), (*text).into()]);
        assert_eq!(stage.ids(whole).await, id, "{text:?}");
    }
}

fn key(value: &Value) -> Key {
    match value {
        Value::String(text) => Key::Text(text.clone()),
        other => Key::Int(other.as_i64().unwrap()),
    }
}
