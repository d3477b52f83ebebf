//! What commands print for people and scripts. The log is not written here.
//!
//! A reader that has gone away (`wxgate check | head`) is no reason to panic, as `println!` would.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::time::{Duration, UNIX_EPOCH};

use crate::domain::time::Timestamp;

/// A line of the command's result.
pub(super) fn line(text: impl Display) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// Why the command failed, or does not begin.
pub(super) fn error(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "wxgate: {text}");
}

/// A line below an error.
pub(super) fn note(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A time as people and programs read it.
pub(super) fn time(time: Timestamp) -> impl Display {
    let since = Duration::from_secs(time.secs().unsigned_abs());
    humantime::format_rfc3339_seconds(UNIX_EPOCH + since)
}

/// An error's own words and its causes', in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Many errors quote their cause already.
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text.replace(['\r', '\n'], " ")
}
