//! Node and the packages of tests/browser. A machine without them fails the tests that need them.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

pub(crate) const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser");

/// `node SCRIPT` in tests/browser, with the packages of its lock file.
pub(crate) fn node(script: &str) -> Command {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(install);
    let mut command = Command::new("node");
    command.arg(script).current_dir(FOLDER);
    command
}

fn install() {
    let read = |file: &str| -> Value {
        let text = std::fs::read_to_string(Path::new(FOLDER).join(file)).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    };
    let wanted = read("package.json")["dependencies"].clone();
    let complete = wanted
        .as_object()
        .unwrap()
        .iter()
        .all(|(name, version)| read(&format!("node_modules/{name}/package.json"))["version"] == *version);
    if complete {
        return;
    }
    let status = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund"])
        .current_dir(FOLDER)
        .status();
    assert!(
        status.expect("npm must be installed").success(),
        "npm ci failed in tests/browser"
    );
}
