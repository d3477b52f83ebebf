//! What a document and its indexes may hold: rules that both engines share, checked before either sees the
//! document, so that no engine takes what the other refuses.

use serde_json::{Map, Value};

use super::engine::{Error, Key, Result};
use super::record::Collection;

/// The largest document, in bytes of its BSON form: a megabyte below what `MongoDB` takes.
pub const MAX_DOCUMENT: usize = 15 * 1024 * 1024;
/// The longest id and the longest text in an index, in bytes.
pub const MAX_KEY: usize = 4096;
/// How deep objects and arrays may be nested.
pub const MAX_DEPTH: usize = 64;

/// A document that keeps all the rules, ready to be written.
pub(super) struct Entry {
    pub(super) id: String,
    /// Without members that are null.
    pub(super) fields: Map<String, Value>,
    /// The value of the member that the collection declares as its expiry.
    pub(super) expires_at: Option<i64>,
}

/// A rule that was broken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// See [`MAX_DOCUMENT`].
    #[error("a document of {size} bytes is larger than {MAX_DOCUMENT} bytes")]
    TooLarge {
        /// Its size.
        size: usize,
    },
    /// See [`MAX_DEPTH`].
    #[error("a document is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// See [`MAX_KEY`].
    #[error("the id is longer than {MAX_KEY} bytes")]
    LongId,
    /// See [`MAX_KEY`].
    #[error("the indexed member {member} is longer than {MAX_KEY} bytes")]
    LongKey {
        /// The member.
        member: &'static str,
    },
    /// Only texts and integers can be in an index.
    #[error("the indexed member {member} is neither a text nor an integer")]
    OddKey {
        /// The member.
        member: &'static str,
    },
    /// The moment of expiry is an integer.
    #[error("the expiry {member} is not an integer")]
    OddExpiry {
        /// The member.
        member: &'static str,
    },
    /// The names that the engines or `MongoDB` keep for themselves.
    #[error("a member's name begins with _ or $")]
    ReservedName,
    /// BSON cannot write such a name.
    #[error("a member's name contains a NUL character")]
    NulInName,
    /// BSON has no integers beyond 64 bits with sign.
    #[error("an integer is larger than 64 bits with sign can hold")]
    LargeInteger,
    /// The search does not fit its index.
    #[error("a search over {index} {what}")]
    Search {
        /// The index.
        index: &'static str,
        /// What is wrong.
        what: &'static str,
    },
    /// A name in a declaration that would have to be quoted somewhere.
    #[error("{name:?} in a declaration is not made of letters, digits and _")]
    OddName {
        /// The name.
        name: &'static str,
    },
}

impl Entry {
    /// Checks a document against the rules.
    pub(super) fn new(
        collection: &'static Collection,
        id: String,
        mut fields: Map<String, Value>,
    ) -> Result<Self> {
        fields.retain(|_, value| !value.is_null());
        match check(collection, &id, &fields) {
            Ok(expires_at) => Ok(Self {
                id,
                fields,
                expires_at,
            }),
            Err(broken) => Err(refused(collection, broken)),
        }
    }
}

/// The value of an indexed member, as far as it can be in an index.
pub(super) fn key(value: &Value) -> Option<Key> {
    match value {
        Value::String(text) => Some(Key::Text(text.clone())),
        Value::Number(number) => number.as_i64().map(Key::Int),
        _ => None,
    }
}

pub(super) fn refused(collection: &'static Collection, broken: Broken) -> Error {
    Error::Refused {
        collection: collection.name,
        cause: Box::new(broken),
    }
}

/// Checks the names of a declaration; the engines write them into statements as they are.
pub(super) fn declaration(collection: &'static Collection) -> Result<()> {
    let members = collection.indexes.iter().flat_map(|index| index.fields);
    let names = [collection.name]
        .into_iter()
        .chain(collection.indexes.iter().map(|index| index.name))
        .chain(members.copied())
        .chain(collection.expires);
    for name in names {
        let plain = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !plain || name.is_empty() || name.starts_with('_') || name.starts_with("sqlite") {
            return Err(refused(collection, Broken::OddName { name }));
        }
    }
    Ok(())
}

fn check(
    collection: &'static Collection,
    id: &str,
    fields: &Map<String, Value>,
) -> Result<Option<i64>, Broken> {
    if id.len() > MAX_KEY {
        return Err(Broken::LongId);
    }
    if fields.keys().any(|name| name.starts_with(['_', '$'])) {
        return Err(Broken::ReservedName);
    }
    for member in collection.indexes.iter().flat_map(|index| index.fields) {
        match fields.get(*member).map(key) {
            Some(None) => return Err(Broken::OddKey { member }),
            Some(Some(Key::Text(text))) if text.len() > MAX_KEY => return Err(Broken::LongKey { member }),
            _ => {}
        }
    }
    let size = size_of_object(fields, 1)? + id.len();
    if size > MAX_DOCUMENT {
        return Err(Broken::TooLarge { size });
    }
    let Some(member) = collection.expires else {
        return Ok(None);
    };
    match fields.get(member) {
        None => Ok(None),
        Some(value) => value.as_i64().map(Some).ok_or(Broken::OddExpiry { member }),
    }
}

fn size_of_object(fields: &Map<String, Value>, depth: usize) -> Result<usize, Broken> {
    let mut size = 5;
    for (name, value) in fields {
        if name.contains('\0') {
            return Err(Broken::NulInName);
        }
        size += 2 + name.len() + size_of(value, depth)?;
    }
    Ok(size)
}

/// The size of a value in BSON, where the members of an array are named by their decimal index.
fn size_of(value: &Value, depth: usize) -> Result<usize, Broken> {
    if depth > MAX_DEPTH {
        return Err(Broken::TooDeep);
    }
    Ok(match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(number) if number.is_u64() && !number.is_i64() => return Err(Broken::LargeInteger),
        Value::Number(_) => 8,
        Value::String(text) => 5 + text.len(),
        Value::Object(fields) => size_of_object(fields, depth + 1)?,
        Value::Array(values) => {
            let mut size = 5;
            for (index, value) in values.iter().enumerate() {
                let digits = index.checked_ilog10().unwrap_or(0) as usize + 1;
                size += 2 + digits + size_of(value, depth + 1)?;
            }
            size
        }
    })
}
