//! Many texts at a given pace, delivered as WeChat would, for tests that end servers meanwhile: which messages were
//! acknowledged, and which never were.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::rt;
use actix_web::rt::time::sleep;
use actix_web::web::Data;
use futures_util::future::join_all;
use serde_json::{Map, Value, json};
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
    /// How often each goes out, at the same time.
    pub(crate) copies: usize,
    /// How each is delivered.
    pub(crate) pace: Pace,
}

/// How a flood goes.
#[derive(Debug, Clone)]
pub(crate) struct Flood {
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
    /// Messages that were replied to.
    replied: u64,
    /// How long the good answers took.
    millis: Vec<u64>,
    done: bool,
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
            replied: 0,
            millis: Vec::new(),
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
    /// One message is through, all copies of it.
    fn settle(&mut self, parcel: &Parcel, copies: &[(Vec<Delivery>, Verdict)]) {
        let id = parcel.report.msg_id.clone().unwrap_or_default();
        let mut fine = false;
        for (deliveries, verdict) in copies {
            self.deliveries += deliveries.len() as u64;
            for alarm in deliveries.iter().filter_map(|delivery| delivery.error) {
                self.alarms.count(alarm);
            }
            if !matches!(verdict, Verdict::Failed(..)) {
                fine = true;
                self.millis
                    .extend(deliveries.last().map(|delivery| delivery.millis));
            }
        }
        let is_reply = |(_, verdict): &(_, Verdict)| matches!(verdict, Verdict::Replied(_));
        self.replied += u64::from(copies.iter().any(is_reply));
        if fine {
            self.acknowledged.push(id);
        } else {
            self.failed.push(id);
        }
    }

    /// How it goes, with the ids of the messages or without.
    pub(crate) fn view(&self, ids: bool) -> Value {
        let mut millis = self.millis.clone();
        millis.sort_unstable();
        let at =
            |percent: usize| millis.get((millis.len() * percent / 100).min(millis.len().saturating_sub(1)));
        let mut view = json!({
            "flood_id": self.id,
            "app_id": self.app_id,
            "count": self.count,
            "sent": self.sent,
            "deliveries": self.deliveries,
            "alarms": self.alarms,
            "replied": self.replied,
            "millis": {"median": at(50), "p99": at(99), "slowest": millis.last()},
            "done": self.done,
        });
        if ids {
            view["acknowledged"] = json!(self.acknowledged);
            view["failed"] = json!(self.failed);
        } else {
            view["acknowledged"] = self.acknowledged.len().into();
            view["failed"] = self.failed.len().into();
        }
        view
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
        let (platform, pace, copies) = (platform.clone(), plan.pace, plan.copies);
        // On the server's own thread, as everything here: it ends with the simulator.
        rt::spawn(async move {
            let parcels: Vec<_> = (0..copies).map(|copy| parcel.copy_to(copy)).collect();
            let sent = parcels
                .iter()
                .map(|parcel| deliver::attempts(&platform, parcel, pace));
            let sent = join_all(sent).await;
            if let Some(flood) = platform.world().floods.all.get_mut(&number) {
                flood.settle(&parcel, &sent);
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
