//! The pure core: ids, contacts, time, signatures and page addresses. No I/O, no clock, no randomness, no framework.

pub mod contact;
pub mod ids;
pub mod page_url;
pub mod signature;
pub mod time;
