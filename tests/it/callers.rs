//! The company's own services and their keys: who is admitted, what for, how often, and until when.

use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret as _;
use serde_json::json;
use wxgate::domain::ids::CallerId;
use wxgate::service::callers::{Callers, Denied, NewCaller};
use wxgate::service::records::Grant;

use crate::support::app::{Builder, StoreKind, TestApp};
use crate::support::mongo::Mongod;
use crate::support::reply::Reply;
use crate::support::services::Services;
use crate::support::{eventually, on_both_stores};

on_both_stores!(
    metrics_are_for_callers_who_may_read_them,
    a_key_that_was_revoked_or_has_expired_is_refused,
    a_key_is_known_from_the_first_request_on,
    revoking_is_done_once,
);

/// Within this a gateway knows what was changed beside it.
const BOUND: Duration = Duration::from_secs(2);
/// From a network that is not private, as a proxy that is not trusted says.
const FAR: (&str, &str) = ("x-forwarded-for", "203.0.113.9");
const METRICS: &str = "GET /metrics";

fn new(grants: &[Grant]) -> NewCaller {
    NewCaller {
        name: "订单".parse().unwrap(),
        apps: ["shop".parse().unwrap()].into(),
        allow: vec!["POST /cgi-bin/message/**".parse().unwrap()],
        grants: grants.iter().copied().collect(),
        rate: None,
        lifetime: None,
    }
}

/// Makes a caller beside the gateway.
async fn make(callers: &Callers, new: NewCaller) -> (CallerId, String) {
    let (caller, key) = callers.create(new).await.unwrap();
    (caller.id, key.expose_secret().to_owned())
}

fn from_afar(app: &TestApp) -> RequestBuilder {
    app.request(Method::GET, "/metrics").header(FAR.0, FAR.1)
}

async fn ask(app: &TestApp, key: &str) -> Reply {
    Reply::to(from_afar(app).bearer_auth(key)).await
}

/// Waits until the gateway answers this key with this status.
async fn answers_within_the_bound(app: &TestApp, key: &str, status: u16) -> Reply {
    let began = Instant::now();
    loop {
        let reply = ask(app, key).await;
        if reply.status == status {
            return reply;
        }
        assert!(began.elapsed() < BOUND, "still {}: {}", reply.status, reply.text);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn metrics_are_for_callers_who_may_read_them(app: Builder) {
    let app = app.spawn().await;
    let services = Services::beside(&app).await;
    let (_, scraper) = make(&services.callers, new(&[Grant::Metrics])).await;
    let others = [Grant::RawToken, Grant::SessionKey, Grant::Webhooks, Grant::Events];
    let (_, other) = make(&services.callers, new(&others)).await;

    let reply = answers_within_the_bound(&app, &scraper, 200).await;
    assert!(reply.text.contains("store_answers 1"), "{}", reply.text);
    let reply = answers_within_the_bound(&app, &other, 403).await;
    let body = reply.refused(403, 10005, METRICS);
    assert_eq!(body["msg"], "the key was made without --metrics");

    let nobody = Reply::to(from_afar(&app)).await;
    nobody.refused(403, 10005, METRICS);
    let unknown = format!("wxk_{}", "A".repeat(43));
    for wrong in [unknown.as_str(), "wxk_", &scraper[..46], &format!("{scraper}A")] {
        let reply = ask(&app, wrong).await;
        let body = reply.refused(401, 10004, METRICS);
        assert_eq!(body["msg"], "the key is not known", "{wrong}");
        let challenge = reply.header("www-authenticate");
        assert_eq!(challenge, Some("Bearer error=\"invalid_token\""));
    }
    // A key is taken from one header only, whatever else carries it.
    for request in [
        from_afar(&app).header("token", &scraper),
        from_afar(&app).header("cookie", format!("wxgate={scraper}")),
        from_afar(&app).basic_auth(&scraper, None::<&str>),
        from_afar(&app).header("authorization", &scraper),
        from_afar(&app).query(&[("access_token", &scraper), ("key", &scraper)]),
        from_afar(&app).bearer_auth(&scraper).bearer_auth(&other),
    ] {
        Reply::to(request).await.refused(403, 10005, METRICS);
    }
    let any_case = from_afar(&app).header("authorization", format!("bEARER  {scraper} "));
    Reply::to(any_case).await.ok();
    // From nearby nobody has to show a key.
    let near = app.request(Method::GET, "/metrics").bearer_auth(&unknown);
    Reply::to(near).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_that_are_off_are_off_for_callers_too() {
    let app = TestApp::builder().set("server.metrics", "off").spawn().await;
    let services = Services::beside(&app).await;
    let (_, key) = make(&services.callers, new(&[Grant::Metrics])).await;
    ask(&app, &key).await.refused(404, 10002, METRICS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_no_token_of_a_user() {
    let app = TestApp::builder().spawn().await;
    let services = Services::beside(&app).await;
    let (_, key) = make(&services.callers, new(&[Grant::Metrics])).await;
    answers_within_the_bound(&app, &key, 200).await;
    for (method, path) in [
        (Method::GET, "/v1/user"),
        (Method::GET, "/v1/rooms"),
        (Method::DELETE, "/v1/user/sessions"),
    ] {
        for request in [
            app.request(method.clone(), path).bearer_auth(&key),
            app.request(method.clone(), path).header("token", &key),
            app.request(method.clone(), path).basic_auth(&key, Some("")),
        ] {
            let reply = Reply::to(request).await;
            let body = reply.refused(401, 10004, &format!("{method} {path}"));
            assert_eq!(body["msg"], "the token is not valid");
        }
    }
    let verified = app
        .post_json("/v1/token/verify", &json!({"token": key}))
        .await
        .ok();
    assert_eq!(verified.json(), json!({"result": false}));
    // Nor the other way round.
    let login = app.log_in(&app.code("ann").await).await.ok();
    ask(&app, &login.member("token"))
        .await
        .refused(403, 10005, METRICS);
}

async fn a_key_that_was_revoked_or_has_expired_is_refused(app: Builder) {
    let app = app.spawn().await;
    let callers = Services::beside(&app).await.callers;
    let short = NewCaller {
        lifetime: Some(Duration::from_secs(3600)),
        ..new(&[Grant::Metrics])
    };
    let (_, short) = make(&callers, short).await;
    let (_, lasting) = make(&callers, new(&[Grant::Metrics])).await;
    let (id, revoked) = make(&callers, new(&[Grant::Metrics])).await;
    for key in [&short, &lasting, &revoked] {
        answers_within_the_bound(&app, key, 200).await;
    }
    callers.revoke(&id).await.unwrap();
    let reply = answers_within_the_bound(&app, &revoked, 401).await;
    assert_eq!(reply.refused(401, 10004, METRICS)["msg"], "the key was revoked");
    app.advance(3500).await;
    ask(&app, &short).await.ok();
    app.advance(101).await;
    let reply = ask(&app, &short).await;
    assert_eq!(reply.refused(401, 10004, METRICS)["msg"], "the key has expired");
    ask(&app, &lasting).await.ok();
    // A gateway that starts now has heard the same.
    let again = Services::beside(&app).await.callers;
    assert_eq!(again.authenticate(&lasting).unwrap_err(), Denied::Unknown);
    again.feed().load().await.unwrap();
    assert!(again.authenticate(&lasting).is_ok());
    assert_eq!(again.authenticate(&short).unwrap_err(), Denied::Expired);
    assert_eq!(again.authenticate(&revoked).unwrap_err(), Denied::Revoked);
}

async fn a_key_is_known_from_the_first_request_on(app: Builder) {
    let mut app = app.spawn().await;
    app.stop().await;
    let (_, key) = make(&Services::beside(&app).await.callers, new(&[Grant::Metrics])).await;
    app.start().await;
    ask(&app, &key).await.ok();
}

async fn revoking_is_done_once(app: Builder) {
    let app = app.spawn().await;
    let (here, there) = (
        Services::beside(&app).await.callers,
        Services::beside(&app).await.callers,
    );
    let (id, key) = make(&here, new(&[])).await;
    let caller = here.authenticate(&key).unwrap();
    assert!(caller.may_use(&"shop".parse().unwrap()) && !caller.may_use(&"game".parse().unwrap()));
    assert!(caller.allows("POST", "/cgi-bin/message/custom/send"));
    assert!(!caller.allows("GET", "/cgi-bin/message/custom/send"));
    assert!(!caller.has(Grant::RawToken));
    // Its own changes are known at once, and a second revocation changes nothing.
    let (first, second) = tokio::join!(here.revoke(&id), there.revoke(&id));
    assert_eq!(here.authenticate(&key).unwrap_err(), Denied::Revoked);
    let (first, second) = (first.unwrap(), second.unwrap());
    assert!(first.revoked_at.is_some());
    assert_eq!(first.revoked_at, second.revoked_at);
    assert_eq!(here.revoke(&id).await.unwrap().revoked_at, first.revoked_at);
    let unknown = here.revoke(&"clr_0".parse().unwrap()).await.unwrap_err();
    assert_eq!(unknown.to_string(), "there is no caller with this id");
    let stored = app.stored().records("callers").await;
    assert_eq!(stored.len(), 1);
    assert!(!stored[0].to_string().contains(&key[4..]), "{}", stored[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_is_kept_by_each_gateway_by_itself() {
    let first = TestApp::builder().store(StoreKind::Mongo).spawn().await;
    let beside = TestApp::builder().store(StoreKind::MongoAt(first.store_url()));
    let second = beside.platform(first.simulator()).spawn().await;
    let limited = NewCaller {
        rate: Some("3/s".parse().unwrap()),
        ..new(&[Grant::Metrics])
    };
    let callers = Services::beside(&first).await.callers;
    let (_, limited) = make(&callers, limited).await;
    let (_, free) = make(&callers, new(&[Grant::Metrics])).await;
    answers_within_the_bound(&first, &limited, 200).await;
    answers_within_the_bound(&second, &limited, 200).await;
    // However slow this machine is, some of so many at once are too many.
    let burst = async |app: &TestApp| {
        let all = (0..60).map(|_| ask(app, &limited));
        futures_util::future::join_all(all).await
    };
    for app in [&first, &second] {
        let replies = burst(app).await;
        let refused = replies.iter().find(|reply| reply.status == 429);
        let refused = refused.expect("a rate of three a second");
        refused.refused(429, 10006, METRICS);
        assert_eq!(refused.retry_after(), 1);
        assert!(
            replies.iter().any(|reply| reply.status == 200),
            "the other's requests are not counted here"
        );
        ask(app, &free).await.ok();
    }
    tokio::time::sleep(Duration::from_millis(400)).await;
    ask(&first, &limited).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_know_within_two_seconds() {
    let first = TestApp::builder().store(StoreKind::Mongo).spawn().await;
    let beside = TestApp::builder().store(StoreKind::MongoAt(first.store_url()));
    let second = beside.platform(first.simulator()).spawn().await;
    let callers = Services::beside(&first).await.callers;
    for _ in 0..3 {
        let (id, key) = make(&callers, new(&[Grant::Metrics])).await;
        let (one, other) = tokio::join!(
            answers_within_the_bound(&first, &key, 200),
            answers_within_the_bound(&second, &key, 200)
        );
        assert_eq!((one.status, other.status), (200, 200));
        callers.revoke(&id).await.unwrap();
        let (one, other) = tokio::join!(
            answers_within_the_bound(&first, &key, 401),
            answers_within_the_bound(&second, &key, 401)
        );
        assert_eq!((one.status, other.status), (401, 401));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_good_while_the_store_is_away_and_revocations_are_heard_when_it_is_back() {
    let mongod = Mongod::start_private().await;
    let url = mongod.url(&Mongod::fresh_database());
    let app = TestApp::builder().store(StoreKind::MongoAt(url)).spawn().await;
    let callers = Services::beside(&app).await.callers;
    let (id, key) = make(&callers, new(&[Grant::Metrics])).await;
    answers_within_the_bound(&app, &key, 200).await;
    mongod.kill();
    for _ in 0..20 {
        ask(&app, &key).await.ok();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    mongod.restart().await;
    eventually("the caller is revoked", async || {
        callers.revoke(&id).await.is_ok()
    })
    .await;
    eventually("the gateway has heard of it", async || {
        ask(&app, &key).await.status == 401
    })
    .await;
}
