//! The keys that sign our tokens: made one after the other, kept wrapped in the store, the same for all instances.
//! What is signed with them is the matter of `tokens`.

mod key;
mod ring;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

pub use key::Key;
pub use ring::{PUBLISHED_AHEAD, Ring};

use super::records::SigningKey;
use super::seal::{CannotOpen, Sealer};
use crate::clock::Clock;
use crate::config::{Algorithm, Auth};
use crate::domain::time::Timestamp;
use crate::store::{self, Engine, Find, Order, Repo};
use crate::tasks::Tasks;
use crate::telemetry::Chain;

/// How often the store is asked for keys that others have made.
const TICK: Duration = Duration::from_secs(1);
/// How many records are read. There are never as many: keys follow each other ten minutes apart at least, and go
/// after two days.
const MOST: usize = 1000;

/// The keys as they are known now, for those who sign and verify.
pub type Known = Arc<ArcSwap<Ring>>;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The stored key cannot be opened.
    #[error(transparent)]
    Sealed(#[from] CannotOpen),
    /// The stored key is none.
    #[error("the signing key in the store cannot be used")]
    Unusable,
}

/// A key that is published and does not sign yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// Its name.
    pub kid: String,
    /// When it begins to sign.
    pub signs_at: Timestamp,
}

/// What came of the wish for a new key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The key was made.
    Begun(Next),
    /// None was made: this one, made less than ten minutes ago, has yet to begin.
    UnderWay(Next),
}

/// Keeps the keys of one algorithm, together with all other instances on this store.
pub struct Keyring {
    repo: Repo<SigningKey>,
    sealer: Sealer,
    clock: Clock,
    algorithm: Algorithm,
    access_ttl: Duration,
    /// How old the newest key may become; zero is any age.
    lifetime: Duration,
    known: Known,
}

impl Keyring {
    /// Reads the keys of the configured algorithm, and makes the first if there is none. Of several instances that
    /// make it at once, one wins.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn open(
        engine: Arc<dyn Engine>,
        clock: Clock,
        sealer: Sealer,
        auth: &Auth,
    ) -> Result<Self, Error> {
        let repo = Repo::new(engine, clock.clone());
        let algorithm = auth.algorithm;
        let mut keys = read(&repo, &sealer, algorithm, None).await?;
        if keys.is_empty() {
            insert(&repo, &key::make(1, clock.store_now(), &sealer, algorithm)?).await?;
            keys = read(&repo, &sealer, algorithm, None).await?;
        }
        let ring = Ring::new(keys, auth.access_ttl).ok_or(Error::Unusable)?;
        Ok(Self {
            repo,
            sealer,
            clock,
            algorithm,
            access_ttl: auth.access_ttl,
            lifetime: auth.key_lifetime,
            known: Arc::new(ArcSwap::from_pointee(ring)),
        })
    }

    /// The keys, now and whenever it is looked at.
    #[must_use]
    pub fn known(&self) -> Known {
        self.known.clone()
    }

    /// Makes the next key, unless one is waiting to begin already. Other instances publish it within two seconds.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn rotate(&self) -> Result<Rotation, Error> {
        self.refresh().await?;
        let ring = self.known.load_full();
        let now = self.clock.store_now();
        if let Some(waiting) = ring.waiting(now) {
            return Ok(Rotation::UnderWay(next(waiting)));
        }
        let record = key::make(ring.newest().number + 1, now, &self.sealer, self.algorithm)?;
        let made = insert(&self.repo, &record).await?;
        self.refresh().await?;
        let ring = self.known.load();
        let next = next(ring.newest());
        if made && next.kid == record.kid {
            tracing::info!(kid = %next.kid, "a new signing key is published, and signs in ten minutes");
            Ok(Rotation::Begun(next))
        } else {
            Ok(Rotation::UnderWay(next))
        }
    }

    /// Keeps what is known in step with the store, and makes the next key when the newest is too old, until the
    /// process ends. While the store is away the known keys serve on.
    pub async fn keep(&self, tasks: &Tasks) {
        let mut failing = false;
        loop {
            let kept = self.look_after().await;
            if let Err(error) = &kept
                && !failing
            {
                tracing::warn!(error = %Chain(error), "the signing keys cannot be read; the known ones serve on");
            }
            failing = kept.is_err();
            tokio::select! {
                () = tasks.stopping() => return,
                () = tokio::time::sleep(TICK) => {}
            }
        }
    }

    async fn look_after(&self) -> Result<(), Error> {
        self.refresh().await?;
        let ring = self.known.load_full();
        let now = self.clock.store_now();
        if !self.lifetime.is_zero() && now.since(ring.newest().created_at) >= self.lifetime {
            self.rotate().await?;
        }
        for key in ring.done(now) {
            self.repo.delete(&key::id(key.number, self.algorithm)).await?;
        }
        Ok(())
    }

    /// Reads the few records there are; only new ones are opened.
    async fn refresh(&self) -> Result<(), Error> {
        let before = self.known.load_full();
        let keys = read(&self.repo, &self.sealer, self.algorithm, Some(&before)).await?;
        // What verified a moment ago must not vanish because a store was emptied under a serving gateway.
        if let Some(ring) = Ring::new(keys, self.access_ttl) {
            self.known.store(Arc::new(ring));
        }
        Ok(())
    }
}

fn next(key: &Key) -> Next {
    Next {
        kid: key.kid.clone(),
        signs_at: ring::signs_at(key),
    }
}

async fn read(
    repo: &Repo<SigningKey>,
    sealer: &Sealer,
    algorithm: Algorithm,
    known: Option<&Ring>,
) -> Result<Vec<Arc<Key>>, Error> {
    let mut find = Find::by(SigningKey::BY_AGE, []);
    find.order = Order::Descending;
    find.limit = MOST;
    let found = repo.find(find).await?.into_iter().map(|found| found.record);
    found
        .filter(|record| key::number(&record.id, algorithm).is_some())
        .map(|record| match known.and_then(|ring| ring.known(&record.kid)) {
            Some(key) => Ok(key.clone()),
            None => Key::open(record, sealer, algorithm).map(Arc::new),
        })
        .collect()
}

/// Says whether this record was the first of its id.
async fn insert(repo: &Repo<SigningKey>, record: &SigningKey) -> store::Result<bool> {
    match repo.insert(record).await {
        Ok(()) => Ok(true),
        Err(store::Error::Duplicate { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
