//! Rules as they are written and read.

use serde_json::{Value, json};

use super::*;

fn rule(mut when: Value) -> Result<Rule, String> {
    when["reply"] = json!({"type": "text", "content": "hello"});
    let rule: Rule = serde_json::from_value(when).map_err(|error| error.to_string())?;
    rule.check(false).map_err(|error| error.to_string())?;
    Ok(rule)
}

#[test]
fn a_rule_is_written_as_it_is_read() {
    for when in [
        json!({"when": "subscribe"}),
        json!({"when": "default"}),
        json!({"when": "click"}),
        json!({"when": "click", "key": "V1001"}),
        json!({"when": "scan"}),
        json!({"when": "scan", "scene": "123"}),
        json!({"when": "keyword", "match": "exact", "text": "价格"}),
        json!({"when": "keyword", "match": "contains", "texts": ["a", "b"]}),
        json!({"when": "keyword", "match": "regex", "text": "^a+$", "ignore_case": true}),
    ] {
        let read = rule(when.clone()).unwrap();
        let written = serde_json::to_value(&read).unwrap();
        let mut expected = when;
        expected["reply"] = json!({"type": "text", "content": "hello"});
        assert_eq!(written, expected);
        // The same in the configuration.
        let table = toml::to_string(&read).unwrap();
        assert_eq!(toml::from_str::<Rule>(&table).unwrap(), read, "{table}");
    }
    let short = rule(json!({"when": "keyword", "text": "a"})).unwrap();
    let long =
        rule(json!({"when": "keyword", "match": "exact", "texts": ["a"], "ignore_case": false})).unwrap();
    assert_eq!(short, long);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let many: Vec<_> = (0..=MOST_TEXTS).map(|number| number.to_string()).collect();
    for (when, why) in [
        (json!({}), "missing field `when`"),
        (json!({"when": "never"}), "unknown variant `never`"),
        (json!({"when": "default", "colour": 1}), "unknown field `colour`"),
        (json!({"when": "default", "key": "a"}), "`key` has no meaning"),
        (
            json!({"when": "subscribe", "match": "exact"}),
            "`match` has no meaning",
        ),
        (json!({"when": "click", "scene": "a"}), "`scene` has no meaning"),
        (json!({"when": "click", "text": "a"}), "`text` has no meaning"),
        (
            json!({"when": "scan", "ignore_case": false}),
            "`ignore_case` has no meaning",
        ),
        (json!({"when": "keyword"}), "either `text`, or `texts`"),
        (
            json!({"when": "keyword", "texts": []}),
            "either `text`, or `texts`",
        ),
        (
            json!({"when": "keyword", "text": "a", "texts": ["b"]}),
            "either `text`, or `texts`",
        ),
        (json!({"when": "keyword", "texts": many}), "more than 20"),
        (json!({"when": "keyword", "text": ""}), "1 to 256 bytes"),
        (json!({"when": "keyword", "text": " \u{3000}"}), "1 to 256 bytes"),
        (
            json!({"when": "keyword", "text": "a".repeat(257)}),
            "1 to 256 bytes",
        ),
        (json!({"when": "keyword", "text": 1}), "expected a string"),
        (
            json!({"when": "keyword", "match": "glob", "text": "a"}),
            "unknown variant `glob`",
        ),
        (
            json!({"when": "keyword", "match": "regex", "texts": ["a", "(b"]}),
            "`(b` is not a regular",
        ),
        (
            json!({"when": "keyword", "match": "regex", "text": r"(a)\1"}),
            "syntax is wrong",
        ),
        (
            json!({"when": "keyword", "match": "regex", "text": "(?=a)"}),
            "syntax is wrong",
        ),
        (
            json!({"when": "keyword", "match": "regex", "text": r"\w{1000}{1000}"}),
            "too much memory",
        ),
        (
            json!({"when": "keyword", "match": "regex", "text": "(".repeat(99) + &")".repeat(99)}),
            "syntax",
        ),
        (json!({"when": "click", "key": ""}), "`key` must have 1 to 128"),
        (
            json!({"when": "click", "key": "a".repeat(129)}),
            "`key` must have 1 to 128",
        ),
        (
            json!({"when": "scan", "scene": "a".repeat(65)}),
            "`scene` must have 1 to 64",
        ),
    ] {
        let problem = rule(when.clone()).unwrap_err();
        assert!(problem.contains(why), "{when}: {problem}");
    }
    let unreplied: Result<Rule, _> = serde_json::from_value(json!({"when": "default"}));
    assert!(
        unreplied
            .unwrap_err()
            .to_string()
            .contains("missing field `reply`")
    );
}

#[test]
fn usual_expressions_fit() {
    for text in [
        r"^\d{6}$",
        r"(价格|多少钱|price)",
        r"^\p{Han}{2,8}$",
        r"订单\s*[:：]?\s*(\w{4,8})",
        r"^\s*(你好|您好|hi|hello)[!！.。~]*\s*$",
        r"\b1[3-9]\d{9}\b",
        "[0-9A-Za-z]{4,64}",
    ] {
        let when = json!({"when": "keyword", "match": "regex", "text": text, "ignore_case": true});
        assert!(rule(when).is_ok(), "{text}");
    }
}

#[test]
fn a_mini_program_has_few_kinds_of_replies() {
    let reply = |reply: Value| -> Rule {
        serde_json::from_value(json!({"when": "default", "reply": reply})).unwrap()
    };
    for (given, for_mini) in [
        (json!({"type": "text", "content": "a"}), Ok(())),
        (json!({"type": "image", "media_id": "a"}), Ok(())),
        (json!({"type": "transfer_customer_service"}), Ok(())),
        (
            json!({"type": "voice", "media_id": "a"}),
            Err(BadRule::NotForMini),
        ),
        (
            json!({"type": "music", "thumb_media_id": "a"}),
            Err(BadRule::NotForMini),
        ),
    ] {
        let rule = reply(given);
        assert_eq!(rule.check(false), Ok(()), "{rule:?}");
        assert_eq!(rule.check(true), for_mini, "{rule:?}");
    }
}
