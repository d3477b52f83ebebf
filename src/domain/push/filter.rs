//! Which events a webhook wants. Rules for replies use the same filters.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::event::{Event, Kind};

/// Longer filters are refused.
pub const MAX_LENGTH: usize = 256;
/// How many filters a webhook may have.
pub const MAX_FILTERS: usize = 50;

/// Events of a kind, of a type, with a key that begins in some way. What is not said may be anything.
///
/// As text: `*`, `message`, `event.subscribe`, `event.CLICK:menu_`, and `text` or `CLICK:menu_` for a type of either
/// kind. Types are compared without case, keys exactly.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    kind: Option<Kind>,
    r#type: Option<String>,
    key_prefix: Option<String>,
}

/// A text that is no filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Longer than [`MAX_LENGTH`].
    #[error("a filter has at most 256 bytes")]
    Length,
    /// Neither of the forms.
    #[error(
        "a filter is `*`, `message`, `event`, or a type such as `text`, `message.text` or `event.CLICK`, with `:` and \
         the beginning of a key if wanted"
    )]
    Form,
    /// More than [`MAX_FILTERS`].
    #[error("there are at most 50 filters")]
    Number,
}

impl Filter {
    /// Whether it is about this event.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        let kind = self.kind.is_none_or(|kind| kind == event.kind);
        let r#type = self.r#type.as_ref();
        let r#type = r#type.is_none_or(|wanted| wanted.eq_ignore_ascii_case(&event.r#type));
        let key = self.key_prefix.as_ref();
        let key = key.is_none_or(|prefix| {
            event
                .key
                .as_ref()
                .is_some_and(|key| key.starts_with(prefix.as_str()))
        });
        kind && r#type && key
    }

    fn checked(self) -> Result<Self, Malformed> {
        let r#type = self.r#type.as_deref();
        let prefix = self.key_prefix.as_deref();
        if self.to_string().len() > MAX_LENGTH {
            return Err(Malformed::Length);
        }
        let is_word = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
        };
        let is_type = |text: &str| is_word(text) && kind(text).is_none();
        if r#type.is_some_and(|text| !is_type(text))
            || prefix.is_some_and(|text| text.chars().any(char::is_control))
        {
            return Err(Malformed::Form);
        }
        Ok(self)
    }
}

fn kind(text: &str) -> Option<Kind> {
    [Kind::Message, Kind::Event]
        .into_iter()
        .find(|kind| kind.as_str().eq_ignore_ascii_case(text))
}

impl FromStr for Filter {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        if text.len() > MAX_LENGTH {
            return Err(Malformed::Length);
        }
        let (which, key_prefix) = match text.split_once(':') {
            Some((which, prefix)) => (which, (!prefix.is_empty()).then(|| prefix.to_owned())),
            None => (text, None),
        };
        let (kind, r#type) = match which.split_once('.') {
            Some((kind_of, which)) => (Some(kind(kind_of).ok_or(Malformed::Form)?), which),
            None => match kind(which) {
                Some(kind) => (Some(kind), "*"),
                None => (None, which),
            },
        };
        let r#type = (r#type != "*").then(|| r#type.to_owned());
        Self {
            kind,
            r#type,
            key_prefix,
        }
        .checked()
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, &self.r#type) {
            (None, None) => f.write_str("*")?,
            (None, Some(r#type)) => f.write_str(r#type)?,
            (Some(kind), None) => f.write_str(kind.as_str())?,
            (Some(kind), Some(r#type)) => write!(f, "{}.{type}", kind.as_str())?,
        }
        match &self.key_prefix {
            Some(prefix) => write!(f, ":{prefix}"),
            None => Ok(()),
        }
    }
}

impl Serialize for Filter {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The other form of a filter: with members.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    kind: Option<Kind>,
    r#type: Option<String>,
    event: Option<String>,
    key_prefix: Option<String>,
}

impl TryFrom<Members> for Filter {
    type Error = Malformed;

    fn try_from(members: Members) -> Result<Self, Malformed> {
        // `type` may also be a kind, as WeChat's MsgType is `event` for all events.
        let named = members.r#type.as_deref().and_then(kind);
        let r#type = members.r#type.filter(|r#type| named.is_none() && r#type != "*");
        let event = members.event.as_ref().map(|_| Kind::Event);
        let mut kinds = [members.kind, named, event].into_iter().flatten();
        let kind = kinds.next();
        if kinds.any(|other| Some(other) != kind) || (r#type.is_some() && members.event.is_some()) {
            return Err(Malformed::Form);
        }
        let r#type = r#type.or(members.event.filter(|event| event != "*"));
        let key_prefix = members.key_prefix.filter(|prefix| !prefix.is_empty());
        Self {
            kind,
            r#type,
            key_prefix,
        }
        .checked()
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either)
    }
}

/// Reads a filter from its text or from members.
struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = Filter;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a filter: a text, or an object with `kind`, `type` or `event`, and `key_prefix`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Filter, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Filter, A::Error> {
        let members = Members::deserialize(de::value::MapAccessDeserializer::new(members))?;
        members.try_into().map_err(de::Error::custom)
    }
}

/// Several filters: events that one of them is about. Without any, all events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Filter>", into = "Vec<Filter>")]
pub struct Filters(Vec<Filter>);

impl Filters {
    /// Whether one of them is about this event.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        self.0.is_empty() || self.0.iter().any(|filter| filter.matches(event))
    }

    /// Each.
    pub fn iter(&self) -> std::slice::Iter<'_, Filter> {
        self.0.iter()
    }

    /// Whether there are none, so that all events match.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> IntoIterator for &'a Filters {
    type Item = &'a Filter;
    type IntoIter = std::slice::Iter<'a, Filter>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl TryFrom<Vec<Filter>> for Filters {
    type Error = Malformed;

    fn try_from(filters: Vec<Filter>) -> Result<Self, Malformed> {
        if filters.len() > MAX_FILTERS {
            Err(Malformed::Number)
        } else {
            Ok(Self(filters))
        }
    }
}

impl From<Filters> for Vec<Filter> {
    fn from(filters: Filters) -> Self {
        filters.0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::push::payload::Payload;

    fn event(members: &serde_json::Value) -> Event {
        let payload = Payload::parse(members.to_string().as_bytes()).unwrap();
        let (app, app_id) = ("shop".parse().unwrap(), "wx1".parse().unwrap());
        Event::normalise(&app, &app_id, "evt_1".to_owned(), 0, payload).unwrap()
    }

    #[test]
    fn a_filter_matches_what_it_says() {
        let text = event(&json!({"MsgType": "text", "Content": "hello"}));
        let click = event(&json!({"MsgType": "event", "Event": "CLICK", "EventKey": "menu_1"}));
        let other = event(&json!({"MsgType": "event", "Event": "CLICK", "EventKey": "Menu_1"}));
        let follow = event(&json!({"MsgType": "event", "Event": "subscribe", "EventKey": ""}));
        for (filter, expected) in [
            ("*", [true, true, true, true]),
            ("message", [true, false, false, false]),
            ("message.*", [true, false, false, false]),
            ("Message.TEXT", [true, false, false, false]),
            ("message.subscribe", [false, false, false, false]),
            ("event", [false, true, true, true]),
            ("event.*", [false, true, true, true]),
            ("event.click", [false, true, true, false]),
            ("event.CLICK:menu_", [false, true, false, false]),
            ("CLICK:menu_1", [false, true, false, false]),
            ("CLICK:menu_12", [false, false, false, false]),
            ("event:Menu", [false, false, true, false]),
            ("*:menu_1", [false, true, false, false]),
            ("event.CLICK:", [false, true, true, false]),
            ("text", [true, false, false, false]),
            ("SUBSCRIBE", [false, false, false, true]),
            ("subscribe:x", [false, false, false, false]),
        ] {
            let parsed: Filter = filter.parse().unwrap();
            let found = [&text, &click, &other, &follow].map(|event| parsed.matches(event));
            assert_eq!(found, expected, "{filter}");
        }
    }

    #[test]
    fn a_key_may_have_colons_and_dots() {
        let view =
            event(&json!({"MsgType": "event", "Event": "VIEW", "EventKey": "https://a.example/x.html"}));
        let filter: Filter = "event.VIEW:https://a.example/".parse().unwrap();
        assert!(filter.matches(&view));
        assert!("VIEW:https://a.".parse::<Filter>().unwrap().matches(&view));
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for text in [
            "",
            " ",
            ":",
            ":x",
            ".",
            "message.",
            ".text",
            "events.subscribe",
            "a.b",
            "event.a.b",
            "event.message",
            "te xt",
            "text,image",
            "文",
            "**",
            "event.CLICK:a\nb",
            "message.event",
        ] {
            assert_eq!(text.parse::<Filter>(), Err(Malformed::Form), "{text:?}");
        }
        let longest = format!("CLICK:{}", "k".repeat(MAX_LENGTH - 6));
        assert!(longest.parse::<Filter>().is_ok());
        assert_eq!(format!("{longest}k").parse::<Filter>(), Err(Malformed::Length));
    }

    #[test]
    fn filters_are_texts_in_json_and_may_be_written_as_objects() {
        for (written, text) in [
            (json!("*"), "*"),
            (json!({}), "*"),
            (json!("message.*"), "message"),
            (json!("event.CLICK:menu_"), "event.CLICK:menu_"),
            (json!({"type": "text"}), "text"),
            (json!({"type": "event"}), "event"),
            (json!({"type": "event", "event": "CLICK"}), "event.CLICK"),
            (
                json!({"event": "CLICK", "key_prefix": "menu_"}),
                "event.CLICK:menu_",
            ),
            (
                json!({"kind": "event", "type": "CLICK", "key_prefix": ""}),
                "event.CLICK",
            ),
            (json!({"kind": "message", "type": "*"}), "message"),
            (json!({"kind": null, "type": null, "event": "*"}), "event"),
            (json!({"key_prefix": "a:b"}), "*:a:b"),
        ] {
            let filter: Filter = serde_json::from_value(written.clone()).unwrap();
            assert_eq!(json!(filter), json!(text), "{written}");
            assert_eq!(text.parse::<Filter>().unwrap(), filter, "{written}");
        }
        for wrong in [
            json!({"kind": "message", "event": "CLICK"}),
            json!({"kind": "event", "type": "message"}),
            json!({"type": "text", "event": "CLICK"}),
            json!({"kind": "other"}),
            json!({"types": "text"}),
            json!({"type": ""}),
            json!({"type": "a.b"}),
            json!({"key_prefix": "k".repeat(MAX_LENGTH)}),
            json!(1),
            json!(null),
            json!([]),
        ] {
            assert!(
                serde_json::from_value::<Filter>(wrong.clone()).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn there_are_at_most_fifty_filters_and_none_means_all() {
        let text = event(&json!({"MsgType": "text"}));
        assert!(Filters::default().matches(&text));
        let filters: Filters = serde_json::from_value(json!(["event", {"type": "image"}])).unwrap();
        assert!(!filters.matches(&text));
        assert_eq!(json!(filters), json!(["event", "image"]));
        assert!(serde_json::from_value::<Filters>(json!(vec!["*"; MAX_FILTERS])).is_ok());
        assert!(serde_json::from_value::<Filters>(json!(vec!["*"; MAX_FILTERS + 1])).is_err());
    }
}
