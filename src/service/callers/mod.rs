//! The company's own services: their keys, what these allow, and how often. What is called with them is not known here.

mod key;
mod last_use;
mod permission;
mod rate;

use std::collections::{BTreeSet, HashMap};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use uuid::Uuid;

pub use self::key::{KeyDigest, PREFIX};
use self::last_use::LastUse;
use self::rate::Rates;
pub use self::rate::{BadRate, Rate};
use super::derived::Derived;
use super::feed::Feed;
use super::records::{Caller, Grant};
use crate::clock::Clock;
use crate::domain::call_pattern::CallPattern;
use crate::domain::ids::{AppName, CallerId};
use crate::domain::time::Timestamp;
use crate::store::{self, Change, Engine};
use crate::tasks::Tasks;

/// How long a name may be, in characters.
const LONGEST_NAME: usize = 64;

/// What the operator calls a caller: 1 to 64 characters without control characters, not blank at its ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerName(String);

/// A text that is no name of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a caller's name has 1 to {LONGEST_NAME} characters, no control characters, and is not blank")]
pub struct BadName;

impl FromStr for CallerName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let name = text.trim();
        let fits = (1..=LONGEST_NAME).contains(&name.chars().count());
        if fits && !name.chars().any(char::is_control) {
            Ok(Self(name.to_owned()))
        } else {
            Err(BadName)
        }
    }
}

/// A caller to be made.
#[derive(Debug, Clone)]
pub struct NewCaller {
    /// What the operator calls it. Two may have the same name.
    pub name: CallerName,
    /// The apps it may use.
    pub apps: BTreeSet<AppName>,
    /// Which calls of WeChat's API it may make.
    pub allow: Vec<CallPattern>,
    /// What else it may do.
    pub grants: BTreeSet<Grant>,
    /// How many requests it may make, in each process; any number if there is none.
    pub rate: Option<Rate>,
    /// How long its key is good for; until it is revoked if there is none.
    pub lifetime: Option<Duration>,
}

/// Why a caller is not changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such caller.
    #[error("there is no caller with this id")]
    Unknown,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Why a key does not give access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It is nobody's.
    #[error("the key is not known")]
    Unknown,
    /// It was revoked.
    #[error("the key was revoked")]
    Revoked,
    /// Its time is over.
    #[error("the key has expired")]
    Expired,
}

/// The callers, as far as this instance has heard of them. What is made or revoked elsewhere is known here within a
/// second; while the store is away, what is known holds.
pub struct Callers {
    feed: Arc<Feed<Caller>>,
    by_key: Derived<ByKey>,
    rates: Rates,
    last_use: LastUse,
    clock: Clock,
}

/// The callers by their keys.
type ByKey = HashMap<KeyDigest, Arc<Caller>>;

impl Callers {
    /// The callers in this store. None is known before the feed is loaded.
    #[must_use]
    pub fn new(engine: &Arc<dyn Engine>, clock: Clock) -> Self {
        Self {
            feed: Arc::new(Feed::new(engine.clone(), clock.clone())),
            by_key: Derived::default(),
            rates: Rates::default(),
            last_use: LastUse::new(engine, clock.clone()),
            clock,
        }
    }

    /// Where they come from, to be loaded and followed.
    #[must_use]
    pub fn feed(&self) -> &Arc<Feed<Caller>> {
        &self.feed
    }

    /// Makes a caller, and its key, which nobody can find out later.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn create(&self, new: NewCaller) -> Result<(Caller, SecretString), Error> {
        let (key, digest) = key::generate();
        let now = self.clock.store_now();
        let id = format!("clr_{}", Uuid::now_v7().simple());
        let caller = Caller {
            id: id.parse().expect("32 hexadecimal digits follow the prefix"),
            name: new.name.0,
            key: digest,
            apps: new.apps,
            allow: new.allow,
            grants: new.grants,
            rate: new.rate.map(Rate::per_second),
            created_at: now,
            ends_at: new.lifetime.map(|lifetime| now + lifetime),
            revoked_at: None,
            changed_at: now,
        };
        self.feed.repo().insert(&caller).await?;
        self.feed.note(&caller);
        tracing::info!(caller = %caller.id, name = ?caller.name, "a caller was made");
        Ok((caller, key))
    }

    /// All callers, also those whose keys are no good any more, oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<Caller>> {
        // Their ids begin with their times.
        self.feed.all().1
    }

    /// Ends a caller's key for good. One that was revoked stays as it is.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn revoke(&self, id: &CallerId) -> Result<Caller, Error> {
        let mut is_new = false;
        let revoke = |caller: &mut Caller| {
            is_new = caller.revoked_at.is_none();
            if !is_new {
                return Change::Keep;
            }
            caller.changed_at = self.feed.change_after(caller.changed_at);
            caller.revoked_at = Some(caller.changed_at);
            Change::Save
        };
        let updated = self.feed.repo().update(id.as_str(), revoke).await?;
        let revoked = updated.ok_or(Error::Unknown)?;
        self.feed.note(&revoked);
        if is_new {
            tracing::info!(caller = %revoked.id, name = ?revoked.name, "a caller was revoked");
        }
        Ok(revoked)
    }

    /// Whose key this is, if it is good now. The store is not asked.
    ///
    /// # Errors
    /// See [`Denied`].
    pub fn authenticate(&self, key: &str) -> Result<Arc<Caller>, Denied> {
        let digest = KeyDigest::of(key).ok_or(Denied::Unknown)?;
        let caller = self.find(&digest).ok_or(Denied::Unknown)?;
        self.check(&caller)?;
        self.note_use(&caller.id);
        Ok(caller)
    }

    /// Notes that a caller was heard of now, for those who know it by something else than its key.
    pub fn note_use(&self, id: &CallerId) {
        self.last_use.note(id);
    }

    /// When a caller's key was used last, as the store knows it: up to a minute ago it may have been used since.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn last_used_at(&self, id: &CallerId) -> store::Result<Option<Timestamp>> {
        self.last_use.read(id).await
    }

    /// Keeps in the store when callers were heard of, until the process ends.
    pub async fn keep_last_use(&self, tasks: &Tasks) {
        self.last_use.keep(tasks).await;
    }

    /// A caller that was authenticated some time ago, if its key is good still.
    #[must_use]
    pub fn get(&self, id: &CallerId) -> Option<Arc<Caller>> {
        let caller = self.feed.get(id.as_str())?;
        self.check(&caller).is_ok().then_some(caller)
    }

    /// Whether the key of a caller that was authenticated some time ago is good still.
    #[must_use]
    pub fn is_good(&self, id: &CallerId) -> bool {
        self.get(id).is_some()
    }

    fn check(&self, caller: &Caller) -> Result<(), Denied> {
        if caller.revoked_at.is_some() {
            return Err(Denied::Revoked);
        }
        if caller.ends_at.is_some_and(|end| end <= self.clock.store_now()) {
            return Err(Denied::Expired);
        }
        Ok(())
    }

    /// Counts a request of a caller against its rate.
    ///
    /// # Errors
    /// How long it has to wait.
    pub fn count(&self, caller: &Caller) -> Result<(), Duration> {
        Rate::of(caller.rate).map_or(Ok(()), |rate| self.rates.take(&caller.id, rate))
    }

    fn find(&self, key: &KeyDigest) -> Option<Arc<Caller>> {
        let by_key = self.by_key.of(&self.feed, |callers| {
            let callers = callers.into_iter().map(|caller| (caller.key.clone(), caller));
            callers.collect::<ByKey>()
        });
        by_key.get(key).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_something_to_read_and_end_somewhere() {
        assert_eq!(" 订单 ".parse(), Ok(CallerName("订单".to_owned())));
        assert!("茶".repeat(64).parse::<CallerName>().is_ok());
        for bad in ["", "  ", "a\nb", "\u{0}", &"茶".repeat(65)] {
            assert_eq!(bad.parse::<CallerName>(), Err(BadName), "{bad:?}");
        }
    }
}
