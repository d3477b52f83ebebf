//! One flight from beginning to end: read the shared record, take its lease, ask the platform, publish. What the lease is
//! worth is in `lease.rs`.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::budget::{self, Purpose};
use super::flight::{Error, Slot};
use super::{Held, Kind, Shared};
use crate::config::TokenMode;
use crate::domain::time::Timestamp;
use crate::service::records::{Age, Budget, Credential, Forced};
use crate::store::{self, Versioned};
use crate::wechat::{self, Fetched, Ticket};

/// How often a waiting instance looks whether the holder has published.
const LOOK: Duration = Duration::from_millis(150);
/// A flight ends after so long even if others hold the lease all the time.
const FLIGHT: Duration = Duration::from_secs(40);
/// A call that failed within so long for a passing reason is repeated once, after a pause, while the callers wait.
const QUICK: Duration = Duration::from_secs(1);
const REPEAT_AFTER: Duration = Duration::from_millis(250);

impl Shared {
    /// Brings a value: newer than what is in memory if that is due, and other than `dead`.
    pub(super) async fn refresh(
        self: &Arc<Self>,
        slot: &Slot,
        dead: Option<&SecretString>,
    ) -> Result<Arc<Held>, Error> {
        let id = slot.id();
        let began = Instant::now();
        let mut repeated = false;
        while began.elapsed() < FLIGHT {
            let record = self.record(&id).await?;
            let now = self.clock.store_now();
            let published = self.published(&id, &record.record)?;
            if let Some(held) = &published
                && now < held.renew_at
                && dead.is_none_or(|dead| dead.expose_secret() != held.value.expose_secret())
            {
                return Ok(Arc::new(held.clone()));
            }
            // After a restart what others have fetched is used to its end; renewing it is not what a caller waits for.
            if let Some(held) = published.as_ref().filter(|held| held.is_good(now))
                && dead.is_none()
                && slot.current(now).is_none()
            {
                return Ok(Arc::new(held.clone()));
            }
            let holder = record.record.lease.as_ref().filter(|lease| now < lease.until);
            if holder.is_some_and(|lease| lease.owner != self.instance) {
                tokio::time::sleep(LOOK).await;
                continue;
            }
            // A ticket's flight may have to wait for a token, which it does before it keeps others from fetching.
            let token = match slot.kind {
                Kind::AccessToken => None,
                Kind::JsapiTicket | Kind::CardTicket => Some(self.token_of(slot).await?),
            };
            let purpose = dead.map_or(Purpose::Renewal, |_| Purpose::Report);
            if !self.take_lease(record, slot.kind, purpose, now).await? {
                continue;
            }
            let before = newer(slot.latest().map(|held| (*held).clone()), published);
            let asked = Instant::now();
            let asking = self.ask(slot, token, before.as_ref(), dead);
            match self.while_leased(&id, asking).await {
                Ok(held) => {
                    if self.publish(&id, &held).await? {
                        return Ok(Arc::new(held));
                    }
                    // Fenced: the lease had ended and another instance has published since.
                    if slot.kind == Kind::AccessToken && self.platform.token_mode == TokenMode::Classic {
                        self.doubt(&id, &held).await;
                    }
                }
                Err(error) => {
                    self.release(&id).await;
                    let passing = error.platform().is_some_and(wechat::Error::may_pass);
                    if !passing || repeated || asked.elapsed() > QUICK {
                        return Err(error);
                    }
                    repeated = true;
                    tokio::time::sleep(REPEAT_AFTER).await;
                }
            }
        }
        Err(Error::Slow)
    }

    async fn record(&self, id: &str) -> Result<Versioned<Credential>, Error> {
        loop {
            if let Some(found) = self.repo.get_versioned(id).await? {
                return Ok(found);
            }
            let empty = Credential {
                id: id.to_owned(),
                value: None,
                generation: 0,
                expires_at: Timestamp::default(),
                renew_at: Timestamp::default(),
                age: Age::default(),
                lease: None,
                budget: Budget::default(),
                forced: Forced::default(),
                changed_at: None,
            };
            match self.repo.insert(&empty).await {
                Ok(()) | Err(store::Error::Duplicate { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The value in a shared record.
    pub(super) fn published(&self, id: &str, record: &Credential) -> Result<Option<Held>, Error> {
        let Some(sealed) = &record.value else {
            return Ok(None);
        };
        let value = self.sealer.open(&place(id), sealed)?;
        let Credential {
            generation,
            expires_at,
            renew_at,
            age,
            ..
        } = *record;
        Ok(Some(Held {
            value,
            generation,
            expires_at,
            renew_at,
            age,
        }))
    }

    /// Asks the platform, as often as the value's kind and a dead token need.
    async fn ask(
        self: &Arc<Self>,
        slot: &Slot,
        token: Option<Arc<Held>>,
        before: Option<&Held>,
        dead: Option<&SecretString>,
    ) -> Result<Held, Error> {
        let asked = self.clock.store_now();
        let fetched = match token {
            None => self.ask_token(slot, dead).await?,
            Some(token) => self.ask_ticket(slot, &token).await?,
        };
        let held = Held::fetched(
            slot.kind,
            fetched.value,
            fetched.expires_in,
            asked,
            before,
            rand::random(),
        );
        if fetched.expires_in.is_none() {
            tracing::warn!(app_id = %slot.app.app_id, kind = slot.kind.as_str(), "the platform gave no sensible expires_in");
        }
        Ok(held)
    }

    async fn ask_token(&self, slot: &Slot, dead: Option<&SecretString>) -> Result<Fetched, Error> {
        if self.platform.token_mode == TokenMode::Classic {
            return Ok(self.client.token(&slot.app).await?);
        }
        let fetched = self.client.stable_token(&slot.app, false).await?;
        let is_dead = |fetched: &Fetched| {
            dead.is_some_and(|dead| dead.expose_secret() == fetched.value.expose_secret())
        };
        if !is_dead(&fetched) {
            return Ok(fetched);
        }
        // The platform thinks well of a token that it refuses: only force helps, which it limits, so every use is
        // counted before it is made.
        let now = self.clock.store_now();
        let limits = self.platform.token_budget;
        let mut allowed = Ok(());
        let count = |record: &mut Credential| {
            let (mut forced, mut budget) = (record.forced, record.budget);
            allowed = if !budget::may_force(&mut forced, now) {
                Err(Error::StillDead)
            } else if let Err(wait) = budget::spend(&mut budget, limits, Purpose::Report, now) {
                Err(Error::Spent(wait))
            } else {
                (record.forced, record.budget) = (forced, budget);
                Ok(())
            };
            allowed.is_ok()
        };
        if !self.change_leased(&slot.id(), count).await? {
            return Err(Error::Slow);
        }
        allowed?;
        let fetched = self.client.stable_token(&slot.app, true).await?;
        if is_dead(&fetched) {
            return Err(Error::StillDead);
        }
        Ok(fetched)
    }

    async fn ask_ticket(self: &Arc<Self>, slot: &Slot, token: &Held) -> Result<Fetched, Error> {
        let ticket = match slot.kind {
            Kind::CardTicket => Ticket::Card,
            Kind::AccessToken | Kind::JsapiTicket => Ticket::Jsapi,
        };
        match self.client.ticket(&token.value, ticket).await {
            Err(error) if error.is_dead_token() => {
                let token = Box::pin(self.replace_dead(&slot.app.app_id, &token.value)).await;
                let token = token.map_err(|error| Error::NoToken(Arc::new(error)))?;
                Ok(self.client.ticket(&token.value, ticket).await?)
            }
            result => Ok(result?),
        }
    }

    async fn token_of(self: &Arc<Self>, slot: &Slot) -> Result<Arc<Held>, Error> {
        let token = Box::pin(self.get(&slot.app.app_id, Kind::AccessToken)).await;
        token.map_err(|error| Error::NoToken(Arc::new(error)))
    }
}

fn newer(one: Option<Held>, other: Option<Held>) -> Option<Held> {
    one.into_iter().chain(other).max_by_key(Held::age_rank)
}

pub(super) fn place(id: &str) -> String {
    format!("credentials/{id}")
}
