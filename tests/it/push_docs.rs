//! `docs/events.md`: its examples are what the gateway makes of the pushes above them, and its schema fits every event.

use serde_json::{Value, json};
use wxgate::domain::push::event::Event;
use wxgate::domain::push::payload::Payload;

use crate::vectors;

const PAGE: &str = include_str!("../../docs/events.md");

/// The fenced blocks of the page after a heading: language and content.
fn blocks(heading: &str) -> Vec<(&'static str, &'static str)> {
    let (_, rest) = PAGE.split_once(heading).unwrap();
    let mut blocks = Vec::new();
    let mut parts = rest.split("\n```");
    parts.next();
    while let (Some(block), Some(_after)) = (parts.next(), parts.next()) {
        blocks.push(block.split_once('\n').unwrap());
    }
    blocks
}

fn event(body: &str) -> Option<Value> {
    let payload = Payload::parse(body.as_bytes()).unwrap();
    let (app, app_id) = ("shop".parse().unwrap(), "wx0123456789abcdef".parse().unwrap());
    let id = "evt_17000000010004f2a9c1d3e5b7a69".to_owned();
    let event = Event::normalise(&app, &app_id, id, 1_700_000_001, payload);
    event.ok().map(|event| json!(event))
}

#[test]
fn the_examples_are_true() {
    let blocks = blocks("\n## Examples\n");
    assert_eq!(blocks.len(), 6);
    for pair in blocks.chunks_exact(2) {
        let [(_, body), (_, expected)] = pair else {
            unreachable!()
        };
        let mut made = event(body).unwrap();
        assert_eq!(made["payload"]["text"], *body);
        made["payload"]["text"] = json!("…");
        assert_eq!(made, serde_json::from_str::<Value>(expected).unwrap());
    }
    let (_, first) = self::blocks("# Events")[0];
    let first: Value = serde_json::from_str(first).unwrap();
    assert!(serde_json::from_value::<Event>(first.clone()).is_ok());
    assert_eq!(misfits(&schema(), &first, "$"), [""; 0]);
}

#[test]
fn the_schema_fits_every_event() {
    let mut count = 0;
    for vector in vectors::of(&["push_xml", "push_json"]) {
        if let Some(event) = event(vector.input("body")) {
            assert_eq!(misfits(&schema(), &event, "$"), [""; 0], "{}", vector.name);
            for name in event.as_object().unwrap().keys() {
                assert!(
                    schema()["properties"].get(name).is_some(),
                    "{name} is not in the schema"
                );
            }
            count += 1;
        }
    }
    assert!(count > 25, "{count}");
    let mut wrong = event("{\"MsgType\":\"text\"}").unwrap();
    wrong["kind"] = json!("other");
    wrong["created_at"] = json!("1");
    wrong["ids"] = json!({"msg_id": ""});
    wrong.as_object_mut().unwrap().shift_remove("openid");
    let expected = ["$.openid is missing", "$.kind", "$.created_at", "$.ids.msg_id"];
    assert_eq!(misfits(&schema(), &wrong, "$"), expected);
}

fn schema() -> Value {
    let (_, schema) = blocks("\n## Schema\n")[0];
    serde_json::from_str(schema).unwrap()
}

/// Where `value` does not fit the schema: the few keywords that ours has.
fn misfits(schema: &Value, value: &Value, place: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (keyword, rule) in schema.as_object().unwrap() {
        let fits = match keyword.as_str() {
            "$schema" | "title" | "required" | "properties" | "items" => true,
            "type" => {
                rule.as_str() == Some(kind(value)) || names(rule).contains(&kind(value)) || {
                    let is_number = rule == "number" || names(rule).contains(&"number");
                    is_number && kind(value) == "integer"
                }
            }
            "enum" => rule.as_array().unwrap().contains(value),
            "minLength" => value
                .as_str()
                .is_none_or(|text| text.chars().count() as u64 >= rule.as_u64().unwrap()),
            "maxLength" => value
                .as_str()
                .is_none_or(|text| text.chars().count() as u64 <= rule.as_u64().unwrap()),
            "minimum" => value
                .as_i64()
                .is_none_or(|number| number >= rule.as_i64().unwrap()),
            // All of ours are one class of characters, which the gateway's own types know better.
            "pattern" => value.is_string(),
            other => panic!("{other} is a new keyword"),
        };
        if !fits {
            found.push(place.to_owned());
        }
    }
    for name in names(&schema["required"]) {
        if value.get(name).is_none() {
            found.push(format!("{place}.{name} is missing"));
        }
    }
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = value.get(name) {
            found.extend(misfits(inner, value, &format!("{place}.{name}")));
        }
    }
    for entry in value.as_array().into_iter().flatten() {
        if let Some(items) = schema.get("items") {
            found.extend(misfits(items, entry, &format!("{place}[]")));
        }
    }
    found
}

fn names(rule: &Value) -> Vec<&str> {
    rule.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
