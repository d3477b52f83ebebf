//! The way back from WeChat. A state is used up by whoever comes first; the same browser coming again, because WeChat
//! opens pages twice or somebody presses the back button, is answered alike or sent on anew, but never left standing.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::state::random_id;
use super::{CODE_LIFETIME, Error, Oauth, Shared, hashed};
use crate::config::App;
use crate::domain::ids::LoginCode;
use crate::domain::return_url::ReturnUrl;
use crate::service::records::{OauthCode, OauthOutcome, OauthScope, OauthState};
use crate::store::Change;
use crate::wechat::{self, AppCredentials, UserInfo};

/// How often, and how long, a second request looks for what the first one came to: an exchange takes two calls.
const LOOK: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(11);

/// Authorizations begun anew in a row for one that came to nothing.
const MOST_ATTEMPTS: u32 = 1;

/// What the page is told in `error`. The first three are OAuth's own. (RFC 6749, 4.1.2.1.)
const DENIED: &str = "access_denied";
const BROKEN: &str = "server_error";
const BUSY: &str = "temporarily_unavailable";
/// The user looks at a snapshot of the page, as a virtual user. (快照页)
const SNAPSHOT: &str = "snapshot_user";
/// WeChat's code or our state was used up, and beginning anew did not help.
const EXPIRED: &str = "login_expired";

impl Oauth {
    /// Answers where a browser goes that comes back from WeChat: to its page, with `code` or `error`, or to WeChat once
    /// more.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn callback(
        &self,
        app: &str,
        state: &str,
        browser: &str,
        code: Option<LoginCode>,
    ) -> Result<String, Error> {
        let shared = &self.shared;
        let app = shared.app(app)?;
        let now = shared.clock.store_now();
        let id = shared
            .states
            .read(state, &app.name, browser, now)
            .ok_or(Error::State)?;
        let presented = code.as_ref().map(|code| hashed(code.as_str()));
        let mut first = false;
        let record = shared.under_way.update(id, |record| {
            first = record.used_at.is_none();
            if !first {
                return Change::Keep;
            }
            record.used_at = Some(now);
            record.code.clone_from(&presented);
            Change::Save
        });
        let record = record.await?.ok_or(Error::State)?;
        if record.code != presented {
            return Err(Error::State);
        }
        let Some(code) = code else {
            return back(shared, &record, "error", DENIED);
        };
        let outcome = if first {
            // A task of its own: what the code stood for must not be lost because the browser went away.
            let (shared, app, record) = (Arc::clone(shared), app.clone(), record.clone());
            let tasks = shared.tasks.clone();
            let task = tasks.spawn("oauth exchange", async move {
                shared.exchange(&app, &record, &code).await
            });
            Some(task.await.map_err(|_| Error::BrokenOff)??)
        } else {
            shared.outcome(id).await?
        };
        shared.answer(app, &record, outcome, browser).await
    }
}

impl Shared {
    /// Exchanges WeChat's code, once, and notes what it came to.
    async fn exchange(
        &self,
        app: &App,
        record: &OauthState,
        code: &LoginCode,
    ) -> Result<OauthOutcome, Error> {
        let outcome = match self.prove(app, record, code).await {
            Ok(Some(proof)) => {
                let ours = SecretString::from(format!("{}{}", random_id(), random_id()));
                let proof = OauthCode {
                    id: hashed(ours.expose_secret()),
                    expires_at: self.clock.store_now() + CODE_LIFETIME,
                    ..proof
                };
                self.codes.insert(&proof).await?;
                OauthOutcome::Code(self.sealer.seal(&place(record), &ours))
            }
            Ok(None) => OauthOutcome::Failed(SNAPSHOT.to_owned()),
            Err(error) => refused(&error),
        };
        let noted = outcome.clone();
        self.under_way
            .update(&record.id, |record| {
                record.outcome = Some(noted.clone());
                Change::Save
            })
            .await?;
        Ok(outcome)
    }

    /// Who the user is; nobody if it is the virtual user of a snapshot, of whom nothing may be kept.
    async fn prove(
        &self,
        app: &App,
        record: &OauthState,
        code: &LoginCode,
    ) -> Result<Option<OauthCode>, wechat::Error> {
        let credentials = AppCredentials {
            app_id: app.app_id.clone(),
            secret: app.app_secret.clone(),
        };
        let token = self.client.oauth_token(&credentials, code).await?;
        if token.is_snapshot {
            return Ok(None);
        }
        let info = match record.scope {
            OauthScope::Base => UserInfo::default(),
            OauthScope::UserInfo => {
                let info = self.client.user_info(&token.access_token, &token.openid).await;
                // Who the user is, is known; a name can be had another time, but this code cannot.
                info.unwrap_or_else(|error| {
                    tracing::warn!(%error, app = %app.name, "a user's name and picture could not be had");
                    UserInfo::default()
                })
            }
        };
        Ok(Some(OauthCode {
            id: String::new(),
            app: app.name.clone(),
            app_id: app.app_id.clone(),
            openid: token.openid,
            unionid: token.unionid.or(info.unionid),
            nickname: info.nickname,
            expires_at: record.expires_at,
        }))
    }

    /// What the first request with this state came to, waited for if it is still under way. None if it died.
    async fn outcome(&self, id: &str) -> Result<Option<OauthOutcome>, Error> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let record = self.under_way.get(id).await?.ok_or(Error::State)?;
            if record.outcome.is_some() || tokio::time::Instant::now() >= deadline {
                return Ok(record.outcome);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn answer(
        &self,
        app: &App,
        record: &OauthState,
        outcome: Option<OauthOutcome>,
        browser: &str,
    ) -> Result<String, Error> {
        match outcome {
            Some(OauthOutcome::Code(sealed)) => {
                let ours = self
                    .sealer
                    .open(&place(record), &sealed)
                    .map_err(|_| Error::State)?;
                // A code that was taken already, or is too old, is of no use to the page.
                if self.codes.get(&hashed(ours.expose_secret())).await?.is_some() {
                    return back(self, record, "code", ours.expose_secret());
                }
            }
            Some(OauthOutcome::Failed(error)) => return back(self, record, "error", &error),
            Some(OauthOutcome::Spent) | None => {}
        }
        if record.attempt >= MOST_ATTEMPTS {
            return back(self, record, "error", EXPIRED);
        }
        self.begin(app, &record.redirect, record.scope, browser, record.attempt + 1)
            .await
    }
}

/// What a refusal by WeChat comes to. The page learns no errcode: it could do nothing about it.
fn refused(error: &wechat::Error) -> OauthOutcome {
    match error.errcode() {
        // Unknown, expired, or used by a request of WeChat's own before this one. (网页授权)
        Some(40029 | 40163 | 42003) => OauthOutcome::Spent,
        Some(40226) => OauthOutcome::Failed(DENIED.to_owned()),
        Some(-1 | 45011) | None => {
            tracing::warn!(%error, "a code of the authorize page could not be exchanged");
            OauthOutcome::Failed(BUSY.to_owned())
        }
        Some(_) => {
            tracing::error!(%error, "WeChat refuses our authorizations; `wxgate check` says more");
            OauthOutcome::Failed(BROKEN.to_owned())
        }
    }
}

/// The page's address with a parameter more. It is checked again: the origins may have changed meanwhile.
fn back(shared: &Shared, record: &OauthState, name: &str, value: &str) -> Result<String, Error> {
    Ok(ReturnUrl::parse(&record.redirect, &shared.origins)?.with(name, value))
}

fn place(record: &OauthState) -> String {
    format!("oauth_states/{}", record.id)
}
