//! The simulated platform through its front door: HTTP alone, each test with a platform of its own.

mod admin;
mod caused_events;
mod checks;
mod customer_service;
mod encrypted;
mod faults;
mod guard;
mod independence;
mod lifecycle;
mod login;
mod open;
mod open_links;
mod phone;
mod push;
mod push_events;
mod push_replies;
mod push_support;
mod push_traffic;
mod sessions;
mod subscribe;
pub(crate) mod support;
mod tickets;
mod tokens;
mod web;
mod wire;
mod wxacode;
