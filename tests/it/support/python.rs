//! Python and the packages of tests/python. A machine without them fails the tests that need them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python");

/// `python3 SCRIPT` in tests/python, with the packages of its requirements.
pub(crate) fn python(script: &str) -> Command {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    let packages = INSTALLED.get_or_init(install);
    let mut command = Command::new("python3");
    command
        .arg(script)
        .current_dir(FOLDER)
        .env("PYTHONPATH", packages);
    command
}

/// Installs them beside what cargo builds, once for each list.
fn install() -> PathBuf {
    let requirements = Path::new(FOLDER).join("requirements.txt");
    let wanted = std::fs::read_to_string(&requirements).unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python");
    let done = folder.join("requirements.txt");
    if std::fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
        return folder;
    }
    let _ = std::fs::remove_dir_all(&folder);
    // Only ready-made packages: one that has to be compiled would want compilers of its own.
    let status = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--no-input", "--no-deps"])
        .args(["--disable-pip-version-check", "--root-user-action=ignore"])
        .arg("--target")
        .arg(&folder)
        .arg("--requirement")
        .arg(&requirements)
        .status();
    let installed =
        status.expect("python3 must be installed: a WeChat library in Python is a client of the tests");
    assert!(
        installed.success(),
        "pip could not install tests/python/requirements.txt"
    );
    std::fs::write(&done, &wanted).unwrap();
    folder
}
