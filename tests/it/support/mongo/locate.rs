//! Where tests get a MongoDB from: `MONGODB_URI`, else a `mongod` on PATH, else the one a script fetched.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use anyhow::{Context, Result, anyhow, ensure};

/// The server the developer wants the tests to use instead of one of their own.
#[expect(
    clippy::disallowed_methods,
    reason = "this is a setting of the tests, not of the product"
)]
pub(super) fn given() -> Option<String> {
    env::var("MONGODB_URI").ok().filter(|uri| !uri.is_empty())
}

/// The program to start servers with.
pub(super) fn program() -> Result<&'static Path> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let found = FOUND.get_or_init(|| match on_path() {
        Some(program) => Ok(program),
        None => fetched().map_err(|error| format!("{error:#}")),
    });
    found
        .as_deref()
        .map_err(|error| anyhow!("no MongoDB to test with: {error}"))
}

fn on_path() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join("mongod"))
        .find(|program| program.is_file())
}

/// The script is asked even if the file is there: it tells a whole one from the rest of an interrupted run.
fn fetched() -> Result<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .context("cargo's folder for tests has no parent")?;
    let folder = target.join("mongod");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/fetch-mongod.sh");
    let output = Command::new("bash")
        .arg(&script)
        .arg(&folder)
        .output()
        .context("bash cannot be started")?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr).trim_end()
    );
    Ok(folder.join("mongod"))
}
