//! Tokens that SDKs get in the place of WeChat's access_token: they say which caller asks and for which app, and are of no
//! use anywhere else. What is called with them is not known here.
//!
//! Nothing is stored: an alias carries what it stands for and a tag that only the instances of one store can make.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};

use super::callers::Callers;
use super::records::Caller;
use crate::clock::Clock;
use crate::domain::ids::{AppId, CallerId};
use crate::domain::time::Timestamp;

/// What an alias begins with.
pub const PREFIX: &str = "wxa_";
/// How long one is good for: as long as what it stands for. (获取接口调用凭据: 7200.)
pub const LIFETIME: Duration = Duration::from_secs(7200);
/// The bytes of the tag.
const TAG: usize = 32;
/// Longer texts are none of ours.
const LONGEST: usize = 512;

/// Why an alias gives no access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is none of ours.
    #[error("the token is not known")]
    Unknown,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// The caller's key is no good any more, or not for this app.
    #[error("the token's caller may not use it any more")]
    Ended,
}

/// Makes and reads aliases.
pub struct Aliases {
    key: hmac::Key,
    callers: Arc<Callers>,
    clock: Clock,
}

impl Aliases {
    /// The name of their secret among the store's.
    pub const KEY: &'static str = "alias_key";

    /// With the store's own secret.
    #[must_use]
    pub fn new(key: &SecretString, callers: Arc<Callers>, clock: Clock) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret().as_bytes()),
            callers,
            clock,
        }
    }

    /// An alias for this caller and app. It is good for [`LIFETIME`].
    #[must_use]
    pub fn make(&self, caller: &CallerId, app: &AppId) -> SecretString {
        let until = self.clock.store_now() + LIFETIME;
        let claim = format!("{caller} {app} {}", until.secs());
        let mut bytes = hmac::sign(&self.key, claim.as_bytes()).as_ref().to_vec();
        bytes.extend_from_slice(claim.as_bytes());
        format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)).into()
    }

    /// Whose alias this is, and for which app, if it is good now.
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn read(&self, alias: &str) -> Result<(Arc<Caller>, AppId), Refused> {
        let (caller, app, until) = self.open(alias).ok_or(Refused::Unknown)?;
        if until <= self.clock.store_now() {
            return Err(Refused::Expired);
        }
        let caller = self.callers.get(&caller).ok_or(Refused::Ended)?;
        Ok((caller, app))
    }

    fn open(&self, alias: &str) -> Option<(CallerId, AppId, Timestamp)> {
        if alias.len() > LONGEST {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(alias.strip_prefix(PREFIX)?).ok()?;
        let (tag, claim) = bytes.split_at_checked(TAG)?;
        hmac::verify(&self.key, claim, tag).ok()?;
        let mut words = std::str::from_utf8(claim).ok()?.split(' ');
        let (caller, app, until) = (words.next()?, words.next()?, words.next()?);
        let until = Timestamp::from_secs(until.parse().ok()?);
        Some((caller.parse().ok()?, app.parse().ok()?, until))
    }
}
