//! The simulated platform through its front door: HTTP alone, each test with a platform of its own.

mod admin;
mod faults;
mod guard;
mod independence;
mod lifecycle;
mod login;
mod oauth;
mod sessions;
pub(crate) mod support;
mod tickets;
mod tokens;
mod user_data;
mod wire;
