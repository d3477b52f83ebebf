//! A store in memory that is simple enough to be believed. What is done to it, and to the engines, is in `property`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use wxgate::domain::time::Timestamp;
use wxgate::store::{Find, Index, Key, Order};

use super::stage::{BY_EMAIL, BY_PAIR};

#[derive(Default)]
pub(super) struct Model {
    pub(super) documents: BTreeMap<String, (i64, Map<String, Value>)>,
    /// Some have expired. An engine may or may not have removed them.
    pub(super) some_expired: bool,
}

impl Model {
    pub(super) fn purge(&mut self, now: Timestamp) {
        let live = |fields: &Map<String, Value>| {
            fields
                .get("until")
                .is_none_or(|until| until.as_i64() > Some(now.millis()))
        };
        let before = self.documents.len();
        self.documents.retain(|_, (_, fields)| live(fields));
        self.some_expired |= self.documents.len() < before;
    }

    fn collides(&self, id: &str, fields: &Map<String, Value>) -> Option<&'static str> {
        let same = |index: &Index| {
            let others = self.documents.iter().filter(|(other, _)| *other != id);
            let ours = values(fields, index);
            ours.is_some()
                && others
                    .into_iter()
                    .any(|(_, (_, other))| values(other, index) == ours)
        };
        [&BY_EMAIL, &BY_PAIR]
            .into_iter()
            .find(|index| same(index))
            .map(|index| index.name)
    }

    pub(super) fn insert(&mut self, id: &str, fields: &Map<String, Value>) -> Result<(), &'static str> {
        if self.documents.contains_key(id) {
            return Err("id");
        }
        if let Some(index) = self.collides(id, fields) {
            return Err(index);
        }
        self.documents.insert(id.to_owned(), (1, fields.clone()));
        Ok(())
    }

    pub(super) fn replace(
        &mut self,
        id: &str,
        version: i64,
        fields: &Map<String, Value>,
    ) -> Result<bool, &'static str> {
        if self
            .documents
            .get(id)
            .is_none_or(|(stored, _)| *stored != version)
        {
            return Ok(false);
        }
        if let Some(index) = self.collides(id, fields) {
            return Err(index);
        }
        self.documents
            .insert(id.to_owned(), (version + 1, fields.clone()));
        Ok(true)
    }

    pub(super) fn find(&self, find: &Find) -> Vec<String> {
        let mut found: Vec<(Key, String)> = Vec::new();
        for (id, (_, fields)) in &self.documents {
            let Some(keys) = values(fields, find.index) else {
                continue;
            };
            let last = keys.last().unwrap().clone();
            let within = keys.starts_with(&find.equal)
                && find.from.as_ref().is_none_or(|from| last >= *from)
                && find.until.as_ref().is_none_or(|until| last < *until);
            if within {
                found.push((last, id.clone()));
            }
        }
        found.sort();
        if find.order == Order::Descending {
            found.reverse();
        }
        let behind = |place: &(Key, String)| match (&find.after, find.order) {
            (None, _) => true,
            (Some(after), Order::Ascending) => place > after,
            (Some(after), Order::Descending) => place < after,
        };
        let ids = found.into_iter().filter(behind).map(|(_, id)| id);
        ids.take(find.limit).collect()
    }

    pub(super) fn delete_before(&mut self, before: i64, limit: usize) -> usize {
        let mut old: Vec<(i64, String)> = self
            .documents
            .iter()
            .filter_map(|(id, (_, fields))| Some((fields.get("rank")?.as_i64()?, id.clone())))
            .filter(|(rank, _)| *rank < before)
            .collect();
        old.sort();
        old.truncate(limit);
        for (_, id) in &old {
            self.documents.remove(id);
        }
        old.len()
    }
}

/// The document's values in an index, if it has them all.
fn values(fields: &Map<String, Value>, index: &Index) -> Option<Vec<Key>> {
    let key = |name: &&str| match fields.get(*name)? {
        Value::String(text) => Some(Key::Text(text.clone())),
        other => other.as_i64().map(Key::Int),
    };
    index.fields.iter().map(key).collect()
}
