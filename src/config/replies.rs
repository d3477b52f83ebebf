//! `[[apps.replies]]`: an app's rules for replies. What a rule may be is `domain/push/rule.rs`' matter.

use serde::Deserialize as _;
use toml::Table;

use super::AppKind;
use super::reader::Reader;
use crate::domain::push::rule::{MEMBERS, Rule};

/// The rules in the list of tables at `path`, for an app of this kind if that is known.
pub(super) fn read(reader: &mut Reader<'_>, path: &str, kind: Option<AppKind>) -> Vec<Rule> {
    let count = reader.count(path);
    let rules = (0..count).filter_map(|index| rule(reader, &format!("{path}.{index}"), kind));
    rules.collect()
}

fn rule(reader: &mut Reader<'_>, path: &str, kind: Option<AppKind>) -> Option<Rule> {
    // Member by member, so that others are told as keys that do not exist, like everywhere in the file.
    let members = MEMBERS.iter().filter_map(|name| {
        let value = reader.anything(&format!("{path}.{name}"))?;
        Some(((*name).to_owned(), value.clone()))
    });
    let table: Table = members.collect();
    let read = Rule::deserialize(table).map_err(|error| error.message().to_owned());
    let checked = read.and_then(|rule| match rule.check(kind == Some(AppKind::Mini)) {
        Ok(()) => Ok(rule),
        Err(error) => Err(error.to_string()),
    });
    checked
        .map_err(|problem| reader.problem(path, format!("is no rule: {problem}")))
        .ok()
}
