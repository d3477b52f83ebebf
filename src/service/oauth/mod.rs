//! Web pages in WeChat: a user goes to WeChat's authorize page and comes back with a one-time code of ours, which a
//! login takes for the proof of who the user is. Logging in is not done here. (网页授权.)
//!
//! The `state` is signed, so that forged ones cost nothing; its record makes it work once among all instances.

mod finish;
mod state;

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use secrecy::{ExposeSecret, SecretString};
use url::form_urlencoded;

use super::StoreError;
use super::records::{OauthCode, OauthScope, OauthState};
use super::seal::Sealer;
use crate::clock::Clock;
use crate::config::{App, AppKind, Apps, Config};
use crate::domain::ids::{AppId, AppName, OpenId, UnionId};
use crate::domain::return_url::{self, BadReturnUrl, ReturnUrl};
use crate::store::{Engine, Repo};
use crate::tasks::Tasks;
use crate::wechat;

use state::{States, is_id, random_id};

/// How long a user may take at WeChat's page.
pub const STATE_LIFETIME: Duration = Duration::from_mins(10);
/// How long a one-time code of ours works.
pub const CODE_LIFETIME: Duration = Duration::from_mins(1);

/// Why nobody is sent anywhere.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such official account.
    #[error("there is no such official account")]
    NoApp,
    /// It is not known how browsers reach this server.
    #[error("server.public_url is not set")]
    NoAddress,
    /// The page does not say where the user should come back to, or says something that must not be.
    #[error(transparent)]
    Redirect(#[from] BadReturnUrl),
    /// The state is not one of ours, is another browser's, too old, or was used with another code.
    #[error("the authorization is unknown to this browser, or over")]
    State,
    /// The store could not be reached.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The exchange was not carried out to its end.
    #[error("the exchange of the code was broken off")]
    BrokenOff,
}

/// A user on the way to WeChat.
#[derive(Debug, Clone)]
pub struct Begun {
    /// WeChat's page.
    pub location: String,
    /// What the browser is to be known by when it comes back.
    pub browser: String,
}

/// Who a one-time code stands for, as WeChat says.
#[derive(Debug, Clone)]
pub struct Proven {
    /// The official account.
    pub app: AppName,
    /// WeChat's id of it.
    pub app_id: AppId,
    /// The user within the account.
    pub openid: OpenId,
    /// The user within the Open Platform account.
    pub unionid: Option<UnionId>,
    /// What the user is called; only with scope `snsapi_userinfo`.
    pub nickname: Option<String>,
}

/// Authorizes web pages.
pub struct Oauth {
    shared: Arc<Shared>,
}

/// What an exchange needs, which is a task of its own.
struct Shared {
    apps: Apps,
    client: wechat::Client,
    states: States,
    under_way: Repo<OauthState>,
    codes: Repo<OauthCode>,
    sealer: Sealer,
    clock: Clock,
    tasks: Tasks,
    open_url: String,
    public_url: Option<String>,
    origins: Vec<String>,
}

impl Oauth {
    /// The name of the key among the settings.
    pub const KEY: &'static str = "oauth_key";

    /// For the official accounts of `config`. `key` signs states; all instances have the same one.
    #[must_use]
    pub fn new(
        config: &Config,
        client: wechat::Client,
        engine: &Arc<dyn Engine>,
        key: &SecretString,
        sealer: Sealer,
        clock: Clock,
        tasks: Tasks,
    ) -> Self {
        let listen = config.server.listen;
        let configured = config
            .server
            .public_url
            .as_ref()
            .map(|url| url.as_str().to_owned());
        // Without a public address only browsers of this machine can come back, and they know this one.
        let local = || (listen.ip().is_loopback() && listen.port() != 0).then(|| format!("http://{listen}"));
        let public_url = configured.or_else(local);
        let own = public_url.as_deref().and_then(|url| url::Url::parse(url).ok());
        let mut origins = config.cors.origins.clone();
        origins.extend(own.map(|url| url.origin().ascii_serialization()));
        Self {
            shared: Arc::new(Shared {
                apps: config.apps.clone(),
                client,
                states: States::new(hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret().as_bytes())),
                under_way: Repo::new(engine.clone(), clock.clone()),
                codes: Repo::new(engine.clone(), clock.clone()),
                sealer,
                clock,
                tasks,
                open_url: config.platform.open_url.as_str().trim_end_matches('/').to_owned(),
                public_url: public_url.map(|url| url.trim_end_matches('/').to_owned()),
                origins,
            }),
        }
    }

    /// Whether browsers reach this server with TLS, as far as it is known.
    #[must_use]
    pub fn has_tls(&self) -> bool {
        let public_url = self.shared.public_url.as_deref();
        let url = public_url.and_then(|url| url::Url::parse(url).ok());
        !url.is_some_and(|url| url.scheme() == "http" && return_url::is_loopback(&url))
    }

    /// Begins an authorization by the named account. `browser` is what the browser is known by already.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn authorize(
        &self,
        app: &str,
        redirect: &str,
        scope: OauthScope,
        browser: Option<&str>,
    ) -> Result<Begun, Error> {
        let shared = &self.shared;
        let app = shared.app(app)?;
        let redirect = ReturnUrl::parse(redirect, &shared.origins)?;
        let known = browser.filter(|browser| is_id(browser)).map(str::to_owned);
        let browser = known.unwrap_or_else(random_id);
        let location = shared.begin(app, redirect.as_str(), scope, &browser, 0).await?;
        Ok(Begun { location, browser })
    }

    /// Who a one-time code stands for. It works once.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn redeem(&self, code: &str) -> Result<Option<Proven>, StoreError> {
        let codes = &self.shared.codes;
        let Some(found) = codes.get_versioned(&hashed(code)).await? else {
            return Ok(None);
        };
        if !codes.take(&found).await? {
            return Ok(None);
        }
        let code = found.record;
        Ok(Some(Proven {
            app: code.app,
            app_id: code.app_id,
            openid: code.openid,
            unionid: code.unionid,
            nickname: code.nickname,
        }))
    }
}

impl Shared {
    fn app(&self, name: &str) -> Result<&App, Error> {
        let app = self.apps.named(name).filter(|app| app.kind == AppKind::Official);
        app.ok_or(Error::NoApp)
    }

    /// Notes an authorization and answers where the browser goes. WeChat checks the order of the parameters.
    async fn begin(
        &self,
        app: &App,
        redirect: &str,
        scope: OauthScope,
        browser: &str,
        attempt: u32,
    ) -> Result<String, Error> {
        let public_url = self.public_url.as_deref().ok_or(Error::NoAddress)?;
        let record = OauthState {
            id: random_id(),
            app: app.name.clone(),
            redirect: redirect.to_owned(),
            scope,
            attempt,
            expires_at: self.clock.store_now() + STATE_LIFETIME,
            used_at: None,
            code: None,
            outcome: None,
        };
        self.under_way.insert(&record).await?;
        let state = self
            .states
            .write(&record.id, &app.name, browser, record.expires_at);
        let back = format!("{public_url}/v1/oauth/{}/callback", app.name);
        let back: String = form_urlencoded::byte_serialize(back.as_bytes()).collect();
        Ok(format!(
            "{}/connect/oauth2/authorize?appid={}&redirect_uri={back}&response_type=code&scope={}&state={state}\
             #wechat_redirect",
            self.open_url,
            app.app_id,
            scope.as_str(),
        ))
    }
}

/// What is kept of a code: it cannot be made of that again.
fn hashed(code: &str) -> String {
    hex::encode(digest(&SHA256, code.as_bytes()))
}
