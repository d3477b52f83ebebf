//! Ten thousand histories of logins, refreshes, thefts, logouts and deaths, step by step as chance says.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use wxgate::clock::Clock;
use wxgate::domain::ids::{SessionId, UserId};
use wxgate::domain::time::Timestamp;
use wxgate::service::sessions::Error;
use wxgate::store::Engine;

use super::engine::{Memory, Trouble, finish, poll};
use super::instance::{GRACE_SECS, Instance, Pair, auth, seed};

const HISTORIES: u32 = 10_000;
/// A client whose answer was lost asks again within so many milliseconds.
const PROMPT: u64 = 5_000;

#[derive(Debug, Clone)]
enum Step {
    LogIn {
        user: usize,
        at: usize,
    },
    Refresh {
        who: usize,
        at: usize,
    },
    /// Somebody uses a token of long ago.
    Steal {
        who: usize,
        which: usize,
        at: usize,
    },
    Logout {
        who: usize,
        at: usize,
    },
    LogoutEverywhere {
        user: usize,
        at: usize,
    },
    /// One of those who are under way gets on.
    Go(usize),
    /// One of them dies, or its client goes away.
    Die(usize),
    Trouble(bool),
    Wait(u64),
    /// All come to rest, and more than the grace passes.
    Rest(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..2_usize, 0..2_usize).prop_map(|(user, at)| Step::LogIn { user, at }),
        10 => (any::<usize>(), 0..2_usize).prop_map(|(who, at)| Step::Refresh { who, at }),
        1 => (any::<usize>(), any::<usize>(), 0..2_usize)
            .prop_map(|(who, which, at)| Step::Steal { who, which, at }),
        1 => (any::<usize>(), 0..2_usize).prop_map(|(who, at)| Step::Logout { who, at }),
        1 => (0..2_usize, 0..2_usize).prop_map(|(user, at)| Step::LogoutEverywhere { user, at }),
        40 => any::<usize>().prop_map(Step::Go),
        3 => any::<usize>().prop_map(Step::Die),
        2 => any::<bool>().prop_map(Step::Trouble),
        4 => (0..3_000_u64).prop_map(Step::Wait),
        1 => (GRACE_SECS + 1..60).prop_map(Step::Rest),
    ]
}

/// What a client knows of its session, and what may have happened to it.
struct Family {
    id: SessionId,
    user: usize,
    handed: Vec<Pair>,
    newest: Pair,
    /// An answer was lost: the client asks again before it does anything else.
    doubtful: bool,
    /// Somebody has begun to end it, so that it may end.
    may_end: bool,
    /// It was answered that it has ended, by this instance.
    ended: Option<usize>,
}

enum Work {
    /// Whose, and whether a logout everywhere may find it.
    LogIn(usize, bool),
    Refresh(usize, i64),
    /// The families that end, where it is done.
    End(Vec<usize>, usize),
    Theft(usize, usize),
}

enum Answer {
    Pair(Result<(SessionId, Pair), Error>),
    Done(bool),
}

type Running = Pin<Box<dyn Future<Output = Answer>>>;

struct History {
    engine: Arc<Memory>,
    clock: Clock,
    instances: [Arc<Instance>; 2],
    users: [UserId; 2],
    families: Vec<Family>,
    running: Vec<(Work, Running)>,
    waited: u64,
}

impl History {
    fn new() -> Self {
        let engine = Memory::new();
        let clock = Clock::system();
        let dynamic: Arc<dyn Engine> = engine.clone();
        let instance = || Arc::new(Instance::new(&dynamic, &clock, auth()));
        Self {
            instances: [instance(), instance()],
            engine,
            clock,
            users: ["ann".parse().unwrap(), "bob".parse().unwrap()],
            families: Vec::new(),
            running: Vec::new(),
            waited: 0,
        }
    }

    fn take(&mut self, step: &Step) {
        let families = self.families.len();
        match *step {
            Step::LogIn { user, at } => {
                let (instance, id) = (self.instances[at].clone(), self.users[user].clone());
                let work = async move { Answer::Pair(instance.log_in(&id).await.map(told)) };
                let may_end = self.running.iter().any(|(work, _)| matches!(work, Work::End(..)));
                self.running.push((Work::LogIn(user, may_end), Box::pin(work)));
            }
            Step::Refresh { who, at } if families > 0 => {
                let who = who % families;
                let token = self.families[who].newest.clone();
                self.refresh(Work::Refresh(who, token.generation), token.refresh, at);
            }
            Step::Steal { who, which, at } if families > 0 => {
                let who = who % families;
                self.settle();
                self.clock.advance(Duration::from_secs(GRACE_SECS + 1));
                let family = &mut self.families[who];
                let old: Vec<&Pair> = family
                    .handed
                    .iter()
                    .filter(|pair| pair.generation < family.newest.generation)
                    .collect();
                if old.is_empty() {
                    return;
                }
                let token = old[which % old.len()].refresh.clone();
                family.may_end = true;
                self.refresh(Work::Theft(who, at), token, at);
            }
            Step::Logout { who, at } if families > 0 => {
                let who = who % families;
                self.families[who].may_end = true;
                let (instance, id) = (self.instances[at].clone(), self.families[who].id.clone());
                let work = async move { Answer::Done(instance.sessions.ending().end(&id).await.is_ok()) };
                self.running.push((Work::End(vec![who], at), Box::pin(work)));
            }
            Step::LogoutEverywhere { user, at } => {
                let all: Vec<usize> = (0..families)
                    .filter(|who| self.families[*who].user == user)
                    .collect();
                for who in &all {
                    self.families[*who].may_end = true;
                }
                for (work, _) in &mut self.running {
                    if let Work::LogIn(_, may_end) = work {
                        *may_end = true;
                    }
                }
                let (instance, id) = (self.instances[at].clone(), self.users[user].clone());
                let work =
                    async move { Answer::Done(instance.sessions.ending().end_all(&id, None).await.is_ok()) };
                self.running.push((Work::End(all, at), Box::pin(work)));
            }
            Step::Go(which) if !self.running.is_empty() => {
                let which = which % self.running.len();
                self.go(which);
            }
            Step::Die(which) if !self.running.is_empty() => {
                let which = which % self.running.len();
                let (work, _) = self.running.swap_remove(which);
                if let Work::Refresh(who, _) = work {
                    self.families[who].doubtful = true;
                }
            }
            Step::Trouble(lost) => self
                .engine
                .trouble(if lost { Trouble::Lost } else { Trouble::Refused }),
            Step::Wait(millis) => {
                if self.waited + millis > PROMPT {
                    self.settle();
                }
                self.waited += millis;
                self.clock.advance(Duration::from_millis(millis));
            }
            Step::Rest(secs) => {
                self.settle();
                self.clock.advance(Duration::from_secs(secs));
            }
            _ => {}
        }
    }

    fn refresh(&mut self, work: Work, token: String, at: usize) {
        let instance = self.instances[at].clone();
        let refreshed = async move { Answer::Pair(instance.sessions.refresh(&token).await.map(told)) };
        self.running.push((work, Box::pin(refreshed)));
    }

    /// One of those under way is polled once.
    fn go(&mut self, which: usize) {
        let Poll::Ready(answer) = poll(self.running[which].1.as_mut()) else {
            return;
        };
        let (work, _) = self.running.swap_remove(which);
        match (work, answer) {
            (Work::LogIn(user, may_end), Answer::Pair(Ok((id, pair)))) => {
                self.families.push(Family {
                    id,
                    user,
                    handed: vec![pair.clone()],
                    newest: pair,
                    doubtful: false,
                    may_end,
                    ended: None,
                });
            }
            (Work::Refresh(who, generation), Answer::Pair(result)) => self.refreshed(who, generation, result),
            (Work::End(who, at), Answer::Done(true)) => {
                for who in who {
                    self.has_ended(who, at);
                }
            }
            (Work::Theft(who, at), Answer::Pair(result)) => match result {
                Err(Error::Refused) => self.has_ended(who, at),
                Err(Error::Store(_)) => {}
                other => panic!("a token of long ago gave {other:?}"),
            },
            _ => {}
        }
    }

    fn refreshed(&mut self, who: usize, generation: i64, result: Result<(SessionId, Pair), Error>) {
        let stored = self.stored_generation(who);
        let family = &mut self.families[who];
        match result {
            Ok((_, pair)) => {
                assert_eq!(pair.generation, generation + 1);
                for other in family
                    .handed
                    .iter()
                    .filter(|other| other.generation == pair.generation)
                {
                    assert_eq!(other.refresh, pair.refresh, "two successors of one token");
                }
                if let Some(at) = family.ended {
                    assert!(
                        !self.instances[at].is_good(&pair.access),
                        "a token outlives a logout"
                    );
                }
                family.handed.push(pair.clone());
                if pair.generation > family.newest.generation {
                    family.newest = pair;
                    family.doubtful = false;
                }
            }
            Err(Error::Overtaken) => {
                let overtaken = stored.is_some_and(|stored| stored > generation + 1);
                assert!(
                    overtaken || family.may_end,
                    "overtaken by nothing: generation {generation}, stored {stored:?}"
                );
            }
            Err(Error::Refused) => assert!(
                family.may_end,
                "refused although nobody ended it: generation {generation}, stored {stored:?}"
            ),
            Err(Error::Store(_)) => family.doubtful = true,
            Err(other) => panic!("{other}"),
        }
    }

    fn stored_generation(&self, who: usize) -> Option<i64> {
        let sessions = self.engine.all("sessions");
        sessions.get(self.families[who].id.as_str())?["generation"].as_i64()
    }

    fn has_ended(&mut self, who: usize, at: usize) {
        self.families[who].ended = Some(at);
        for pair in &self.families[who].handed {
            assert!(
                !self.instances[at].is_good(&pair.access),
                "a token is good after the end"
            );
        }
    }

    /// All under way come to their end, and clients whose answers were lost ask again.
    fn settle(&mut self) {
        while !self.running.is_empty() {
            for which in (0..self.running.len()).rev() {
                if which < self.running.len() {
                    self.go(which);
                }
            }
        }
        self.engine.calm();
        for who in 0..self.families.len() {
            for _ in 0..3 {
                let family = &mut self.families[who];
                if !std::mem::take(&mut family.doubtful) {
                    break;
                }
                let token = family.newest.clone();
                let result = finish(self.instances[0].sessions.refresh(&token.refresh)).map(told);
                self.refreshed(who, token.generation, result);
            }
            assert!(!self.families[who].doubtful, "it cannot be asked again");
        }
        self.waited = 0;
    }

    /// What must hold at the end.
    fn judge(mut self) {
        self.settle();
        for instance in &self.instances {
            finish(instance.revocations.catch_up(Timestamp::default())).unwrap();
        }
        for family in &self.families {
            if family.ended.is_some() {
                for (index, pair) in family.handed.iter().enumerate() {
                    let instance = &self.instances[index % 2];
                    assert!(
                        self.instances.iter().all(|one| !one.is_good(&pair.access)),
                        "an ended session's token is good"
                    );
                    let refreshed = finish(instance.sessions.refresh(&pair.refresh));
                    assert!(matches!(refreshed, Err(Error::Refused)), "it goes on");
                }
            } else if !family.may_end {
                let newest = &family.newest;
                assert!(
                    self.instances.iter().all(|one| one.is_good(&newest.access)),
                    "a session nobody ended has ended"
                );
                let next = finish(self.instances[1].sessions.refresh(&newest.refresh)).map(told);
                let (_, next) = next.expect("a session nobody ended goes on");
                assert_eq!(next.generation, newest.generation + 1);
                // Of all tokens ever handed out, the last one alone gives a further one.
                for old in family
                    .handed
                    .iter()
                    .filter(|old| old.generation < newest.generation)
                {
                    let again = finish(self.instances[0].sessions.refresh(&old.refresh));
                    assert!(
                        matches!(again, Err(Error::Refused | Error::Overtaken)),
                        "two tokens of one family live"
                    );
                }
            }
        }
    }
}

fn told(opened: wxgate::service::sessions::Opened) -> (SessionId, Pair) {
    (opened.session.id.clone(), opened.into())
}

#[test]
fn ten_thousand_histories_in_memory() {
    let config = Config {
        cases: HISTORIES,
        failure_persistence: None,
        max_shrink_iters: 4000,
        ..Config::default()
    };
    let seed = seed();
    let bytes: Vec<u8> = seed.to_le_bytes().repeat(4);
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let steps = prop::collection::vec(step(), 10..=80);
    let outcome = runner.run(&steps, |steps| {
        let mut history = History::new();
        for step in &steps {
            history.take(step);
        }
        history.judge();
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("with PROPERTY_SEED={seed}: {failure}");
    }
}
