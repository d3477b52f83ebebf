//! One result of the check. How it is printed is not known here.

use serde::Serialize;

use super::table::{self, Row};
use crate::config::Problem;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Ok,
    Warning,
    Failed,
}

/// What was found out about one subject.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Finding {
    /// The row's code in the table; for good news the area that was checked.
    pub(super) code: &'static str,
    pub(super) status: Status,
    /// What it is about: a key, the store, an app.
    pub(super) subject: String,
    pub(super) cause: String,
    /// What to do; empty for good news.
    pub(super) action: String,
}

impl Finding {
    pub(super) fn ok(code: &'static str, subject: impl Into<String>, cause: impl Into<String>) -> Self {
        Self {
            code,
            status: Status::Ok,
            subject: subject.into(),
            cause: cause.into(),
            action: String::new(),
        }
    }

    pub(super) fn failure(row: &'static Row, subject: impl Into<String>, cause: impl Into<String>) -> Self {
        let action = row.action(None);
        Self {
            code: row.code,
            status: Status::Failed,
            subject: subject.into(),
            cause: printable(&cause.into()),
            action,
        }
    }

    pub(super) fn invalid(problem: &Problem) -> Self {
        Self::failure(&table::CONFIG_INVALID, &problem.path, &problem.text)
    }

    pub(super) fn warning(problem: &Problem) -> Self {
        let finding = Self::failure(&table::CONFIG_WARNING, &problem.path, &problem.text);
        Self {
            status: Status::Warning,
            ..finding
        }
    }

    pub(super) fn failed(&self) -> bool {
        self.status == Status::Failed
    }
}

/// The text without characters that a terminal would obey; parts of it come from the network.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
