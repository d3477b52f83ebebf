//! Several instances on one store: what one of them has decided holds at all, at once or within two seconds.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use wxgate::domain::ids::UserId;
use wxgate::service::records::{Scope, Session};
use wxgate::store::Repo;

use crate::support::app::{Builder, StoreKind, TestApp};
use crate::support::on_both_stores;
use crate::support::reply::Reply;
use crate::support::services::Services;

on_both_stores!(a_command_beside_the_gateway_disables_an_administrator_within_two_seconds);

const PASSWORD: &str = "correct horse battery";
const BOUND: Duration = Duration::from_secs(2);

async fn instances(count: usize) -> Vec<TestApp> {
    let mut all = vec![TestApp::builder().store(StoreKind::Mongo).spawn().await];
    while all.len() < count {
        let builder = TestApp::builder().store(StoreKind::MongoAt(all[0].store_url()));
        let next = builder.platform(all[0].simulator()).spawn().await;
        all.push(next);
    }
    all
}

async fn refresh(app: &TestApp, token: &str) -> Reply {
    app.post_json("/v1/token/refresh", &json!({"refresh_token": token}))
        .await
}

async fn is_good(app: &TestApp, access: &str) -> bool {
    let reply = app.post_json("/v1/token/verify", &json!({"token": access})).await;
    reply.ok().json()["result"].as_bool().unwrap()
}

async fn call(app: &TestApp, method: Method, path: &str, access: &str, body: &Value) -> Reply {
    Reply::to(app.request(method, path).bearer_auth(access).json(body)).await
}

async fn log_in(app: &TestApp, user: &str) -> Reply {
    app.log_in(&app.code(user).await).await.ok()
}

/// The tokens are refused by every instance within the bound; the slowest is told.
async fn refused_everywhere(all: &[TestApp], access: &[String]) {
    let ended = Instant::now();
    for app in all {
        for token in access {
            while is_good(app, token).await {
                assert!(ended.elapsed() < BOUND, "an instance has not heard of it");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// G9, small.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_uses_over_four_instances_are_one_rotation() {
    let all = instances(4).await;
    let first = log_in(&all[0], "ann").await;
    let mut current = first.member("refresh_token");
    for round in 0..20 {
        let uses = (0..64).map(|index| refresh(&all[index % 4], &current));
        let replies = join_all(uses).await;
        let next = replies[0].member("refresh_token");
        for reply in replies {
            assert_eq!(reply.ok().member("refresh_token"), next, "round {round}");
        }
        assert_ne!(next, current);
        current = next;
    }
    let sessions = all[0].stored().records("sessions").await;
    assert_eq!((sessions.len(), &sessions[0]["generation"]), (1, &json!(20)));
    for app in &all {
        assert!(is_good(app, &first.member("token")).await);
    }
}

/// G10, small.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stolen_token_ends_the_session_on_four_instances() {
    let all = instances(4).await;
    for round in 0..8 {
        let first = log_in(&all[0], "ann").await;
        let second = refresh(&all[1], &first.member("refresh_token")).await.ok();
        for app in &all {
            app.turn(11);
        }
        let third = refresh(&all[2], &second.member("refresh_token")).await.ok();
        let thief = &all[round % 4];
        refresh(thief, &first.member("refresh_token"))
            .await
            .refused(401, 10004, "POST /v1/token/refresh");
        let access = [&first, &second, &third].map(|reply| reply.member("token"));
        assert!(!is_good(thief, &access[2]).await);
        refused_everywhere(&all, &access).await;
        for app in &all {
            let refused = refresh(app, &third.member("refresh_token")).await;
            assert_eq!(refused.status, 401, "{}", refused.text);
        }
    }
}

/// G12, small.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logouts_new_passwords_and_deletions_are_known_on_all_instances() {
    let all = instances(2).await;
    for round in 0..4 {
        let (here, there) = (&all[round % 2], &all[(round + 1) % 2]);
        // Logout everywhere, asked for here, ends what began there.
        let logins = [log_in(here, "ann").await, log_in(there, "ann").await];
        let access = logins.map(|login| login.member("token"));
        let path = "/v1/token/revoke?all=true";
        let reply = call(here, Method::POST, path, &access[0], &json!({})).await;
        assert_eq!(reply.status, 204, "{}", reply.text);
        refused_everywhere(&all, &access).await;

        let name = format!("user{round}");
        let body = json!({"username": name, "password": PASSWORD});
        let made = there.post_json("/v1/users", &body).await;
        let login = json!({"type": 101, "account": name, "secret": PASSWORD});
        let kept = here.post_json("/v1/token", &login).await.ok().member("token");
        let body = json!({"old": PASSWORD, "new": "another horse battery"});
        let reply = call(here, Method::POST, "/v1/user/password", &kept, &body).await;
        assert_eq!(reply.status, 204, "{}", reply.text);
        refused_everywhere(&all, &[made.member("token")]).await;
        assert!(is_good(here, &kept).await && is_good(there, &kept).await);
        let old = there.post_json("/v1/token", &login).await;
        old.refused(401, 10004, "POST /v1/token");

        let other = log_in(there, "bob").await.member("token");
        let token = log_in(here, "bob").await.member("token");
        let reply = call(here, Method::DELETE, "/v1/user", &token, &json!({})).await;
        assert_eq!(reply.status, 204, "{}", reply.text);
        refused_everywhere(&all, &[token, other]).await;
    }
}

/// The command of an operator, which has no part in the gateway's memory.
async fn admin(app: &TestApp, arguments: &[&str]) {
    let arguments: Vec<&str> = ["admin"].iter().chain(arguments).copied().collect();
    let mut command = app.command(&arguments);
    let done = tokio::task::spawn_blocking(move || command.output().unwrap());
    let done = done.await.unwrap();
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{told}");
}

async fn a_command_beside_the_gateway_disables_an_administrator_within_two_seconds(app: Builder) {
    let here = app.spawn().await;
    let mut all = vec![here];
    if all[0].store_url().starts_with("mongodb") {
        let builder = TestApp::builder().store(StoreKind::MongoAt(all[0].store_url()));
        let there = builder.platform(all[0].simulator()).spawn().await;
        all.push(there);
    }
    let services = Services::beside(&all[0]).await;
    let email = "ann@example.com".parse().unwrap();
    let created = services.administrators.create(&email, PASSWORD.into(), false);
    created.await.unwrap();
    let login = json!({"type": 200, "account": "ann@example.com", "secret": PASSWORD});
    let mut logins = Vec::new();
    for app in &all {
        logins.push(app.post_json("/v1/token", &login).await.ok());
    }
    let access: Vec<String> = logins.iter().map(|login| login.member("token")).collect();
    for app in &all {
        assert!(is_good(app, &access[0]).await);
    }
    admin(&all[0], &["disable", "--email", "ann@example.com"]).await;
    refused_everywhere(&all, &access).await;
    for (app, entered) in all.iter().zip(&logins) {
        let refused = refresh(app, &entered.member("refresh_token")).await;
        refused.refused(401, 10004, "POST /v1/token/refresh");
        let refused = app.post_json("/v1/token", &login).await;
        refused.refused(401, 10004, "POST /v1/token");
    }
}

/// An instance whose clock was ahead for a while has ended a session in the future. Those that end after it have
/// earlier times, and are heard of all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_wrong_clock_hides_no_logout() {
    let all = instances(2).await;
    let services = Services::beside(&all[0]).await;
    let sessions: Repo<Session> = Repo::new(services.engine.clone(), services.clock.clone());
    let now = services.clock.store_now();
    let later = |secs| now + Duration::from_secs(secs);
    let user: UserId = "u1".parse().unwrap();
    let ahead = Session {
        id: "s1".parse().unwrap(),
        user,
        scope: Scope::User,
        epoch: 0,
        app: None,
        device: None,
        created_at: now,
        generation: 0,
        rotations: vec![now],
        expires_at: later(7200),
        ends_at: later(7200),
        ended_at: Some(later(600)),
    };
    sessions.insert(&ahead).await.unwrap();
    // Both have heard of it.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let token = log_in(&all[0], "ann").await.member("token");
    let reply = call(&all[0], Method::POST, "/v1/token/revoke", &token, &json!({})).await;
    assert_eq!(reply.status, 204, "{}", reply.text);
    refused_everywhere(&all, &[token]).await;
}
