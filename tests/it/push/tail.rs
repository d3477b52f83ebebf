//! The stream of an app's events under bad conditions: a slow store, a clock that steps, records of a newer version, long
//! bodies. How it is read over HTTP is tested in `stream`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use wxgate::clock::Clock;
use wxgate::domain::ids::EventId;
use wxgate::domain::time::Timestamp;
use wxgate::service::events::{Events, Item, Stream, first_at};
use wxgate::service::records::PushEvent;
use wxgate::store::{Engine, Record as _, Repo};

use crate::support::app::{Builder, TestApp};
use crate::support::on_both_stores;
use crate::support::services::Services;

on_both_stores!(
    what_comes_late_is_given_however_long_nobody_looked,
    who_comes_back_gets_what_was_late,
    it_follows_a_clock_that_is_set_back,
    what_cannot_be_read_hides_nothing,
    long_bodies_come_in_parts,
);

const SECOND: Duration = Duration::from_secs(1);

/// A log that nobody else writes to.
struct Log {
    engine: Arc<dyn Engine>,
    clock: Clock,
    events: Arc<Events>,
    repo: Repo<PushEvent>,
    _app: TestApp,
}

impl Log {
    async fn open(builder: Builder) -> Self {
        let mut app = builder.spawn().await;
        app.stop().await;
        let services = Services::beside(&app).await;
        let (engine, clock) = (services.engine.clone(), services.clock.clone());
        Self {
            events: Arc::new(Events::new(&engine, clock.clone(), Duration::from_hours(1))),
            repo: Repo::new(engine.clone(), clock.clone()),
            engine,
            clock,
            _app: app,
        }
    }

    fn stream(&self, after: Option<&str>) -> Stream {
        let after: Option<EventId> = after.map(|id| id.parse().unwrap());
        Stream::new(self.events.clone(), "shop".parse().unwrap(), after.as_ref())
    }

    /// An event whose id was made at this time comes to the store now.
    async fn comes(&self, made: Timestamp) -> String {
        self.comes_with(made, "{}".to_owned()).await
    }

    async fn comes_with(&self, made: Timestamp, body: String) -> String {
        let id = format!("{}{:016x}", first_at(made), rand::random::<u64>());
        let event = json!({
            "id": id, "app": "shop", "key": id, "kind": "message", "type": "text", "body": body, "todo_at": made,
            "accepted_at": made, "expires_at": made + Duration::from_hours(1),
        });
        let event: PushEvent = serde_json::from_value(event).unwrap();
        self.repo.insert(&event).await.unwrap();
        id
    }

    /// What a newer version has written, which knows another kind of replies.
    async fn newer_comes(&self, made: Timestamp) {
        let id = format!("{}{:016x}", first_at(made), rand::random::<u64>());
        let fields = json!({
            "app": "shop", "key": id, "kind": "message", "type": "text", "body": "{}", "todo_at": made,
            "owes": ["whk_1"], "owed_at": made, "answer": {"passive": {"type": "hologram"}},
            "accepted_at": made, "expires_at": made + Duration::from_hours(1),
        });
        let fields = fields.as_object().unwrap().clone();
        let added = self
            .engine
            .insert(PushEvent::COLLECTION, id, fields, self.clock.store_now());
        added.await.unwrap();
    }
}

/// The ids of all that a stream gives now.
async fn given(stream: &mut Stream) -> Vec<String> {
    let mut ids = Vec::new();
    loop {
        let items = stream.next().await.unwrap();
        if items.is_empty() {
            return ids;
        }
        for item in items {
            match item {
                Item::Event(id, _) => ids.push(id.into()),
                Item::Gap(..) => panic!("nothing is forgotten yet"),
            }
        }
    }
}

async fn what_comes_late_is_given_however_long_nobody_looked(builder: Builder) {
    let log = Log::open(builder).await;
    let old = log.comes(log.clock.store_now() - 2 * SECOND).await;
    let mut stream = log.stream(None);
    let start = log.clock.store_now();
    log.clock.advance(3 * SECOND);
    let first = log.comes(start + SECOND).await;
    assert_eq!(given(&mut stream).await, [first.as_str()]);
    // Older than what was given; then nobody looks for a minute.
    let late = log.comes(start + SECOND / 2).await;
    log.clock.advance(60 * SECOND);
    let after = log.comes(start + 61 * SECOND).await;
    assert_eq!(given(&mut stream).await, [late, after]);
    // As late as can be, while it is looked all the time.
    let made = log.clock.store_now();
    log.clock.advance(5 * SECOND);
    assert!(given(&mut stream).await.is_empty());
    log.clock.advance(6 * SECOND);
    assert!(given(&mut stream).await.is_empty());
    let latest = log.comes(made).await;
    log.clock.advance(5 * SECOND);
    assert_eq!(given(&mut stream).await, [latest]);
    // Nothing comes twice, and nothing from before the beginning.
    for _ in 0..6 {
        log.clock.advance(5 * SECOND);
        assert!(given(&mut stream).await.is_empty(), "{old}");
    }
}

async fn who_comes_back_gets_what_was_late(builder: Builder) {
    let log = Log::open(builder).await;
    let made = log.clock.store_now();
    log.clock.advance(11 * SECOND);
    let mut stream = log.stream(None);
    let last = log.comes(log.clock.store_now()).await;
    log.clock.advance(2 * SECOND);
    assert_eq!(given(&mut stream).await, [last.as_str()]);
    let late = log.comes(made).await;
    let mut again = log.stream(Some(&last));
    assert_eq!(given(&mut again).await, [late, last]);
    // An id from the future was made before the clock was set back.
    let future = log.clock.store_now() + Duration::from_hours(1);
    let mut ahead = log.stream(Some(&format!("{}{:016x}", first_at(future), 0)));
    let next = log.comes(log.clock.store_now()).await;
    log.clock.advance(2 * SECOND);
    assert!(given(&mut ahead).await.contains(&next));
}

async fn it_follows_a_clock_that_is_set_back(builder: Builder) {
    let log = Log::open(builder).await;
    let mut stream = log.stream(None);
    log.clock.advance(10 * SECOND);
    assert!(given(&mut stream).await.is_empty());
    let now = log.clock.now();
    let store = log.clock.store_now();
    // The store's clock was wrong by ten minutes. What a test has turned is no part of what is measured.
    log.clock.observe_store(now - 610 * SECOND, now, now);
    assert!(store.since(log.clock.store_now()) > 500 * SECOND);
    // The stream does not notice at once.
    let event = log.comes(log.clock.store_now()).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    given(&mut stream).await;
    let later = log.comes(log.clock.store_now()).await;
    log.clock.advance(2 * SECOND);
    assert_eq!(given(&mut stream).await, [event, later]);
}

async fn what_cannot_be_read_hides_nothing(builder: Builder) {
    let log = Log::open(builder).await;
    let mut stream = log.stream(None);
    let start = log.clock.store_now();
    log.clock.advance(10 * SECOND);
    let first = log.comes(start + SECOND).await;
    // More than a page of them.
    for _ in 0..120 {
        log.newer_comes(start + 2 * SECOND).await;
    }
    let last = log.comes(start + 3 * SECOND).await;
    assert_eq!(given(&mut stream).await, [first.as_str(), last.as_str()]);
    let due = log.events.due(2).await.unwrap();
    let due: Vec<_> = due.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(due, [first, last]);
    let owing = log.events.owing(None).await.unwrap();
    assert!(owing.found.is_empty());
    let owing = log.events.owing(owing.next).await.unwrap();
    assert!(owing.next.is_none(), "it went on behind them");
}

async fn long_bodies_come_in_parts(builder: Builder) {
    let log = Log::open(builder).await;
    let mut stream = log.stream(None);
    let start = log.clock.store_now();
    log.clock.advance(10 * SECOND);
    let mut expected = Vec::new();
    for number in 0..10 {
        let made = start + SECOND + Duration::from_millis(number);
        expected.push(log.comes_with(made, "x".repeat(400 * 1024)).await);
    }
    let (mut got, mut parts) = (Vec::new(), 0);
    loop {
        let items = stream.next().await.unwrap();
        if items.is_empty() {
            break;
        }
        assert!(items.len() <= 3, "{}", items.len());
        parts += 1;
        for item in items {
            let Item::Event(id, _) = item else { panic!("a gap") };
            got.push(String::from(id));
        }
    }
    assert_eq!(got, expected);
    assert!(parts >= 4);
}
