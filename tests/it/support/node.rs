//! Node and the packages of tests/browser and tests/sdk. A machine without them fails the tests that need them.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

pub(crate) const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser");
const SDK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sdk");

/// `node SCRIPT` in tests/browser, with the packages of its lock file.
pub(crate) fn node(script: &str) -> Command {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    run(FOLDER, script, &INSTALLED)
}

/// `node SCRIPT` in tests/sdk, with the packages of its lock file.
pub(crate) fn sdk(script: &str) -> Command {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    run(SDK, script, &INSTALLED)
}

fn run(folder: &str, script: &str, installed: &OnceLock<()>) -> Command {
    installed.get_or_init(|| install(folder));
    let mut command = Command::new("node");
    command.arg(script).current_dir(folder);
    command
}

fn install(folder: &str) {
    let read = |file: &str| -> Value {
        let text = std::fs::read_to_string(Path::new(folder).join(file)).unwrap_or_default();
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
        .current_dir(folder)
        .status();
    assert!(
        status.expect("npm must be installed").success(),
        "npm ci failed in {folder}"
    );
}
