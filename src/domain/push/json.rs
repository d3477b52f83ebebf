//! Reads the JSON of a push into members. `serde_json` alone takes the last of two members of one name; here two are an
//! error, because somebody else may take the first.

use std::cell::Cell;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::payload::{MAX_DEPTH, MAX_MEMBERS, Malformed};

/// What is in `{…}`.
pub(super) fn members(text: &str) -> Result<Map<String, Value>, Malformed> {
    let rules = Rules::default();
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = Strict {
        rules: &rules,
        depth: 1,
    }
    .deserialize(&mut reader);
    let read = read.map_err(|_| rules.broken.get().unwrap_or(Malformed::Syntax))?;
    reader.end().map_err(|_| Malformed::Trailing)?;
    match read {
        Value::Object(members) => Ok(members),
        _ => Err(Malformed::Format),
    }
}

/// What is counted while reading, and which rule was broken: serde's errors carry texts only.
#[derive(Default)]
struct Rules {
    count: Cell<usize>,
    broken: Cell<Option<Malformed>>,
}

impl Rules {
    fn broken<T, E: Error>(&self, rule: Malformed) -> Result<T, E> {
        self.broken.set(Some(rule));
        Err(E::custom(rule))
    }

    fn count<E: Error>(&self) -> Result<(), E> {
        self.count.set(self.count.get() + 1);
        if self.count.get() > MAX_MEMBERS {
            return self.broken(Malformed::Size);
        }
        Ok(())
    }

    fn text<E: Error>(&self, text: String) -> Result<String, E> {
        if text.contains('\0') {
            return self.broken(Malformed::Nul);
        }
        Ok(text)
    }
}

/// Reads one value under the rules.
#[derive(Clone, Copy)]
struct Strict<'a> {
    rules: &'a Rules,
    depth: usize,
}

impl Strict<'_> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth > MAX_DEPTH {
            return self.rules.broken(Malformed::Depth);
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
        self.rules.text(text).map(Value::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut read = Vec::new();
        while let Some(value) = values.next_element_seed(inner)? {
            self.rules.count()?;
            read.push(value);
        }
        Ok(Value::Array(read))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut read = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            self.rules.count()?;
            let name = self.rules.text(name)?;
            if read.contains_key(&name) {
                return self.rules.broken(Malformed::Repeated);
            }
            read.insert(name, members.next_value_seed(inner)?);
        }
        Ok(Value::Object(read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for (body, rule) in [
            (r#"{"MsgType":"text","MsgType":"event"}"#, Malformed::Repeated),
            (
                r#"{"MsgType":"text","Msg\u0054ype":"event"}"#,
                Malformed::Repeated,
            ),
            (r#"{"a":{"b":1,"b":2}}"#, Malformed::Repeated),
            (r#"{"a":1}{"a":2}"#, Malformed::Trailing),
            (r#"{"a":1},"#, Malformed::Trailing),
            (r#"{"a":1}x"#, Malformed::Trailing),
            (r#"{"a":1,}"#, Malformed::Syntax),
            (r#"{"a":1"#, Malformed::Syntax),
            (r"{'a':1}", Malformed::Syntax),
            (r#"{"a":NaN}"#, Malformed::Syntax),
            (r#"{"a":1e999}"#, Malformed::Syntax),
            (r#"{"a":01}"#, Malformed::Syntax),
            (r#"{"a":"\ud800"}"#, Malformed::Syntax),
            ("{\"a\":\"\n\"}", Malformed::Syntax),
            ("{/* */}", Malformed::Syntax),
        ] {
            assert_eq!(members(body), Err(rule), "{body}");
        }
    }

    #[test]
    fn depth_and_numbers_of_members_are_bounded() {
        let nested = |depth: usize| {
            format!(
                "{}{}",
                "{\"a\":".repeat(depth),
                "1".to_owned() + &"}".repeat(depth)
            )
        };
        assert!(members(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(members(&nested(MAX_DEPTH + 1)), Err(Malformed::Depth));
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(20_000), "]".repeat(20_000));
        assert_eq!(members(&deep), Err(Malformed::Depth));
        let wide = |count: usize| format!("{{\"a\":[{}]}}", vec!["1"; count - 1].join(","));
        assert!(members(&wide(MAX_MEMBERS)).is_ok());
        assert_eq!(members(&wide(MAX_MEMBERS + 1)), Err(Malformed::Size));
    }
}
