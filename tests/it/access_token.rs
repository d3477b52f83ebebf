//! The company's services get WeChat's tokens and tickets themselves, and report the dead ones. Instances hear of one
//! another's; nobody can make them ask WeChat more often than is good.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Builder, SHOP, StoreKind, TestApp};
use crate::support::platform::{CLASSIC_TOKEN, STABLE_TOKEN, TICKET};
use crate::support::reply::Reply;
use crate::support::{eventually, on_both_stores};

on_both_stores!(
    a_caller_has_the_token_and_its_times,
    a_dead_token_is_replaced_once_and_an_old_one_costs_nothing,
    tickets_are_for_those_who_may_fetch_them,
    a_ticket_for_cards_is_held_while_somebody_asks_for_it,
);

const TOKEN: &str = "/v1/apps/shop/access_token";
const REFRESH: &str = "/v1/apps/shop/access_token/refresh";
const JSAPI: &str = "/v1/apps/shop/jsapi_ticket";
const CARD: &str = "/v1/apps/shop/jsapi_ticket?type=wx_card";
const MAY_FETCH_TICKETS: &str = "GET /cgi-bin/ticket/getticket";

/// A gateway and a key of one of its callers.
struct Caller<'a> {
    app: &'a TestApp,
    key: String,
}

impl<'a> Caller<'a> {
    async fn with(app: &'a TestApp, rights: &[&str]) -> Self {
        let key = app.caller_key(rights).await;
        Self { app, key }
    }

    async fn of_tokens(app: &'a TestApp) -> Self {
        Self::with(app, &["--app", "shop", "--raw-token"]).await
    }

    /// The same key at another instance.
    fn at<'b>(&self, app: &'b TestApp) -> Caller<'b> {
        let key = self.key.clone();
        Caller { app, key }
    }

    async fn get(&self, path: &str) -> Reply {
        Reply::to(self.app.request(Method::GET, path).bearer_auth(&self.key)).await
    }

    async fn report(&self, token: &str) -> Reply {
        let request = self.app.request(Method::POST, REFRESH).bearer_auth(&self.key);
        Reply::to(request.json(&json!({"access_token": token}))).await
    }

    async fn token(&self) -> String {
        self.get(TOKEN).await.ok().member("access_token")
    }
}

/// Calls for tokens of the official account, in stable mode.
async fn fetched(app: &TestApp) -> u64 {
    app.simulator().calls_of(SHOP, STABLE_TOKEN).await
}

fn number(body: &Value, name: &str) -> i64 {
    body[name].as_i64().unwrap_or_else(|| panic!("no {name}: {body}"))
}

async fn a_caller_has_the_token_and_its_times(app: Builder) {
    let app = app.spawn().await;
    let caller = Caller::of_tokens(&app).await;
    let reply = caller.get(TOKEN).await.ok();
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let first = reply.json();
    let names: Vec<_> = first.as_object().unwrap().keys().collect();
    assert_eq!(names, ["access_token", "version", "expires_in", "renew_after"]);
    assert!((7190..=7200).contains(&number(&first, "expires_in")), "{first}");
    // The last five minutes, a little earlier or later.
    assert!((6890..=6970).contains(&number(&first, "renew_after")), "{first}");
    for (rights, status) in [
        (["--app", "shop", "--events"].as_slice(), 403),
        (&["--app", "game", "--raw-token"], 403),
        (&["--app", "shop", "--allow", "* /**"], 403),
    ] {
        let other = Caller::with(&app, rights).await;
        other
            .get(TOKEN)
            .await
            .refused(status, 10005, "GET /v1/apps/shop/access_token");
        // Whoever may not is told so before the body is looked at.
        let request = app.request(Method::POST, REFRESH).bearer_auth(&other.key);
        let reply = Reply::to(request.body("x")).await;
        reply.refused(status, 10005, "POST /v1/apps/shop/access_token/refresh");
    }
    app.get(TOKEN)
        .await
        .refused(401, 10004, "GET /v1/apps/shop/access_token");
    let missing = caller.get("/v1/apps/none/access_token").await;
    missing.refused(404, 10002, "GET /v1/apps/none/access_token");
    for body in [
        json!({}),
        json!({"access_token": 1}),
        json!({"access_token": "x".repeat(2049)}),
    ] {
        let request = app.request(Method::POST, REFRESH).bearer_auth(&caller.key);
        let reply = Reply::to(request.json(&body)).await;
        reply.refused(400, 10001, "POST /v1/apps/shop/access_token/refresh");
    }
    let game = Caller::with(&app, &["--app", "game", "--raw-token"]).await;
    let game = game
        .get("/v1/apps/game/access_token")
        .await
        .ok()
        .member("access_token");
    assert_ne!(game, caller.token().await);

    app.advance(u64::try_from(number(&first, "renew_after")).unwrap())
        .await;
    eventually("there is another token", async || {
        caller.token().await != first["access_token"].as_str().unwrap()
    })
    .await;
    let second = caller.get(TOKEN).await.ok().json();
    assert_eq!(number(&second, "version"), number(&first, "version") + 1);
    assert_eq!(fetched(&app).await, 2);
}

async fn a_dead_token_is_replaced_once_and_an_old_one_costs_nothing(app: Builder) {
    let app = app.spawn().await;
    let caller = Caller::of_tokens(&app).await;
    let dead = caller.token().await;
    app.simulator().kill_tokens(SHOP, false).await;
    let reports = futures_util::future::join_all((0..50).map(|_| caller.report(&dead))).await;
    let next = caller.token().await;
    assert_ne!(next, dead);
    for report in reports {
        assert_eq!(report.ok().member("access_token"), next);
    }
    assert_eq!(fetched(&app).await, 2);
    for _ in 0..20 {
        for old in [dead.as_str(), "nonsense"] {
            assert_eq!(caller.report(old).await.ok().member("access_token"), next);
        }
    }
    assert_eq!(fetched(&app).await, 2);
    // One that the platform goes on serving is forced out, and that not soon again.
    let reply = caller.report(&next).await.ok();
    let forced = reply.member("access_token");
    assert_ne!(forced, next);
    assert_eq!(fetched(&app).await, 4);
    let refused = caller.report(&forced).await;
    refused.refused(503, 10008, "POST /v1/apps/shop/access_token/refresh");
    assert!(refused.retry_after() >= 1);
    // It is what others get all the same, and it is good.
    assert_eq!(caller.token().await, forced);
}

async fn tickets_are_for_those_who_may_fetch_them(app: Builder) {
    let app = app.set("jsapi.expose_ticket", "true").spawn().await;
    let caller = Caller::with(
        &app,
        &["--app", "shop", "--app", "game", "--allow", MAY_FETCH_TICKETS],
    )
    .await;
    let reply = caller.get(JSAPI).await.ok();
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let body = reply.json();
    let members: Vec<_> = body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["ticket", "version", "expires_in", "renew_after"]);
    let signed = app.get("/jsapi?url=https%3A%2F%2Fexample.com%2F").await.ok();
    assert_eq!(signed.member("jsapi_ticket"), reply.member("ticket"));
    let typed = caller.get("/v1/apps/shop/jsapi_ticket?type=jsapi").await.ok();
    assert_eq!(typed.member("ticket"), reply.member("ticket"));
    let request = "GET /v1/apps/shop/jsapi_ticket";
    let odd = caller.get("/v1/apps/shop/jsapi_ticket?type=card").await;
    odd.refused(400, 10001, request);
    let mini = caller.get("/v1/apps/game/jsapi_ticket").await;
    mini.refused(404, 10002, "GET /v1/apps/game/jsapi_ticket");
    let raw = Caller::of_tokens(&app).await;
    raw.get(JSAPI).await.refused(403, 10005, request);
    let any = Caller::with(
        &app,
        &["--app", "shop", "--allow", "POST /**", "--allow", "GET /wxa/**"],
    )
    .await;
    any.get(JSAPI).await.refused(403, 10005, request);
    app.get(JSAPI).await.refused(401, 10004, request);
}

async fn a_ticket_for_cards_is_held_while_somebody_asks_for_it(app: Builder) {
    let app = app.spawn().await;
    let caller = Caller::with(&app, &["--app", "shop", "--allow", "GET /cgi-bin/ticket/*"]).await;
    let jsapi = caller.get(JSAPI).await.ok().member("ticket");
    let before = app.simulator().calls(TICKET).await;
    let ready = app.get("/readyz").await.ok().json();
    assert_eq!(ready["status"], "ok", "nobody has asked for it: {ready}");
    let card = caller.get(CARD).await.ok().member("ticket");
    assert_ne!(card, jsapi);
    assert_eq!(app.simulator().calls(TICKET).await, before + 1);
    assert_eq!(caller.get(CARD).await.ok().member("ticket"), card);
    assert_eq!(app.simulator().calls(TICKET).await, before + 1);
    // Its age is not known, so it is looked at again in some minutes, by the keeper: as long as it is wanted.
    let shown = async || {
        let metrics = app.get("/metrics").await.ok().text;
        metrics.contains("card_ticket")
    };
    assert!(shown().await);
    let looks = async || {
        let path = format!("/calls?path={TICKET}&limit=2000");
        let log = app.simulator().admin(Method::GET, &path, json!({})).await;
        let calls = log["calls"].as_array().unwrap().clone();
        calls
            .iter()
            .filter(|call| call["query"]["type"] == "wx_card")
            .count()
    };
    app.advance(400).await;
    eventually("it is looked at", async || looks().await == 2).await;
    app.advance(4 * 3600).await;
    eventually("nobody wants it", async || !shown().await).await;
    let before = looks().await;
    for _ in 0..3 {
        app.advance(7200).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    assert_eq!(looks().await, before);
    assert_ne!(caller.get(CARD).await.ok().member("ticket"), card);
}

async fn instances(count: usize) -> Vec<TestApp> {
    let mut all = vec![TestApp::builder().store(StoreKind::Mongo).spawn().await];
    while all.len() < count {
        let builder = TestApp::builder().store(StoreKind::MongoAt(all[0].store_url()));
        all.push(builder.platform(all[0].simulator()).spawn().await);
    }
    all
}

/// Nothing is due at the other instances: they hear of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_one_instance_replaces_is_everybodys_within_a_second() {
    let all = instances(3).await;
    let caller = Caller::of_tokens(&all[0]).await;
    let callers: Vec<_> = all.iter().map(|app| caller.at(app)).collect();
    eventually("all know the key", async || {
        callers[1].get(TOKEN).await.status == 200 && callers[2].get(TOKEN).await.status == 200
    })
    .await;
    let mut current = callers[0].token().await;
    let mut slowest = Duration::ZERO;
    for round in 0..6 {
        all[0].simulator().kill_tokens(SHOP, false).await;
        let next = callers[round % 3]
            .report(&current)
            .await
            .ok()
            .member("access_token");
        let replaced = Instant::now();
        for caller in &callers {
            while caller.token().await != next {
                assert!(replaced.elapsed() < Duration::from_millis(1500), "round {round}");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        slowest = slowest.max(replaced.elapsed());
        current = next;
    }
    eprintln!("the slowest of 6 was known everywhere after {slowest:?}");
    assert_eq!(fetched(&all[0]).await, 7);
}

/// 40001 for everybody: 2,000 reports at four instances are one call of WeChat's. (G3, small.)
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_reports_over_four_instances_is_one_replacement() {
    let all = instances(4).await;
    let caller = Caller::of_tokens(&all[0]).await;
    for app in &all {
        let there = caller.at(app);
        eventually("the key is known", async || there.get(TOKEN).await.status == 200).await;
    }
    let dead = caller.token().await;
    let before = fetched(&all[0]).await;
    let slow = json!({"path": STABLE_TOKEN, "effect": {"type": "latency", "ms": 300}});
    all[0].simulator().fault(slow).await;
    all[0].simulator().kill_tokens(SHOP, false).await;
    let reports = (0..2000).map(|index| {
        let there = caller.at(&all[index % 4]);
        let dead = dead.clone();
        async move { there.report(&dead).await }
    });
    let reports = futures_util::future::join_all(reports).await;
    let next = caller.token().await;
    assert_ne!(next, dead);
    for report in reports {
        assert_eq!(report.ok().member("access_token"), next);
    }
    assert_eq!(fetched(&all[0]).await, before + 1);
}

/// What the platform has heard from us.
struct Heard {
    at: i64,
    forced: bool,
}

/// Somebody with a good key reports every token as dead, the current one included, as often as it goes, for days.
async fn a_storm(mode: &str, path: &str) -> Vec<Heard> {
    let app = TestApp::builder().set("platform.token_mode", mode).spawn().await;
    let caller = Caller::of_tokens(&app).await;
    let storm = async || {
        for _ in 0..2 {
            let token = caller.token().await;
            let reply = caller.report(&token).await;
            assert!(matches!(reply.status, 200 | 503), "{}", reply.text);
            if reply.status == 503 {
                assert!(reply.retry_after() >= 1);
            }
        }
    };
    // An hour looked at closely, and then two days.
    for (step, count) in [(7, 500), (400, 432)] {
        for _ in 0..count {
            storm().await;
            app.advance(step).await;
        }
    }
    // There was always a good token, and there is one.
    let path = format!("/calls?path={path}&app_id={SHOP}&limit=2000");
    let log = app.simulator().admin(Method::GET, &path, json!({})).await;
    let calls = log["calls"].as_array().unwrap();
    assert!(calls.len() < 2000, "the log does not reach back");
    let mut heard: Vec<_> = calls
        .iter()
        .map(|call| Heard {
            at: call["time"].as_i64().unwrap(),
            forced: call["body"]["force_refresh"] == true,
        })
        .collect();
    heard.sort_by_key(|heard| heard.at);
    heard
}

/// 50 at once and 500 in a day.
fn within_the_budget(heard: &[Heard]) {
    assert!(heard.len() > 500, "it was no storm: {}", heard.len());
    for (index, first) in heard.iter().enumerate() {
        for (more, last) in heard[index..].iter().enumerate() {
            let allowed = 51 + (last.at - first.at + 1) * 500 / 86_400;
            assert!(
                i64::try_from(more).unwrap() < allowed,
                "{more} in {} s",
                last.at - first.at
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_reports_stays_within_the_budget_in_stable_mode() {
    let heard = a_storm("stable", STABLE_TOKEN).await;
    within_the_budget(&heard);
    let forced: Vec<i64> = heard
        .iter()
        .filter(|heard| heard.forced)
        .map(|heard| heard.at)
        .collect();
    assert!(forced.len() > 20, "{}", forced.len());
    for pair in forced.windows(2) {
        assert!(pair[1] - pair[0] >= 30, "{pair:?}");
    }
    // Days end at midnight in Shanghai.
    let mut days: Vec<i64> = forced.iter().map(|at| (at + 8 * 3600) / 86_400).collect();
    days.dedup();
    for day in days {
        let count = forced
            .iter()
            .filter(|at| (*at + 8 * 3600) / 86_400 == day)
            .count();
        assert!(count <= 20, "{count}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_reports_stays_within_the_budget_in_classic_mode() {
    within_the_budget(&a_storm("classic", CLASSIC_TOKEN).await);
}
