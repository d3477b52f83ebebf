//! Signs pages for the JS-SDK.

use std::sync::Arc;

use rand::RngExt as _;
use rand::distr::Alphanumeric;
use secrecy::SecretString;

use super::credentials::{self, Credentials};
use crate::clock::Clock;
use crate::config::{App, AppKind, Apps};
use crate::domain::ids::AppId;
use crate::domain::page_url::PageUrl;
use crate::domain::signature::{self, Signature};

/// What `wx.config` wants to know.
#[derive(Debug, Clone)]
pub struct JsConfig {
    /// The account.
    pub app_id: AppId,
    /// The moment of signing, in seconds.
    pub timestamp: i64,
    /// A random text.
    pub nonce: String,
    /// The signature over both, the ticket and the page.
    pub signature: Signature,
    /// The ticket, if the operator wants it known.
    pub ticket: Option<SecretString>,
}

/// Why a page is not signed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such official account.
    #[error("there is no such official account")]
    NoApp,
    /// The page's host is not one of the account's.
    #[error("the page's host is not in js_domains")]
    ForeignHost,
    /// There is no ticket to sign with.
    #[error(transparent)]
    Credentials(#[from] credentials::Error),
}

/// Signs pages.
pub struct Jsapi {
    apps: Apps,
    credentials: Arc<Credentials>,
    clock: Clock,
    expose_ticket: bool,
}

impl Jsapi {
    /// Signs for the official accounts among `apps`.
    #[must_use]
    pub fn new(apps: Apps, credentials: Arc<Credentials>, clock: Clock, expose_ticket: bool) -> Self {
        Self {
            apps,
            credentials,
            clock,
            expose_ticket,
        }
    }

    /// Signs `page` on behalf of the named official account, or of the first one.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn sign(&self, app: Option<&str>, page: &PageUrl) -> Result<JsConfig, Error> {
        let app = self.app(app).ok_or(Error::NoApp)?;
        if !app.js_domains.allow(page) {
            return Err(Error::ForeignHost);
        }
        let ticket = self.credentials.jsapi_ticket(&app.app_id).await?;
        let (nonce, timestamp) = (nonce(), self.clock.now().secs());
        let signature = signature::jsapi(&ticket.value, &nonce, timestamp, page);
        let ticket = self.expose_ticket.then(|| ticket.value.clone());
        Ok(JsConfig {
            app_id: app.app_id.clone(),
            timestamp,
            nonce,
            signature,
            ticket,
        })
    }

    fn app(&self, name: Option<&str>) -> Option<&App> {
        match name {
            Some(name) => self.apps.named(name).filter(|app| app.kind == AppKind::Official),
            None => self.apps.first(AppKind::Official),
        }
    }
}

/// Sixteen letters and digits, as in the platform's samples.
fn nonce() -> String {
    rand::rng()
        .sample_iter(Alphanumeric)
        .take(16)
        .map(char::from)
        .collect()
}
