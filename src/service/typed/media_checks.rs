//! Checks of media that were asked for, and what WeChat found, which it pushes within half an hour. (`wxa_media_check`)

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::config::App;
use crate::domain::ids::{AppId, OpenId};
use crate::domain::push::event::Event;
use crate::service::fingerprint::Fingerprints;
use crate::service::records::MediaCheck;
use crate::store::{self, Change, Engine, Repo};

/// How long a check is known.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// Longer ids are none of WeChat's: they have 26 characters.
const LONGEST_ID: usize = 64;
/// More is not kept of what was found.
const MOST: usize = 16 * 1024;

/// The checks of all apps.
pub struct MediaChecks {
    checks: Repo<MediaCheck>,
    fingerprints: Fingerprints,
    clock: Clock,
}

impl MediaChecks {
    /// In this store.
    #[must_use]
    pub fn new(engine: &Arc<dyn Engine>, fingerprints: Fingerprints, clock: Clock) -> Self {
        Self {
            checks: Repo::new(engine.clone(), clock.clone()),
            fingerprints,
            clock,
        }
    }

    /// Notes what an event tells, if it is the result of a check. Doing it twice does no harm.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn note(&self, event: &Event) -> store::Result<()> {
        let text = |name: &str| event.data.get(name).and_then(|value| value.as_str());
        if event.r#type != "wxa_media_check" {
            return Ok(());
        }
        let Some(id) = text("trace_id").and_then(|trace_id| id(&event.app_id, trace_id)) else {
            return Ok(());
        };
        let told = ["result", "detail", "errcode"].map(|name| (name.to_owned(), event.data.get(name)));
        let told = told
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?.clone())));
        let found = serde_json::Value::Object(told.collect()).to_string();
        if found.len() > MOST {
            tracing::warn!(event = %event.id, "the result of a media check is too long to be kept with it");
            return Ok(());
        }
        self.change(id, |check| check.found = Some(found.clone())).await
    }

    /// Notes that a check was asked for. Its result may be here already.
    pub(super) async fn begin(&self, app: &App, trace_id: &str, openid: &OpenId) -> store::Result<()> {
        let Some(id) = id(&app.app_id, trace_id) else {
            return Ok(());
        };
        let subject = self.subject(app, openid);
        self.change(id, |check| check.subject = Some(subject.clone()))
            .await
    }

    /// Whether a check is of this user's content.
    pub(super) fn is_of(&self, app: &App, check: &MediaCheck, openid: &OpenId) -> bool {
        check.subject == Some(self.subject(app, openid))
    }

    /// What stands for a user in the record, so that nothing of a user who is deleted remains in it.
    fn subject(&self, app: &App, openid: &OpenId) -> String {
        let parts = [app.app_id.as_str(), openid.as_str()];
        self.fingerprints.of("subject of media check", &parts)
    }

    pub(super) async fn find(&self, app: &App, trace_id: &str) -> store::Result<Option<MediaCheck>> {
        match id(&app.app_id, trace_id) {
            Some(id) => self.checks.get(&id).await,
            None => Ok(None),
        }
    }

    async fn change(&self, id: String, change: impl Fn(&mut MediaCheck)) -> store::Result<()> {
        loop {
            let changed = self.checks.update(&id, |check| {
                change(check);
                Change::Save
            });
            if changed.await?.is_some() {
                return Ok(());
            }
            let mut check = MediaCheck {
                id: id.clone(),
                subject: None,
                found: None,
                expires_at: self.clock.store_now() + KEPT,
            };
            change(&mut check);
            match self.checks.insert(&check).await {
                // The other half came at this very moment.
                Err(store::Error::Duplicate { .. }) => {}
                result => return result,
            }
        }
    }
}

/// The record's id; none for what is no id of WeChat's.
fn id(app: &AppId, trace_id: &str) -> Option<String> {
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let fits = (1..=LONGEST_ID).contains(&trace_id.len()) && trace_id.bytes().all(usual);
    fits.then(|| format!("{app}:{trace_id}"))
}
