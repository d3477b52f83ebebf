//! How often somebody may fail to prove who they are: counted in the store, so that all instances count together. What
//! a failure is, is not decided here.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use super::fingerprint::Fingerprints;
use super::records::Attempts;
use crate::clock::Clock;
use crate::config::FailureLimits;
use crate::domain::time::Timestamp;
use crate::store::{self, Change, Engine, Repo};

/// Why somebody may not try.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There were too many failures; so long to wait.
    #[error("too many failures")]
    Limited(Duration),
    /// The store does not answer, so nobody knows.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Who tries: the account as the client names it (an identity's id, or another text with a prefix that tells the kinds
/// apart), and the client's address where that says anything.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The account. It need not exist.
    pub account: String,
    /// The address; none if it stands for many clients, who then have no limit in common.
    pub address: Option<IpAddr>,
}

/// Counts failures.
#[derive(Clone)]
pub struct Failures {
    attempts: Repo<Attempts>,
    fingerprints: Fingerprints,
    limits: FailureLimits,
    clock: Clock,
}

impl Failures {
    /// Counts in this store.
    #[must_use]
    pub fn new(
        engine: Arc<dyn Engine>,
        fingerprints: Fingerprints,
        limits: FailureLimits,
        clock: Clock,
    ) -> Self {
        Self {
            attempts: Repo::new(engine, clock.clone()),
            fingerprints,
            limits,
            clock,
        }
    }

    /// Whether a trial is allowed just now.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn check(&self, trial: &Trial) -> Result<(), Error> {
        for (id, most) in self.counted(trial) {
            if let Some(attempts) = self.attempts.get(&id).await?
                && attempts.count >= most
            {
                let wait = attempts.expires_at.since(self.clock.store_now());
                return Err(Error::Limited(wait));
            }
        }
        Ok(())
    }

    /// Counts a failure, of the account and of the address.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn note(&self, trial: &Trial) -> store::Result<()> {
        let now = self.clock.store_now();
        for (id, _) in self.counted(trial) {
            self.count(id, now).await?;
        }
        Ok(())
    }

    /// Forgets the failures of an account whose owner has come. Those of the address stay: its owner may have an
    /// account as well.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn forget(&self, trial: &Trial) -> store::Result<()> {
        let id = self.account(&trial.account);
        if self.attempts.get(&id).await?.is_some() {
            self.attempts.delete(&id).await?;
        }
        Ok(())
    }

    async fn count(&self, id: String, now: Timestamp) -> store::Result<()> {
        let attempts = Attempts {
            id,
            count: 1,
            first: now,
            expires_at: now + self.limits.window,
        };
        loop {
            let more = |attempts: &mut Attempts| {
                attempts.count = attempts.count.saturating_add(1);
                Change::Save
            };
            if self.attempts.update(&attempts.id, more).await?.is_some() {
                return Ok(());
            }
            match self.attempts.insert(&attempts).await {
                Err(store::Error::Duplicate { .. }) => {}
                result => return result,
            }
        }
    }

    fn account(&self, account: &str) -> String {
        format!(
            "account:{}",
            self.fingerprints.of("failures of account", &[account])
        )
    }

    /// The records that a trial counts in, and how many failures each may have.
    fn counted(&self, trial: &Trial) -> Vec<(String, u32)> {
        let mut counted = vec![(self.account(&trial.account), self.limits.account_failures)];
        if let Some(address) = trial.address {
            let print = self.fingerprints.of("failures of address", &[&network(address)]);
            counted.push((format!("address:{print}"), self.limits.address_failures));
        }
        counted
    }
}

/// What one client can easily have: an IPv4 address, or the /64 of an IPv6 address, within which every machine chooses
/// its addresses itself.
#[must_use]
pub fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::network;

    #[test]
    fn addresses_of_one_client_are_one() {
        let network = |text: &str| network(text.parse().unwrap());
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(network("2001:db8:1:2::"), network("2001:db8:1:2:ffff::1"));
        assert_ne!(network("2001:db8:1:2::"), network("2001:db8:1:3::"));
    }
}
