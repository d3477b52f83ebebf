//! Message push (消息推送): what happens between users and apps is posted to the app's server, and the answer is judged
//! and shown. Customer-service messages come in at `cgi_bin`; the admin API makes users act.
//!
//! `begin` makes a parcel of what a user does (`act`, `messages`, `events`); `deliver` posts it as `server` signs and
//! encrypts it, and shows what `evaluate` makes of the answer in `records`. `caused` are events that API calls lead to.

pub(crate) mod act;
pub(crate) mod begin;
pub(crate) mod caused;
pub(crate) mod conversation;
mod crypto;
pub(crate) mod deliver;
mod evaluate;
mod events;
mod fields;
pub(crate) mod flood;
mod messages;
mod read;
pub(crate) mod records;
mod replies;
pub(crate) mod server;
pub(crate) mod settings;
mod write;

use sha1::{Digest as _, Sha1};

/// An account's own id (原始ID), made up from its `AppID`. WeChat: `gh_` and twelve hexadecimal digits.
pub(crate) fn account_of(app_id: &str) -> String {
    let digest = hex::encode(Sha1::digest(app_id));
    format!("gh_{}", &digest[..12])
}
