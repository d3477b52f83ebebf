//! The use cases: plain structs, one verb a method. No HTTP is known here, and no engine of the store.

pub mod avatars;
pub mod callback;
pub mod credentials;
pub mod jsapi;
pub mod login;
pub mod records;
pub mod rooms;
pub mod seal;
pub mod settings;
pub mod signing_keys;
pub mod tokens;
