//! One failover of a replica set of three under load, through two gateways: what their callers see, and what is in the
//! database afterwards. What it should be is not here.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::fleet::Fleet;
use crate::support::mongo::{Mongod, Setup};
use crate::support::stored::Stored;

const WRITERS: usize = 8;
const READERS: usize = 2;
/// A user makes no more rooms than this.
const ROOMS: usize = 100;
/// Between two requests of the same writer or reader.
const PAUSE: Duration = Duration::from_millis(40);

/// What happens to the primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "only the measurement has all of them")]
pub(crate) enum Fault {
    /// It is told to hand over, as before maintenance.
    StepDown,
    /// SIGKILL.
    Kill,
    /// SIGSTOP: it takes connections and answers nothing, as a machine that hangs or is cut off.
    Freeze,
}

/// A replica set of three and two gateways on it.
pub(crate) struct Course {
    server: Mongod,
    fleet: Fleet,
    stored: Stored,
    runs: usize,
}

/// A write as its writer saw it.
struct Written {
    room: String,
    ended: Instant,
    took: Duration,
    status: Option<u16>,
}

/// What callers saw, and what is stored.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Writes that were acknowledged.
    pub(crate) acknowledged: usize,
    /// The longest time without an acknowledged write.
    pub(crate) gap: Duration,
    /// Writes that were answered 503.
    pub(crate) refused: usize,
    /// Writes that had another answer, or none.
    pub(crate) odd: usize,
    /// The slowest answer to a write.
    pub(crate) slowest: Duration,
    /// Of the acknowledged writes from two seconds after the gap on: the slowest of each second, its median.
    pub(crate) tail: Duration,
    /// When the last acknowledged write that took more than a second ended, after the fault.
    pub(crate) calm_after: Duration,
    /// Requests for the token, and those that were not answered with it.
    pub(crate) reads: (usize, usize),
    /// The slowest answer to one of them.
    pub(crate) slowest_read: Duration,
    /// Acknowledged writes that are not there.
    pub(crate) lost: usize,
    /// Writes that are there more than once.
    pub(crate) doubled: usize,
}

impl Course {
    pub(crate) async fn begin(setup: Setup) -> Self {
        let server = Mongod::replica_set_as(3, setup).await;
        let database = Mongod::fresh_database();
        let url = server.url(&database);
        let mut fleet = Fleet::new(&url, 2, &[]);
        fleet.start().await;
        Self {
            server,
            fleet,
            stored: Stored::Mongo { url, database },
            runs: 0,
        }
    }

    /// The access tokens of new users.
    async fn users(&self, count: usize) -> Vec<String> {
        let mut tokens = Vec::new();
        for number in 0..count {
            let (code, _) = self.fleet.stage.code(&format!("u{}-{number}", self.runs)).await;
            let login = self
                .fleet
                .stage
                .client
                .post(self.fleet.url(number % 2, "/v1/token"));
            let login = login.json(&json!({"type": 100, "account": code}));
            let login: Value = login.send().await.unwrap().json().await.unwrap();
            let token = login["token"].as_str().unwrap_or_else(|| panic!("{login}"));
            tokens.push(token.to_owned());
        }
        tokens
    }

    /// Loads the gateways, does this to the primary, watches for so long, and makes good what was done.
    pub(crate) async fn run(&mut self, fault: Fault, watch: Duration) -> Outcome {
        self.runs += 1;
        let done = AtomicBool::new(false);
        let most = (watch + Duration::from_secs(5)).as_millis() / PAUSE.as_millis();
        let each = usize::try_from(most).unwrap() / ROOMS + 1;
        let users = self.users(WRITERS * each).await;
        let trouble = async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            let primary = self.server.primary().await;
            let begun = Instant::now();
            match fault {
                Fault::StepDown => primary.step_down().await,
                Fault::Kill => primary.kill(),
                Fault::Freeze => primary.stop(),
            }
            tokio::time::sleep(watch).await;
            done.store(true, Ordering::Relaxed);
            match fault {
                Fault::StepDown => {}
                Fault::Kill => primary.restart().await,
                Fault::Freeze => primary.cont(),
            }
            begun
        };
        let own = users.chunks(each).enumerate();
        let writers = own.map(|(number, users)| self.write(number, users, &done));
        let readers = (0..READERS).map(|number| self.read(number, &done));
        let (begun, written, read) = tokio::join!(trouble, join_all(writers), join_all(readers));
        self.server.settle().await;
        let written: Vec<Written> = written.into_iter().flatten().collect();
        let mut outcome = seen(&written, begun);
        let read: Vec<_> = read.into_iter().flatten().collect();
        outcome.reads = (read.len(), read.iter().filter(|(good, _)| !good).count());
        outcome.slowest_read = read.iter().map(|(_, took)| *took).max().unwrap_or_default();
        let stored = self.stored_rooms().await;
        let count = |write: &&Written| stored.get(&write.room).copied().unwrap_or_default();
        let kept = written.iter().filter(|write| write.status == Some(201));
        outcome.lost = kept.filter(|write| count(write) == 0).count();
        outcome.doubled = written.iter().filter(|write| count(write) > 1).count();
        outcome
    }

    /// How often there is a room of each name.
    async fn stored_rooms(&self) -> HashMap<String, usize> {
        let mut rooms = HashMap::new();
        for room in self.stored.records("rooms").await {
            let name = room["name"].as_str().expect("rooms have names").to_owned();
            *rooms.entry(name).or_default() += 1;
        }
        rooms
    }

    /// Makes rooms until it is done, each under a name of its own, and never the same one twice.
    async fn write(&self, writer: usize, users: &[String], done: &AtomicBool) -> Vec<Written> {
        let mut written = Vec::new();
        while !done.load(Ordering::Relaxed) {
            let room = format!("{}-{writer}-{}", self.runs, written.len());
            let request = self
                .fleet
                .stage
                .client
                .post(self.fleet.url(writer % 2, "/v1/rooms"));
            let user = &users[written.len() / ROOMS];
            let request = request.bearer_auth(user).json(&json!({"name": room}));
            let began = Instant::now();
            let answer = request.send().await;
            written.push(Written {
                room,
                ended: Instant::now(),
                took: began.elapsed(),
                status: answer.ok().map(|answer| answer.status().as_u16()),
            });
            tokio::time::sleep(PAUSE).await;
        }
        written
    }

    /// Has WeChat's token until it is done. Says of each request whether it got it, and after how long.
    async fn read(&self, reader: usize, done: &AtomicBool) -> Vec<(bool, Duration)> {
        let mut read = Vec::new();
        while !done.load(Ordering::Relaxed) {
            let path = "/v1/apps/shop/access_token";
            let request = self.fleet.request(reader % 2, Method::GET, path);
            let began = Instant::now();
            let answer = request.send().await;
            let good = answer.is_ok_and(|answer| answer.status() == 200);
            read.push((good, began.elapsed()));
            tokio::time::sleep(PAUSE).await;
        }
        read
    }
}

fn seen(written: &[Written], begun: Instant) -> Outcome {
    let good = |write: &&Written| write.status == Some(201);
    let mut ends: Vec<Instant> = written.iter().filter(good).map(|write| write.ended).collect();
    ends.sort_unstable();
    // What ended before the fault is the beginning of the gap, if it ended last.
    let first = ends.partition_point(|end| *end < begun).saturating_sub(1);
    let gaps = ends[first..].windows(2).map(|pair| (pair[1] - pair[0], pair[1]));
    let (gap, after) = gaps
        .max_by_key(|(gap, _)| *gap)
        .unwrap_or((Duration::ZERO, begun));
    let mut worst: HashMap<u64, Duration> = HashMap::new();
    for write in written.iter().filter(good) {
        if let Some(since) = write.ended.checked_duration_since(after + Duration::from_secs(2)) {
            let second = worst.entry(since.as_secs()).or_default();
            *second = write.took.max(*second);
        }
    }
    let mut worst: Vec<Duration> = worst.into_values().collect();
    worst.sort_unstable();
    let slow = written
        .iter()
        .filter(good)
        .filter(|write| write.took > Duration::from_secs(1));
    let calm = slow.map(|write| write.ended).max().unwrap_or(begun);
    Outcome {
        acknowledged: ends.len(),
        gap,
        refused: written.iter().filter(|write| write.status == Some(503)).count(),
        odd: written
            .iter()
            .filter(|write| !matches!(write.status, Some(201 | 503)))
            .count(),
        slowest: written.iter().map(|write| write.took).max().unwrap_or_default(),
        tail: worst.get(worst.len() / 2).copied().unwrap_or_default(),
        calm_after: calm.saturating_duration_since(begun),
        reads: (0, 0),
        slowest_read: Duration::ZERO,
        lost: 0,
        doubled: 0,
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            acknowledged,
            gap,
            refused,
            odd,
            slowest,
            tail,
            calm_after,
            reads: (reads, failed),
            slowest_read,
            lost,
            doubled,
        } = self;
        write!(
            f,
            "{acknowledged} acknowledged, gap {gap:.1?}, {refused} x 503, {odd} odd, slowest {slowest:.1?}, then \
             {tail:.0?} at worst a second, no write over 1 s later than {calm_after:.1?}; {reads} reads, {failed} failed, \
             slowest {slowest_read:.0?}; lost {lost}, doubled {doubled}"
        )
    }
}
