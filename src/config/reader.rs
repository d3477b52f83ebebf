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
    /// Keys whose value cannot be read. What rules then say about the value put in its place is no news.
    unreadable: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(root: &'a Table, base_dir: &'a Path) -> Self {
        Self {
            root,
            base_dir,
            asked: BTreeSet::new(),
            problems: Vec::new(),
            unreadable: BTreeSet::new(),
        }
    }

    /// Notes a problem with the value at `path`.
    pub(super) fn problem(&mut self, path: &str, text: impl Into<String>) {
        if !self.unreadable.contains(path) {
            self.problems.push(Problem::new(path, text));
        }
    }

    /// Whether there is a value at `path` that is of no use.
    pub(super) fn is_unreadable(&self, path: &str) -> bool {
        self.unreadable.contains(path)
    }

    /// How many entries the list of tables at `path` has.
    pub(super) fn count(&mut self, path: &str) -> usize {
        match self.value(path) {
            None => 0,
            Some(Value::Array(items)) if items.iter().all(Value::is_table) => items.len(),
            Some(_) => self
                .wrong(path, format!("must be a list of tables: [[{path}]]"))
                .unwrap_or_default(),
        }
    }

    /// Whatever is there, for those who read it by themselves.
    pub(super) fn anything(&mut self, path: &str) -> Option<&'a Value> {
        self.value(path)
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
        // An empty text counts as absent, so that a template can be left unfilled beside the other way.
        let inline = self.optional_text(path).filter(|text| !text.is_empty());
        let file_path = format!("{path}_file");
        let file = self.optional_text(&file_path).filter(|text| !text.is_empty());
        match (inline, file) {
            (Some(_), Some(_)) => self.wrong(path, format!("and {file_path} are both set; keep one")),
            (Some(text), None) => Some(text.into()),
            (None, Some(_)) => {
                let secret = self.file_secret(&file_path);
                if secret.is_none() {
                    self.unreadable.insert(path.to_owned());
                }
                secret
            }
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
        // Empty is absent, as with secrets.
        let text = self.optional_text(path).filter(|text| !text.is_empty())?;
        self.parsed(path, &text, expected)
    }

    /// One of a closed set of words.
    pub(super) fn choice<T: Copy>(&mut self, path: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(path);
        self.chosen(path, &text, choices)
    }

    /// One of a closed set of words, or nothing.
    pub(super) fn optional_choice<T: Copy>(&mut self, path: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.optional_text(path).filter(|text| !text.is_empty())?;
        self.chosen(path, &text, choices)
    }

    /// A duration such as `"5s"`, within bounds.
    pub(super) fn duration(&mut self, path: &str, least: Duration, most: Duration) -> Duration {
        let text = self.text(path);
        let refused = match humantime::parse_duration(&text) {
            Ok(duration) if (least..=most).contains(&duration) => Some(duration),
            Ok(_) => {
                let (least, most) = (
                    humantime::format_duration(least),
                    humantime::format_duration(most),
                );
                self.wrong(
                    path,
                    format!("is {text:?}; it must lie between {least} and {most}"),
                )
            }
            Err(_) => self.wrong(
                path,
                format!("is {text:?}; a duration looks like \"300ms\", \"5s\", \"2h\" or \"30d\""),
            ),
        };
        refused.unwrap_or(least)
    }

    /// A whole number within bounds.
    pub(super) fn integer(&mut self, path: &str, least: i64, most: i64) -> i64 {
        let number = match self.value(path) {
            Some(Value::Integer(number)) => Some(*number),
            Some(Value::String(text)) => text.parse().ok(),
            Some(_) => None,
            None => self.missing(path),
        };
        match number {
            Some(number) if (least..=most).contains(&number) => number,
            _ => self
                .wrong(path, format!("must be a whole number from {least} to {most}"))
                .unwrap_or(least),
        }
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, path: &str) -> bool {
        let boolean = match self.value(path) {
            Some(Value::Boolean(boolean)) => Some(*boolean),
            Some(Value::String(text)) => text.parse().ok(),
            _ => None,
        };
        boolean.unwrap_or_else(|| self.wrong(path, "must be true or false").unwrap_or_default())
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
        for section in no_sections(self.root, &self.asked) {
            // That its keys are missing follows from that.
            let below = format!("{section}.");
            self.problems.retain(|problem| !problem.path.starts_with(&below));
            let text = format!("must be a section: [{section}]");
            self.problem(&section, text);
            self.asked.insert(section);
        }
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

    /// Notes that the value at `path` is of no use. No other rule about it is then reported.
    pub(super) fn wrong<T>(&mut self, path: &str, text: impl Into<String>) -> Option<T> {
        self.problem(path, text);
        self.unreadable.insert(path.to_owned());
        None
    }

    fn parsed<T: FromStr>(&mut self, path: &str, text: &str, expected: &str) -> Option<T> {
        match text.parse() {
            Ok(value) => Some(value),
            Err(_) => self.wrong(path, format!("is {text:?}; {expected}")),
        }
    }

    fn chosen<T: Copy>(&mut self, path: &str, text: &str, choices: &[(&str, T)]) -> Option<T> {
        let found = choices
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, choice)| *choice);
        if found.is_none() {
            let words: Vec<_> = choices.iter().map(|(word, _)| format!("{word:?}")).collect();
            return self.wrong(path, format!("is {text:?}; it must be {}", words.join(" or ")));
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

/// Places where a section belongs and something else stands.
fn no_sections(root: &Table, asked: &BTreeSet<String>) -> Vec<String> {
    let sections: BTreeSet<&str> = asked
        .iter()
        .filter_map(|path| Some(path.rsplit_once('.')?.0))
        .collect();
    let stands = |path: &str| {
        let mut parts = path.split('.');
        let first = root.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.as_table()?.get(part))
    };
    let wrong = |path: &&str| stands(path).is_some_and(|value| !value.is_table());
    sections.into_iter().filter(wrong).map(str::to_owned).collect()
}

/// Whether some key below `path` was asked for.
fn is_section(path: &str, asked: &BTreeSet<String>) -> bool {
    let prefix = format!("{path}.");
    asked
        .range(prefix.clone()..)
        .next()
        .is_some_and(|next| next.starts_with(&prefix))
}
