//! Logins: a proof becomes a user, a session and tokens. How sessions go on and end is not decided here.

mod administrator;
mod exchange;
mod mini_program;
mod password;
mod web_page;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::administrators::Administrators;
use super::code_check::CodeCheck;
use super::mini_program::{Error as MiniProgramError, MiniProgram};
use super::oauth::Oauth;
use super::password_check::{self, PasswordCheck};
use super::records::{Scope, User};
use super::seal::Sealer;
use super::sessions::{self, Opened, Sessions, Start};
use super::users::Users;
use crate::clock::Clock;
use crate::config::{App, AppKind, Apps};
use crate::domain::ids::AppName;
use crate::store;
use crate::tasks::Tasks;
use crate::wechat;

use exchange::Exchanges;

/// How often a login is tried anew when the user changes meanwhile: is merged, deleted, or gets another password.
const ATTEMPTS: usize = 5;

/// Who has logged in.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// The session and its tokens.
    pub opened: Opened,
    /// The user.
    pub user: User,
}

/// Who asks, as far as it shows.
#[derive(Debug, Clone, Default)]
pub struct Visitor {
    /// What the client calls itself.
    pub device: Option<String>,
    /// Where the client is; none where that says nothing about it.
    pub address: Option<IpAddr>,
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
    /// What a mini program has brought does not tell the phone number.
    #[error(transparent)]
    MiniProgram(#[from] MiniProgramError),
    /// What should prove who it is does not.
    #[error(transparent)]
    Password(#[from] password_check::Error),
    /// The user was changed by others at every attempt.
    #[error("the user is changed too often by others")]
    Restless,
}

impl From<sessions::Error> for Error {
    fn from(error: sessions::Error) -> Self {
        match error {
            sessions::Error::Store(error) => Self::Store(error),
            sessions::Error::Signing(error) => Self::Signing(error),
            // A session that has just begun is not refused.
            sessions::Error::Refused | sessions::Error::Overtaken | sessions::Error::TooMany(_) => {
                Self::Restless
            }
        }
    }
}

/// Logs users in.
pub struct Login {
    apps: Apps,
    exchanges: Exchanges,
    users: Arc<Users>,
    sessions: Arc<Sessions>,
    administrators: Administrators,
    password_check: PasswordCheck,
    code_check: CodeCheck,
    oauth: Arc<Oauth>,
    mini_program: Arc<MiniProgram>,
    sealer: Sealer,
    clock: Clock,
}

/// What logins other than by `wx.login` are checked with.
pub struct Checks {
    /// The administrators.
    pub administrators: Administrators,
    /// Passwords.
    pub password_check: PasswordCheck,
    /// One-time codes.
    pub code_check: CodeCheck,
    /// Readers of web pages.
    pub oauth: Arc<Oauth>,
    /// Phone numbers of mini programs.
    pub mini_program: Arc<MiniProgram>,
}

impl Login {
    /// Logs users of `apps` in. `timeout` is how long a call of `client` takes at most.
    #[must_use]
    #[expect(
        clippy::too_many_arguments,
        reason = "the composition root hands over what the service is made of"
    )]
    pub fn new(
        apps: Apps,
        client: wechat::Client,
        timeout: Duration,
        users: Arc<Users>,
        sessions: Arc<Sessions>,
        checks: Checks,
        sealer: Sealer,
        clock: Clock,
        tasks: Tasks,
    ) -> Self {
        let Checks {
            administrators,
            password_check,
            code_check,
            oauth,
            mini_program,
        } = checks;
        Self {
            apps,
            exchanges: Exchanges::new(client, clock.clone(), tasks, timeout),
            users,
            sessions,
            administrators,
            password_check,
            code_check,
            oauth,
            mini_program,
            sealer,
            clock,
        }
    }

    fn mini(&self, name: Option<&str>) -> Option<&App> {
        match name {
            Some(name) => self.apps.named(name).filter(|app| app.kind == AppKind::Mini),
            None => self.apps.first(AppKind::Mini),
        }
    }

    /// Logs in a user who has registered just now.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn registered(&self, user: User, visitor: &Visitor) -> Result<LoggedIn, Error> {
        let opened = self.enter(&user, None, visitor).await?;
        let opened = opened.ok_or(Error::Restless)?;
        Ok(LoggedIn { opened, user })
    }

    /// Begins a session of a user who has proven who they are. None if the user has changed since `user` was read:
    /// then what was proven has to be looked at again.
    async fn enter(
        &self,
        user: &User,
        app: Option<AppName>,
        visitor: &Visitor,
    ) -> Result<Option<Opened>, Error> {
        let start = Start {
            user: user.id.clone(),
            scope: Scope::User,
            epoch: user.epoch,
            app,
            device: visitor.device.clone(),
        };
        let session = self.sessions.begin(start).await?;
        // Whoever ends all sessions of this user first changes the user and then looks for sessions: either they find
        // this one, or the change is seen here.
        if self.users.is_unchanged(user).await? {
            return Ok(Some(self.sessions.open(session)?));
        }
        self.sessions.ending().end(&session.id).await?;
        Ok(None)
    }
}
