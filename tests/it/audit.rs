//! Who changed what: what is recorded, who may see it, and what becomes of it when the store is away or the gateway ends.

use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use wxgate::service::audit::{Audit, Entry, Figures, Wanted};
use wxgate::tasks::Tasks;

use crate::support::app::{Builder, StoreKind, TestApp};
use crate::support::mongo::Mongod;
use crate::support::reply::Reply;
use crate::support::services::Services;
use crate::support::{eventually, on_both_stores};

on_both_stores!(
    changes_are_recorded_and_nothing_else,
    the_list_is_read_in_parts,
    what_is_queued_is_written_at_the_end,
    records_are_forgotten,
);

const ROUTE: &str = "/v1/audit";
const WEBHOOKS: &str = "/v1/apps/shop/webhooks";
/// In bodies and queries of these tests, and in no record.
const MARK: &str = "zebra";

/// An administrator's token, from the first login on.
pub(crate) async fn administrator(app: &TestApp) -> String {
    let services = Services::beside(app).await;
    let email = "ann@example.com".parse().unwrap();
    let created = services
        .administrators
        .create(&email, "correct horse battery".into(), false);
    created.await.unwrap();
    log_in(app).await
}

async fn log_in(app: &TestApp) -> String {
    let login = json!({"type": 200, "account": "ann@example.com", "secret": "correct horse battery"});
    app.post_json("/v1/token", &login).await.ok().member("token")
}

async fn see(app: &TestApp, token: &str, query: &str) -> Value {
    let request = app.request(Method::GET, &format!("{ROUTE}{query}"));
    Reply::to(request.bearer_auth(token)).await.ok().json()
}

/// Waits until there are so many records.
pub(crate) async fn seen(app: &TestApp, token: &str, count: usize) -> Vec<Value> {
    let mut records = Vec::new();
    eventually("the records are there", async || {
        let found = see(app, token, "").await;
        records.clone_from(found["records"].as_array().unwrap());
        records.len() >= count
    })
    .await;
    assert_eq!(records.len(), count, "{records:?}");
    records
}

fn webhook(app: &TestApp, token: &str) -> RequestBuilder {
    let path = format!("{WEBHOOKS}?{MARK}=1");
    let body = json!({"url": format!("https://{MARK}.example.com/"), "disabled": true});
    app.request(Method::POST, &path).bearer_auth(token).json(&body)
}

async fn changes_are_recorded_and_nothing_else(app: Builder) {
    let app = app.spawn().await;
    let ann = administrator(&app).await;
    let user = app.log_in(&app.code("bob").await).await.ok().member("token");
    let manager = app.caller_key(&["--app", "shop", "--webhooks"]).await;
    let other = app.caller_key(&["--app", "shop", "--events"]).await;

    let made = Reply::to(webhook(&app, &ann).header("x-request-id", "of-ann")).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let by = async |method: Method, path: &str, token: &str, body: Value| {
        let request = app.request(method, path).bearer_auth(token).json(&body);
        Reply::to(request).await.status
    };
    let one = format!("{WEBHOOKS}/{id}");
    assert_eq!(
        by(Method::PATCH, &one, &manager, json!({"description": MARK})).await,
        200
    );
    // What was refused to somebody known is recorded as well.
    assert_eq!(by(Method::DELETE, &one, &other, json!({})).await, 403);
    assert_eq!(
        by(Method::POST, WEBHOOKS, &manager, json!({"url": MARK})).await,
        400
    );
    let replay = format!("{one}/replay");
    assert_eq!(
        by(Method::POST, &replay, &manager, json!({"event": "evt_1"})).await,
        200
    );
    let rule = json!({"when": "default", "reply": {"type": "text", "content": MARK}});
    assert_eq!(by(Method::POST, "/v1/apps/shop/replies", &ann, rule).await, 201);
    assert_eq!(by(Method::DELETE, &one, &ann, json!({})).await, 204);
    // Whoever only looks, is not known, or is in the wrong place changes nothing.
    assert_eq!(by(Method::GET, WEBHOOKS, &manager, json!({})).await, 200);
    assert_eq!(by(Method::POST, WEBHOOKS, &user, json!({})).await, 403);
    assert_eq!(by(Method::POST, WEBHOOKS, "wxk_", json!({})).await, 401);
    assert_eq!(
        by(Method::POST, "/v1/apps/none/webhooks", &manager, json!({})).await,
        404
    );

    let records = seen(&app, &ann, 7).await;
    let short: Vec<_> = records
        .iter()
        .rev()
        .map(|one| {
            json!([
                one["method"],
                one["path"],
                one["status"],
                one["caller"].is_string()
            ])
        })
        .collect();
    let expected = json!([
        ["POST", WEBHOOKS, 201, false],
        ["PATCH", one, 200, true],
        ["DELETE", one, 403, true],
        ["POST", WEBHOOKS, 400, true],
        ["POST", replay, 200, true],
        ["POST", "/v1/apps/shop/replies", 201, false],
        ["DELETE", one, 204, false],
    ]);
    assert_eq!(json!(short), expected);
    let mut first = records[6].clone();
    let first = first.as_object_mut().unwrap();
    assert!(first["id"].as_str().unwrap().starts_with("aud_"));
    assert!(first["at"].as_i64().unwrap() <= app.now().secs());
    assert!(first["user"].is_string());
    let names: Vec<_> = first.keys().map(String::as_str).collect();
    let known = [
        "id",
        "at",
        "app",
        "user",
        "method",
        "path",
        "status",
        "request_id",
    ];
    assert_eq!(names, known);
    assert_eq!(
        (&first["app"], &first["request_id"]),
        (&json!("shop"), &json!("of-ann"))
    );
    // Nothing that was sent is in the store.
    let stored = app.stored().texts("audit").await.join("\n");
    for secret in [MARK, "wxk_", &ann[20..]] {
        assert!(!stored.contains(secret), "{secret}: {stored}");
    }
    let metrics = app.get("/metrics").await.ok().text;
    for line in [
        "audit_records_total{outcome=\"written\"} 7",
        "audit_records_total{outcome=\"lost\"} 0",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_for_administrators() {
    let app = TestApp::builder().spawn().await;
    let ann = administrator(&app).await;
    let user = app.log_in(&app.code("bob").await).await.ok().member("token");
    let all = [
        "--raw-token",
        "--session-key",
        "--webhooks",
        "--events",
        "--metrics",
    ];
    let key = app
        .caller_key(&[&["--app", "shop", "--allow", "* /**"], &all[..]].concat())
        .await;
    let at = format!("GET {ROUTE}");
    app.get(ROUTE).await.refused(401, 10004, &at);
    for (token, status, code) in [(&key, 401, 10004), (&user, 403, 10005)] {
        let request = app.request(Method::GET, ROUTE).bearer_auth(token);
        Reply::to(request).await.refused(status, code, &at);
    }
    assert_eq!(see(&app, &ann, "").await, json!({"records": []}));
    assert_eq!(
        see(&app, &ann, "?app=none&caller=clr_1&before=1&limit=1").await,
        json!({"records": []})
    );
    for wrong in [
        "limit=0",
        "limit=101",
        "limit=x",
        "app=Shop",
        "caller=x",
        "caller=clr_",
        "before=x",
        "before=1.",
        "app=a&app=a",
    ] {
        let request = app.request(Method::GET, &format!("{ROUTE}?{wrong}"));
        let reply = Reply::to(request.bearer_auth(&ann)).await;
        reply.refused(400, 10001, &at);
    }
}

async fn the_list_is_read_in_parts(app: Builder) {
    let app = app.official("shop").official("branch").mini("game").spawn().await;
    let ann = administrator(&app).await;
    let services = Services::beside(&app).await;
    let tasks = Tasks::new(tokio::runtime::Handle::current());
    let audit = Audit::new(
        &services.engine,
        app.clock.clone(),
        tasks.clone(),
        Duration::from_secs(86_400),
    );
    let begin = app.now();
    for number in 0..450_u32 {
        audit.note(Entry {
            // Three of them each second, so that some have one time.
            at: begin - Duration::from_secs(u64::from(number / 3)),
            caller: Some(if number % 2 == 0 { "clr_a" } else { "clr_b" }.parse().unwrap()),
            user: None,
            app: if number == 449 { "shop" } else { "branch" }.parse().unwrap(),
            method: "POST".to_owned(),
            path: format!("/cgi-bin/{number}{}", "x".repeat(600)),
            status: 200,
            errcode: Some(45009),
            rid: Some("5f2b-1-2".to_owned()),
            request_id: None,
        });
    }
    let audit = std::sync::Arc::new(audit);
    tasks.spawn("keep", audit.clone().keep());
    assert!(
        tasks.shutdown(Duration::from_secs(20)).await,
        "what waits is written at the end"
    );
    assert_eq!(
        audit.figures(),
        Figures {
            written: 450,
            lost: 0
        }
    );

    let walk = async |query: &str| {
        let (mut all, mut next, mut parts) = (Vec::new(), String::new(), 0);
        loop {
            let part = see(&app, &ann, &format!("?limit=50{query}{next}")).await;
            all.extend(part["records"].as_array().unwrap().clone());
            parts += 1;
            match part["next"].as_str() {
                Some(place) => next = format!("&before={place}"),
                None => return (all, parts),
            }
        }
    };
    let (all, _) = walk("").await;
    let mut ids: Vec<_> = all.iter().map(|one| one["id"].as_str().unwrap()).collect();
    let times: Vec<_> = all
        .iter()
        .map(|one| std::cmp::Reverse(one["at"].as_i64()))
        .collect();
    assert!(times.is_sorted());
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 450);
    assert_eq!(all[0]["path"].as_str().unwrap().len(), 512);
    assert_eq!(
        (&all[0]["errcode"], &all[0]["rid"]),
        (&json!(45009), &json!("5f2b-1-2"))
    );
    assert_eq!(walk("&app=branch").await.0.len(), 449);
    assert_eq!(walk("&caller=clr_a").await.0.len(), 225);
    // The only one of its app is behind many of others.
    let (found, parts) = walk("&caller=clr_b&app=shop").await;
    assert_eq!((found.len(), parts), (1, 1));
    let before = begin.secs() - 100;
    let older = see(&app, &ann, &format!("?before={before}&limit=1")).await;
    assert!(older["records"][0]["at"].as_i64().unwrap() < before);
}

async fn what_is_queued_is_written_at_the_end(app: Builder) {
    let mut app = app.spawn().await;
    let ann = administrator(&app).await;
    for _ in 0..5 {
        assert_eq!(Reply::to(webhook(&app, &ann)).await.status, 201);
    }
    // At once: the last of them wait for others still.
    app.stop().await;
    assert_eq!(app.stored().count("audit").await, 5);
}

async fn records_are_forgotten(app: Builder) {
    let app = app.set("gateway.audit_retention", "2d").spawn().await;
    let ann = administrator(&app).await;
    assert_eq!(Reply::to(webhook(&app, &ann)).await.status, 201);
    seen(&app, &ann, 1).await;
    app.advance(2 * 86_400 - 100).await;
    seen(&app, &log_in(&app).await, 1).await;
    app.advance(200).await;
    assert_eq!(see(&app, &log_in(&app).await, "").await, json!({"records": []}));
}

fn entry(app: &TestApp, number: usize) -> Entry {
    Entry {
        at: app.now(),
        caller: None,
        user: None,
        app: "shop".parse().unwrap(),
        method: "POST".to_owned(),
        path: format!("/cgi-bin/{number}"),
        status: 200,
        errcode: None,
        rid: None,
        request_id: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_a_store_that_is_away_and_little_is_lost() {
    let mongod = Mongod::start_private().await;
    let url = mongod.url(&Mongod::fresh_database());
    let app = TestApp::builder().store(StoreKind::MongoAt(url)).spawn().await;
    let services = Services::beside(&app).await;
    let tasks = Tasks::new(tokio::runtime::Handle::current());
    let retention = Duration::from_secs(86_400);
    let audit = Audit::new(&services.engine, app.clock.clone(), tasks.clone(), retention);
    let audit = std::sync::Arc::new(audit);
    tasks.spawn("keep", audit.clone().keep());
    audit.note(entry(&app, 0));
    eventually("the first is written", async || audit.figures().written == 1).await;

    mongod.stop();
    let began = Instant::now();
    // As many as may wait, what is in the writer's hands, and more than that.
    for number in 1..=10_000 {
        audit.note(entry(&app, number));
    }
    assert!(began.elapsed() < Duration::from_secs(2), "it waited");
    eventually("too many were noted", async || audit.figures().lost > 1000).await;
    mongod.cont();
    let lost = audit.figures().lost;
    eventually("the rest is written", async || {
        audit.figures().written == 10_001 - lost
    })
    .await;
    assert_eq!(audit.figures().lost, lost);
    let listed = audit.list(Wanted::default(), 10).await.unwrap();
    assert_eq!(listed.records.len(), 10);
    assert_eq!(app.stored().count("audit").await, 10_001 - lost);
    assert!(tasks.shutdown(Duration::from_secs(5)).await);
    services.engine.close().await;
}
