//! What WeChat pushes: verified, stored once, answered in time. Who else gets it, and what is done later, is the matter of `deliveries`
//! and of `chores`.
//!
//! `verify` finds out whether a push is WeChat's, `accept` stores it or finds its repetition, `plan` decides what is
//! answered and who has to know, `asking` waits for a webhook's reply, `late` sends what came too late, `chores` does what
//! is left to do after the acknowledgement.

mod accept;
mod asking;
mod chores;
mod figures;
mod late;
mod plan;
mod verify;

pub use figures::{Figures, LateFigures};

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use secrecy::ExposeSecret as _;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use self::chores::Errand;
use self::figures::Counters;
use super::callback::{self, Callback};
use super::credentials::Credentials;
use super::deliveries::Deliveries;
use super::events::{Events, Ids};
use super::fingerprint::Fingerprints;
use super::reply_rules::ReplyRules;
use super::typed::MediaChecks;
use super::webhooks::Webhooks;
use crate::clock::Clock;
use crate::config::{Apps, Push as Settings};
use crate::domain::ids::AppId;
use crate::domain::push::envelope::AesKey;
use crate::domain::push::payload::{Format, Malformed};
use crate::store;
use crate::tasks::Tasks;
use crate::wechat;

/// WeChat cuts the connection after five seconds. (接收普通消息)
const DEADLINE: Duration = Duration::from_millis(4500);
/// After that the store is told that no reply was ready, which may take so long.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// The same warning about an app comes no more often.
const SILENCE: Duration = Duration::from_mins(1);
/// How many accepted events wait for this process to see to them; the others are found in the store.
const QUEUE: usize = 65_536;
/// How many of those are held in memory; of the others only the ids are.
const KNOWN: usize = 2048;

/// A push as it arrived.
#[derive(Debug)]
pub struct Pushed {
    /// Over token, timestamp and nonce.
    pub signature: Option<String>,
    /// Over the ciphertext as well.
    pub msg_signature: Option<String>,
    /// WeChat's time, in seconds.
    pub timestamp: String,
    /// WeChat's random text.
    pub nonce: String,
    /// `aes`, or `raw`, or nothing.
    pub encrypt_type: Option<String>,
    /// The body.
    pub body: Bytes,
    /// When it arrived.
    pub arrived: Instant,
}

/// What WeChat is answered.
#[derive(Debug, PartialEq, Eq)]
pub struct Answered {
    /// The body.
    pub body: String,
    /// Its format; none for the plain text `success`.
    pub format: Option<Format>,
}

/// Why a push is not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such app.
    #[error("there is no such app")]
    NoApp,
    /// It is not WeChat's, as far as can be told.
    #[error("the push cannot be verified")]
    Refused,
    /// It cannot be read.
    #[error("the push is malformed: {0}")]
    Malformed(#[from] Malformed),
    /// The store does not answer, or not in time. WeChat will repeat the push.
    #[error("the push cannot be stored")]
    Store(#[source] store::Error),
    /// The store takes too long. WeChat will repeat the push.
    #[error("the push was not stored in time")]
    Slow,
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<callback::Error> for Error {
    fn from(error: callback::Error) -> Self {
        match error {
            callback::Error::NoApp => Self::NoApp,
            callback::Error::Refused => Self::Refused,
        }
    }
}

/// What pushes are handled with.
pub struct Tools {
    /// Knows the apps and their tokens.
    pub callback: Arc<Callback>,
    /// The log.
    pub events: Arc<Events>,
    /// Who wants to know.
    pub webhooks: Arc<Webhooks>,
    /// Brings it to them.
    pub deliveries: Arc<Deliveries>,
    /// What is answered.
    pub rules: Arc<ReplyRules>,
    /// Checks of media, whose results are pushed.
    pub media_checks: Arc<MediaChecks>,
    /// Makes what repetitions are known by.
    pub fingerprints: Fingerprints,
    /// WeChat's API, for late answers.
    pub client: wechat::Client,
    /// Its tokens.
    pub credentials: Arc<Credentials>,
    /// The time.
    pub clock: Clock,
    /// Background work.
    pub tasks: Tasks,
}

/// Handles pushes.
pub struct Push {
    tools: Tools,
    apps: Apps,
    settings: Settings,
    /// The keys of each app, the current one first.
    keys: HashMap<AppId, Vec<AesKey>>,
    /// Places for late replies, for each app.
    late: HashMap<AppId, Arc<Semaphore>>,
    ids: Ids,
    counters: Counters,
    errands: mpsc::Sender<Errand>,
    waiting: Mutex<Option<mpsc::Receiver<Errand>>>,
    /// When what was told the operator last. Anybody who has seen a signed address can send it again and again.
    told: Mutex<HashMap<(AppId, &'static str), Instant>>,
}

impl Push {
    /// For these apps.
    #[must_use]
    pub fn new(apps: &Apps, settings: Settings, tools: Tools) -> Self {
        let keys = apps.iter().map(|app| {
            let keys = [&app.aes_key, &app.previous_aes_key].into_iter().flatten();
            let keys = keys.map(|key| {
                key.expose_secret()
                    .parse()
                    .expect("a configuration with another aes_key is refused")
            });
            (app.app_id.clone(), keys.collect())
        });
        let late = apps.iter().map(|app| {
            let places = Arc::new(Semaphore::new(late::AT_ONCE));
            (app.app_id.clone(), places)
        });
        let (errands, waiting) = mpsc::channel(QUEUE);
        Self {
            tools,
            settings,
            apps: apps.clone(),
            keys: keys.collect(),
            late: late.collect(),
            told: Mutex::default(),
            ids: Ids::default(),
            counters: Counters::default(),
            errands,
            waiting: Mutex::new(Some(waiting)),
        }
    }

    /// Whether it is time to tell the operator about this trouble of an app again.
    fn may_tell(&self, app: &AppId, trouble: &'static str) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let last = told.get(&(app.clone(), trouble));
        let may = last.is_none_or(|last| now.duration_since(*last) >= SILENCE);
        if may {
            told.insert((app.clone(), trouble), now);
        }
        may
    }
}
