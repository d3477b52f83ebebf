//! The right of one instance among all to fetch a value, and what only its holder may write. What is fetched is not
//! known here.
//!
//! The lease is short and its holder extends it while it works, so that others need not wait long after a holder that
//! died. One that was paused for longer, or cut off from the store, has lost it: whatever it brings is not written.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::budget::{self, Purpose};
use super::fetch::place;
use super::{Error, Held, Kind, Shared};
use crate::domain::time::Timestamp;
use crate::service::records::{Credential, Lease};
use crate::store::{Change, Versioned};
use crate::telemetry::Chain;

/// How long others wait for a holder that gives no sign of life.
const LEASE: Duration = Duration::from_secs(5);
/// How often a holder gives one.
const BEAT: Duration = Duration::from_millis(1500);

impl Shared {
    /// Takes the lease of a record that was just read, and for a token one call of the budget. False if another
    /// instance was faster.
    pub(super) async fn take_lease(
        &self,
        mut record: Versioned<Credential>,
        kind: Kind,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<bool, Error> {
        if kind == Kind::AccessToken {
            let budget = &mut record.record.budget;
            budget::spend(budget, self.platform.token_budget, purpose, now).map_err(Error::Spent)?;
        }
        record.record.lease = Some(Lease {
            owner: self.instance.clone(),
            until: now + LEASE,
        });
        Ok(self.repo.replace(&record).await?)
    }

    /// Does something that needs the lease, and extends it meanwhile.
    pub(super) async fn while_leased<T>(&self, id: &str, work: impl Future<Output = T>) -> T {
        let (working, mut ended) = oneshot::channel::<()>();
        let work = async {
            let result = work.await;
            drop(working);
            result
        };
        // No sign of life is broken off half way: what it may still write must not come after the result.
        let beat = async {
            while timeout(BEAT, &mut ended).await.is_err() {
                let until = self.clock.store_now() + LEASE;
                let extend = |record: &mut Credential| {
                    if let Some(lease) = &mut record.lease {
                        lease.until = until;
                    }
                    true
                };
                // If this fails the lease may end, and another instance fetches as well.
                if let Err(error) = self.change_leased(id, extend).await {
                    tracing::debug!(credential = id, error = %Chain(&error), "a lease could not be extended");
                }
            }
        };
        tokio::join!(work, beat).0
    }

    /// Changes the record if the lease is ours, and `change` says that there is something to write. Says whether it is.
    pub(super) async fn change_leased(
        &self,
        id: &str,
        mut change: impl FnMut(&mut Credential) -> bool,
    ) -> Result<bool, Error> {
        let mut is_ours = false;
        let fenced = |record: &mut Credential| {
            is_ours = record
                .lease
                .as_ref()
                .is_some_and(|lease| lease.owner == self.instance);
            if is_ours && change(record) {
                Change::Save
            } else {
                Change::Keep
            }
        };
        let found = self.repo.update(id, fenced).await?;
        Ok(found.is_some() && is_ours)
    }

    /// Writes the value into the shared record and gives the lease back. False if another instance has taken over
    /// meanwhile.
    pub(super) async fn publish(&self, id: &str, held: &Held) -> Result<bool, Error> {
        let sealed = self.sealer.seal(&place(id), &held.value);
        let write = |record: &mut Credential| {
            record.value = Some(sealed.clone());
            record.generation = held.generation;
            record.expires_at = held.expires_at;
            record.renew_at = held.renew_at;
            record.age = held.age;
            record.lease = None;
            record.changed_at = Some(self.clock.store_now());
            true
        };
        match self.change_leased(id, write).await {
            Ok(published) => Ok(published),
            // The platform has handed the value out: it is good here even if the others cannot learn it now.
            Err(error) => {
                let error = Chain(&error);
                tracing::warn!(credential = id, %error, "a new credential could not be shared through the store");
                Ok(true)
            }
        }
    }

    /// Gives the lease back after a failure. What was counted stays counted.
    pub(super) async fn release(&self, id: &str) {
        let release = |record: &mut Credential| {
            record.lease = None;
            true
        };
        // If this fails the lease ends by itself.
        let _ = self.change_leased(id, release).await;
    }

    /// Has the published value fetched again soon. Classic tokens end one another, and of one that came too late to
    /// be published nobody knows whether the platform made it before the published one or after.
    pub(super) async fn doubt(&self, id: &str, late: &Held) {
        let now = self.clock.store_now();
        let is_due = |record: &mut Credential| {
            let published = self.published(id, record).ok().flatten();
            if published.is_none_or(|published| published.is_value(&late.value) || record.renew_at <= now) {
                return Change::Keep;
            }
            record.renew_at = now;
            record.changed_at = Some(now);
            Change::Save
        };
        // If this fails, whoever meets the dead token has it replaced.
        let _ = self.repo.update(id, is_due).await;
    }
}
