//! The API: routes, what they accept and answer, and the one map from errors to HTTP. Stores and the platform are
//! not known here.

mod audited;
mod caller;
pub mod client_ip;
mod cookies;
pub mod edge;
pub mod error;
pub mod extract;
mod figures;
mod managed;
pub mod openapi;
mod relaying;
pub mod routes;
pub mod server;
mod signed_in;
mod upload;
