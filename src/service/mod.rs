//! The use cases: plain structs, one verb a method. No HTTP is known here, and no engine of the store.

pub mod access;
pub mod accounts;
pub mod administrators;
pub mod aliases;
pub mod audit;
pub mod avatars;
pub mod callback;
pub mod callers;
mod circuit;
pub mod code_check;
pub mod codes;
pub mod credentials;
pub mod deliveries;
mod derived;
pub mod events;
pub mod feed;
pub mod fingerprint;
pub mod jsapi;
pub mod limits;
pub mod login;
pub mod mini_program;
pub mod oauth;
pub mod password_check;
pub mod passwords;
pub mod push;
pub mod records;
pub mod refresh;
pub mod relay;
pub mod reply_rules;
pub mod revocations;
pub mod rooms;
pub mod seal;
mod session_keys;
pub mod sessions;
pub mod settings;
pub mod signing_keys;
pub mod tokens;
pub mod typed;
pub mod users;
pub mod webhooks;

use uuid::Uuid;

/// Why the store did not do what a service asked of it.
pub use crate::store::Error as StoreError;

/// An id that sorts by its time, so that inserts go to one end of the index.
fn fresh_id<T: std::str::FromStr<Err: std::fmt::Debug>>() -> T {
    Uuid::now_v7()
        .simple()
        .to_string()
        .parse()
        .expect("32 hexadecimal digits are an id")
}
