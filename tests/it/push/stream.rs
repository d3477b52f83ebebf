//! The stream of an app's events, as its followers read it.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Response;
use serde_json::Value;

use crate::push::stored;
use crate::support::app::{Builder, TestApp};
use crate::support::pusher::{Pusher, text_message};
use crate::support::{eventually, on_both_stores};

on_both_stores!(
    a_follower_gets_events_and_can_come_back,
    what_is_forgotten_is_a_gap,
    one_key_leaves_places_to_others
);

/// A stream as a browser reads it.
struct Reader {
    response: Response,
    rest: String,
}

#[derive(Debug)]
struct Message {
    id: String,
    event: String,
    data: Value,
}

impl Reader {
    async fn open(app: &TestApp, key: &str, last: Option<&str>) -> Self {
        let mut request = app
            .request(reqwest::Method::GET, "/v1/apps/shop/events")
            .bearer_auth(key);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        let kind = response.headers()["content-type"].to_str().unwrap();
        assert!(kind.starts_with("text/event-stream"));
        Self {
            response,
            rest: String::new(),
        }
    }

    /// The next message; comments are none.
    async fn next(&mut self) -> Message {
        loop {
            while let Some(end) = self.rest.find("\n\n") {
                let block: String = self.rest.drain(..end + 2).collect();
                let field = |name: &str| {
                    let lines = block.lines().filter_map(|line| line.strip_prefix(name));
                    lines.collect::<Vec<_>>().join("\n")
                };
                if block.lines().any(|line| line.starts_with("data: ")) {
                    return Message {
                        id: field("id: "),
                        event: field("event: "),
                        data: serde_json::from_str(&field("data: ")).unwrap(),
                    };
                }
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.response.chunk());
            let chunk = chunk
                .await
                .expect("something comes")
                .unwrap()
                .expect("the stream goes on");
            self.rest.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

async fn a_follower_gets_events_and_can_come_back(app: Builder) {
    let app = app.spawn().await;
    let key = app.caller_key(&["--app", "shop", "--events"]).await;
    let pusher = Pusher::plain();
    assert_eq!(
        pusher.push(&app, &text_message("o1", 1, "before")).await.status,
        200
    );
    // The stream begins now, and lags a second.
    app.advance(5).await;
    let mut reader = Reader::open(&app, &key, None).await;
    for number in 2..12 {
        pusher.push(&app, &text_message("o1", number, "a\nb")).await;
    }
    let mut ids = BTreeSet::new();
    let mut last = String::new();
    for _ in 2..12 {
        let message = reader.next().await;
        assert_eq!(message.data["id"], message.id.as_str());
        assert_eq!(message.data["data"]["content"], "a\nb");
        assert!(message.event.is_empty());
        assert!(ids.insert(message.id.clone()), "twice");
        last = message.id;
    }
    drop(reader);
    for number in 12..15 {
        pusher.push(&app, &text_message("o1", number, "away")).await;
    }
    let mut reader = Reader::open(&app, &key, Some(&last)).await;
    let mut missed = BTreeSet::new();
    while missed.len() < 3 {
        let message = reader.next().await;
        if message.data["data"]["content"] == "away" {
            missed.insert(message.id);
        }
    }
    // Not a key for this, no key, and not an id.
    let other = app.caller_key(&["--app", "shop", "--webhooks"]).await;
    let foreign = app.caller_key(&["--app", "game", "--events"]).await;
    for (key, last, status) in [
        (&other, &last, 403),
        (&foreign, &last, 403),
        (&String::new(), &last, 401),
        (&key, &"evt_1".to_owned(), 400),
    ] {
        let request = app
            .request(reqwest::Method::GET, "/v1/apps/shop/events")
            .bearer_auth(key)
            .header("last-event-id", last);
        assert_eq!(request.send().await.unwrap().status(), status);
    }
}

async fn what_is_forgotten_is_a_gap(app: Builder) {
    let app = app.set("push.retention", "1h").spawn().await;
    let key = app.caller_key(&["--app", "shop", "--events"]).await;
    let pusher = Pusher::plain();
    pusher.push(&app, &text_message("o1", 1, "old")).await;
    let last = stored(&app).await[0].id.to_string();
    app.advance(2 * 3600).await;
    pusher.push(&app, &text_message("o1", 2, "new")).await;
    let mut reader = Reader::open(&app, &key, Some(&last)).await;
    let gap = reader.next().await;
    assert_eq!((gap.event.as_str(), gap.id.as_str()), ("gap", ""));
    let (from, until) = (
        gap.data["from"].as_i64().unwrap(),
        gap.data["until"].as_i64().unwrap(),
    );
    assert!((3500..=7300).contains(&(until - from)), "{gap:?}");
    let message = reader.next().await;
    assert_eq!(message.data["data"]["content"], "new");
}

async fn one_key_leaves_places_to_others(app: Builder) {
    let app = app.spawn().await;
    let key = app.caller_key(&["--app", "shop", "--events"]).await;
    let mut readers = Vec::new();
    for _ in 0..20 {
        readers.push(Reader::open(&app, &key, None).await);
    }
    let more = app
        .request(reqwest::Method::GET, "/v1/apps/shop/events")
        .bearer_auth(&key);
    assert_eq!(more.send().await.unwrap().status(), 503);
    let other = app.caller_key(&["--app", "shop", "--events"]).await;
    readers.push(Reader::open(&app, &other, None).await);
    let figures = app.get("/metrics").await.ok().text;
    assert!(figures.contains("event_followers 21\n"), "{figures}");
    // Whoever leaves makes room, as soon as that is noticed.
    drop(readers);
    eventually("there is room again", async || {
        let again = app
            .request(reqwest::Method::GET, "/v1/apps/shop/events")
            .bearer_auth(&key);
        again.send().await.unwrap().status() == 200
    })
    .await;
}
