//! The use cases: plain structs, one verb a method. No HTTP is known here, and no engine of the store.

pub mod records;
pub mod seal;
pub mod settings;
