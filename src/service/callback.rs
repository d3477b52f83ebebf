//! WeChat's check that this server is the one the console names (接入指南), and with which token it signs. Pushed messages are
//! handled in `push`.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use secrecy::SecretString;

use crate::config::{App, Apps};
use crate::domain::ids::AppName;
use crate::domain::signature;

/// The check's parameters, each of which was there exactly once.
#[derive(Debug, Clone)]
pub struct Check {
    /// What the platform computed.
    pub signature: String,
    /// Its time, in seconds.
    pub timestamp: String,
    /// Its random text.
    pub nonce: String,
    /// What it wants to hear.
    pub echostr: String,
}

/// Why a check fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such app.
    #[error("there is no such app")]
    NoApp,
    /// The signature is not ours, or the app has no token to compute it with.
    #[error("the signature is wrong")]
    Refused,
}

/// Answers the platform's checks.
#[derive(Debug)]
pub struct Callback {
    apps: Apps,
    /// What was told about which app. Anybody can send checks, and must not fill the log with them.
    told: Mutex<BTreeSet<(AppName, &'static str)>>,
}

impl Callback {
    /// For these apps.
    #[must_use]
    pub fn new(apps: Apps) -> Self {
        Self {
            apps,
            told: Mutex::default(),
        }
    }

    /// The text to echo, if the check is signed with the token of `app` (or of the default app).
    ///
    /// # Errors
    /// See [`Error`].
    pub fn verify(&self, app: Option<&str>, check: Check) -> Result<String, Error> {
        let (app, token) = self.account(app)?;
        let signature = signature::callback(token, &[&check.timestamp, &check.nonce]);
        if signature.matches(&check.signature) {
            return Ok(check.echostr);
        }
        if self.may_tell(app, "signature") {
            tracing::warn!(app = %app.name, "a server check with a wrong signature is refused; if WeChat sent it, apps.token is not the Token of 服务器配置. This is told once");
        }
        Err(Error::Refused)
    }

    /// The app of this name (or the default app) and the token that WeChat signs with.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn account(&self, app: Option<&str>) -> Result<(&App, &SecretString), Error> {
        let app = self.app(app).ok_or(Error::NoApp)?;
        if let Some(token) = &app.token {
            return Ok((app, token));
        }
        if self.may_tell(app, "token") {
            tracing::warn!(app = %app.name, "WeChat's callback came for an app without a token: set apps.token");
        }
        Err(Error::Refused)
    }

    fn may_tell(&self, app: &App, trouble: &'static str) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert((app.name.clone(), trouble))
    }

    fn app(&self, name: Option<&str>) -> Option<&App> {
        match name {
            Some(name) => self.apps.named(name),
            None => self.apps.for_callbacks(),
        }
    }
}
