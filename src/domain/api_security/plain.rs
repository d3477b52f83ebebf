//! The JSON that is encrypted: the parameters of a call, or its answer, with three members that bind it to app and time.
//! Values stay byte for byte what they were, whatever numbers and escapes they have.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{Context, Refused};

/// The members that the mode adds.
const NONCE: &str = "_n";
const APP_ID: &str = "_appid";
const TIMESTAMP: &str = "_timestamp";

/// A call whose parameters cannot be put into one JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSealable {
    /// The body is something else than a JSON object.
    #[error("the body is no JSON object")]
    NoObject,
    /// One name would be in it twice.
    #[error("a parameter is there twice, or has a name that the signed mode uses itself")]
    Twice,
}

/// The parameters of a call.
#[derive(Debug, Clone, Copy)]
pub struct Parameters<'a> {
    /// Those of the query, without `access_token`. They become texts.
    pub query: &'a [(String, String)],
    /// The JSON object in the body; empty is as good as `{}`.
    pub body: &'a [u8],
}

impl Parameters<'_> {
    /// The text that is encrypted. `nonce` is random.
    ///
    /// # Errors
    /// [`NotSealable`].
    pub fn sealable(&self, context: Context<'_>, nonce: &str) -> Result<Zeroizing<Vec<u8>>, NotSealable> {
        let body = std::str::from_utf8(self.body).map_err(|_| NotSealable::NoObject)?;
        let body = if body.trim().is_empty() { "{}" } else { body };
        let members: Members<'_> = serde_json::from_str(body).map_err(|_| NotSealable::NoObject)?;
        let mut names: BTreeSet<&str> = [NONCE, APP_ID, TIMESTAMP].into();
        let mut text = format!(
            r#"{{"{NONCE}":{},"{APP_ID}":{},"{TIMESTAMP}":{}"#,
            quoted(nonce),
            quoted(context.app_id.as_str()),
            context.timestamp,
        );
        let queried = self.query.iter().map(|(name, value)| (name, quoted(value)));
        for (name, value) in queried {
            if !names.insert(name) {
                return Err(NotSealable::Twice);
            }
            push(&mut text, name, &value);
        }
        for (name, value) in &members.0 {
            if !names.insert(name) {
                return Err(NotSealable::Twice);
            }
            push(&mut text, name, value.get());
        }
        text.push('}');
        Ok(Zeroizing::new(text.into_bytes()))
    }
}

/// The answer inside `text`, which must be for this app and of the moment that its header says.
///
/// # Errors
/// [`Refused`].
pub fn opened(context: Context<'_>, text: &[u8]) -> Result<Vec<u8>, Refused> {
    let members: Members<'_> = serde_json::from_slice(text).map_err(|_| Refused)?;
    let (mut app_id, mut timestamp) = (None, None);
    let mut rest = String::from("{");
    for (name, value) in &members.0 {
        match name.as_str() {
            NONCE => {}
            APP_ID => app_id = Some(value.get()),
            TIMESTAMP => timestamp = Some(value.get()),
            _ => push(&mut rest, name, value.get()),
        }
    }
    rest.push('}');
    let for_us = app_id == Some(quoted(context.app_id.as_str()).as_str());
    if !for_us || timestamp != Some(context.timestamp) {
        return Err(Refused);
    }
    Ok(rest.into_bytes())
}

fn push(object: &mut String, name: &str, value: &str) {
    if object.len() > 1 {
        object.push(',');
    }
    object.push_str(&quoted(name));
    object.push(':');
    object.push_str(value);
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text is JSON")
}

/// The members of an object in their order, with their values as they were written.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::AppId;

    fn sealable(query: &[(&str, &str)], body: &str) -> Result<String, NotSealable> {
        let app_id: AppId = "wx1".parse().unwrap();
        let context = Context {
            url: "https://a.example/wxa/x",
            app_id: &app_id,
            timestamp: "1700000000",
        };
        let query: Vec<_> = query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let body = body.as_bytes();
        let parameters = Parameters { query: &query, body };
        let text = parameters.sealable(context, "nonce")?;
        Ok(String::from_utf8(text.to_vec()).unwrap())
    }

    fn answer(text: &str) -> Result<String, Refused> {
        let app_id: AppId = "wx1".parse().unwrap();
        let context = Context {
            url: "https://a.example/wxa/x",
            app_id: &app_id,
            timestamp: "1700000000",
        };
        opened(context, text.as_bytes()).map(|rest| String::from_utf8(rest).unwrap())
    }

    #[test]
    fn numbers_and_texts_stay_as_they_were_written() {
        assert_eq!(
            sealable(&[("lang", "zh \"CN\"")], "{ \"a\" : 1.50, \"b\":12345678901234567890123,\n\"c\":\"\\u4e2d\\/\",\"d\":[1, {\"e\" :null}] }"),
            Ok(r#"{"_n":"nonce","_appid":"wx1","_timestamp":1700000000,"lang":"zh \"CN\"","a":1.50,"b":12345678901234567890123,"c":"\u4e2d\/","d":[1, {"e" :null}]}"#.to_owned())
        );
        assert_eq!(
            answer(
                "{\"a\": 1e2,\"_n\":\"x\",\"_appid\":\"wx1\",\"b\":{\"_n\":1 },\"_timestamp\":1700000000}"
            ),
            Ok(r#"{"a":1e2,"b":{"_n":1 }}"#.to_owned())
        );
    }

    #[test]
    fn no_body_is_an_empty_object() {
        let bare = Ok(r#"{"_n":"nonce","_appid":"wx1","_timestamp":1700000000}"#.to_owned());
        for body in ["", " ", "{}", "{ }"] {
            assert_eq!(sealable(&[], body), bare, "{body:?}");
        }
        for body in ["[]", "1", "\"a\"", "{", "{}{}", "\u{feff}{}"] {
            assert_eq!(sealable(&[], body), Err(NotSealable::NoObject), "{body:?}");
        }
    }

    #[test]
    fn no_name_is_there_twice() {
        let cases = [
            (&[][..], r#"{"a":1,"a":2}"#),
            (&[("a", "1")], r#"{"\u0061":2}"#),
            (&[("a", "1"), ("a", "1")], ""),
            (&[("_n", "1")], ""),
            (&[], r#"{"_appid":"wx2"}"#),
            (&[], r#"{"_timestamp":1}"#),
        ];
        for (query, body) in cases {
            assert_eq!(sealable(query, body), Err(NotSealable::Twice), "{query:?} {body}");
        }
    }

    #[test]
    fn an_answer_is_for_this_app_and_this_moment() {
        let all = r#"{"_appid":"wx1","_timestamp":1700000000,"errcode":0}"#;
        assert_eq!(answer(all), Ok(r#"{"errcode":0}"#.to_owned()));
        for (from, to) in [
            ("wx1", "wx2"),
            ("1700000000", "1700000001"),
            ("1700000000", "\"1700000000\""),
            ("_appid", "appid"),
            ("_timestamp", "timestamp"),
        ] {
            assert_eq!(answer(&all.replace(from, to)), Err(Refused), "{to}");
        }
        assert_eq!(answer("[]"), Err(Refused));
    }
}
