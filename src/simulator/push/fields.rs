//! How what the admin API is told about a message becomes members of a push: a table of fields for each type. The
//! tables stand with the messages and events.

use serde_json::{Map, Value};

use crate::simulator::random::Random;

/// One member: the admin API's name, WeChat's name (with dots for members of members), and what stands there if the
/// admin API is told nothing.
pub(super) struct Field(pub(super) &'static str, pub(super) &'static str, pub(super) Or);

/// What stands in a member that was not given.
#[derive(Clone, Copy)]
pub(super) enum Or {
    /// It must be given.
    Must,
    /// There is no such member.
    Absent,
    /// This text.
    Text(&'static str),
    /// This number.
    Number(f64),
    /// A made-up `media_id`.
    Media,
}

/// Members that any message or event may be given, besides its own.
const COMMON: [&str; 5] = ["type", "extra", "msg_id", "create_time", "list"];

/// The members of a table, from what was given. `extra` members follow as they are.
pub(super) fn fill(
    given: &Map<String, Value>,
    fields: &[Field],
    random: &mut Random,
) -> Result<Map<String, Value>, String> {
    let known = |name: &str| COMMON.contains(&name) || fields.iter().any(|Field(own, ..)| *own == name);
    if let Some(name) = given.keys().find(|name| !known(name)) {
        let own: Vec<_> = fields.iter().map(|Field(own, ..)| *own).collect();
        return Err(format!("{name} is none of {own:?}, extra, msg_id, create_time"));
    }
    let mut members = Map::new();
    for Field(name, path, or) in fields {
        let value = match (given.get(*name), or) {
            (Some(value), _) => value.clone(),
            (None, Or::Must) => return Err(format!("{name} is missing")),
            (None, Or::Absent) => continue,
            (None, Or::Text(text)) => (*text).into(),
            (None, Or::Number(number)) => plain_number(*number),
            (None, Or::Media) => random.word(64).into(),
        };
        put(&mut members, path, value);
    }
    if let Some(extra) = given.get("extra") {
        let extra = extra.as_object().ok_or("extra is an object")?;
        members.extend(extra.clone());
    }
    Ok(members)
}

/// A whole number is written without a fraction.
#[expect(clippy::cast_possible_truncation, reason = "the tables hold small numbers")]
fn plain_number(number: f64) -> Value {
    if number.fract() == 0.0 {
        return (number as i64).into();
    }
    number.into()
}

fn put(members: &mut Map<String, Value>, path: &str, value: Value) {
    let Some((parent, child)) = path.split_once('.') else {
        members.insert(path.to_owned(), value);
        return;
    };
    let inner = members
        .entry(parent.to_owned())
        .or_insert_with(|| Value::Object(Map::new()));
    if let Some(inner) = inner.as_object_mut() {
        put(inner, child, value);
    }
}
