//! Opens the store that an address names. Each engine's own part is in its module.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::runtime::Handle;

use super::engine::{Engine, Error};
use super::mongo::Mongo;
use super::sqlite::{OpenMode, Sqlite};
use crate::clock::Clock;

/// The layout of stored documents that this program knows. It grows with a change that an older program would
/// misread; such a program then refuses the store.
pub(super) const LAYOUT: i64 = 1;

/// How long a server has to answer when the program starts.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Why a store cannot be opened: one line for the operator, without any password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address is of no kind that we know.
    #[error(
        "the store's address must begin with sqlite: and a path, or be a mongodb:// or mongodb+srv:// one"
    )]
    Address,
    /// The driver does not accept the address. Its reasons can quote the address, so only harmless ones are told.
    #[error("the store's mongodb address is not valid: {reason}")]
    MongoAddress {
        /// What is wrong.
        reason: String,
    },
    /// The address of a server names no database.
    #[error(
        "the store's mongodb address names no database: write it behind the host, as in mongodb://host/wxgate"
    )]
    NoDatabase,
    /// Another process serves the file.
    #[error("{} is being served by another process: stop that first, one file has one server", path.display())]
    Locked {
        /// The database file.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{} is a file of another program: nothing was changed in it", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// The file is broken.
    #[error(
        "{} is damaged ({how}): restore it from a backup, or move it away to begin with an empty store",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        how: String,
    },
    /// A newer program has written the store.
    #[error(
        "the store has layout {found}, but this program knows layouts up to {known}: use a newer program"
    )]
    Newer {
        /// The store's layout.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// The file cannot be written to.
    #[error("{} cannot be written to: check its owner, its mode and the file system", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// The file system refuses.
    #[error("{} cannot be used: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// `SQLite` refuses.
    #[error("{} cannot be opened: {source}", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The system gives us no thread.
    #[error("no thread can be started for the store: {0}")]
    Thread(#[source] std::io::Error),
    /// No server answers.
    #[error("no MongoDB server that takes writes answers at {hosts} within {} s", PATIENCE.as_secs())]
    Unreachable {
        /// Where we looked.
        hosts: String,
    },
    /// The server answers, but refuses: a wrong password, say.
    #[error("the MongoDB server at {hosts} refuses: {source}")]
    Rejected {
        /// Which server.
        hosts: String,
        /// Why.
        source: Box<mongodb::error::Error>,
    },
    /// It was open, but its first answers failed.
    #[error("the store was opened but does not work")]
    Unusable(#[from] Error),
}

/// Opens the store at `url` (`sqlite:PATH`, `mongodb://…` or `mongodb+srv://…`) and measures how far its clock is
/// from ours. A relative path counts from `base`. `handle` is the runtime on which a server's connections live.
pub async fn open(
    url: &SecretString,
    mode: OpenMode,
    base: &Path,
    clock: &Clock,
    handle: Handle,
) -> Result<Arc<dyn Engine>, OpenError> {
    let engine: Arc<dyn Engine> = match url.expose_secret().split_once(':') {
        Some(("sqlite", path)) if !matches!(path, "" | ":memory:") => {
            let path = base.join(path);
            let opened = handle.spawn_blocking(move || Sqlite::open(&path, mode)).await;
            // A task that is not aborted fails only by a panic.
            Arc::new(opened.map_err(|cause| OpenError::Thread(cause.into()))??)
        }
        Some(("mongodb" | "mongodb+srv", _)) => Arc::new(Mongo::connect(url, handle).await?),
        _ => return Err(OpenError::Address),
    };
    let asked = clock.now();
    let store = engine.now().await?;
    clock.observe_store(store, asked, clock.now());
    Ok(engine)
}
