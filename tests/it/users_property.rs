//! Histories of logins, links, merges and deletions that interleave as chance says: users never point in a circle,
//! nobody loses what is theirs or gets what is another's, and an end is an end.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tokio::runtime::Handle;
use wxgate::clock::Clock;
use wxgate::domain::identity::IdentityId;
use wxgate::domain::ids::{SessionId, UserId};
use wxgate::service::avatars::Avatars;
use wxgate::service::events::Events;
use wxgate::service::records::User;
use wxgate::service::rooms::Rooms;
use wxgate::service::users::{LinkError, Users};
use wxgate::store::{self, Change, Engine};
use wxgate::tasks::Tasks;

use crate::sessions_property::engine::{Memory, Trouble, finish, poll};
use crate::sessions_property::instance::{Instance, auth, seed};

const HISTORIES: u32 = 500;

#[derive(Debug, Clone)]
enum Step {
    /// Somebody logs in to an app; some apps tell a unionid.
    LogIn(usize, bool),
    /// Somebody proves a phone number (even) or an e-mail address (odd).
    Link(usize, usize),
    Unlink(usize, usize),
    /// Somebody only says that an e-mail address is theirs.
    Claim(usize),
    Delete(usize),
    LogoutEverywhere(usize),
    Go(usize),
    Die(usize),
    Trouble(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let some = any::<usize>;
    prop_oneof![
        6 => (0..4_usize, any::<bool>()).prop_map(|(who, unionid)| Step::LogIn(who, unionid)),
        6 => (some(), 0..4_usize).prop_map(|(who, what)| Step::Link(who, what)),
        3 => (some(), some()).prop_map(|(who, what)| Step::Unlink(who, what)),
        2 => (0..2_usize).prop_map(Step::Claim),
        1 => some().prop_map(Step::Delete),
        1 => some().prop_map(Step::LogoutEverywhere),
        100 => some().prop_map(Step::Go),
        1 => some().prop_map(Step::Die),
        1 => any::<bool>().prop_map(Step::Trouble),
    ]
}

/// Four apps' users, of two Open Platform users.
fn app_identity(who: usize) -> IdentityId {
    format!("wechat:wx1:o{who}").parse().unwrap()
}

fn contact(what: usize) -> IdentityId {
    let text = match what {
        0 | 2 => format!("phone::+861380013800{what}"),
        _ => format!("email::e{}@example.com", what / 2),
    };
    text.parse().unwrap()
}

struct Login {
    user: UserId,
    session: SessionId,
}

enum Work {
    LogIn,
    Claim,
    /// The sessions that end with it.
    End(Vec<SessionId>),
    Other,
}

enum Answer {
    In(Login),
    Claimed(UserId),
    Done,
    Failed,
}

type Running = Pin<Box<dyn Future<Output = Answer>>>;

/// What a gateway has for users.
pub(crate) struct Stage {
    pub(crate) users: Users,
    pub(crate) rooms: Arc<Rooms>,
    pub(crate) instance: Instance,
}

impl Stage {
    pub(crate) fn new(engine: &Arc<Memory>) -> Self {
        let engine: Arc<dyn Engine> = engine.clone();
        let clock = Clock::system();
        let instance = Instance::new(&engine, &clock, auth());
        let tasks = Tasks::new(Handle::current());
        let rooms = Arc::new(Rooms::new(&engine, clock.clone()));
        let users = Users::new(
            &engine,
            instance.sessions.clone(),
            Arc::new(Avatars::new(&engine, clock.clone(), tasks, None)),
            rooms.clone(),
            Arc::new(Events::new(&engine, clock.clone(), Duration::from_secs(60))),
            clock,
        );
        Self {
            users,
            rooms,
            instance,
        }
    }

    /// As a login does it.
    async fn enter(&self, id: &IdentityId, unionid: Option<&str>) -> Answer {
        let unionid = unionid.map(|unionid| unionid.parse().unwrap());
        for _ in 0..5 {
            let user = self.users.prove(id, unionid.as_ref(), |_| Change::Keep).await;
            let Ok(user) = user else { break };
            let Ok(opened) = self.instance.log_in(&user.id).await else {
                break;
            };
            let session = opened.session.id;
            match self.users.is_unchanged(&user).await {
                Ok(true) => {
                    let user = user.id;
                    return Answer::In(Login { user, session });
                }
                Ok(false) => {}
                Err(_) => break,
            }
            if self.instance.sessions.ending().end(&session).await.is_err() {
                break;
            }
        }
        Answer::Failed
    }
}

struct History {
    engine: Arc<Memory>,
    stage: Arc<Stage>,
    logins: Vec<Login>,
    claimers: Vec<UserId>,
    running: Vec<(Work, Running)>,
    /// Whether somebody died or the store failed: then some work is left for later.
    is_rough: bool,
}

impl History {
    fn new(deadly: bool) -> Self {
        let engine = Memory::new();
        Self {
            stage: Arc::new(Stage::new(&engine)),
            engine,
            logins: Vec::new(),
            claimers: Vec::new(),
            running: Vec::new(),
            is_rough: deadly,
        }
    }

    fn start<F>(&mut self, kind: Work, work: impl FnOnce(Arc<Stage>) -> F)
    where
        F: Future<Output = Answer> + 'static,
    {
        let work = work(self.stage.clone());
        self.running.push((kind, Box::pin(work)));
    }

    fn take(&mut self, step: &Step) {
        let some_login = |which: usize| self.logins.get(which.checked_rem(self.logins.len())?);
        match *step {
            Step::LogIn(who, tells) => self.start(Work::LogIn, move |stage| async move {
                let unionid = format!("u{}", who / 2);
                let unionid = tells.then_some(unionid.as_str());
                stage.enter(&app_identity(who), unionid).await
            }),
            Step::Link(who, what) => {
                let Some(user) = some_login(who).map(|login| login.user.clone()) else {
                    return;
                };
                self.start(Work::Other, move |stage| async move {
                    done(stage.users.link(&user, &contact(what)).await)
                });
            }
            Step::Unlink(who, what) => {
                let Some(user) = some_login(who).map(|login| login.user.clone()) else {
                    return;
                };
                self.start(Work::Other, move |stage| async move {
                    let id = match what % 8 {
                        what @ 0..4 => contact(what),
                        what => app_identity(what - 4),
                    };
                    done(stage.users.unlink(&user, &id).await)
                });
            }
            Step::Claim(which) => self.start(Work::Claim, move |stage| async move {
                let id = contact(2 * which + 1);
                let fill = |user: &mut User| user.password = Some("a hash".to_owned());
                match stage.users.register(&id, true, fill).await {
                    Ok(user) => Answer::Claimed(user.id),
                    Err(_) => Answer::Failed,
                }
            }),
            Step::Delete(who) | Step::LogoutEverywhere(who) => {
                let Some(user) = some_login(who).map(|login| login.user.clone()) else {
                    return;
                };
                let of_user = self.logins.iter().filter(|login| login.user == user);
                let ends = of_user.map(|login| login.session.clone()).collect();
                let deletes = matches!(step, Step::Delete(_));
                self.start(Work::End(ends), move |stage| async move {
                    let ended = if deletes {
                        stage.users.delete(&user).await.map(drop)
                    } else {
                        stage.users.end_sessions(&user, None).await
                    };
                    ended.map_or(Answer::Failed, |()| Answer::Done)
                });
            }
            Step::Go(which) if !self.running.is_empty() => self.go(which % self.running.len()),
            Step::Die(which) if self.is_rough && !self.running.is_empty() => {
                drop(self.running.swap_remove(which % self.running.len()));
            }
            Step::Trouble(lost) if self.is_rough => {
                self.engine
                    .trouble(if lost { Trouble::Lost } else { Trouble::Refused });
            }
            _ => {}
        }
    }

    fn go(&mut self, which: usize) {
        let Poll::Ready(answer) = poll(self.running[which].1.as_mut()) else {
            return;
        };
        let (work, _) = self.running.swap_remove(which);
        match (work, answer) {
            (Work::LogIn, Answer::In(login)) => self.logins.push(login),
            (Work::Claim, Answer::Claimed(user)) => self.claimers.push(user),
            (Work::End(sessions), Answer::Done) => {
                let ended = |id: &SessionId| self.stage.instance.revocations.has_ended(id);
                assert!(sessions.iter().all(ended), "a session outlives its end");
            }
            _ => {}
        }
    }

    fn settle(&mut self) {
        for _ in 0..100_000 {
            if self.running.is_empty() {
                return;
            }
            for which in (0..self.running.len()).rev() {
                self.go(which);
            }
        }
        panic!("it goes on for ever");
    }

    fn text(record: &serde_json::Map<String, serde_json::Value>, name: &str) -> Option<String> {
        Some(record.get(name)?.as_str()?.to_owned())
    }

    /// Everything has ended, a process has started anew, and everybody logs in once more.
    fn judge(mut self) {
        self.settle();
        self.engine.calm();
        finish(self.stage.users.finish_deletions()).unwrap();
        let mut live = BTreeMap::new();
        for who in 0..4 {
            let entered = finish(self.stage.enter(&app_identity(who), None));
            let Answer::In(login) = entered else {
                panic!("somebody cannot log in any more");
            };
            live.insert(app_identity(who).to_string(), login.user.to_string());
        }
        let users = self.engine.all("users");
        let identities = self.engine.all("identities");
        for (id, user) in &users {
            let next = Self::text(user, "merged_into");
            assert!(
                next.is_none_or(|next| next < *id),
                "a pointer leads to a younger user"
            );
            assert!(!user.contains_key("deleted_at"), "a deletion was not finished");
        }
        for (id, user) in &live {
            assert_eq!(Self::text(&identities[id], "user").as_ref(), Some(user), "{id}");
        }
        for claimer in &self.claimers {
            let merged = users
                .get(claimer.as_str())
                .is_some_and(|user| user.contains_key("merged_into"));
            assert!(
                !merged,
                "one who only claimed an address was merged with its owner"
            );
        }
        if self.is_rough {
            return;
        }
        let owner = |identity| Self::text(identity, "user").unwrap();
        for (id, identity) in &identities {
            let user = users.get(&owner(identity));
            assert!(
                user.is_some_and(|user| !user.contains_key("merged_into")),
                "{id} is nobody's: {identity:?} {users:?}"
            );
        }
        for (id, user) in &users {
            // By a unionid alone too: the next login that tells it leads there.
            let is_known = identities.values().any(|identity| owner(identity) == *id);
            let was_claimer = self.claimers.iter().any(|claimer| claimer.as_str() == id);
            assert!(
                is_known || was_claimer || user.contains_key("merged_into"),
                "{id} cannot log in any more: {identities:?}"
            );
        }
    }
}

fn done<T>(result: Result<T, LinkError>) -> Answer {
    match result {
        Ok(_) => Answer::Done,
        Err(LinkError::Store(error)) => {
            assert!(
                matches!(
                    error,
                    store::Error::Unavailable(_) | store::Error::Indeterminate(_)
                ),
                "{error}"
            );
            Answer::Failed
        }
        Err(_) => Answer::Failed,
    }
}

fn histories(deadly: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _entered = runtime.enter();
    let config = Config {
        cases: HISTORIES,
        failure_persistence: None,
        max_shrink_iters: 4000,
        ..Config::default()
    };
    let seed = seed();
    let bytes: Vec<u8> = seed.to_le_bytes().repeat(4);
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let steps = prop::collection::vec(step(), 50..=250);
    let outcome = runner.run(&steps, |steps| {
        let mut history = History::new(deadly);
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

#[test]
fn five_hundred_histories_in_which_nobody_dies() {
    histories(false);
}

#[test]
fn five_hundred_histories_in_which_some_die() {
    histories(true);
}
