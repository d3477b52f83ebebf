//! The integration tests: one binary, one module per subject.
#![allow(
    clippy::unwrap_used,
    reason = "a helper fails by a panic, as the test does that calls it"
)]

mod architecture;
mod assets;
mod auth;
mod avatars;
mod binary;
mod browser;
mod check;
mod cli;
mod config;
mod credentials;
mod credentials_trouble;
mod cross_origin;
mod demo;
mod edge;
mod jsapi;
mod login;
mod login_failures;
mod mongo_smoke;
mod operations;
mod rooms;
mod settings;
mod simulator;
mod stampede;
mod store;
mod support;
mod tokens;
mod vectors;
mod vendor;
