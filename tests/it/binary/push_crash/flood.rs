//! A flood of messages at gateways that are being ill-treated, and the reckoning at its end: whatever was acknowledged is
//! stored once and was delivered, under one id. What is done to the gateways is not here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::book::{Book, Entry};
use super::fleet::Fleet;
use crate::support::process::OFFICIAL;
use crate::support::receiver::Answer;

/// The webhooks that a flood is delivered to: one takes everything, one not always at the first time.
const PATHS: [&str; 2] = ["/steady", "/moody"];
/// How long it may take until nothing is left to do. A claim of a process that died runs out after thirty seconds.
const PATIENCE: Duration = Duration::from_secs(180);

/// A flood that goes on until it is ended.
pub(super) struct Flood {
    id: String,
    copies: usize,
    began: Instant,
    pub(super) book: Book,
}

/// What came of one.
#[derive(Debug)]
#[expect(dead_code, reason = "it is printed as it is")]
pub(super) struct Reckoning {
    pub(super) seconds: u64,
    pub(super) draining: u64,
    pub(super) sent: usize,
    pub(super) pushes: u64,
    pub(super) pushes_a_second: u64,
    pub(super) acknowledged: usize,
    pub(super) failed: usize,
    pub(super) stored: usize,
    pub(super) stored_without_acknowledgement: usize,
    /// Deliveries beyond the first, under the same id, to each webhook.
    pub(super) repeated: [usize; 2],
    /// Answers 500.
    pub(super) refused: usize,
    pub(super) alarms: Value,
    pub(super) millis: Value,
}

/// One message of twenty is answered 500 by the second webhook when it comes for the first time.
fn answer(entry: &Entry) -> Answer {
    let is_refused = entry.path == PATHS[1] && entry.before == 0 && is_refused(&entry.msg_id);
    Answer::Status(if is_refused { 500 } else { 200 })
}

fn is_refused(msg_id: &str) -> bool {
    // The numbers themselves are no even mixture.
    let mixed = msg_id.parse::<u64>().unwrap().wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed >> 40 < (1 << 24) / 20
}

impl Flood {
    /// Starts the gateways and lets so many pushes a second rush in, `copies` of each message at the same time.
    pub(super) async fn begin(fleet: &mut Fleet, pushes: usize, copies: usize) -> Self {
        Self::of(fleet, 200_000, 3, pushes, copies).await
    }

    /// As [`Self::begin`], with so many messages at most, each of which is delivered so often at most.
    pub(super) async fn of(
        fleet: &mut Fleet,
        count: usize,
        deliveries: u32,
        pushes: usize,
        copies: usize,
    ) -> Self {
        let book = Book::open(answer).await;
        let webhooks = PATHS.map(|path| json!({"url": book.url(path)}));
        fleet.begin(1000, &webhooks).await;
        let order = json!({
            "app_id": OFFICIAL, "count": count, "per_second": pushes / copies, "concurrency": 150, "users": 50,
            "urls": fleet.push_urls(), "copies": copies, "deliveries": deliveries, "retry_after_ms": 1000,
        });
        let made = fleet.stage.admin(Method::POST, "/push/flood", order).await;
        Self {
            id: made["flood_id"].as_str().unwrap().to_owned(),
            copies,
            began: Instant::now(),
            book,
        }
    }

    /// How it goes, without the ids of the messages.
    pub(super) async fn state(&self, fleet: &Fleet) -> Value {
        let path = format!("/push/flood/{}?ids=false", self.id);
        fleet.stage.admin(Method::GET, &path, json!({})).await
    }

    /// How many messages have been acknowledged.
    pub(super) async fn acknowledged(&self, fleet: &Fleet) -> u64 {
        self.state(fleet).await["acknowledged"].as_u64().unwrap()
    }

    /// Ends it, waits until nothing is left to do, and looks whether everything is as it was promised.
    pub(super) async fn reckon(self, fleet: &Fleet) -> Reckoning {
        let path = format!("/push/flood/{}", self.id);
        fleet.stage.admin(Method::DELETE, &path, json!({})).await;
        self.settled(fleet).await
    }

    /// Waits until all of it is through and nothing is left to do, and looks whether everything is as it was promised.
    pub(super) async fn settled(self, fleet: &Fleet) -> Reckoning {
        let path = format!("/push/flood/{}", self.id);
        let deadline = Instant::now() + PATIENCE;
        while self.state(fleet).await["done"] != true {
            assert!(Instant::now() < deadline, "the flood does not end");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let seconds = self.began.elapsed();
        let flood = fleet.stage.admin(Method::GET, &path, json!({})).await;
        let acknowledged = ids(&flood["acknowledged"]);
        let stored = stored(fleet).await;
        for msg_id in &acknowledged {
            let ids = stored.get(msg_id).map_or(0, BTreeSet::len);
            assert_eq!(ids, 1, "{msg_id} was acknowledged and is stored {ids} times");
        }
        let twice: Vec<_> = stored.iter().filter(|(_, ids)| ids.len() != 1).collect();
        assert!(twice.is_empty(), "stored more than once: {twice:?}");
        self.drained(fleet, stored.len(), deadline).await;
        let draining = self.began.elapsed().saturating_sub(seconds);
        let mut repeated = [0, 0];
        for (page, repeated) in PATHS.map(|path| self.book.page(path)).iter().zip(&mut repeated) {
            for (msg_id, (ids, times)) in page {
                assert_eq!(Some(ids), stored.get(msg_id), "{msg_id}: delivered, and stored");
                *repeated += times - 1;
            }
            for msg_id in stored.keys() {
                assert!(
                    page.contains_key(msg_id),
                    "{msg_id} is stored and was not delivered"
                );
            }
        }
        all_delivered(fleet, &stored).await;
        let pushes = flood["deliveries"].as_u64().unwrap();
        Reckoning {
            seconds: seconds.as_secs(),
            draining: draining.as_secs(),
            sent: usize::try_from(flood["sent"].as_u64().unwrap()).unwrap() * self.copies,
            pushes,
            pushes_a_second: pushes * 1000 / u64::try_from(seconds.as_millis()).unwrap(),
            acknowledged: acknowledged.len(),
            failed: ids(&flood["failed"]).len(),
            stored: stored.len(),
            stored_without_acknowledgement: stored.len() - acknowledged.len(),
            repeated,
            refused: stored.keys().filter(|msg_id| is_refused(msg_id)).count(),
            alarms: flood["alarms"].clone(),
            millis: flood["millis"].clone(),
        }
    }

    /// Waits until every webhook has got everything, and nothing is left to do.
    async fn drained(&self, fleet: &Fleet, all: usize, deadline: Instant) {
        loop {
            let got = PATHS.map(|path| self.book.messages(path));
            let missing: usize = got.iter().map(|got| all - got.min(&all)).sum();
            if missing == 0 && left(fleet).await == (0, 0) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "of {all} the webhooks have {got:?}; (events, deliveries) left: {:?}",
                left(fleet).await
            );
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

fn ids(list: &Value) -> BTreeSet<String> {
    let ids = list.as_array().unwrap().iter();
    ids.map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// The ids of the events of every message, read past the product.
async fn stored(fleet: &Fleet) -> BTreeMap<String, BTreeSet<String>> {
    let mut stored: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for record in fleet.stored.records("events").await {
        let body: Value = serde_json::from_str(record["body"].as_str().unwrap()).unwrap();
        let msg_id = body["ids"]["msg_id"].as_str().unwrap().to_owned();
        let is_new = stored
            .entry(msg_id)
            .or_default()
            .insert(body["id"].as_str().unwrap().to_owned());
        assert!(is_new, "one id for two events");
    }
    stored
}

/// How many events somebody still has to look after, and how many deliveries have not ended.
async fn left(fleet: &Fleet) -> (usize, usize) {
    let left = async |collection: &str, member: &str| {
        let records = fleet.stored.records(collection).await;
        records.iter().filter(|record| !record[member].is_null()).count()
    };
    (
        left("events", "todo_at").await,
        left("deliveries", "due_at").await,
    )
}

/// There is one delivery of every event to every webhook, and it has ended well.
async fn all_delivered(fleet: &Fleet, stored: &BTreeMap<String, BTreeSet<String>>) {
    let mut deliveries: BTreeMap<String, usize> = BTreeMap::new();
    for record in fleet.stored.records("deliveries").await {
        assert_eq!(record["state"], "delivered", "{record}");
        *deliveries
            .entry(record["event"].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
    for event in stored.values().flatten() {
        assert_eq!(deliveries.remove(event), Some(PATHS.len()), "{event}");
    }
    assert!(deliveries.is_empty(), "deliveries of nothing: {deliveries:?}");
}
