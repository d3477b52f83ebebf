//! Reads typed values out of the layered tables and collects every problem. Which keys exist is not decided
//! here: a key that nobody asked for is unknown.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;
use toml::{Table, Value};

use super::problem::Problem;

/// Secrets in files are short; a path that names something else must not be read whole.
const MAX_SECRET_FILE: u64 = 64 * 1024;

/// A reader over one merged table.
pub(super) struct Reader<'a> {
    root: &'a Table,
    base_dir: &'a Path,
    asked: BTreeSet<String>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(root: &'a Table, base_dir: &'a Path) -> Self {
        Self {
            root,
            base_dir,
            asked: BTreeSet::new(),
            problems: Vec::new(),
        }
    }

    /// Notes a problem with the value at `path`.
    pub(super) fn problem(&mut self, path: &str, text: impl Into<String>) {
        self.problems.push(Problem::new(path, text));
    }

    /// How many entries the list of tables at `path` has.
    pub(super) fn count(&mut self, path: &str) -> usize {
        match self.value(path) {
            None => 0,
            Some(Value::Array(items)) => items.len(),
            Some(_) => {
                self.problem(path, "must be a list of tables: [[apps]]");
                0
            }
        }
    }

    /// A text that must be there; empty if it is not, which is then a problem already noted.
    pub(super) fn text(&mut self, path: &str) -> String {
        self.optional_text(path).unwrap_or_else(|| self.missing(path))
    }

    /// A text that may be absent.
    pub(super) fn optional_text(&mut self, path: &str) -> Option<String> {
        match self.value(path)? {
            Value::String(text) => Some(text.clone()),
            _ => self.wrong(path, "must be a text"),
        }
    }

    /// A secret, given as `path` or as the file named at `path_file`.
    pub(super) fn secret(&mut self, path: &str) -> Option<SecretString> {
        let inline = self.optional_text(path);
        let file_path = format!("{path}_file");
        let file = self.optional_text(&file_path);
        match (inline, file) {
            (Some(_), Some(_)) => {
                self.problem(path, format!("and {file_path} are both set; keep one"));
                None
            }
            (Some(text), None) => Some(text.into()),
            (None, Some(_)) => self.file_secret(&file_path),
            (None, None) => None,
        }
    }

    /// A secret in the file named at `path`.
    pub(super) fn file_secret(&mut self, path: &str) -> Option<SecretString> {
        let file = self.optional_text(path)?;
        match read_secret(&self.base_dir.join(file)) {
            Ok(text) => Some(text.into()),
            Err(error) => self.wrong(path, format!("cannot be read: {error}")),
        }
    }

    /// Anything that parses from a text.
    pub(super) fn parse<T: FromStr>(&mut self, path: &str, expected: &str) -> Option<T> {
        let text = self.text(path);
        self.parsed(path, &text, expected)
    }

    /// Anything that parses from a text that may be absent.
    pub(super) fn optional_parse<T: FromStr>(&mut self, path: &str, expected: &str) -> Option<T> {
        let text = self.optional_text(path)?;
        self.parsed(path, &text, expected)
    }

    /// One of a closed set of words.
    pub(super) fn choice<T: Copy>(&mut self, path: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(path);
        self.chosen(path, &text, choices)
    }

    /// One of a closed set of words, or nothing.
    pub(super) fn optional_choice<T: Copy>(&mut self, path: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.optional_text(path)?;
        self.chosen(path, &text, choices)
    }

    /// A duration such as `"5s"`, within bounds.
    pub(super) fn duration(&mut self, path: &str, least: Duration, most: Duration) -> Duration {
        let text = self.text(path);
        match humantime::parse_duration(&text) {
            Ok(duration) if (least..=most).contains(&duration) => return duration,
            Ok(_) => {
                let (least, most) = (
                    humantime::format_duration(least),
                    humantime::format_duration(most),
                );
                self.problem(
                    path,
                    format!("is {text:?}; it must lie between {least} and {most}"),
                );
            }
            Err(_) if text.is_empty() => {}
            Err(_) => self.problem(
                path,
                format!("is {text:?}; a duration looks like \"300ms\", \"5s\", \"2h\" or \"30d\""),
            ),
        }
        least
    }

    /// A whole number within bounds.
    pub(super) fn integer(&mut self, path: &str, least: i64, most: i64) -> i64 {
        let number = match self.value(path) {
            Some(Value::Integer(number)) => Some(*number),
            Some(Value::String(text)) => text.parse().ok(),
            Some(_) => None,
            None => {
                self.problem(path, "is missing");
                return least;
            }
        };
        match number {
            Some(number) if (least..=most).contains(&number) => number,
            _ => {
                self.problem(path, format!("must be a whole number from {least} to {most}"));
                least
            }
        }
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, path: &str) -> bool {
        let boolean = match self.value(path) {
            Some(Value::Boolean(boolean)) => Some(*boolean),
            Some(Value::String(text)) => text.parse().ok(),
            _ => None,
        };
        boolean.unwrap_or_else(|| {
            self.problem(path, "must be true or false");
            false
        })
    }

    /// A list of texts; absent is empty.
    pub(super) fn list(&mut self, path: &str) -> Vec<String> {
        match self.value(path) {
            None => Vec::new(),
            // The environment has texts only.
            Some(Value::String(text)) => text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(str::to_owned)
                .collect(),
            Some(Value::Array(items)) => {
                let texts: Option<Vec<_>> = items
                    .iter()
                    .map(|item| item.as_str().map(str::to_owned))
                    .collect();
                texts.unwrap_or_else(|| self.wrong(path, "must be a list of texts").unwrap_or_default())
            }
            Some(_) => self.wrong(path, "must be a list of texts").unwrap_or_default(),
        }
    }

    /// A path, relative to the configuration's folder.
    pub(super) fn path(&mut self, path: &str) -> PathBuf {
        let text = self.text(path);
        self.resolve(&text)
    }

    /// `path` seen from the configuration's folder.
    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        self.base_dir.join(path)
    }

    /// The problems found, those of keys that nobody asked for among them, and the keys that were asked for.
    pub(super) fn finish(mut self) -> (Vec<Problem>, BTreeSet<String>) {
        let mut unknown = Vec::new();
        collect_unknown(self.root, "", &self.asked, &mut unknown);
        self.problems.extend(
            unknown
                .iter()
                .map(|path| Problem::new(path, "is not a key of wxgate")),
        );
        (self.problems, self.asked)
    }

    fn value(&mut self, path: &str) -> Option<&'a Value> {
        self.asked.insert(path.to_owned());
        let mut parts = path.split('.');
        let mut value = self.root.get(parts.next()?)?;
        for part in parts {
            value = match value {
                Value::Table(table) => table.get(part)?,
                Value::Array(items) => items.get(part.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(value)
    }

    fn missing<T: Default>(&mut self, path: &str) -> T {
        self.wrong(path, "is missing").unwrap_or_default()
    }

    fn wrong<T>(&mut self, path: &str, text: impl Into<String>) -> Option<T> {
        self.problem(path, text);
        None
    }

    fn parsed<T: FromStr>(&mut self, path: &str, text: &str, expected: &str) -> Option<T> {
        match text.parse() {
            Ok(value) => Some(value),
            // An absent value was reported as missing.
            Err(_) if text.is_empty() => None,
            Err(_) => self.wrong(path, format!("is {text:?}; {expected}")),
        }
    }

    fn chosen<T: Copy>(&mut self, path: &str, text: &str, choices: &[(&str, T)]) -> Option<T> {
        let found = choices
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, choice)| *choice);
        if found.is_none() && !text.is_empty() {
            let words: Vec<_> = choices.iter().map(|(word, _)| format!("{word:?}")).collect();
            self.problem(path, format!("is {text:?}; it must be {}", words.join(" or ")));
        }
        found
    }
}

fn read_secret(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > MAX_SECRET_FILE {
        return Err(format!("the file is larger than {MAX_SECRET_FILE} bytes"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn collect_unknown(table: &Table, prefix: &str, asked: &BTreeSet<String>, unknown: &mut Vec<String>) {
    for (key, value) in table {
        let path = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        match value {
            Value::Table(inner) if is_section(&path, asked) => collect_unknown(inner, &path, asked, unknown),
            Value::Array(items) if items.iter().all(Value::is_table) && !items.is_empty() => {
                for (index, item) in items.iter().enumerate() {
                    if let Value::Table(inner) = item {
                        let path = format!("{path}.{index}");
                        if is_section(&path, asked) {
                            collect_unknown(inner, &path, asked, unknown);
                        } else {
                            unknown.push(path);
                        }
                    }
                }
            }
            _ if asked.contains(&path) => {}
            _ => unknown.push(path),
        }
    }
}

/// Whether some key below `path` was asked for.
fn is_section(path: &str, asked: &BTreeSet<String>) -> bool {
    let prefix = format!("{path}.");
    asked
        .range(prefix.clone()..)
        .next()
        .is_some_and(|next| next.starts_with(&prefix))
}
