//! Sessions over HTTP: refresh by generation, theft, logout, and what carries a token.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::support::app::{Builder, StoreKind, TestApp};
use crate::support::reply::Reply;
use crate::support::{on_all_stores, on_both_stores};

on_all_stores!(sixty_four_uses_of_one_token_are_one_rotation);
on_both_stores!(
    a_refresh_gives_the_next_tokens,
    a_token_of_long_ago_ends_the_session,
    an_older_token_within_the_grace_is_refused_and_nothing_ends,
    forged_tokens_are_refused,
    a_lost_answer_costs_nothing_even_across_a_restart,
    without_a_grace_a_token_works_once,
    a_session_ends_without_use_and_in_any_case,
    a_logout_is_for_good,
    a_logout_needs_only_a_refresh_token,
    a_logout_everywhere_ends_all_sessions,
    a_logout_survives_a_restart,
    the_sessions_of_a_user_are_listed_and_ended_one_by_one,
    refreshes_and_logouts_at_once_leave_nothing_alive,
);

/// What a login or a refresh has given.
#[derive(Clone, PartialEq, Debug)]
struct Pair {
    access: String,
    refresh: String,
}

impl Pair {
    fn of(reply: &Reply) -> Self {
        Self {
            access: reply.member("token"),
            refresh: reply.member("refresh_token"),
        }
    }
}

async fn log_in(app: &TestApp, user: &str) -> Pair {
    Pair::of(&app.log_in(&app.code(user).await).await.ok())
}

async fn refresh(app: &TestApp, token: &str) -> Reply {
    app.post_json("/v1/token/refresh", &json!({"refresh_token": token}))
        .await
}

async fn is_good(app: &TestApp, access: &str) -> bool {
    let reply = app.post_json("/v1/token/verify", &json!({"token": access})).await;
    reply.ok().json()["result"].as_bool().unwrap()
}

async fn with_token(app: &TestApp, method: Method, path: &str, access: &str) -> Reply {
    Reply::to(app.request(method, path).bearer_auth(access)).await
}

async fn a_refresh_gives_the_next_tokens(app: Builder) {
    let app = app.spawn().await;
    let first = log_in(&app, "ann").await;
    let reply = refresh(&app, &first.refresh).await.ok();
    let second = Pair::of(&reply);
    assert_ne!(first.refresh, second.refresh);
    assert_ne!(first.access, second.access);
    assert_eq!(reply.header("token").unwrap(), second.access);
    assert_eq!(reply.header("refresh-token").unwrap(), second.refresh);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.json()["expires_in"], 7200);
    assert_eq!(reply.json()["refresh_expires_in"], 30 * 24 * 3600);
    assert_eq!(reply.header("set-cookie"), None);
    assert!(is_good(&app, &first.access).await && is_good(&app, &second.access).await);
    // The header works as the body does; a refresh token is no access token.
    let request = app.request(Method::POST, "/v1/token/refresh");
    let third = Pair::of(
        &Reply::to(request.header("refresh-token", &second.refresh))
            .await
            .ok(),
    );
    assert!(!is_good(&app, &third.refresh).await);
    let both = app
        .request(Method::POST, "/v1/token/refresh")
        .header("refresh-token", &first.refresh)
        .json(&json!({"refresh_token": third.refresh}));
    Reply::to(both)
        .await
        .refused(401, 10004, "POST /v1/token/refresh");
    refresh(&app, "")
        .await
        .refused(401, 10004, "POST /v1/token/refresh");
}

async fn sixty_four_uses_of_one_token_are_one_rotation(app: Builder) {
    let app = app.set("auth.refresh_grace", "60s").spawn().await;
    let mut current = log_in(&app, "ann").await;
    for _ in 0..20 {
        let replies = join_all((0..64).map(|_| refresh(&app, &current.refresh))).await;
        let pairs: Vec<Pair> = replies.into_iter().map(|reply| Pair::of(&reply.ok())).collect();
        assert!(pairs.iter().all(|pair| pair.refresh == pairs[0].refresh));
        assert_ne!(pairs[0].refresh, current.refresh);
        current = pairs[0].clone();
        app.advance(61).await;
    }
    let session = &app.stored().records("sessions").await[0];
    assert_eq!(session["generation"], 20);
    assert!(is_good(&app, &current.access).await);
}

async fn a_token_of_long_ago_ends_the_session(app: Builder) {
    let app = app.spawn().await;
    let first = log_in(&app, "ann").await;
    let second = Pair::of(&refresh(&app, &first.refresh).await.ok());
    app.advance(11).await;
    refresh(&app, &first.refresh)
        .await
        .refused(401, 10004, "POST /v1/token/refresh");
    // Nobody knows which of the two was the thief.
    refresh(&app, &second.refresh)
        .await
        .refused(401, 10004, "POST /v1/token/refresh");
    assert!(!is_good(&app, &second.access).await);
    assert!(!is_good(&app, &first.access).await);
}

async fn an_older_token_within_the_grace_is_refused_and_nothing_ends(app: Builder) {
    let app = app.set("auth.refresh_grace", "60s").spawn().await;
    let first = log_in(&app, "ann").await;
    let second = Pair::of(&refresh(&app, &first.refresh).await.ok());
    let third = Pair::of(&refresh(&app, &second.refresh).await.ok());
    refresh(&app, &first.refresh)
        .await
        .refused(401, 10004, "POST /v1/token/refresh");
    assert_eq!(
        Pair::of(&refresh(&app, &second.refresh).await.ok()).refresh,
        third.refresh
    );
    refresh(&app, &third.refresh).await.ok();
    assert!(is_good(&app, &third.access).await);
}

async fn forged_tokens_are_refused(app: Builder) {
    let app = app.spawn().await;
    let pair = log_in(&app, "ann").await;
    let mut parts: Vec<String> = pair.refresh.split('.').map(str::to_owned).collect();
    "1".clone_into(&mut parts[1]);
    let next = parts.join(".");
    let flipped = format!("{}0", &pair.refresh[..pair.refresh.len() - 1]);
    let other = format!("{}1", &pair.refresh[..pair.refresh.len() - 1]);
    for forged in [
        &next,
        if flipped == pair.refresh { &other } else { &flipped },
        &pair.access,
    ] {
        refresh(&app, forged)
            .await
            .refused(401, 10004, "POST /v1/token/refresh");
    }
    let long = "x".repeat(600);
    refresh(&app, &long)
        .await
        .refused(400, 10001, "POST /v1/token/refresh");
    refresh(&app, &pair.refresh).await.ok();
}

async fn a_lost_answer_costs_nothing_even_across_a_restart(app: Builder) {
    let mut app = app.set("auth.refresh_grace", "120s").spawn().await;
    let first = log_in(&app, "ann").await;
    let second = Pair::of(&refresh(&app, &first.refresh).await.ok());
    app.restart().await;
    app.advance(60).await;
    assert_eq!(
        Pair::of(&refresh(&app, &first.refresh).await.ok()).refresh,
        second.refresh
    );
}

async fn without_a_grace_a_token_works_once(app: Builder) {
    let app = app.set("auth.refresh_grace", "0s").spawn().await;
    let pair = log_in(&app, "ann").await;
    let replies = join_all((0..20).map(|_| refresh(&app, &pair.refresh))).await;
    let given = replies.iter().filter(|reply| reply.status == 200).count();
    let refused = replies.iter().filter(|reply| reply.status == 401).count();
    assert_eq!((given, refused), (1, 19));
}

async fn a_session_ends_without_use_and_in_any_case(app: Builder) {
    let app = app
        .set("auth.access_ttl", "10s")
        .set("auth.refresh_ttl", "100s")
        .set("auth.session_ttl", "250s")
        .spawn()
        .await;
    let idle = log_in(&app, "bob").await;
    let mut pair = log_in(&app, "ann").await;
    app.advance(90).await;
    let reply = refresh(&app, &pair.refresh).await.ok();
    assert!(reply.json()["refresh_expires_in"].as_i64().unwrap() >= 99);
    pair = Pair::of(&reply);
    app.advance(90).await;
    let reply = refresh(&app, &pair.refresh).await.ok();
    assert!(reply.json()["refresh_expires_in"].as_i64().unwrap() <= 70);
    pair = Pair::of(&reply);
    refresh(&app, &idle.refresh)
        .await
        .refused(401, 10004, "POST /v1/token/refresh");
    app.advance(65).await;
    let last = refresh(&app, &pair.refresh).await.ok();
    // No token outlives its session.
    assert!(last.json()["expires_in"].as_i64().unwrap() <= 5);
    app.advance(6).await;
    assert!(!is_good(&app, &last.member("token")).await);
    refresh(&app, &last.member("refresh_token"))
        .await
        .refused(401, 10004, "POST /v1/token/refresh");
}

async fn a_logout_is_for_good(app: Builder) {
    let app = app.spawn().await;
    let pair = log_in(&app, "ann").await;
    let other = log_in(&app, "ann").await;
    let reply = with_token(&app, Method::POST, "/v1/token/revoke", &pair.access).await;
    assert_eq!(reply.status, 204, "{}", reply.text);
    assert!(!is_good(&app, &pair.access).await);
    refresh(&app, &pair.refresh)
        .await
        .refused(401, 10004, "POST /v1/token/refresh");
    let listed = with_token(&app, Method::GET, "/v1/user/sessions", &pair.access).await;
    listed.refused(401, 10004, "GET /v1/user/sessions");
    assert_eq!(
        listed.header("www-authenticate"),
        Some("Bearer error=\"invalid_token\"")
    );
    assert!(is_good(&app, &other.access).await);
}

async fn a_logout_needs_only_a_refresh_token(app: Builder) {
    let app = app.set("auth.access_ttl", "2s").spawn().await;
    let pair = log_in(&app, "ann").await;
    app.advance(3).await;
    let body = json!({});
    let request = app.request(Method::POST, "/v1/token/revoke").json(&body);
    Reply::to(request)
        .await
        .refused(401, 10004, "POST /v1/token/revoke");
    for _ in 0..2 {
        let request = app.request(Method::POST, "/v1/token/revoke");
        let request = request
            .bearer_auth(&pair.access)
            .header("refresh-token", &pair.refresh);
        let reply = Reply::to(request).await;
        assert_eq!(reply.status, 204, "{}", reply.text);
    }
    refresh(&app, &pair.refresh)
        .await
        .refused(401, 10004, "POST /v1/token/refresh");
}

async fn a_logout_everywhere_ends_all_sessions(app: Builder) {
    let app = app.spawn().await;
    let bob = log_in(&app, "bob").await;
    let mut pairs = Vec::new();
    for _ in 0..5 {
        pairs.push(log_in(&app, "ann").await);
    }
    let path = "/v1/token/revoke?all=true";
    let reply = with_token(&app, Method::POST, path, &pairs[2].access).await;
    assert_eq!(reply.status, 204, "{}", reply.text);
    for pair in &pairs {
        assert!(!is_good(&app, &pair.access).await);
        assert_eq!(refresh(&app, &pair.refresh).await.status, 401);
    }
    assert!(is_good(&app, &bob.access).await);
    let again = log_in(&app, "ann").await;
    assert!(is_good(&app, &again.access).await);
    let odd = with_token(&app, Method::POST, "/v1/token/revoke?all=yes", &again.access).await;
    odd.refused(400, 10001, "POST /v1/token/revoke");
}

async fn a_logout_survives_a_restart(app: Builder) {
    let mut app = app.spawn().await;
    let pair = log_in(&app, "ann").await;
    with_token(&app, Method::POST, "/v1/token/revoke", &pair.access).await;
    app.restart().await;
    assert!(!is_good(&app, &pair.access).await);
}

async fn the_sessions_of_a_user_are_listed_and_ended_one_by_one(app: Builder) {
    let app = app.spawn().await;
    let bob = log_in(&app, "bob").await;
    let first = log_in(&app, "ann").await;
    app.advance(1).await;
    let request = app
        .request(Method::POST, "/v1/token")
        .header("user-agent", "Phone");
    let code = app.code("ann").await;
    let request = request.json(&json!({"type": 100, "account": code}));
    let second = Pair::of(&Reply::to(request).await.ok());
    let list = with_token(&app, Method::GET, "/v1/user/sessions", &first.access)
        .await
        .ok();
    let sessions = list.json()["sessions"].as_array().unwrap().clone();
    assert_eq!(sessions.len(), 2);
    assert_eq!(
        (&sessions[0]["device"], &sessions[0]["current"]),
        (&json!("Phone"), &json!(false))
    );
    assert_eq!(
        (&sessions[1]["app"], &sessions[1]["current"]),
        (&json!("game"), &json!(true))
    );
    let path = format!("/v1/user/sessions/{}", sessions[0]["id"].as_str().unwrap());
    // Not with somebody else's token.
    let foreign = with_token(&app, Method::DELETE, &path, &bob.access).await;
    foreign.refused(404, 10002, &format!("DELETE {path}"));
    let reply = with_token(&app, Method::DELETE, &path, &first.access).await;
    assert_eq!(reply.status, 204, "{}", reply.text);
    assert!(!is_good(&app, &second.access).await && is_good(&app, &first.access).await);
    let third = log_in(&app, "ann").await;
    let reply = with_token(&app, Method::DELETE, "/v1/user/sessions", &third.access).await;
    assert_eq!(reply.status, 204, "{}", reply.text);
    assert!(!is_good(&app, &first.access).await && is_good(&app, &third.access).await);
}

/// After the answer to a logout nothing of the session is good, whatever was under way meanwhile (G11).
async fn refreshes_and_logouts_at_once_leave_nothing_alive(app: Builder) {
    let app = app.spawn().await;
    for round in 0..10 {
        let pair = log_in(&app, "ann").await;
        let refreshes = join_all((0..16).map(|_| refresh(&app, &pair.refresh)));
        let logout = async {
            tokio::time::sleep(Duration::from_millis(round)).await;
            let reply = with_token(&app, Method::POST, "/v1/token/revoke", &pair.access).await;
            assert_eq!(reply.status, 204, "{}", reply.text);
        };
        let (replies, ()) = tokio::join!(refreshes, logout);
        for reply in replies.iter().filter(|reply| reply.status == 200) {
            let late = Pair::of(reply);
            assert!(!is_good(&app, &late.access).await);
            assert_eq!(refresh(&app, &late.refresh).await.status, 401);
        }
    }
}

/// G12, small: what one instance ends, the other refuses within two seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_instance_refuses_an_ended_session_within_two_seconds() {
    let here = TestApp::builder().store(StoreKind::Mongo).spawn().await;
    let there = TestApp::builder()
        .store(StoreKind::MongoAt(here.store_url()))
        .platform(here.simulator())
        .spawn()
        .await;
    for _ in 0..5 {
        let pair = log_in(&here, "ann").await;
        assert!(is_good(&there, &pair.access).await);
        with_token(&here, Method::POST, "/v1/token/revoke", &pair.access).await;
        let ended = Instant::now();
        assert!(!is_good(&here, &pair.access).await);
        assert_eq!(refresh(&there, &pair.refresh).await.status, 401);
        while is_good(&there, &pair.access).await {
            assert!(ended.elapsed() < Duration::from_secs(2));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
