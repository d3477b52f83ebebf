//! How the results are printed. What they are is not decided here.

use std::fmt::Write as _;

use super::finding::{Finding, Status};

/// One JSON object.
pub(super) fn json(ok: bool, findings: &[Finding]) -> String {
    serde_json::json!({"ok": ok, "checks": findings}).to_string()
}

/// One line per result, then what to do about failures.
pub(super) fn text(ok: bool, findings: &[Finding]) -> String {
    let width = findings
        .iter()
        .map(|finding| finding.subject.chars().count())
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for Finding {
        status,
        subject,
        cause,
        ..
    } in findings
    {
        let status = match status {
            Status::Ok => "OK  ",
            Status::Warning => "WARN",
            Status::Failed => "FAIL",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{status}  {subject:<width$}  {cause}");
    }
    if ok {
        text.push_str("\nEverything that the gateway depends on works.");
        return text;
    }
    text.push_str("\nWhat to do:");
    let mut said = Vec::new();
    for finding in findings.iter().filter(|finding| finding.failed()) {
        // Many keys can be wrong for which the same is to be done.
        if !said.contains(&(finding.code, &finding.action)) {
            said.push((finding.code, &finding.action));
            let _ = write!(text, "\n  {}: {}", finding.code, finding.action);
        }
    }
    text
}
