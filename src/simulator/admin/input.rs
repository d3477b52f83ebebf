//! Reading what the admin API is sent, with bounds on every text and list.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::AdminError;

/// A JSON body; an empty one counts as `{}`. The content type is not looked at, so that curl needs none.
pub(crate) fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, AdminError> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes).map_err(|error| AdminError::Invalid(format!("body: {error}")))
}

/// A query.
pub(crate) fn query<T: DeserializeOwned>(text: &str) -> Result<T, AdminError> {
    serde_urlencoded::from_str(text).map_err(|error| AdminError::Invalid(format!("query: {error}")))
}

/// Refuses what is not an id: 1 to 64 of `[0-9A-Za-z_-]`.
pub(crate) fn check_id(what: &str, id: &str) -> Result<(), AdminError> {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if (1..=64).contains(&id.len()) && id.bytes().all(fine) {
        return Ok(());
    }
    Err(AdminError::Invalid(format!(
        "{what} has 1 to 64 letters, digits, - or _"
    )))
}

/// Refuses a text of too many bytes.
pub(crate) fn check_length(what: &str, text: &str, most: usize) -> Result<(), AdminError> {
    if text.len() <= most {
        return Ok(());
    }
    Err(AdminError::Invalid(format!("{what} has at most {most} bytes")))
}

/// Refuses a list of too many things.
pub(crate) fn check_count(what: &str, count: usize, most: usize) -> Result<(), AdminError> {
    if count <= most {
        return Ok(());
    }
    Err(AdminError::Invalid(format!("{what} has at most {most} entries")))
}

/// Which part of a list is wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    /// How many to skip.
    #[serde(default)]
    pub(crate) offset: usize,
    /// How many to show, at most 1000.
    #[serde(default = "hundred")]
    pub(crate) limit: usize,
}

fn hundred() -> usize {
    100
}

impl Page {
    /// The wanted part.
    pub(crate) fn of<T>(&self, all: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        all.skip(self.offset).take(self.limit.min(1_000))
    }
}
