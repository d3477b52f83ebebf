//! Lays the user's file over the compiled-in defaults and the environment over both. Nothing is interpreted here.

use std::collections::BTreeSet;
use std::path::Path;

use toml::{Table, Value};

use super::problem::Problem;

/// The defaults: the documented `config.toml` of the repository.
pub(super) const DEFAULTS: &str = include_str!("../../config.toml");
pub(super) const PREFIX: &str = "WXGATE__";
const MAX_FILE: u64 = 1024 * 1024;

/// The merged table. Problems that prevent reading a layer are collected.
pub(super) fn merge(
    file: Option<&Path>,
    env: impl Iterator<Item = (String, String)>,
    problems: &mut Vec<Problem>,
) -> Table {
    let mut root = defaults();
    if let Some(path) = file {
        match read(path) {
            Ok(table) => overlay(&mut root, table),
            Err(error) => problems.push(Problem::new(path.display().to_string(), error)),
        }
    }
    let mut variables: Vec<_> = env.filter(|(name, _)| name.starts_with(PREFIX)).collect();
    variables.sort();
    let given: BTreeSet<String> = variables
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, _)| name.to_lowercase())
        .collect();
    for (name, value) in variables {
        let lower = name.to_lowercase();
        // Both by environment is a contradiction, which the reader tells.
        let alone = given.contains(&lower) && !given.contains(&twin(&lower));
        if let Err(text) = set_variable(&mut root, &name, value, alone) {
            problems.push(Problem::new(name, text));
        }
    }
    root
}

/// The other way to give a secret: `key_file` for `key`, and the reverse.
fn twin(key: &str) -> String {
    match key.strip_suffix("_file") {
        Some(inline) => inline.to_owned(),
        None => format!("{key}_file"),
    }
}

fn defaults() -> Table {
    DEFAULTS
        .parse()
        .expect("the compiled-in defaults are valid TOML, which a test proves")
}

fn read(path: &Path) -> Result<Table, String> {
    let size = std::fs::metadata(path)
        .map_err(|error| format!("cannot be read: {error}"))?
        .len();
    if size > MAX_FILE {
        return Err(format!("is larger than {MAX_FILE} bytes"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
    text.parse().map_err(|error: toml::de::Error| {
        // The library's own text quotes the line, and with it perhaps a secret.
        let before = error
            .span()
            .and_then(|span| text.get(..span.start))
            .unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        format!("is not valid TOML, line {line}: {}", error.message())
    })
}

fn overlay(under: &mut Table, over: Table) {
    // A secret that is given one way overrides what a lower layer gives the other way. Empty counts as absent.
    for (key, value) in &over {
        let other = twin(key);
        if value.as_str().is_some_and(|text| !text.is_empty()) && !over.contains_key(&other) {
            under.remove(&other);
        }
    }
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(value)) => overlay(inner, value),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

/// Puts `WXGATE__SECTION__KEY`, `WXGATE__APPS__NAME__KEY` or `WXGATE__APPS__NAME__SECTION__KEY` into the table, as a text.
/// `alone` says that it stands for its twin, too.
fn set_variable(root: &mut Table, name: &str, value: String, alone: bool) -> Result<(), String> {
    let path: Vec<String> = name[PREFIX.len()..].split("__").map(str::to_lowercase).collect();
    if path.iter().any(String::is_empty) {
        return Err("has an empty part; the form is WXGATE__SECTION__KEY".into());
    }
    let (key, sections) = path.split_last().expect("split yields at least one part");
    let (mut table, sections) = if path[0] == "apps" {
        let [_, app, within @ ..] = sections else {
            return Err("has the wrong form; for apps it is WXGATE__APPS__NAME__KEY".into());
        };
        (app_entry(root, app)?, within)
    } else {
        (root, sections)
    };
    for section in sections {
        let entry = table
            .entry(section.clone())
            .or_insert_with(|| Value::Table(Table::new()));
        table = entry
            .as_table_mut()
            .ok_or("goes below a key that is no section")?;
    }
    put(table, key, value, alone);
    Ok(())
}

fn put(table: &mut Table, key: &str, value: String, alone: bool) {
    if alone {
        table.remove(&twin(key));
    }
    table.insert(key.to_owned(), Value::String(value));
}

/// The entry of the app whose name reads like `variable_name`, which is made if there is none.
fn app_entry<'a>(root: &'a mut Table, variable_name: &str) -> Result<&'a mut Table, String> {
    let apps = root.entry("apps").or_insert_with(|| Value::Array(Vec::new()));
    let apps = apps
        .as_array_mut()
        .ok_or("cannot be applied: apps must be a list of tables")?;
    let reads_like = |app: &Value| {
        app.get("name")
            .and_then(Value::as_str)
            .is_some_and(|name| name.replace('-', "_") == variable_name)
    };
    let index = apps.iter().position(reads_like).unwrap_or_else(|| {
        let mut app = Table::new();
        app.insert("name".into(), Value::String(variable_name.replace('_', "-")));
        apps.push(Value::Table(app));
        apps.len() - 1
    });
    apps[index]
        .as_table_mut()
        .ok_or_else(|| "cannot be applied: apps must be a list of tables".into())
}
