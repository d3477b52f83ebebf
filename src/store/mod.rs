//! Documents in one of two engines: `SQLite` in one file, or `MongoDB`. No business rule lives here.
//!
//! [`Engine`] is the thin, dynamic seam that each engine implements; [`Repo`] is the typed layer, written
//! once, that everything else uses. Both engines pass the suite in [`conformance`].

mod engine;
mod record;
mod repo;

pub use engine::{Document, Engine, Error, Find, Key, Order, Result};
pub use record::{Collection, Index, Record};
pub use repo::{Change, Repo, Versioned};
