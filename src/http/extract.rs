//! What requests carry, checked: JSON objects member by member, and queries whose parameters come once. What the
//! values mean is not decided here.

use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::edge::body;
use super::error::{ApiError, missing};
use crate::state::State;

/// A JSON object, whose members are taken out one by one; what is wrong with them is collected.
#[derive(Debug)]
pub struct Fields {
    members: Map<String, Value>,
    problems: Vec<String>,
}

impl Fields {
    /// Whether the text of this name is absent, null or empty.
    #[must_use]
    pub fn lacks(&self, name: &str) -> bool {
        match self.members.get(name) {
            None | Some(Value::Null) => true,
            Some(Value::String(text)) => text.is_empty(),
            Some(_) => false,
        }
    }

    /// Whether there is a member of this name, be it null.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// A text of 1 to `most` bytes that must be there.
    pub fn text(&mut self, name: &str, most: usize) -> Option<String> {
        match self.members.remove(name) {
            None | Some(Value::Null) => self.problem(missing(name)),
            Some(Value::String(text)) if text.is_empty() => self.problem(missing(name)),
            Some(Value::String(text)) if text.len() > most => {
                self.problem(format!("{name}字段不能超过{most}字节"))
            }
            Some(Value::String(text)) => Some(text),
            Some(_) => self.problem(format!("{name}字段必须是字符串")),
        }
    }

    /// A text that must be there and parse.
    pub fn parse<T: FromStr>(&mut self, name: &str, most: usize) -> Option<T> {
        let text = self.text(name, most)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(_) => self.problem(format!("{name}字段不合法")),
        }
    }

    /// A text that may be absent, null or empty, which is nothing.
    pub fn optional_text(&mut self, name: &str, most: usize) -> Option<String> {
        if self.lacks(name) {
            return None;
        }
        self.text(name, most)
    }

    /// A member that knows by itself how it is written; nothing if it is absent or null.
    pub fn read<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        match self.members.remove(name) {
            None | Some(Value::Null) => None,
            Some(value) => match serde_json::from_value(value) {
                Ok(value) => Some(value),
                Err(error) => self.problem(format!("{name}: {error}")),
            },
        }
    }

    /// All members that were not taken out yet, as one value that knows by itself how it is written.
    pub fn rest<T: DeserializeOwned>(&mut self) -> Option<T> {
        let rest = Value::Object(std::mem::take(&mut self.members));
        match serde_json::from_value(rest) {
            Ok(value) => Some(value),
            Err(error) => self.problem(error.to_string()),
        }
    }

    /// A whole number that must be there.
    pub fn integer(&mut self, name: &str) -> Option<i64> {
        match self.members.remove(name) {
            None | Some(Value::Null) => self.problem(missing(name)),
            Some(value) => match value.as_i64() {
                Some(number) => Some(number),
                None => self.problem(format!("{name}字段必须是整数")),
            },
        }
    }

    /// Yes or no; nothing if it is not there.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        match self.members.remove(name) {
            None | Some(Value::Null) => None,
            Some(Value::Bool(flag)) => Some(flag),
            Some(_) => self.problem(format!("{name}字段必须是布尔值")),
        }
    }

    /// Notes a problem with the request.
    pub fn problem<T>(&mut self, text: String) -> Option<T> {
        self.problems.push(text);
        None
    }

    /// `value`, unless something was wrong.
    ///
    /// # Errors
    /// All problems noted.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, ApiError> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(ApiError::Invalid(self.problems)),
        }
    }
}

impl FromRequest for Fields {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = is_json(request);
        let limit = request
            .app_data::<web::Data<State>>()
            .map_or(0, |state| state.config.server.limits.body);
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let body = body::read(&request, &mut payload, if is_json { limit } else { 0 }).await;
            // Whatever it calls itself, it is not read.
            if !is_json && body.as_ref().map_or(true, |body| !body.is_empty()) {
                return Err(ApiError::UnsupportedType);
            }
            let body = body?;
            // No body is an object without members: the route says which one it misses.
            if body.is_empty() {
                return Ok(Self {
                    members: Map::new(),
                    problems: Vec::new(),
                });
            }
            let parsed: Value = serde_json::from_slice(&body)
                .map_err(|_| ApiError::Invalid(vec!["the body is not valid JSON".to_owned()]))?;
            match parsed {
                Value::Object(members) => Ok(Self {
                    members,
                    problems: Vec::new(),
                }),
                _ => Err(ApiError::Invalid(vec![
                    "the body must be a JSON object".to_owned(),
                ])),
            }
        })
    }
}

/// An absent content type counts as JSON: the routes take nothing else, and hand-made clients forget it.
fn is_json(request: &HttpRequest) -> bool {
    let Some(value) = request.headers().get(header::CONTENT_TYPE) else {
        return true;
    };
    let essence = value
        .to_str()
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// The parameters of a query, decoded as forms are.
#[derive(Debug)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the request's query.
    ///
    /// # Errors
    /// If an escape is malformed or does not yield UTF-8.
    pub fn read(request: &HttpRequest) -> Result<Self, ApiError> {
        Self::parse(request.query_string())
    }

    /// Reads what follows the `?`.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(raw: &str) -> Result<Self, ApiError> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(raw).map_err(|_| malformed())?;
        let clean = pairs
            .iter()
            .all(|(name, value)| is_clean(name) && is_clean(value));
        if well_escaped(raw) && clean {
            Ok(Self(pairs))
        } else {
            Err(malformed())
        }
    }

    /// The value of a parameter that may be absent.
    ///
    /// # Errors
    /// As [`Self::once`], if it is there.
    pub fn at_most_once(&self, name: &str, most: usize) -> Result<Option<String>, ApiError> {
        let is_there = self.0.iter().any(|(given, _)| given == name);
        is_there.then(|| self.once(name, most)).transpose()
    }

    /// How many of a list are wanted: `limit`, from 1 to `most`, which it is if it is absent.
    ///
    /// # Errors
    /// If it is none of these.
    pub fn limit(&self, most: usize) -> Result<usize, ApiError> {
        let Some(text) = self.at_most_once("limit", 3)? else {
            return Ok(most);
        };
        let limit = text.parse().ok().filter(|limit| (1..=most).contains(limit));
        limit.ok_or_else(|| ApiError::Invalid(vec![format!("limit must be a number from 1 to {most}")]))
    }

    /// The value of a parameter that must be there exactly once, with 1 to `most` bytes.
    ///
    /// # Errors
    /// If it is not.
    pub fn once(&self, name: &str, most: usize) -> Result<String, ApiError> {
        let mut found = self
            .0
            .iter()
            .filter(|(given, _)| given == name)
            .map(|(_, value)| value);
        let value = found
            .next()
            .filter(|value| !value.is_empty())
            .ok_or_else(|| ApiError::missing(name))?;
        if found.next().is_some() {
            return Err(ApiError::Invalid(vec![format!("{name} is given more than once")]));
        }
        if value.len() > most {
            return Err(ApiError::Invalid(vec![format!(
                "{name} is longer than {most} bytes"
            )]));
        }
        Ok(value.clone())
    }

    /// A parameter that is `true`, `false`, or not there, which is no.
    ///
    /// # Errors
    /// If it is something else, or there more than once.
    pub fn flag(&self, name: &str) -> Result<bool, ApiError> {
        if !self.0.iter().any(|(given, _)| given == name) {
            return Ok(false);
        }
        match self.once(name, 5)?.as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(ApiError::Invalid(vec![format!("{name} must be true or false")])),
        }
    }
}

/// What encodeURIComponent never leaves as it is: one of these shows that (a part of) an address was not encoded.
const RESERVED: [char; 11] = [':', '/', '?', '=', '#', '@', ',', ';', '$', '[', ']'];

/// The parameter `url` of `/jsapi`, percent-decoded once and otherwise untouched: `+` stays `+`.
///
/// The address has a query of its own, so an address that was not encoded must be the last parameter: what
/// follows it after `&` might belong to it, and a guess would sign another page.
///
/// # Errors
/// If it is missing, repeated, ambiguous or malformed.
pub fn page_parameter(query: &str) -> Result<String, ApiError> {
    let mut values = query.split('&').filter_map(|pair| pair.strip_prefix("url="));
    let value = values
        .next()
        .filter(|value| !value.is_empty())
        .ok_or_else(|| ApiError::missing("url"))?;
    if values.next().is_some() {
        return Err(ApiError::Invalid(vec!["url is given more than once".to_owned()]));
    }
    let is_encoded = !value.contains(RESERVED);
    let is_last = last_parameter(query) == value;
    if !is_encoded && !is_last {
        let hint = "url is followed by another parameter, which might be part of it: \
                    send url=encodeURIComponent(location.href.split('#')[0])";
        return Err(ApiError::Invalid(vec![hint.to_owned()]));
    }
    if !well_escaped(value) {
        return Err(malformed());
    }
    percent_decode_str(value)
        .decode_utf8()
        .map(Into::into)
        .map_err(|_| malformed())
}

fn last_parameter(query: &str) -> &str {
    let last = query.rsplit('&').next().unwrap_or_default();
    last.strip_prefix("url=").unwrap_or_default()
}

fn well_escaped(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| {
        rest.as_bytes()
            .get(..2)
            .is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    })
}

/// Decoding puts U+FFFD where the bytes are no UTF-8; control characters have no place in any parameter.
fn is_clean(text: &str) -> bool {
    !text.chars().any(|c| c == '\u{FFFD}' || c.is_control())
}

fn malformed() -> ApiError {
    ApiError::Invalid(vec!["the query is malformed".to_owned()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_decoded_once_and_otherwise_untouched() {
        for (query, page) in [
            (
                "url=https%3A%2F%2Fa.b%2F%3Fx%3D1%26y%3D2%23f",
                "https://a.b/?x=1&y=2#f",
            ),
            ("url=https://a.b/?x=1", "https://a.b/?x=1"),
            ("url=https://a.b/+%2B", "https://a.b/++"),
            (
                "url=https%3A%2F%2Fa.b%2F%25E4%25B8%25AD%2B",
                "https://a.b/%E4%B8%AD+",
            ),
            ("url=https%3A%2F%2Fa.b%2F%E4%B8%AD", "https://a.b/中"),
            ("_=1&url=https%3A%2F%2Fa.b", "https://a.b"),
            ("url=https%3A%2F%2Fa.b&_=1", "https://a.b"),
            ("v=1&url=https://a.b/?c=d", "https://a.b/?c=d"),
            ("url=https%3A%2F%2Fa.b%2Fp?x=1", "https://a.b/p?x=1"),
            ("url=https%3A%2F%2Fa.b%2F+!'()*~-._&_=1", "https://a.b/+!'()*~-._"),
        ] {
            assert_eq!(page_parameter(query).unwrap(), page, "{query}");
        }
        for query in [
            "",
            "url=",
            "url",
            "uri=x",
            "url=https://a.b/?x=1&y=2",
            "url=https%3A%2F%2Fa.b%2Fp?x=1&y=2",
            "url=https%3A%2F%2Fa.b%2F%3Fx=1&y=2",
            "url=https%3A%2F%2Fa.b%2F,&y=2",
            "url=https%3A%2F%2Fa.b%2F[1]&y=2",
            "url=a%3A&url=b",
            "url=%",
            "url=%zz",
            "url=%E4%B8",
        ] {
            assert!(page_parameter(query).is_err(), "{query}");
        }
    }
}
