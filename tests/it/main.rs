//! The integration tests: one binary, one module per subject.
#![allow(
    clippy::unwrap_used,
    reason = "a helper fails by a panic, as the test does that calls it"
)]

mod accounts;
mod administrators;
mod administrators_http;
mod architecture;
mod assets;
mod auth;
mod avatars;
mod binary;
mod browser;
mod callers;
mod callers_manage;
mod check;
mod cli;
mod cli_admin;
mod cli_caller;
mod codes;
mod codes_receiver;
mod config;
mod consumers;
mod cookie_attacks;
mod credentials;
mod credentials_trouble;
mod cross_origin;
mod deliveries;
mod demo;
mod edge;
mod forgotten;
mod founding;
mod hostile_values;
mod identity_attacks;
mod instances;
mod jose;
mod jsapi;
mod jwt_matrix;
mod login;
mod login_failures;
mod mini_program;
mod mongo_smoke;
mod oauth;
mod operations;
mod passwords;
mod push;
mod push_docs;
mod push_vectors;
mod push_xml;
mod reply_rules;
mod rooms;
mod sessions;
mod sessions_property;
mod settings;
mod signing_keys;
mod simulator;
mod stampede;
mod store;
mod support;
mod tokens;
mod users;
mod users_crash;
mod users_property;
mod vectors;
mod vendor;
mod webhooks;
