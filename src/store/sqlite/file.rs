//! The file itself: made whole or not at all, locked by the one process that serves it, and refused when it is
//! not what it should be. What is in it is not known here.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::header::{self, Look};
use crate::store::open::{LAYOUT, OpenError};

/// Who opens the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// The one process that serves. A second one is refused.
    Serve,
    /// A command that is run beside it.
    Command,
}

/// What [`open`] found or made.
pub(super) struct Opened {
    pub(super) connection: Connection,
    /// Holds the lock while it lives.
    pub(super) lock: Option<File>,
}

/// Up to this size a file is checked whole when it is opened: it takes well under 100 ms.
const CHECKED_WHOLE: u64 = 32 * 1024 * 1024;
/// How long a statement waits for another process that writes.
pub(super) const BUSY: Duration = Duration::from_secs(3);

/// Opens the database for writing, or makes it.
pub(super) fn open(path: &Path, mode: OpenMode) -> Result<Opened, OpenError> {
    let failed = |source| OpenError::Io {
        path: path.to_owned(),
        source,
    };
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        directory_builder().create(parent).map_err(failed)?;
    }
    let lock = match mode {
        OpenMode::Serve => Some(lock(path)?),
        OpenMode::Command => None,
    };
    if !fs::exists(path).map_err(failed)? {
        create(path)?;
    }
    look(path)?;
    let connection = connect(path)?;
    check(path, &connection)?;
    Ok(Opened { connection, lock })
}

/// Another connection, for reading.
pub(super) fn reader(path: &Path) -> Result<Connection, OpenError> {
    let connection = connect(path)?;
    connection
        .pragma_update(None, "query_only", true)
        .map_err(|cause| unusable(path, cause))?;
    Ok(connection)
}

fn lock(path: &Path) -> Result<File, OpenError> {
    let name = beside(path, ".lock");
    let file = file_options().create(true).open(&name);
    let file = file.map_err(|source| OpenError::Io {
        path: name.clone(),
        source,
    })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(OpenError::Io { path: name, source }),
    }
}

/// Makes an empty database under another name and then gives it its own, so that under its own name there is
/// never a part of one. Whoever comes second finds the first one's.
fn create(path: &Path) -> Result<(), OpenError> {
    let draft = beside(path, &format!(".new-{}", std::process::id()));
    let failed = |source| OpenError::Io {
        path: path.to_owned(),
        source,
    };
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    // Made first, for its mode: SQLite keeps that, for the log, too.
    let file = file_options().create_new(true).open(&draft).map_err(failed)?;
    fill(&draft).map_err(|cause| unusable(path, cause))?;
    file.sync_all().map_err(failed)?;
    // Unlike a renaming, a link does not replace what another process has just put there.
    match fs::hard_link(&draft, path) {
        Ok(()) => fs::remove_file(&draft).map_err(failed)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(&draft).map_err(failed)?;
        }
        // Some file systems have no links.
        Err(_) => fs::rename(&draft, path).map_err(failed)?,
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    sync_directory(parent.unwrap_or(Path::new("."))).map_err(failed)
}

fn fill(draft: &Path) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(draft, flags)?;
    connection.pragma_update(None, "application_id", header::APPLICATION)?;
    connection.pragma_update(None, "user_version", LAYOUT)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.close().map_err(|(_, cause)| cause)
}

/// Refuses a file that `SQLite` would take without a word.
fn look(path: &Path) -> Result<(), OpenError> {
    let mut attempts = 3;
    loop {
        let look = header::look(path).map_err(|source| OpenError::Io {
            path: path.to_owned(),
            source,
        })?;
        attempts -= 1;
        match look {
            Look::Fine => return Ok(()),
            // Another process may be writing to the file at this moment.
            _ if attempts > 0 => thread::sleep(Duration::from_millis(20)),
            Look::Foreign => {
                return Err(OpenError::NotOurs {
                    path: path.to_owned(),
                });
            }
            Look::Damaged(how) => return Err(damaged(path, how)),
        }
    }
}

fn connect(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let configured = Connection::open_with_flags(path, flags).and_then(|connection| {
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(256);
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // On macOS only this reaches the disk itself. Elsewhere it is without effect.
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "checkpoint_fullfsync", true)?;
        // Pages of indexes change again and again; bringing them into the main file less often takes less time.
        connection.pragma_update_and_check(None, "wal_autocheckpoint", 4000, |_| Ok(()))?;
        // A log that had to grow is cut back afterwards.
        connection.pragma_update_and_check(None, "journal_size_limit", 64 * 1024 * 1024, |_| Ok(()))?;
        connection.pragma_update(None, "trusted_schema", false)?;
        // Deleted personal data is overwritten, not only forgotten where it was.
        connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
        connection.pragma_update(None, "cell_size_check", true)?;
        Ok(connection)
    });
    configured.map_err(|cause| unusable(path, cause))
}

fn check(path: &Path, connection: &Connection) -> Result<(), OpenError> {
    let failed = |cause| unusable(path, cause);
    if connection.is_readonly("main").map_err(failed)? {
        return Err(OpenError::ReadOnly {
            path: path.to_owned(),
        });
    }
    let found: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(failed)?;
    if found > LAYOUT {
        return Err(OpenError::Newer { found, known: LAYOUT });
    }
    let length = fs::metadata(path).map_or(u64::MAX, |metadata| metadata.len());
    if length < CHECKED_WHOLE {
        let verdict: String = connection
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
            .map_err(failed)?;
        if verdict != "ok" {
            return Err(damaged(path, verdict));
        }
    }
    Ok(())
}

fn damaged(path: &Path, how: impl Into<String>) -> OpenError {
    OpenError::Damaged {
        path: path.to_owned(),
        how: how.into(),
    }
}

fn unusable(path: &Path, cause: rusqlite::Error) -> OpenError {
    match cause.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => damaged(path, cause.to_string()),
        Some(ErrorCode::ReadOnly) => OpenError::ReadOnly {
            path: path.to_owned(),
        },
        _ => OpenError::Sqlite {
            path: path.to_owned(),
            source: cause,
        },
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn file_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn directory_builder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Elsewhere a directory cannot be opened, nor need it be synced.
#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
