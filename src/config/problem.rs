//! What can be wrong with a configuration. All problems are collected before any is reported.

use std::fmt;

/// One problem, with the path of the key it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key's path, for example `auth.access_ttl` or `apps.0.name`; the file's or variable's name where there is none.
    pub path: String,
    /// What is wrong with it and what would be right. Never holds a secret's value.
    pub text: String,
}

impl Problem {
    pub(super) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.text)
    }
}

/// Everything that is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
#[error("the configuration has {} problem(s)", .0.len())]
pub struct Invalid(pub Vec<Problem>);
