//! The client of WeChat's API: one method for each call, typed answers; and calls of any form, sent on as they are. No
//! retry and no cache.

mod client;
mod error;
mod forward;
pub mod security;

pub use client::{AppCredentials, Client, Fetched, OauthToken, PhoneNumber, Session, Ticket, UserInfo};
pub use error::{Error, Result, says_dead_token};
pub use forward::{Broken, Incoming, Outgoing, Patience, Payload, Upstream};
