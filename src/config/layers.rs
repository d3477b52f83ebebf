//! Lays the user's file over the compiled-in defaults and the environment over both. Nothing is interpreted here.

use std::path::Path;

use toml::{Table, Value};

use super::problem::Problem;

/// The defaults: the documented `config.toml` of the repository.
pub(super) const DEFAULTS: &str = include_str!("../../config.toml");
const PREFIX: &str = "WXGATE__";
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
    for (name, value) in variables {
        if let Err(text) = set_variable(&mut root, &name, value) {
            problems.push(Problem::new(name, text));
        }
    }
    root
}

/// Whether `text` is what the key has without the user's doing.
pub(super) fn is_default(section: &str, key: &str, text: &str) -> bool {
    let defaults = defaults();
    let default = defaults.get(section).and_then(|section| section.get(key));
    default.and_then(Value::as_str) == Some(text)
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
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(value)) => overlay(inner, value),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

/// Puts `WXGATE__SECTION__KEY` or `WXGATE__APPS__NAME__KEY` into the table, as a text.
fn set_variable(root: &mut Table, name: &str, value: String) -> Result<(), String> {
    let path: Vec<String> = name[PREFIX.len()..].split("__").map(str::to_lowercase).collect();
    if path.iter().any(String::is_empty) {
        return Err("has an empty part; the form is WXGATE__SECTION__KEY".into());
    }
    if path[0] == "apps" {
        let [_, app, key] = path.as_slice() else {
            return Err("has the wrong form; for apps it is WXGATE__APPS__NAME__KEY".into());
        };
        app_entry(root, app)?.insert(key.clone(), Value::String(value));
        return Ok(());
    }
    let (key, sections) = path.split_last().expect("split yields at least one part");
    let mut table = root;
    for section in sections {
        let entry = table
            .entry(section.clone())
            .or_insert_with(|| Value::Table(Table::new()));
        table = entry
            .as_table_mut()
            .ok_or("goes below a key that is no section")?;
    }
    table.insert(key.clone(), Value::String(value));
    Ok(())
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
