//! One flight from beginning to end: read the shared record, take its lease, ask the platform, publish.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::flight::{Error, Slot};
use super::{Held, Kind, Shared, budget};
use crate::config::TokenMode;
use crate::domain::time::Timestamp;
use crate::service::records::{Age, Budget, Credential, Forced, Lease};
use crate::store::{self, Change, Versioned};
use crate::wechat::{self, Fetched};

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
                Kind::JsapiTicket => Some(self.token_of(slot).await?),
            };
            let Some(leased) = self.take_lease(record, slot.kind, now).await? else {
                continue;
            };
            let before = newer(slot.latest().map(|held| (*held).clone()), published);
            let asked = Instant::now();
            match self.ask(slot, leased, token, before.as_ref(), dead).await {
                Ok((held, leased)) => {
                    if self.publish(&id, leased, &held).await? {
                        return Ok(Arc::new(held));
                    }
                    // Fenced: the lease had ended and another instance has published since.
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
            };
            match self.repo.insert(&empty).await {
                Ok(()) | Err(store::Error::Duplicate { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn published(&self, id: &str, record: &Credential) -> Result<Option<Held>, Error> {
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

    /// How long one holder may fetch before others may: longer than the three calls that it makes at most, and than
    /// the store takes to give up.
    fn lease(&self) -> Duration {
        self.platform.timeout * 3 + Duration::from_secs(10)
    }

    /// Takes the lease, and for a token one call of the budget. Nothing if another instance was faster.
    async fn take_lease(
        &self,
        mut record: Versioned<Credential>,
        kind: Kind,
        now: Timestamp,
    ) -> Result<Option<Versioned<Credential>>, Error> {
        if kind == Kind::AccessToken {
            budget::spend(&mut record.record.budget, self.platform.token_budget, now)
                .map_err(Error::Spent)?;
        }
        record.record.lease = Some(Lease {
            owner: self.instance.clone(),
            until: now + self.lease(),
        });
        self.save(record).await
    }

    /// Writes the record if nobody else has, and returns it in its new version.
    async fn save(&self, record: Versioned<Credential>) -> Result<Option<Versioned<Credential>>, Error> {
        let saved = self.repo.replace(&record).await?;
        Ok(saved.then(|| Versioned {
            version: record.version + 1,
            ..record
        }))
    }

    /// Asks the platform, as often as the value's kind and a dead token need.
    async fn ask(
        self: &Arc<Self>,
        slot: &Slot,
        leased: Versioned<Credential>,
        token: Option<Arc<Held>>,
        before: Option<&Held>,
        dead: Option<&SecretString>,
    ) -> Result<(Held, Versioned<Credential>), Error> {
        let asked = self.clock.store_now();
        let (fetched, leased) = match token {
            None => self.ask_token(slot, leased, dead).await?,
            Some(token) => (self.ask_ticket(slot, &token).await?, leased),
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
        Ok((held, leased))
    }

    async fn ask_token(
        &self,
        slot: &Slot,
        mut leased: Versioned<Credential>,
        dead: Option<&SecretString>,
    ) -> Result<(Fetched, Versioned<Credential>), Error> {
        if self.platform.token_mode == TokenMode::Classic {
            return Ok((self.client.token(&slot.app).await?, leased));
        }
        let fetched = self.client.stable_token(&slot.app, false).await?;
        let is_dead = dead.is_some_and(|dead| dead.expose_secret() == fetched.value.expose_secret());
        if !is_dead {
            return Ok((fetched, leased));
        }
        // The platform thinks well of a token that it refuses: only force helps, which it limits, so every use is
        // counted before it is made.
        let now = self.clock.store_now();
        if !budget::may_force(&mut leased.record.forced, now) {
            return Err(Error::StillDead);
        }
        budget::spend(&mut leased.record.budget, self.platform.token_budget, now).map_err(Error::Spent)?;
        let leased = self.save(leased).await?.ok_or(Error::Slow)?;
        let fetched = self.client.stable_token(&slot.app, true).await?;
        if dead.is_some_and(|dead| dead.expose_secret() == fetched.value.expose_secret()) {
            return Err(Error::StillDead);
        }
        Ok((fetched, leased))
    }

    async fn ask_ticket(self: &Arc<Self>, slot: &Slot, token: &Held) -> Result<Fetched, Error> {
        match self.client.jsapi_ticket(&token.value).await {
            Err(error) if error.is_dead_token() => {
                let token = Box::pin(self.replace_dead(&slot.app.app_id, &token.value)).await;
                let token = token.map_err(|error| Error::NoToken(Arc::new(error)))?;
                Ok(self.client.jsapi_ticket(&token.value).await?)
            }
            result => Ok(result?),
        }
    }

    async fn token_of(self: &Arc<Self>, slot: &Slot) -> Result<Arc<Held>, Error> {
        let token = Box::pin(self.get(&slot.app.app_id, Kind::AccessToken)).await;
        token.map_err(|error| Error::NoToken(Arc::new(error)))
    }

    /// Writes the value into the shared record. False if another instance has taken over meanwhile.
    async fn publish(&self, id: &str, mut leased: Versioned<Credential>, held: &Held) -> Result<bool, Error> {
        leased.record.value = Some(self.sealer.seal(&place(id), &held.value));
        leased.record.generation = held.generation;
        leased.record.expires_at = held.expires_at;
        leased.record.renew_at = held.renew_at;
        leased.record.age = held.age;
        leased.record.lease = None;
        match self.repo.replace(&leased).await {
            Ok(published) => Ok(published),
            // The platform has handed the value out: it is good here even if the others cannot learn it now.
            Err(error) => {
                tracing::warn!(credential = id, %error, "a new credential could not be shared through the store");
                Ok(true)
            }
        }
    }

    /// Gives the lease back after a failure. What was counted stays counted.
    async fn release(&self, id: &str) {
        let release = |record: &mut Credential| match &record.lease {
            Some(lease) if lease.owner == self.instance => {
                record.lease = None;
                Change::Save
            }
            _ => Change::Keep,
        };
        // If this fails the lease ends by itself.
        let _ = self.repo.update(id, release).await;
    }
}

fn newer(one: Option<Held>, other: Option<Held>) -> Option<Held> {
    one.into_iter().chain(other).max_by_key(|held| held.generation)
}

fn place(id: &str) -> String {
    format!("credentials/{id}")
}
