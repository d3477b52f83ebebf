//! Collects what is wrong with a request. Each rule is WeChat's; what it says itself is an errcode for one of them.

use serde_json::{Map, Value};

use super::Error;

/// Problems, one text for each.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<String>);

impl Problems {
    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.0.push(text.into());
    }

    /// Notes a problem unless something holds.
    pub(super) fn demand(&mut self, holds: bool, text: &str) {
        if !holds {
            self.note(text);
        }
    }

    /// A text of 1 to `most` characters, none of which is a control character.
    pub(super) fn line(&mut self, name: &str, text: &str, most: usize) {
        if text.is_empty() || text.chars().count() > most {
            self.note(format!("{name} must have 1 to {most} characters"));
        } else if text.chars().any(char::is_control) {
            self.note(format!("{name} must not have line breaks or control characters"));
        }
    }

    /// As [`Self::line`], with line breaks and tabs.
    pub(super) fn text(&mut self, name: &str, text: &str, most: usize) {
        let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if text.is_empty() || text.chars().count() > most {
            self.note(format!("{name} must have 1 to {most} characters"));
        } else if text.chars().any(odd) {
            self.note(format!("{name} must not have control characters"));
        }
    }

    /// An address of the web.
    pub(super) fn address(&mut self, name: &str, text: &str, most: usize) {
        let parsed = url::Url::parse(text);
        let web = parsed.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !web || text.len() > most || text.chars().any(|c| c.is_control() || c == ' ') {
            self.note(format!(
                "{name} must be an http or https address of at most {most} bytes"
            ));
        }
    }

    /// The page of a mini program, with its query.
    pub(super) fn page(&mut self, name: &str, text: &str) {
        self.line(name, text, 1024);
    }

    /// `{"thing1": {"value": "…", "color": "#173177"}, …}`: what a template's places are filled with.
    pub(super) fn places(&mut self, data: &Map<String, Value>) {
        if data.is_empty() || data.len() > 20 {
            self.note("data must have 1 to 20 members");
        }
        for (name, place) in data {
            let named = (1..=64).contains(&name.len())
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let Some(members) = place.as_object().filter(|_| named) else {
                self.note(format!(
                    "data.{name} must be an object {{\"value\": …}} under a template's name"
                ));
                continue;
            };
            match members.get("value").and_then(Value::as_str) {
                Some(value) => self.text(&format!("data.{name}.value"), value, 512),
                None => self.note(format!("data.{name}.value must be a text")),
            }
            for (other, value) in members.iter().filter(|(other, _)| *other != "value") {
                if other == "color" && value.as_str().is_some_and(is_color) {
                    continue;
                }
                self.note(match other.as_str() {
                    "color" => format!("data.{name}.color must be a text such as #173177"),
                    other => format!("data.{name} has no member {other:?}"),
                });
            }
        }
    }

    /// `value`, unless something was wrong.
    pub(super) fn finish<T>(self, value: T) -> Result<T, Error> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(Error::Invalid(self.0))
        }
    }
}

fn is_color(text: &str) -> bool {
    let digits = text.strip_prefix('#').unwrap_or_default();
    digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Puts a member into an object if there is a value for it.
pub(super) fn put(object: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), value.into());
    }
}
