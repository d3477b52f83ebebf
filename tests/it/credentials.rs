//! How the platform's tokens and tickets are had: once for all who ask at once, ahead of their end, and again when
//! they die. Seen from `/jsapi`, and counted at the platform.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::app::{Builder, DOMAIN, SHOP, TestApp};
use crate::support::platform::{CLASSIC_TOKEN, STABLE_TOKEN, TICKET};
use crate::support::reply::Reply;
use crate::support::{eventually, on_all_stores, on_both_stores};

on_all_stores!(a_cold_start_under_load_asks_once);
on_both_stores!(
    a_restart_asks_for_nothing,
    a_restart_uses_a_value_that_is_due_while_the_platform_is_away,
    values_are_renewed_ahead_of_their_end,
    a_replaced_token_leaves_the_ticket_alone,
    a_ticket_is_used_to_its_end_while_renewing_fails,
    a_token_that_died_before_the_ticket_was_fetched_is_replaced_once,
    a_dead_token_that_the_platform_keeps_serving_is_forced_out_once,
    in_classic_mode_the_classic_token_is_fetched,
);

/// One request for a signature of the first official account.
async fn sign(app: &TestApp) -> Reply {
    app.get(&format!("/jsapi?url=https%3A%2F%2F{DOMAIN}%2F")).await
}

/// The ticket that was signed with; `jsapi.expose_ticket` is on.
async fn ticket(app: &TestApp) -> String {
    sign(app).await.ok().member("jsapi_ticket")
}

/// Calls for tokens and for tickets of the official account.
async fn calls(app: &TestApp) -> (u64, u64) {
    let platform = app.simulator();
    (
        platform.calls_of(SHOP, STABLE_TOKEN).await,
        platform.calls(TICKET).await,
    )
}

async fn warm(app: &TestApp) {
    eventually("the gateway has what it needs", async || {
        app.get("/readyz").await.json()["status"] == "ok"
    })
    .await;
}

fn broken(path: &str, effect: &Value) -> Value {
    json!({"path": path, "effect": effect})
}

async fn a_cold_start_under_load_asks_once(app: Builder) {
    let slow = json!({"type": "latency", "ms": 300});
    let app = app
        .fault(broken(STABLE_TOKEN, &slow))
        .set("jsapi.expose_ticket", "true");
    let app = app.spawn().await;
    let replies = join_all((0..1_000).map(|_| sign(&app))).await;
    let first = replies[0].member("jsapi_ticket");
    for reply in replies {
        assert_eq!(reply.ok().member("jsapi_ticket"), first);
    }
    assert_eq!(calls(&app).await, (1, 1));
    // The mini program has a token of its own and no ticket.
    warm(&app).await;
    assert_eq!(app.simulator().calls(STABLE_TOKEN).await, 2);
}

async fn a_restart_asks_for_nothing(app: Builder) {
    let mut app = app.set("jsapi.expose_ticket", "true").spawn().await;
    warm(&app).await;
    let before = ticket(&app).await;
    app.restart().await;
    assert_eq!(ticket(&app).await, before);
    warm(&app).await;
    assert_eq!(calls(&app).await, (1, 1));
}

async fn values_are_renewed_ahead_of_their_end(app: Builder) {
    let app = app.set("jsapi.expose_ticket", "true").spawn().await;
    warm(&app).await;
    let first = ticket(&app).await;
    app.advance(6_880).await;
    assert_eq!(ticket(&app).await, first);
    assert_eq!(calls(&app).await.0, 1, "too early");
    app.advance(90).await;
    eventually("the token is renewed before its end", async || {
        sign(&app).await.ok();
        calls(&app).await.0 == 2
    })
    .await;
    // The platform hands out the same ticket until its end, however often it is asked.
    for _ in 0..8 {
        app.advance(40).await;
        sign(&app).await.ok();
    }
    eventually("the ticket is another one after its end", async || {
        ticket(&app).await != first
    })
    .await;
    let (tokens, tickets) = calls(&app).await;
    assert_eq!(tokens, 2);
    assert!(tickets <= 14, "{tickets}");
}

async fn a_replaced_token_leaves_the_ticket_alone(app: Builder) {
    let mut app = app.set("jsapi.expose_ticket", "true").spawn().await;
    warm(&app).await;
    app.stop().await;
    // Another gateway starts when the platform's token is old and its ticket new.
    app.advance(6_000).await;
    let expire = json!({"app_id": SHOP, "type": "jsapi"});
    app.simulator()
        .admin(reqwest::Method::POST, "/tickets/expire", expire)
        .await;
    let young = TestApp::builder().platform(app.simulator());
    let young = young.set("jsapi.expose_ticket", "true").spawn().await;
    warm(&young).await;
    let before = ticket(&young).await;
    let (tokens, tickets) = calls(&young).await;
    young.advance(1_150).await;
    eventually("the token is renewed", async || {
        calls(&young).await.0 == tokens + 1
    })
    .await;
    assert_eq!(ticket(&young).await, before);
    // One more call is the look at a ticket whose age is not known; the token's change causes none.
    let (now_tokens, now_tickets) = calls(&young).await;
    assert_eq!(now_tokens, tokens + 1);
    assert!(now_tickets <= tickets + 1, "{now_tickets}");
}

async fn a_restart_uses_a_value_that_is_due_while_the_platform_is_away(app: Builder) {
    let mut app = app.set("jsapi.expose_ticket", "true").spawn().await;
    warm(&app).await;
    let first = ticket(&app).await;
    app.stop().await;
    app.advance(6_990).await;
    let busy = json!({"path": "/cgi-bin/*", "effect": {"type": "errcode", "errcode": -1}});
    app.simulator()
        .admin(reqwest::Method::POST, "/faults", busy)
        .await;
    app.start().await;
    assert_eq!(ticket(&app).await, first);
}

async fn a_ticket_is_used_to_its_end_while_renewing_fails(app: Builder) {
    let app = app.set("jsapi.expose_ticket", "true").spawn().await;
    warm(&app).await;
    let first = ticket(&app).await;
    let busy = json!({"type": "errcode", "errcode": -1});
    app.simulator().fault(broken("/cgi-bin/*", &busy)).await;
    app.advance(6_970).await;
    for _ in 0..11 {
        assert_eq!(ticket(&app).await, first);
        app.advance(20).await;
    }
    assert_eq!(ticket(&app).await, first, "ten seconds before the end");
    app.advance(15).await;
    let reply = sign(&app).await;
    reply.refused(503, 10008, "GET /jsapi");
    assert!(reply.retry_after() >= 1);
    app.simulator().heal().await;
    app.advance(60).await;
    eventually("it recovers", async || sign(&app).await.status == 200).await;
    assert_ne!(ticket(&app).await, first);
    let (tokens, tickets) = calls(&app).await;
    assert!(tokens <= 30 && tickets <= 40, "{tokens} and {tickets}");
}

/// A gateway that has a token and could not get a ticket yet.
async fn without_a_ticket(app: Builder) -> TestApp {
    let busy = json!({"type": "errcode", "errcode": -1});
    let app = app.fault(broken(TICKET, &busy)).spawn().await;
    eventually("the ticket is refused", async || calls(&app).await.1 >= 1).await;
    sign(&app).await.refused(503, 10008, "GET /jsapi");
    app
}

/// Brings the ticket and says how many calls that took.
async fn recovered(app: &TestApp) -> (u64, u64) {
    let (tokens, tickets) = calls(app).await;
    app.simulator().heal().await;
    app.advance(60).await;
    eventually("it recovers", async || sign(app).await.status == 200).await;
    let (tokens_now, tickets_now) = calls(app).await;
    (tokens_now - tokens, tickets_now - tickets)
}

async fn a_token_that_died_before_the_ticket_was_fetched_is_replaced_once(app: Builder) {
    let app = without_a_ticket(app).await;
    app.simulator().kill_tokens(SHOP, false).await;
    let (tokens, tickets) = recovered(&app).await;
    assert_eq!(tokens, 1);
    // A refused call may have been under way when the platform recovered.
    assert!((2..=3).contains(&tickets), "{tickets}");
    assert_eq!(forced(&app).await, 0);
}

async fn a_dead_token_that_the_platform_keeps_serving_is_forced_out_once(app: Builder) {
    let app = without_a_ticket(app).await;
    app.simulator().kill_tokens(SHOP, true).await;
    let (tokens, _) = recovered(&app).await;
    assert_eq!(tokens, 2, "a plain call first");
    assert_eq!(forced(&app).await, 1);
}

/// How many forced refreshes the platform has seen.
async fn forced(app: &TestApp) -> usize {
    let path = format!("/calls?path={STABLE_TOKEN}&app_id={SHOP}&limit=2000");
    let log = app
        .simulator()
        .admin(reqwest::Method::GET, &path, json!({}))
        .await;
    let log = log.to_string().replace(['\\', ' '], "");
    assert!(log.contains("force_refresh"), "{log}");
    log.matches("\"force_refresh\":true").count()
}

async fn in_classic_mode_the_classic_token_is_fetched(app: Builder) {
    let app = app.set("platform.token_mode", "classic").spawn().await;
    warm(&app).await;
    sign(&app).await.ok();
    assert_eq!(app.simulator().calls_of(SHOP, CLASSIC_TOKEN).await, 1);
    assert_eq!(calls(&app).await, (0, 1));
}
