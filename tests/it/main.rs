//! The integration tests: one binary, one module per subject.
#![allow(
    clippy::unwrap_used,
    reason = "a helper fails by a panic, as the test does that calls it"
)]

mod auth;
mod credentials;
mod credentials_trouble;
mod cross_origin;
mod jsapi;
mod login;
mod login_failures;
mod mongo_smoke;
mod operations;
mod stampede;
mod store;
mod support;
mod tokens;
mod vectors;

mod assets;
mod vendor;

mod architecture;
mod binary;
mod browser;
mod simulator;
