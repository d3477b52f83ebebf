//! What goes in comes out, and what cannot go into one engine goes into neither.

use serde_json::{Value, json};
use wxgate::store::limits::{MAX_DEPTH, MAX_DOCUMENT, MAX_KEY};

use crate::store::stage::{Kind, Stage, map, refused as why};

pub(crate) async fn round_trip(kind: Kind) {
    let stage = Stage::new(kind).await;
    let all = json!({
        "text": "plain",
        "empty": "",
        "chinese": "微信网关",
        "emoji": "👩‍👩‍👧‍👦",
        "nul": "a\u{0}b\u{0}",
        "quotes": "\"'\\\n\r\t\u{7f}\u{2028}\u{feff}",
        "yes": true,
        "no": false,
        "zero": 0,
        "smallest": i64::MIN,
        "largest": i64::MAX,
        "beyond_floats": 9_007_199_254_740_993_i64,
        "half": 0.5,
        "whole_float": 3.0,
        "tiny": f64::MIN_POSITIVE,
        "huge": -1.5e300,
        "list": [1, "two", 3.5, null, [], {}, [[null]]],
        "object": {"null": null, "deep": {"er": {"列": ["表"]}}, "": "no name"},
        "a.b": "dots at the top",
        "dollars": {"$set": 1, "$where": "x", "$ref": 2, "$id": 3, "a.b.c": {"$": 4, ".": 5}, "_id": 6},
        "名": "a member with a Chinese name",
    });
    stage.insert("文档 1", all.clone()).await.unwrap();
    let found = stage.get("文档 1").await.unwrap();
    assert_eq!(found.id, "文档 1");
    assert_eq!(found.version, 1);
    assert_eq!(Value::Object(found.fields), all);
    // And once more through a replacement, which is written in another way.
    assert!(stage.replace("文档 1", 1, all.clone()).await.unwrap());
    assert_eq!(Value::Object(stage.get("文档 1").await.unwrap().fields), all);
    for id in ["", "nul\u{0}id", "$id", "a.b", "{\"$oid\":\"x\"}"] {
        stage.insert(id, json!({"own": id})).await.unwrap();
        assert_eq!(stage.get(id).await.unwrap().fields, map(json!({"own": id})));
    }
}

pub(crate) async fn null_is_absent(kind: Kind) {
    let stage = Stage::new(kind).await;
    let fields = json!({"email": null, "until": null, "owner": null, "kept": {"null": null}});
    stage.insert("a", fields.clone()).await.unwrap();
    stage.insert("b", fields.clone()).await.unwrap();
    assert_eq!(
        stage.get("a").await.unwrap().fields,
        map(json!({"kept": {"null": null}}))
    );
    assert!(stage.replace("a", 1, fields).await.unwrap());
    assert_eq!(
        stage.get("a").await.unwrap().fields,
        map(json!({"kept": {"null": null}}))
    );
}

pub(crate) async fn what_looks_like_extended_json(kind: Kind) {
    let stage = Stage::new(kind).await;
    let all = json!({
        "date": {"$date": "2024-01-01T00:00:00Z"},
        "other_date": {"$date": {"$numberLong": "0"}},
        "oid": {"$oid": "507f1f77bcf86cd799439011"},
        "long": {"$numberLong": "5"},
        "decimal": [{"$numberDecimal": "1.5"}],
        "binary": {"$binary": {"base64": "", "subType": "00"}},
        "undefined": {"$undefined": true},
        "number": {"$serde_json::private::Number": "5"},
    });
    stage.insert("a", all.clone()).await.unwrap();
    assert_eq!(Value::Object(stage.get("a").await.unwrap().fields), all);
}

pub(crate) async fn big(kind: Kind) {
    let stage = Stage::new(kind).await;
    let text = "大".repeat(1024 * 1024 / 3);
    stage
        .insert("a", json!({"text": text, "owner": "o", "due": 1}))
        .await
        .unwrap();
    assert_eq!(stage.get("a").await.unwrap().fields["text"], json!(text));
    let largest = "x".repeat(MAX_DOCUMENT - 100);
    assert!(stage.replace("a", 1, json!({"text": largest})).await.unwrap());
    assert_eq!(stage.get("a").await.unwrap().fields["text"], json!(largest));
}

pub(crate) async fn too_big(kind: Kind) {
    let stage = Stage::new(kind).await;
    let text = "x".repeat(MAX_DOCUMENT);
    let refusal = why(stage.insert("a", json!({"text": text})).await);
    assert!(
        refusal.starts_with("a document of 15728") && refusal.ends_with("is larger than 15728640 bytes"),
        "{refusal}"
    );
    stage.insert("a", json!({})).await.unwrap();
    why(stage.replace("a", 1, json!({"text": text})).await);
    assert_eq!(stage.get("a").await.unwrap().version, 1);
}

pub(crate) async fn refused(kind: Kind) {
    let stage = Stage::new(kind).await;
    let mut deep = json!(1);
    for _ in 0..MAX_DEPTH {
        deep = json!([deep]);
    }
    for (fields, expected) in [
        (json!({"_version": 1}), "a member's name begins with _ or $"),
        (json!({"$set": 1}), "a member's name begins with _ or $"),
        (json!({"a\u{0}b": 1}), "a member's name contains a NUL character"),
        (
            json!({"a": [{"\u{0}": 1}]}),
            "a member's name contains a NUL character",
        ),
        (
            json!({"a": u64::MAX}),
            "an integer is larger than 64 bits with sign can hold",
        ),
        (
            json!({"owner": true}),
            "the indexed member owner is neither a text nor an integer",
        ),
        (
            json!({"rank": 1.5}),
            "the indexed member rank is neither a text nor an integer",
        ),
        (
            json!({"email": ["a"]}),
            "the indexed member email is neither a text nor an integer",
        ),
        (json!({"until": "tomorrow"}), "the expiry until is not an integer"),
        (
            json!({"deep": deep}),
            "a document is nested deeper than 64 levels",
        ),
    ] {
        assert_eq!(why(stage.insert("a", fields).await), expected);
    }
    assert!(stage.get("a").await.is_none());
}

pub(crate) async fn long_keys(kind: Kind) {
    let stage = Stage::new(kind).await;
    let longest = "键".repeat(MAX_KEY / 3);
    stage.insert("a", json!({"email": longest})).await.unwrap();
    let too_long = "k".repeat(MAX_KEY + 1);
    assert_eq!(
        why(stage.insert("b", json!({"email": too_long})).await),
        "the indexed member email is longer than 4096 bytes"
    );
    stage.insert("c", json!({"not_indexed": too_long})).await.unwrap();
}

pub(crate) async fn long_ids(kind: Kind) {
    let stage = Stage::new(kind).await;
    let longest = "i".repeat(MAX_KEY);
    stage.insert(&longest, json!({"own": 1})).await.unwrap();
    assert_eq!(stage.get(&longest).await.unwrap().id, longest);
    let too_long = "i".repeat(MAX_KEY + 1);
    assert_eq!(
        why(stage.insert(&too_long, json!({})).await),
        "the id is longer than 4096 bytes"
    );
}
