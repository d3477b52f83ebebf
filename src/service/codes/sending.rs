//! How often codes may be sent: each costs somebody money, and rings somebody's phone. How they are sent is not known
//! here.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::Error;
use crate::clock::Clock;
use crate::domain::contact::Contact;
use crate::domain::time::Timestamp;
use crate::service::fingerprint::Fingerprints;
use crate::service::limits::network;
use crate::service::records::Sendings;
use crate::store::{self, Change, Engine, Repo};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// At most so many within so long.
type Rule = (usize, Duration);

/// How long a target is left in peace after a code.
pub(super) const PAUSE: Duration = Duration::from_secs(60);
const PER_TARGET: &[Rule] = &[(1, PAUSE), (5, HOUR), (10, DAY)];
const PER_ADDRESS: &[Rule] = &[(20, HOUR)];

/// Wait so long after a sending that did not go out.
pub(super) const RETRY: Duration = Duration::from_secs(5);

/// What was counted for one sending, to be given back if it does not go out.
#[derive(Debug)]
pub(super) struct Reservation {
    ids: Vec<String>,
    at: Timestamp,
}

/// Counts what was sent. Cloning it gives another handle.
#[derive(Clone)]
pub(super) struct Sending {
    sendings: Repo<Sendings>,
    fingerprints: Fingerprints,
    clock: Clock,
}

impl Sending {
    pub(super) fn new(engine: Arc<dyn Engine>, fingerprints: Fingerprints, clock: Clock) -> Self {
        Self {
            sendings: Repo::new(engine, clock.clone()),
            fingerprints,
            clock,
        }
    }

    /// Counts one to `target` that `address` asked for, or says how long to wait.
    pub(super) async fn reserve(
        &self,
        target: &Contact,
        address: Option<IpAddr>,
    ) -> Result<Reservation, Error> {
        let at = self.clock.store_now();
        let mut ids = Vec::new();
        let parts = [target.channel(), target.as_str()];
        let target = format!("target:{}", self.fingerprints.of("codes to target", &parts));
        // Looked at first, so that somebody who is impatient with one phone does not use up what others at the same
        // address may send.
        let sent = self.sendings.get(&target).await?;
        let times = sent.map(|sent| sent.times).unwrap_or_default();
        wait(&times, PER_TARGET, at).map_or(Ok(()), |wait| Err(Error::Limited(wait)))?;
        if let Some(address) = address {
            let print = self.fingerprints.of("codes for address", &[&network(address)]);
            let address = format!("address:{print}");
            self.count(address.clone(), PER_ADDRESS, at).await?;
            ids.push(address);
        }
        self.count(target.clone(), PER_TARGET, at).await?;
        ids.push(target);
        Ok(Reservation { ids, at })
    }

    /// Gives back what was counted for a sending that has certainly not gone out.
    pub(super) async fn give_back(&self, reservation: &Reservation) -> store::Result<()> {
        for id in &reservation.ids {
            let less = |sent: &mut Sendings| {
                let Some(index) = sent.times.iter().position(|time| *time == reservation.at) else {
                    return Change::Keep;
                };
                sent.times.remove(index);
                Change::Save
            };
            self.sendings.update(id, less).await?;
        }
        Ok(())
    }

    async fn count(&self, id: String, rules: &[Rule], now: Timestamp) -> Result<(), Error> {
        let longest = rules.iter().map(|(_, within)| *within).max().unwrap_or_default();
        let first = Sendings {
            id,
            times: vec![now],
            expires_at: now + longest,
        };
        loop {
            let mut refused = None;
            let counted = self.sendings.update(&first.id, |sent| {
                refused = wait(&sent.times, rules, now);
                if refused.is_some() {
                    return Change::Keep;
                }
                sent.times.retain(|time| now.since(*time) < longest);
                sent.times.push(now);
                sent.expires_at = now + longest;
                Change::Save
            });
            if counted.await?.is_some() {
                return refused.map_or(Ok(()), |wait| Err(Error::Limited(wait)));
            }
            match self.sendings.insert(&first).await {
                Ok(()) => return Ok(()),
                Err(store::Error::Duplicate { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// How long until `rules` allow one more after those at `times`, if they do not now.
fn wait(times: &[Timestamp], rules: &[Rule], now: Timestamp) -> Option<Duration> {
    let over = rules.iter().filter_map(|(most, within)| {
        let mut inside: Vec<_> = times.iter().filter(|time| now.since(**time) < *within).collect();
        inside.sort_unstable();
        // The one that has to grow old before there is room.
        let oldest = inside
            .len()
            .checked_sub(*most)
            .and_then(|index| inside.get(index))?;
        Some((**oldest + *within).since(now))
    });
    over.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_wait_of_all_rules_counts() {
        let at = Timestamp::from_secs;
        let wait = |times: &[i64], now: i64| {
            let times: Vec<_> = times.iter().map(|time| at(*time)).collect();
            wait(&times, PER_TARGET, at(now)).map(|wait| wait.as_secs())
        };
        assert_eq!(wait(&[], 0), None);
        assert_eq!(wait(&[0], 0), Some(60));
        assert_eq!(wait(&[0], 59), Some(1));
        assert_eq!(wait(&[0], 60), None);
        let five = [0, 60, 120, 180, 240];
        assert_eq!(wait(&five, 300), Some(3300));
        assert_eq!(wait(&five, 250), Some(3350));
        assert_eq!(wait(&five, 3600), None);
        let ten: Vec<i64> = (0..10).map(|index| index * 3600).collect();
        assert_eq!(wait(&ten, 10 * 3600), Some(14 * 3600));
        assert_eq!(wait(&ten, 24 * 3600), None);
        // A clock that was set back: what lies ahead counts as now.
        assert_eq!(wait(&[100], 50), Some(110));
    }
}
