//! What mini programs know of their users beyond the login: phone numbers, encrypted and signed data, session_keys.
//! The keys stay here. (手机号快速验证, 开放数据校验与解密, 检验登录态.)

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::StoreError;
use super::credentials::{self, Credentials, Held};
use super::records::Identity;
use super::seal::Sealer;
use super::session_keys;
use super::users::Users;
use crate::clock::Clock;
use crate::config::{App, AppKind, Apps};
use crate::domain::contact::Phone;
use crate::domain::encrypted_data;
use crate::domain::identity::{IdentityId, IdentityKind};
use crate::domain::ids::{LoginCode, OpenId, UserId};
use crate::store::{Change, Engine, Repo};
use crate::wechat::{self, PhoneNumber};

/// WeChat: the signature was not made with the current session_key, or there is none. (检验登录态, 重置登录态.)
const NOT_CURRENT: [i64; 2] = [87007, 87009];

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such mini program.
    #[error("there is no such mini program")]
    NoApp,
    /// No session_key of the user fits: the mini program has to call `wx.login` again.
    #[error("no session_key of the user fits")]
    SessionExpired,
    /// The data is not written as WeChat writes it.
    #[error("the data is malformed")]
    Malformed,
    /// The data was made for another app.
    #[error("the data was made for another app")]
    ForeignApp,
    /// WeChat's phone number is written as none of ours.
    #[error("the phone number is written in a way that is not known")]
    OddPhone,
    /// There is no access_token to ask with.
    #[error(transparent)]
    Credentials(#[from] credentials::Error),
    /// The platform refused or could not be reached.
    #[error(transparent)]
    Platform(#[from] wechat::Error),
    /// The store could not be reached.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A user of a mini program.
struct Known {
    identity: Identity,
    openid: OpenId,
    /// Latest first, at least one.
    keys: Vec<SecretString>,
}

/// Asks about users of mini programs.
pub struct MiniProgram {
    apps: Apps,
    client: wechat::Client,
    credentials: Arc<Credentials>,
    users: Arc<Users>,
    identities: Repo<Identity>,
    sealer: Sealer,
    clock: Clock,
}

impl MiniProgram {
    /// For the mini programs among `apps`.
    #[must_use]
    pub fn new(
        apps: Apps,
        client: wechat::Client,
        credentials: Arc<Credentials>,
        users: Arc<Users>,
        engine: &Arc<dyn Engine>,
        sealer: Sealer,
        clock: Clock,
    ) -> Self {
        Self {
            apps,
            client,
            credentials,
            users,
            identities: Repo::new(engine.clone(), clock.clone()),
            sealer,
            clock,
        }
    }

    /// The phone number that the code of the phone number button stands for. It is proven by WeChat, but says nothing
    /// about who sent the code.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn phone(&self, app: &str, code: &LoginCode) -> Result<Phone, Error> {
        let app = self.app(app)?;
        let call =
            |held: Arc<Held>| async move { self.client.phone_number(&app.app_id, &held.value, code).await };
        let number = self.with_token(app, call);
        let PhoneNumber {
            country_code, pure, ..
        } = number.await?;
        format!("+{country_code}{pure}")
            .parse()
            .map_err(|_| Error::OddPhone)
    }

    /// What `encrypted_data` says, opened with the user's latest session_key or the one before.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn decrypt(
        &self,
        user: &UserId,
        app: &str,
        encrypted_data: &str,
        iv: &str,
    ) -> Result<Map<String, Value>, Error> {
        let app = self.app(app)?;
        if !encrypted_data::is_well_formed(encrypted_data, iv) {
            return Err(Error::Malformed);
        }
        for key in self.known(user, app).await?.keys {
            match encrypted_data::open(&app.app_id, &key, encrypted_data, iv) {
                Ok(data) => return Ok(data),
                Err(encrypted_data::Error::ForeignApp) => return Err(Error::ForeignApp),
                Err(encrypted_data::Error::Unreadable) => {}
            }
        }
        Err(Error::SessionExpired)
    }

    /// Whether `signature` is WeChat's over `raw_data`, with the user's latest session_key or the one before.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn check_raw(
        &self,
        user: &UserId,
        app: &str,
        raw_data: &str,
        signature: &str,
    ) -> Result<bool, Error> {
        let keys = self.known(user, self.app(app)?).await?.keys;
        Ok(keys
            .iter()
            .any(|key| encrypted_data::is_signed(key, raw_data, signature)))
    }

    /// Whether the user's latest session_key is still the platform's.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn check_session(&self, user: &UserId, app: &str) -> Result<bool, Error> {
        let app = self.app(app)?;
        let known = match self.known(user, app).await {
            Err(Error::SessionExpired) => return Ok(false),
            known => known?,
        };
        let signature = known.signature();
        let (openid, signature) = (&known.openid, &signature);
        let check =
            |held: Arc<Held>| async move { self.client.check_session(&held.value, openid, signature).await };
        match self.with_token(app, check).await {
            Ok(()) => Ok(true),
            Err(Error::Platform(error)) if is_not_current(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Has the platform replace the user's session_key, and keeps the new one.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn reset_session(&self, user: &UserId, app: &str) -> Result<(), Error> {
        let app = self.app(app)?;
        let known = self.known(user, app).await?;
        let signature = known.signature();
        let (openid, signature) = (&known.openid, &signature);
        let reset =
            |held: Arc<Held>| async move { self.client.reset_session(&held.value, openid, signature).await };
        let key = match self.with_token(app, reset).await {
            Err(Error::Platform(error)) if is_not_current(&error) => return Err(Error::SessionExpired),
            key => key?,
        };
        let now = self.clock.store_now();
        let keep = |identity: &mut Identity| {
            session_keys::keep(&self.sealer, identity, &key, now);
            Change::Save
        };
        // A user who was deleted meanwhile has no use for it.
        self.identities.update(&known.identity.id, keep).await?;
        Ok(())
    }

    /// The user's id within the app; none if they never logged in there.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn openid(&self, user: &UserId, app: &str) -> Result<Option<OpenId>, Error> {
        let identity = self.latest(user, self.app(app)?).await?;
        Ok(identity.map(|(_, openid)| openid))
    }

    async fn with_token<T, F>(&self, app: &App, call: impl Fn(Arc<Held>) -> F) -> Result<T, Error>
    where
        F: Future<Output = wechat::Result<T>>,
    {
        self.credentials.with_token(&app.app_id, call).await
    }

    fn app(&self, name: &str) -> Result<&App, Error> {
        let app = self.apps.named(name).filter(|app| app.kind == AppKind::Mini);
        app.ok_or(Error::NoApp)
    }

    /// The user as the app knows them: of several openids, which only users who were merged have, the one that
    /// logged in last.
    async fn latest(&self, user: &UserId, app: &App) -> Result<Option<(Identity, OpenId)>, Error> {
        let Some(user) = self.users.get(user).await? else {
            return Ok(None);
        };
        let prefix = format!("{}:{}:", IdentityKind::WeChat.as_str(), app.app_id);
        let identities = self.users.identities(&user.id).await?;
        let here = identities
            .into_iter()
            .filter(|found| found.id.starts_with(&prefix));
        let latest = here.max_by_key(|found| found.session_keys.first().map(|kept| kept.at));
        Ok(latest.and_then(|identity| {
            let openid = identity.id[prefix.len()..].parse().ok()?;
            debug_assert_eq!(identity.id, IdentityId::wechat(&app.app_id, &openid).as_str());
            Some((identity, openid))
        }))
    }

    async fn known(&self, user: &UserId, app: &App) -> Result<Known, Error> {
        let latest = self.latest(user, app).await?;
        let (identity, openid) = latest.ok_or(Error::SessionExpired)?;
        let keys = session_keys::open(&self.sealer, &identity);
        if keys.is_empty() {
            return Err(Error::SessionExpired);
        }
        Ok(Known {
            identity,
            openid,
            keys,
        })
    }
}

impl Known {
    fn signature(&self) -> String {
        self.keys
            .first()
            .map(encrypted_data::session_signature)
            .unwrap_or_default()
    }
}

fn is_not_current(error: &wechat::Error) -> bool {
    error
        .errcode()
        .is_some_and(|errcode| NOT_CURRENT.contains(&errcode))
}
