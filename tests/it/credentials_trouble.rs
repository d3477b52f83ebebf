//! What odd and hostile answers of the platform do to `/jsapi`: a documented error or a signature, and never a storm
//! of calls. And what becomes of it without a store.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::app::{Builder, DOMAIN, SHOP, StoreKind, TestApp};
use crate::support::mongo::Mongod;
use crate::support::platform::{Platform, STABLE_TOKEN, TICKET};
use crate::support::reply::Reply;
use crate::support::{eventually, on_both_stores};

on_both_stores!(
    useless_answers_make_no_storm,
    a_refusal_names_its_errcode_and_is_not_hammered
);

async fn sign(app: &TestApp) -> Reply {
    app.get(&format!("/jsapi?url=https%3A%2F%2F{DOMAIN}%2F")).await
}

fn raw(body: &Value) -> Value {
    json!({"type": "raw_body", "body": body.to_string(), "status": 200, "content_type": "application/json"})
}

/// Asks once a second for twenty seconds of turned time. Returns the statuses without repetition.
async fn twenty_seconds(app: &TestApp) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..20 {
        let reply = sign(app).await;
        if reply.status == 503 {
            assert!(reply.retry_after() >= 1);
        }
        statuses.push(reply.status);
        app.advance(1).await;
    }
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

async fn useless_answers_make_no_storm(app: Builder) {
    let mut app = app.set("platform.timeout", "200ms").spawn().await;
    eventually("the ticket is there", async || sign(&app).await.status == 200).await;
    for effect in [
        json!({"type": "hang", "seconds": 60}),
        json!({"type": "http_status", "status": 502}),
        json!({"type": "truncated_body"}),
        json!({"type": "garbage"}),
        json!({"type": "reset"}),
        raw(&json!({"errcode": -1, "errmsg": "system error"})),
        raw(&json!({"errcode": 0, "errmsg": "ok"})),
        raw(&json!({"errcode": 0, "ticket": "", "access_token": "", "expires_in": 7200})),
        raw(&json!([])),
    ] {
        for path in [TICKET, STABLE_TOKEN] {
            // Everything is long over, so that the gateway starts with nothing that is good.
            app.stop().await;
            app.advance(8_000).await;
            app.simulator()
                .fault(json!({"path": path, "effect": effect}))
                .await;
            let before = app.simulator().calls(path).await;
            app.start().await;
            assert_eq!(twenty_seconds(&app).await, [503], "{path} {effect}");
            let asked = app.simulator().calls(path).await - before;
            // Two apps have tokens; failures cool down twice as long each time.
            assert!(asked <= 28, "{asked} calls: {path} {effect}");
            app.simulator().heal().await;
            app.advance(60).await;
            eventually("it recovers", async || sign(&app).await.status == 200).await;
        }
    }
}

async fn a_refusal_names_its_errcode_and_is_not_hammered(app: Builder) {
    let mut app = app.spawn().await;
    for errcode in [40125, 40164, 40013] {
        app.stop().await;
        app.advance(8_000).await;
        let effect = json!({"type": "errcode", "errcode": errcode});
        app.simulator()
            .fault(json!({"path": STABLE_TOKEN, "effect": effect}))
            .await;
        let before = app.simulator().calls_of(SHOP, STABLE_TOKEN).await;
        app.start().await;
        for _ in 0..10 {
            let body = sign(&app).await.refused(502, 10007, "GET /jsapi");
            assert_eq!(body["errcode"], errcode);
        }
        let asked = app.simulator().calls_of(SHOP, STABLE_TOKEN).await - before;
        assert!(asked <= 3, "{asked} calls");
        app.simulator().heal().await;
        app.advance(600).await;
        eventually("it recovers", async || sign(&app).await.status == 200).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_lifetimes_are_survived_without_a_storm() {
    for expires_in in [
        json!(null),
        json!(0),
        json!(-1),
        json!("7200"),
        json!("soon"),
        json!(1.5),
        json!([]),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1e300),
    ] {
        let mut body = json!({"errcode": 0, "errmsg": "ok", "ticket": "kgt8ON7yVITDhtdwci0qeZ"});
        if !expires_in.is_null() {
            body["expires_in"] = expires_in.clone();
        }
        let app = TestApp::builder()
            .fault(json!({"path": TICKET, "effect": raw(&body)}))
            .spawn()
            .await;
        assert_eq!(twenty_seconds(&app).await, [200], "{expires_in}");
        let asked = app.simulator().calls(TICKET).await;
        assert!((1..=3).contains(&asked), "{asked} calls: {expires_in}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_that_start_at_once_ask_once_in_all() {
    let database = Mongod::fresh_database();
    let url = Mongod::standalone().await.url(&database);
    let platform = Platform::start(Builder::at_the_platform());
    platform
        .fault(json!({"path": STABLE_TOKEN, "effect": {"type": "latency", "ms": 200}}))
        .await;
    let gateway = || {
        TestApp::builder()
            .store(StoreKind::MongoAt(url.clone()))
            .platform(&platform)
            .set("jsapi.expose_ticket", "true")
            .spawn()
    };
    let (one, two) = tokio::join!(gateway(), gateway());
    let (first, second) = tokio::join!(sign(&one), sign(&two));
    assert_eq!(
        first.ok().member("jsapi_ticket"),
        second.ok().member("jsapi_ticket")
    );
    assert_eq!(platform.calls_of(SHOP, STABLE_TOKEN).await, 1);
    assert_eq!(platform.calls(TICKET).await, 1);
    // Both are due at the same time, and one renews for both.
    one.advance(6_970).await;
    two.turn(6_970);
    eventually("the token is renewed", async || {
        sign(&one).await.ok();
        sign(&two).await.ok();
        platform.calls_of(SHOP, STABLE_TOKEN).await >= 2 && platform.calls(TICKET).await >= 2
    })
    .await;
    for _ in 0..20 {
        sign(&one).await.ok();
        sign(&two).await.ok();
    }
    assert_eq!(platform.calls_of(SHOP, STABLE_TOKEN).await, 2);
    assert_eq!(platform.calls(TICKET).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_warm_gateway_signs_without_its_store() {
    let mongod = Mongod::start_private().await;
    let url = mongod.url(&Mongod::fresh_database());
    let app = TestApp::builder().store(StoreKind::MongoAt(url)).spawn().await;
    eventually("the ticket is there", async || sign(&app).await.status == 200).await;
    mongod.stop();
    let all = async {
        for _ in 0..50 {
            sign(&app).await.ok();
        }
    };
    timeout(Duration::from_secs(5), all)
        .await
        .expect("it does not wait for the store");
    mongod.cont();
    mongod.kill();
    for _ in 0..50 {
        sign(&app).await.ok();
    }
    eventually("the trouble is shown", async || {
        app.get("/readyz").await.ok().json()["degraded"]
            .as_array()
            .unwrap()
            .contains(&json!("store"))
    })
    .await;
}
