//! Many texts at a given pace, delivered as WeChat would, for tests that end servers meanwhile: which messages were
//! acknowledged, and which never were.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::rt;
use actix_web::rt::time::sleep;
use actix_web::web::Data;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use super::act::Doing;
use super::begin::{self, Manner, Parcel};
use super::deliver::{self, Pace};
use super::evaluate::Verdict;
use super::records::Delivery;
use super::server::Alarms;
use crate::simulator::platform::Platform;

/// Floods that are remembered.
const MOST: usize = 20;
/// How often the next messages become due.
const BEAT: Duration = Duration::from_millis(10);

/// What a flood is made of.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The app.
    pub(crate) app_id: String,
    /// Messages in all.
    pub(crate) count: usize,
    /// Messages that become due in a second.
    pub(crate) per_second: u32,
    /// Messages on their way at once.
    pub(crate) concurrency: usize,
    /// Who sends them, in turn.
    pub(crate) users: Vec<usize>,
    /// Addresses in the place of the configured one; the deliveries of a message take them in turn.
    pub(crate) urls: Vec<String>,
    /// How each is delivered.
    pub(crate) pace: Pace,
}

/// How a flood goes.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Flood {
    #[serde(rename = "flood_id")]
    id: String,
    app_id: String,
    count: usize,
    /// Messages that were begun.
    sent: usize,
    /// Deliveries of all of them.
    deliveries: u64,
    /// Ids of the messages that were answered well.
    acknowledged: Vec<String>,
    /// Ids of the messages that were not, at any delivery.
    failed: Vec<String>,
    /// What deliveries failed by.
    alarms: Alarms,
    /// The slowest good answer.
    slowest_millis: u64,
    done: bool,
    #[serde(skip)]
    stopped: bool,
}

/// All floods.
#[derive(Debug, Clone, Default)]
pub(crate) struct Floods {
    all: BTreeMap<u64, Flood>,
    next: u64,
}

impl Floods {
    /// Begins to remember a flood.
    pub(crate) fn add(&mut self, plan: &Plan) -> u64 {
        self.next += 1;
        if self.all.len() >= MOST {
            self.all.pop_first();
        }
        let flood = Flood {
            id: format!("flood-{}", self.next),
            app_id: plan.app_id.clone(),
            count: plan.count,
            sent: 0,
            deliveries: 0,
            acknowledged: Vec::new(),
            failed: Vec::new(),
            alarms: Alarms::default(),
            slowest_millis: 0,
            done: false,
            stopped: false,
        };
        self.all.insert(self.next, flood);
        self.next
    }

    /// A flood by the id that callers know.
    pub(crate) fn get(&self, flood_id: &str) -> Option<&Flood> {
        self.all.get(&flood_id.strip_prefix("flood-")?.parse().ok()?)
    }

    /// Begins no more messages; those on their way go on.
    pub(crate) fn stop(&mut self, flood_id: &str) -> Option<&Flood> {
        let number = flood_id.strip_prefix("flood-")?.parse().ok()?;
        let flood = self.all.get_mut(&number)?;
        flood.stopped = true;
        Some(flood)
    }
}

impl Flood {
    fn settle(&mut self, parcel: Parcel, deliveries: &[Delivery], verdict: &Verdict) {
        let id = parcel.report.msg_id.unwrap_or_default();
        self.deliveries += deliveries.len() as u64;
        for alarm in deliveries.iter().filter_map(|delivery| delivery.error) {
            self.alarms.count(alarm);
        }
        if matches!(verdict, Verdict::Failed(..)) {
            self.failed.push(id);
            return;
        }
        self.acknowledged.push(id);
        let millis = deliveries.last().map_or(0, |delivery| delivery.millis);
        self.slowest_millis = self.slowest_millis.max(millis);
    }
}

/// Sends all messages of a flood, unless it is stopped or forgotten.
pub(crate) async fn run(platform: Data<Platform>, number: u64, plan: Plan) {
    let gate = Arc::new(Semaphore::new(plan.concurrency));
    let begun = Instant::now();
    for index in 0..plan.count {
        while due(begun, plan.per_second) <= index {
            sleep(BEAT).await;
        }
        let Ok(permit) = Arc::clone(&gate).acquire_owned().await else {
            break;
        };
        let Some(parcel) = next(&platform, number, &plan, index) else {
            break;
        };
        let (platform, pace) = (platform.clone(), plan.pace);
        // On the server's own thread, as everything here: it ends with the simulator.
        rt::spawn(async move {
            let (deliveries, verdict) = deliver::attempts(&platform, &parcel, pace).await;
            if let Some(flood) = platform.world().floods.all.get_mut(&number) {
                flood.settle(parcel, &deliveries, &verdict);
            }
            drop(permit);
        });
    }
    let all = u32::try_from(plan.concurrency).unwrap_or(u32::MAX);
    let _settled = gate.acquire_many(all).await;
    if let Some(flood) = platform.world().floods.all.get_mut(&number) {
        flood.done = true;
    }
}

fn due(begun: Instant, per_second: u32) -> usize {
    let due = begun.elapsed().as_millis() * u128::from(per_second) / 1_000;
    usize::try_from(due).unwrap_or(usize::MAX)
}

/// The next message, made when it is due.
fn next(platform: &Platform, number: u64, plan: &Plan, index: usize) -> Option<Parcel> {
    let (now, mut world) = (platform.clock.now(), platform.world());
    let flood = world.floods.all.get_mut(&number).filter(|flood| !flood.stopped)?;
    flood.sent += 1;
    let text = format!("{} {index}", flood.id);
    let message = Map::from_iter([("content".to_owned(), Value::from(text))]);
    let manner = Manner {
        urls: plan.urls.clone(),
        unlogged: true,
        ..Manner::default()
    };
    let user = plan.users[index % plan.users.len()];
    let doing = Doing::Message(&message);
    let mut parcel = begin::begin(&mut world, &plan.app_id, user, &doing, manner, now).ok()?;
    parcel.turn = index;
    Some(parcel)
}
