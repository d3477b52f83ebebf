//! The pure core: ids, contacts, time, signatures, page addresses, calls, pushed messages. No I/O, no clock, no randomness, no
//! framework.

pub mod api_path;
pub mod api_security;
pub mod call_pattern;
pub mod contact;
pub mod encrypted_data;
pub mod identity;
pub mod ids;
pub mod menu;
pub mod page_url;
pub mod push;
pub mod refresh_token;
pub mod return_url;
pub mod rotation;
pub mod signature;
pub mod standard_webhooks;
pub mod state_change;
pub mod time;
