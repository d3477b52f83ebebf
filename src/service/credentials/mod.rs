//! The platform's access_token and tickets: fetched once for all who need them, renewed ahead of their end, served
//! to their real end while renewing fails. Who may have them is not asked here.
//!
//! A value is looked for in memory, then in the record that all instances share, then at the platform. There is
//! one flight for each value in a process, and one holder of the record's lease among all instances.

mod budget;
mod fetch;
mod flight;
mod follow;
mod held;
mod lease;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

pub use flight::Error;
pub use held::{Held, Lasting};

use flight::Slot;

use crate::clock::Clock;
use crate::config::{AppKind, Apps, Platform};
use crate::domain::ids::AppId;
use crate::service::records::Credential;
use crate::service::seal::Sealer;
use crate::store::{Engine, Repo};
use crate::tasks::Tasks;
use crate::wechat::{self, AppCredentials};

/// What can be held for an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// For every call of the API.
    AccessToken,
    /// For the JS-SDK's signature.
    JsapiTicket,
    /// For signatures of cards and coupons, which few accounts have: held on demand.
    CardTicket,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "access_token",
            Self::JsapiTicket => "jsapi_ticket",
            Self::CardTicket => "card_ticket",
        }
    }

    /// Whether it is fetched when somebody asks for it first, and not before.
    fn is_on_demand(self) -> bool {
        self == Self::CardTicket
    }
}

/// How long a caller waits for a value that is not there yet. The flight goes on after that.
const PATIENCE: Duration = Duration::from_secs(8);
/// How often the keeper looks whether something is due.
const TICK: Duration = Duration::from_millis(500);

/// The credentials of all apps.
pub struct Credentials {
    shared: Arc<Shared>,
}

/// What every flight needs.
struct Shared {
    client: wechat::Client,
    repo: Repo<Credential>,
    sealer: Sealer,
    platform: Platform,
    clock: Clock,
    tasks: Tasks,
    /// This process among all instances.
    instance: String,
    slots: HashMap<(AppId, Kind), Arc<Slot>>,
}

impl Credentials {
    /// For these apps. Nothing is fetched before somebody asks or [`Self::keep_fresh`] runs.
    #[must_use]
    pub fn new(
        apps: &Apps,
        platform: Platform,
        client: wechat::Client,
        engine: Arc<dyn Engine>,
        sealer: Sealer,
        clock: Clock,
        tasks: Tasks,
    ) -> Self {
        let mut slots = HashMap::new();
        for app in apps {
            let credentials = AppCredentials {
                app_id: app.app_id.clone(),
                secret: app.app_secret.clone(),
            };
            let kinds: &[_] = match app.kind {
                AppKind::Official => &[Kind::AccessToken, Kind::JsapiTicket, Kind::CardTicket],
                AppKind::Mini => &[Kind::AccessToken],
            };
            for kind in kinds {
                let slot = Slot::new(credentials.clone(), *kind);
                slots.insert((app.app_id.clone(), *kind), Arc::new(slot));
            }
        }
        let repo = Repo::new(engine, clock.clone());
        let instance = uuid::Uuid::new_v4().simple().to_string();
        Self {
            shared: Arc::new(Shared {
                client,
                repo,
                sealer,
                platform,
                clock,
                tasks,
                instance,
                slots,
            }),
        }
    }

    /// A ticket for the JS-SDK that is good now.
    ///
    /// # Errors
    /// If there is none and none can be fetched.
    pub async fn jsapi_ticket(&self, app: &AppId) -> Result<Arc<Held>, Error> {
        self.get(app, Kind::JsapiTicket).await
    }

    /// An access_token that is good now, as far as is known.
    ///
    /// # Errors
    /// If there is none and none can be fetched.
    pub async fn access_token(&self, app: &AppId) -> Result<Arc<Held>, Error> {
        self.get(app, Kind::AccessToken).await
    }

    /// A token or ticket that is good now, as far as is known.
    ///
    /// # Errors
    /// If there is none and none can be fetched.
    pub async fn get(&self, app: &AppId, kind: Kind) -> Result<Arc<Held>, Error> {
        // A caller that goes away, or gives up, cancels nothing: flights are tasks of their own.
        match tokio::time::timeout(PATIENCE, self.shared.get(app, kind)).await {
            Ok(result) => result,
            Err(_) => Err(Error::Slow),
        }
    }

    /// How long a value lasts from now on.
    #[must_use]
    pub fn lasting(&self, held: &Held) -> Lasting {
        held.lasting(self.shared.clock.store_now())
    }

    /// An access_token other than `dead`, which the platform no longer takes: replaced once for all who report it.
    ///
    /// # Errors
    /// If none can be fetched.
    pub async fn replace_dead(&self, app: &AppId, dead: &SecretString) -> Result<Arc<Held>, Error> {
        match tokio::time::timeout(PATIENCE, self.shared.replace_dead(app, dead)).await {
            Ok(result) => result,
            Err(_) => Err(Error::Slow),
        }
    }

    /// Makes a call with the app's access_token, and once more with another one if that one is dead: a call with a
    /// dead token has used up nothing. (返回码 40001, 40014, 42001.)
    ///
    /// # Errors
    /// If there is no token, or the call fails.
    pub async fn with_token<T, E: From<Error> + From<wechat::Error>, F>(
        &self,
        app: &AppId,
        call: impl Fn(Arc<Held>) -> F,
    ) -> Result<T, E>
    where
        F: Future<Output = wechat::Result<T>>,
    {
        let held = self.access_token(app).await?;
        match call(held.clone()).await {
            Err(error) if error.is_dead_token() => {
                let next = self.replace_dead(app, &held.value).await?;
                Ok(call(next).await?)
            }
            result => Ok(result?),
        }
    }

    /// For each value that should be held: its AppID, its kind, and how long it is good for yet.
    #[must_use]
    pub fn remaining(&self) -> Vec<(AppId, &'static str, Duration)> {
        let now = self.shared.clock.store_now();
        let slots = self.shared.slots.iter().filter(|(_, slot)| slot.is_wanted(now));
        let rest = |slot: &Slot| {
            slot.current(now)
                .map_or(Duration::ZERO, |held| held.expires_at.since(now))
        };
        slots
            .map(|((app, kind), slot)| (app.clone(), kind.as_str(), rest(slot)))
            .collect()
    }

    /// What should be held and is not, as `APPID:KIND`.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let now = self.shared.clock.store_now();
        let missing = self
            .shared
            .slots
            .values()
            .filter(|slot| !slot.kind.is_on_demand() && slot.current(now).is_none());
        let mut missing: Vec<_> = missing.map(|slot| slot.id()).collect();
        missing.sort_unstable();
        missing
    }

    /// Fetches what is missing and renews what is due, for ever; ends when the process stops.
    pub async fn keep_fresh(&self) {
        loop {
            for slot in self.shared.slots.values() {
                self.shared.renew_if_due(slot);
            }
            tokio::select! {
                () = self.shared.tasks.stopping() => return,
                () = tokio::time::sleep(TICK) => {}
            }
        }
    }
}

impl Shared {
    fn slot(&self, app: &AppId, kind: Kind) -> Result<&Arc<Slot>, Error> {
        self.slots.get(&(app.clone(), kind)).ok_or(Error::NoApp)
    }

    async fn get(self: &Arc<Self>, app: &AppId, kind: Kind) -> Result<Arc<Held>, Error> {
        let slot = self.slot(app, kind)?;
        let now = self.clock.store_now();
        slot.want(now);
        if let Some(held) = slot.current(now) {
            if now >= held.renew_at {
                self.renew_if_due(slot);
            }
            return Ok(held);
        }
        self.fly(slot, None).await
    }

    /// A token other than `dead`, which the platform no longer takes. If `dead` is not the current one, the
    /// current one is the answer; else it is replaced, once for all who report it.
    async fn replace_dead(self: &Arc<Self>, app: &AppId, dead: &SecretString) -> Result<Arc<Held>, Error> {
        let slot = self.slot(app, Kind::AccessToken)?;
        // The first flight joined may have been under way for another reason and bring the dead one again.
        for _ in 0..2 {
            let current = slot.current(self.clock.store_now());
            if let Some(held) = current.filter(|held| held.value.expose_secret() != dead.expose_secret()) {
                return Ok(held);
            }
            self.fly(slot, Some(dead)).await?;
        }
        slot.current(self.clock.store_now())
            .filter(|held| held.value.expose_secret() != dead.expose_secret())
            .ok_or(Error::StillDead)
    }

    fn renew_if_due(self: &Arc<Self>, slot: &Arc<Slot>) {
        let now = self.clock.store_now();
        if slot.is_wanted(now) && slot.is_due(now) && !slot.is_cooling(now) && !self.tasks.is_stopping() {
            // The answer, good or bad, is kept in the slot.
            drop(self.fly(slot, None));
        }
    }
}
