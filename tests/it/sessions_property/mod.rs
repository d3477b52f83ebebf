//! What must hold of sessions whoever goes first and whoever dies: histories that chance makes, against a store in
//! memory that interleaves as the history says, and against the real ones.

pub(crate) mod engine;
mod history;
pub(crate) mod instance;
mod real;
