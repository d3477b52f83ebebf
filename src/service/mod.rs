//! The use cases: plain structs, one verb a method. No HTTP is known here, and no engine of the store.

pub mod administrators;
pub mod callback;
pub mod codes;
pub mod credentials;
pub mod fingerprint;
pub mod jsapi;
pub mod limits;
pub mod login;
pub mod password_check;
pub mod passwords;
pub mod records;
pub mod seal;
pub mod settings;
pub mod signing_keys;
pub mod tokens;
