//! HTTP: what stands between a socket and a service. No business rules, no storage.

pub mod edge;
