//! Files of the operator's folder. Blocking, so never called on a worker; no caching, so a changed file counts at once.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// A file is read whole; this bounds what one request may make us hold.
const LARGEST: u64 = 8 * 1024 * 1024;

/// Reads `file` (already free of upward segments) below `folder`. `None` if there is none, if it is not a plain file,
/// if it is too large, or if links lead out of the folder. Links inside it are followed, hidden folders included:
/// that is how mounted configuration maps look.
pub(super) fn read(folder: &Path, file: &str) -> Option<Vec<u8>> {
    // No system has a way around these two calls that is also portable; the gap until `open` needs somebody who can
    // write to the folder, and such a person can serve what they like anyway.
    let folder = folder.canonicalize().ok()?;
    let path = folder.join(file).canonicalize().ok()?;
    if !path.starts_with(&folder) {
        tracing::warn!(
            file,
            "a link in the static folder leads out of it; the file is not served"
        );
        return None;
    }
    // Asked before opening: opening a pipe would wait for its other end.
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(&path)
        .ok()?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .ok()?;
    if bytes.len() as u64 > LARGEST {
        tracing::warn!(
            file,
            limit = LARGEST,
            "a file in the static folder is too large to be served"
        );
        return None;
    }
    Some(bytes)
}
