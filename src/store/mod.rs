//! Documents in one of two engines: `SQLite` in one file, or `MongoDB`. No business rule lives here.
//!
//! [`Engine`] is the thin, dynamic seam that each engine implements; [`Repo`] is the typed layer, written
//! once, that everything else uses. [`open()`] chooses the engine by the address. What both engines must agree
//! on before they touch a document is written once too: [`limits`] and the spans of a search. Both pass one
//! conformance suite, `tests/it/store/`.

mod engine;
pub mod limits;
pub mod mongo;
mod open;
mod record;
mod repo;
mod spans;
pub mod sqlite;
mod turns;

pub use engine::{Document, Engine, Error, Find, Key, Order, Result};
pub use open::{OpenError, open};
pub use record::{Collection, Index, Record};
pub use repo::{Change, Page, Repo, Versioned};
pub use sqlite::OpenMode;
