//! Five hundred histories against each real store, many at once: clients that race, lose answers and die, logouts and
//! thieves in between.

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{FutureExt as _, StreamExt as _};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::runtime::Handle;
use wxgate::clock::Clock;
use wxgate::config::Auth;
use wxgate::domain::ids::{SessionId, UserId};
use wxgate::domain::time::Timestamp;
use wxgate::service::records::COLLECTIONS;
use wxgate::service::sessions::Error;
use wxgate::store::{self, Engine, OpenMode};

use super::instance::{GRACE_SECS, Instance, Pair, auth, seed};
use crate::support::mongo::Mongod;

const HISTORIES: u64 = 500;
const AT_ONCE: usize = 16;

struct History {
    instances: [Instance; 2],
    clock: Clock,
    chance: StdRng,
    user: UserId,
    session: SessionId,
    handed: Vec<Pair>,
}

impl History {
    async fn begin(engine: &Arc<dyn Engine>, auth: &Auth, number: u64, seed: u64) -> Self {
        let clock = Clock::system();
        let instances = [0, 1].map(|_| Instance::new(engine, &clock, auth));
        let user: UserId = format!("user{number}").parse().unwrap();
        let opened = instances[0].log_in(&user).await.unwrap();
        Self {
            session: opened.session.id.clone(),
            handed: vec![opened.into()],
            instances,
            clock,
            chance: StdRng::seed_from_u64(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            user,
        }
    }

    fn newest(&self) -> Pair {
        self.handed
            .iter()
            .max_by_key(|pair| pair.generation)
            .unwrap()
            .clone()
    }

    /// The latest token, used several times at once on both instances; some of the callers die on the way.
    async fn race(&mut self, deadly: bool) -> Vec<Result<Pair, Error>> {
        let token = self.newest().refresh;
        let calls: Vec<(usize, Option<Duration>)> = (0..self.chance.random_range(1..6))
            .map(|_| {
                let dies = deadly && self.chance.random_bool(0.3);
                let after = Duration::from_micros(self.chance.random_range(0..4000));
                (self.chance.random_range(0..2), dies.then_some(after))
            })
            .collect();
        let (token, instances) = (&token, &self.instances);
        let calls = calls.into_iter().map(|(at, dies)| async move {
            let refresh = instances[at].sessions.refresh(token);
            match dies {
                Some(after) => tokio::time::timeout(after, refresh).await.ok(),
                None => Some(refresh.await),
            }
        });
        let answers = join_all(calls).await.into_iter().flatten();
        answers.map(|answer| answer.map(Pair::from)).collect()
    }

    /// All that race get one successor, and a client that got none gets it when it asks again.
    async fn go_on(&mut self) {
        let before = self.newest();
        let mut pairs: Vec<Pair> = Vec::new();
        for answer in self.race(true).await {
            pairs.push(answer.expect("nobody ended it"));
        }
        let again = self.instances[0].sessions.refresh(&before.refresh).await;
        pairs.push(again.expect("an answer that was lost is given again").into());
        for pair in &pairs {
            assert_eq!(pair.generation, before.generation + 1);
            assert_eq!(pair.refresh, pairs[0].refresh, "two successors");
        }
        self.handed.extend(pairs);
    }

    /// Nothing that was ever handed out is good at this instance, nor, once it has heard, at the other.
    async fn is_over(&self, at: usize) {
        for pair in &self.handed {
            assert!(!self.instances[at].is_good(&pair.access));
        }
        let other = &self.instances[1 - at];
        other.revocations.catch_up(Timestamp::default()).await.unwrap();
        for pair in [&self.handed[0], &self.newest()] {
            assert!(!other.is_good(&pair.access));
            let refreshed = other.sessions.refresh(&pair.refresh).await;
            assert!(matches!(refreshed, Err(Error::Refused)), "{refreshed:?}");
        }
    }

    async fn end_under_fire(&mut self) {
        let at = self.chance.random_range(0..2);
        let everywhere = self.chance.random_bool(0.5);
        let pause = Duration::from_micros(self.chance.random_range(0..3000));
        let (user, session) = (self.user.clone(), self.session.clone());
        let ending = self.instances[at].sessions.ending().clone();
        let logout = async move {
            tokio::time::sleep(pause).await;
            if everywhere {
                ending.end_all(&user, None).await.unwrap();
            } else {
                ending.end(&session).await.unwrap();
            }
        };
        let (answers, ()) = tokio::join!(self.race(false), logout);
        for answer in answers {
            match answer {
                Ok(pair) => self.handed.push(pair),
                Err(error) => assert!(matches!(error, Error::Refused | Error::Overtaken), "{error}"),
            }
        }
        self.is_over(at).await;
    }

    /// The owner and a thief with an old token, at once.
    async fn be_stolen(&mut self) {
        self.clock.advance(Duration::from_secs(GRACE_SECS + 1));
        let old = self.handed[0].refresh.clone();
        let thief = self.chance.random_range(0..2);
        let sessions = self.instances[thief].sessions.clone();
        let (answers, stolen) = tokio::join!(self.race(false), sessions.refresh(&old));
        assert!(matches!(stolen, Err(Error::Refused)), "{stolen:?}");
        self.handed.extend(answers.into_iter().filter_map(Result::ok));
        self.is_over(thief).await;
    }

    async fn run(mut self) {
        for _ in 0..self.chance.random_range(1..5) {
            self.go_on().await;
            let pause = self.chance.random_range(0..2 * GRACE_SECS);
            self.clock.advance(Duration::from_secs(pause));
        }
        match self.chance.random_range(0..4) {
            0 => self.be_stolen().await,
            1 => {
                for instance in &self.instances {
                    instance.revocations.catch_up(Timestamp::default()).await.unwrap();
                    assert!(instance.is_good(&self.newest().access));
                }
                self.go_on().await;
            }
            _ => self.end_under_fire().await,
        }
    }
}

async fn many(url: &str) {
    let (seed, auth) = (seed(), auth());
    let clock = Clock::system();
    let url = url.into();
    let engine = store::open(&url, OpenMode::Serve, Path::new(""), &clock, Handle::current());
    let engine = engine.await.unwrap();
    engine.prepare(COLLECTIONS).await.unwrap();
    let histories = (0..HISTORIES).map(|number| {
        let (engine, auth) = (&engine, auth);
        async move {
            History::begin(engine, auth, number, seed).await.run().await;
        }
    });
    let all = futures_util::stream::iter(histories).buffer_unordered(AT_ONCE);
    let outcome = AssertUnwindSafe(all.collect::<Vec<()>>()).catch_unwind().await;
    assert!(outcome.is_ok(), "with PROPERTY_SEED={seed}");
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_histories_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    many(&format!("sqlite:{}", folder.path().join("wxgate.db").display())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_histories_on_mongodb() {
    many(&Mongod::standalone().await.url(&Mongod::fresh_database())).await;
}
