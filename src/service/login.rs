//! Mini-program login: `wx.login` code → openid → our user, session and token. Passwords and phones are not handled here.

mod exchange;

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::records::{Identity, Scope, Session, SessionKey, User};
use super::seal::Sealer;
use super::tokens::{Issued, Tokens};
use crate::clock::Clock;
use crate::config::{App, AppKind, Apps, Auth};
use crate::domain::ids::{AppId, LoginCode, UserId};
use crate::domain::time::Timestamp;
use crate::store::{self, Change, Engine, Repo};
use crate::tasks::Tasks;
use crate::wechat;

use exchange::Exchanges;

/// How many session_keys are kept: a page may still use the one before the latest.
const SESSION_KEYS: usize = 2;

/// Who has logged in.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// The token, as the user's proof from now on.
    pub issued: Issued,
    /// The user.
    pub user: User,
}

/// Why nobody is logged in.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such mini program.
    #[error("there is no such mini program")]
    NoApp,
    /// The platform does not know the code, or not any more.
    #[error("the code was used already")]
    CodeUsed,
    /// The platform refused, or its answer is lost; the code must be taken for used.
    #[error(transparent)]
    Platform(#[from] Arc<wechat::Error>),
    /// The store could not be reached.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The token could not be signed.
    #[error(transparent)]
    Signing(#[from] jsonwebtoken::errors::Error),
    /// The exchange was not carried out to its end.
    #[error("the exchange of the code was broken off")]
    BrokenOff,
}

/// Logs users in.
pub struct Login {
    apps: Apps,
    exchanges: Exchanges,
    identities: Repo<Identity>,
    users: Repo<User>,
    sessions: Repo<Session>,
    sealer: Sealer,
    tokens: Arc<Tokens>,
    auth: Auth,
    clock: Clock,
}

impl Login {
    /// Logs users of the mini programs among `apps` in. `timeout` is how long a call of `client` takes at most.
    #[must_use]
    #[expect(
        clippy::too_many_arguments,
        reason = "the composition root hands over what the service is made of"
    )]
    pub fn new(
        apps: Apps,
        client: wechat::Client,
        timeout: Duration,
        engine: &Arc<dyn Engine>,
        sealer: Sealer,
        tokens: Arc<Tokens>,
        auth: Auth,
        clock: Clock,
        tasks: Tasks,
    ) -> Self {
        Self {
            apps,
            exchanges: Exchanges::new(client, clock.clone(), tasks, timeout),
            identities: Repo::new(engine.clone(), clock.clone()),
            users: Repo::new(engine.clone(), clock.clone()),
            sessions: Repo::new(engine.clone(), clock.clone()),
            sealer,
            tokens,
            auth,
            clock,
        }
    }

    /// Logs in whoever the code of the named mini program (or of the first one) stands for.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn mini_program(&self, app: Option<&str>, code: LoginCode) -> Result<LoggedIn, Error> {
        let app = self.app(app).ok_or(Error::NoApp)?;
        let session = self.exchanges.exchange(app, code).await?;
        let now = self.clock.store_now();
        let user_id = self.identify(&app.app_id, &session, now).await?;
        let user = self.complete(&user_id, now).await?;
        let session = self.begin_session(app, user_id, now).await?;
        let issued = self.tokens.issue(&session)?;
        Ok(LoggedIn { issued, user })
    }

    fn app(&self, name: Option<&str>) -> Option<&App> {
        match name {
            Some(name) => self.apps.named(name).filter(|app| app.kind == AppKind::Mini),
            None => self.apps.first(AppKind::Mini),
        }
    }

    /// The user of an identity. The first login makes the identity with a fresh user id; whoever loses that race
    /// reads the winner's.
    async fn identify(
        &self,
        app: &AppId,
        session: &wechat::Session,
        now: Timestamp,
    ) -> Result<UserId, Error> {
        let id = format!("wechat:{app}:{}", session.openid);
        let key = SessionKey {
            key: self.sealer.seal(&place(&id), &session.session_key),
            at: now,
        };
        loop {
            let known = self.identities.update(&id, |identity| {
                // The platform may hand out the same key again, and callers who share an exchange bring it twice.
                identity
                    .session_keys
                    .retain(|kept| !self.is_key(&id, kept, &session.session_key));
                identity.session_keys.insert(0, key.clone());
                identity
                    .session_keys
                    .sort_by_key(|kept| std::cmp::Reverse(kept.at));
                identity.session_keys.truncate(SESSION_KEYS);
                // A unionid may arrive later, when the app joins an Open Platform account.
                identity.unionid = session.unionid.clone().or(identity.unionid.take());
                Change::Save
            });
            if let Some(identity) = known.await? {
                return Ok(identity.user);
            }
            let identity = Identity {
                id: id.clone(),
                user: fresh_id(),
                unproven: false,
                unionid: session.unionid.clone(),
                session_keys: vec![key.clone()],
                created_at: now,
            };
            match self.identities.insert(&identity).await {
                Ok(()) => return Ok(identity.user),
                Err(store::Error::Duplicate { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn is_key(&self, identity: &str, kept: &SessionKey, key: &SecretString) -> bool {
        // One that cannot be opened is of no use to anybody.
        self.sealer
            .open(&place(identity), &kept.key)
            .map_or(true, |kept| kept.expose_secret() == key.expose_secret())
    }

    /// The user of this id, made if a first login is under way or died before it could.
    async fn complete(&self, id: &UserId, now: Timestamp) -> Result<User, Error> {
        if let Some(user) = self.users.get(id.as_str()).await? {
            return Ok(user);
        }
        let user = User::new(id.clone(), now);
        match self.users.insert(&user).await {
            Ok(()) => Ok(user),
            Err(store::Error::Duplicate { .. }) => Ok(self.users.get(id.as_str()).await?.unwrap_or(user)),
            Err(error) => Err(error.into()),
        }
    }

    async fn begin_session(&self, app: &App, user: UserId, now: Timestamp) -> Result<Session, Error> {
        let session = Session {
            id: fresh_id(),
            user,
            scope: Scope::User,
            app: Some(app.name.clone()),
            device: None,
            created_at: now,
            generation: 0,
            rotations: vec![now],
            expires_at: now + self.auth.refresh_ttl,
            ends_at: now + self.auth.session_ttl,
            ended_at: None,
        };
        self.sessions.insert(&session).await?;
        Ok(session)
    }
}

fn place(identity: &str) -> String {
    format!("identities/{identity}")
}

/// An id that sorts by its time, so that inserts go to one end of the index.
fn fresh_id<T: std::str::FromStr<Err: std::fmt::Debug>>() -> T {
    Uuid::now_v7()
        .simple()
        .to_string()
        .parse()
        .expect("32 hexadecimal digits are an id")
}
