//! What managers see of deliveries, and how they have events delivered once more. How deliveries are tried is tested
//! elsewhere.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use standardwebhooks::Webhook as Verifier;
use wxgate::domain::time::Timestamp;
use wxgate::service::records::{Answer, Attempt, Delivery, DeliveryState, PushEvent};
use wxgate::store::Repo;

use super::{ROUTE, call, manager};
use crate::support::app::{Builder, TestApp};
use crate::support::eventually;
use crate::support::on_both_stores;
use crate::support::receiver::Receiver;
use crate::support::services::Services;

on_both_stores!(
    deliveries_are_shown_in_parts,
    what_was_given_up_is_delivered_once_more
);

/// Events of one app, the first of which was accepted at the beginning of the day, the others an hour after each other.
struct Stage {
    app: TestApp,
    key: String,
    path: String,
    secret: String,
    first: Timestamp,
    receiver: Receiver,
    events: Vec<String>,
}

/// A webhook whose deliveries of events are in these states.
async fn stage(builder: Builder, states: &[DeliveryState]) -> Stage {
    let app = builder.set("push.webhook_private_networks", "true").spawn().await;
    let key = manager(&app).await;
    let receiver = Receiver::start().await;
    // Nothing is sent before the test wants it.
    let body = json!({"url": receiver.url(), "disabled": true});
    let made = call(&app, Method::POST, ROUTE, &key, &body).await.json();
    let id = made["id"].as_str().unwrap();
    let services = Services::beside(&app).await;
    let events: Repo<PushEvent> = Repo::new(services.engine.clone(), services.clock.clone());
    let deliveries: Repo<Delivery> = Repo::new(services.engine.clone(), services.clock.clone());
    let first = app.now() - Duration::from_hours(24);
    let mut ids = Vec::new();
    for (number, state) in states.iter().enumerate() {
        let accepted_at = first + Duration::from_hours(number as u64);
        let event = PushEvent {
            id: format!("evt_{:013}{number:016x}", accepted_at.millis())
                .parse()
                .unwrap(),
            app: "shop".parse().unwrap(),
            key: format!("key {number}"),
            nonce: None,
            digest: None,
            subject: None,
            kind: "message".to_owned(),
            type_: "text".to_owned(),
            body: Some(json!({"number": number}).to_string()),
            owes: Vec::new(),
            answer: Answer::default(),
            todo_at: None,
            owed_at: None,
            accepted_at,
            expires_at: accepted_at + Duration::from_hours(7 * 24),
        };
        let attempt = Attempt {
            at: accepted_at + Duration::from_secs(1),
            status: Some(503),
            millis: 12,
            error: Some("it answered 503".to_owned()),
        };
        let delivery = Delivery {
            id: Delivery::id_of(&event.id, &id.parse().unwrap()),
            app: event.app.clone(),
            event: event.id.clone(),
            webhook: id.parse().unwrap(),
            state: *state,
            due_at: (*state == DeliveryState::Waiting).then(|| app.now() + Duration::from_hours(1)),
            not_before: None,
            owner: None,
            tries: 1,
            attempts: vec![attempt],
            created_at: accepted_at,
            dead: (*state == DeliveryState::Dead).then_some(accepted_at),
            expires_at: event.expires_at,
        };
        events.insert(&event).await.unwrap();
        deliveries.insert(&delivery).await.unwrap();
        ids.push(event.id.to_string());
    }
    Stage {
        path: format!("{ROUTE}/{id}"),
        secret: made["secret"].as_str().unwrap().to_owned(),
        app,
        key,
        first,
        receiver,
        events: ids,
    }
}

impl Stage {
    async fn list(&self, query: &str) -> Value {
        let path = format!("{}/deliveries{query}", self.path);
        call(&self.app, Method::GET, &path, &self.key, &json!({}))
            .await
            .ok()
            .json()
    }

    async fn replay(&self, body: Value) -> u64 {
        let path = format!("{}/replay", self.path);
        let reply = call(&self.app, Method::POST, &path, &self.key, &body).await.ok();
        reply.json()["replayed"].as_u64().unwrap()
    }

    /// The numbers of the events in an answer.
    fn numbers(&self, listed: &Value) -> Vec<usize> {
        let deliveries = listed["deliveries"].as_array().unwrap();
        let number = |delivery: &Value| {
            let mut events = self.events.iter();
            events.position(|event| delivery["event"] == *event).unwrap()
        };
        deliveries.iter().map(number).collect()
    }
}

async fn deliveries_are_shown_in_parts(builder: Builder) {
    use DeliveryState::{Dead, Delivered, Dropped, Waiting};
    let stage = Box::pin(stage(builder, &[Dead, Delivered, Waiting, Dead, Dropped])).await;
    let all = stage.list("").await;
    assert_eq!(stage.numbers(&all), [4, 3, 2, 1, 0]);
    assert!(all.get("next").is_none());
    let accepted_at = (stage.first + Duration::from_hours(3)).secs();
    assert_eq!(
        all["deliveries"][1],
        json!({
            "event": stage.events[3], "state": "dead", "tries": 1, "accepted_at": accepted_at,
            "attempts": [{"at": accepted_at + 1, "millis": 12, "status": 503, "error": "it answered 503"}],
        })
    );
    let next_attempt = all["deliveries"][2]["next_attempt_at"].as_i64().unwrap();
    assert!((3590..=3610).contains(&(next_attempt - stage.app.now().secs())));

    for (state, numbers) in [
        ("dead", &[3, 0][..]),
        ("delivered", &[1]),
        ("waiting", &[2]),
        ("dropped", &[4]),
    ] {
        let listed = stage.list(&format!("?state={state}")).await;
        assert_eq!(stage.numbers(&listed), numbers, "{state}");
    }
    let mut seen = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let part = stage.list(&query).await;
        seen.extend(stage.numbers(&part));
        let Some(next) = part.get("next") else { break };
        query = format!("?limit=2&after={}", next.as_str().unwrap());
    }
    assert_eq!(seen, [4, 3, 2, 1, 0]);
    let dead = stage.list("?limit=1&state=dead").await;
    let next = dead["next"].as_str().unwrap();
    let dead = stage.list(&format!("?limit=1&state=dead&after={next}")).await;
    assert_eq!(stage.numbers(&dead), [0]);

    let path = format!("{}/deliveries", stage.path);
    for query in [
        "?limit=0",
        "?limit=101",
        "?limit=x",
        "?state=lost",
        "?state=",
        "?after=x",
        "?after=evt_",
        "?after=evt_1%3Awhk_1",
        "?limit=1&limit=1",
    ] {
        let asked = format!("{path}{query}");
        let reply = call(&stage.app, Method::GET, &asked, &stage.key, &json!({})).await;
        reply.refused(400, 10001, &format!("GET {path}"));
    }
    let path = format!("{ROUTE}/whk_nothing/deliveries");
    let reply = call(&stage.app, Method::GET, &path, &stage.key, &json!({})).await;
    reply.refused(404, 10002, &format!("GET {path}"));
}

async fn what_was_given_up_is_delivered_once_more(builder: Builder) {
    use DeliveryState::{Dead, Delivered, Dropped};
    let stage = Box::pin(stage(builder, &[Dead, Delivered, Dead, Dropped, Dead])).await;
    let enable = json!({"disabled": false});
    call(&stage.app, Method::PATCH, &stage.path, &stage.key, &enable)
        .await
        .ok();
    let received = async |count: usize| {
        eventually("they are delivered", async || {
            stage.receiver.received().len() >= count
        })
        .await;
        let received = stage.receiver.received();
        let ids = received.iter().map(|request| request.header("webhook-id"));
        let mut numbers: Vec<_> = ids
            .map(|id| stage.events.iter().position(|event| *event == id).unwrap())
            .collect();
        numbers.sort_unstable();
        numbers
    };
    // One event.
    assert_eq!(stage.replay(json!({"event": stage.events[1]})).await, 1);
    assert_eq!(received(1).await, [1]);
    let request = &stage.receiver.received()[0];
    assert_eq!(request.json(), json!({"number": 1}));
    let verifier = Verifier::new(&stage.secret).unwrap();
    let timestamp: i64 = request.header("webhook-timestamp").parse().unwrap();
    let signature = verifier.sign(&stage.events[1], timestamp, &request.body);
    assert_eq!(signature.unwrap(), request.header("webhook-signature"));

    // What was given up in a time whose end is not part of it.
    let (from, until) = (stage.first.secs(), (stage.first + Duration::from_hours(4)).secs());
    assert_eq!(stage.replay(json!({"from": from + 1, "until": until})).await, 1);
    assert_eq!(received(2).await, [1, 2]);
    eventually("that is noted", async || {
        stage.numbers(&stage.list("?state=delivered").await) == [2, 1]
    })
    .await;
    // What was delivered, too, and what is gone never.
    let all = json!({"from": from - 1, "until": until + 1, "state": "all"});
    assert_eq!(stage.replay(all).await, 4);
    assert_eq!(received(6).await, [0, 1, 1, 2, 2, 4]);
    eventually("nothing is left", async || {
        stage.numbers(&stage.list("?state=dead").await).is_empty()
    })
    .await;
    assert_eq!(
        stage
            .replay(json!({"from": from, "until": until, "state": "dead"}))
            .await,
        0
    );
    assert_eq!(stage.replay(json!({"event": "evt_nothing"})).await, 0);
    assert_eq!(stage.replay(json!({"event": stage.events[3]})).await, 0);

    let path = format!("{}/replay", stage.path);
    for body in [
        json!({}),
        json!({"event": 1}),
        json!({"event": "whk_1"}),
        json!({"event": stage.events[0], "from": 1, "until": 2}),
        json!({"event": stage.events[0], "state": "dead"}),
        json!({"from": from}),
        json!({"until": until}),
        json!({"state": "dead"}),
        json!({"from": until, "until": from}),
        json!({"from": -1, "until": until}),
        json!({"from": "1", "until": until}),
        json!({"from": 1.5, "until": until}),
        json!({"from": from, "until": until, "state": "waiting"}),
    ] {
        let reply = call(&stage.app, Method::POST, &path, &stage.key, &body).await;
        reply.refused(400, 10001, &format!("POST {path}"));
    }
    let path = format!("{ROUTE}/whk_nothing/replay");
    let body = json!({"event": stage.events[0]});
    let reply = call(&stage.app, Method::POST, &path, &stage.key, &body).await;
    reply.refused(404, 10002, &format!("POST {path}"));
    assert_eq!(stage.receiver.received().len(), 6);
}
