//! The client of WeChat's API: one method for each call, typed answers, no retry and no cache.

mod client;
mod error;
pub mod security;

pub use client::{AppCredentials, Client, Fetched, OauthToken, PhoneNumber, Session, UserInfo};
pub use error::{Error, Result};
