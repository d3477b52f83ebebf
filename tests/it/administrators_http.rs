//! Administrators over HTTP: how they log in, what their tokens are worth and what not, and what holds while the store
//! is away.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use totp_rs::Totp;

use crate::support::app::{Builder, StoreKind, TestApp};
use crate::support::mongo::Mongod;
use crate::support::reply::Reply;
use crate::support::services::Services;
use crate::support::{eventually, on_both_stores};

on_both_stores!(
    an_administrator_logs_in_refreshes_and_logs_out,
    a_second_factor_is_asked_for_and_works_once,
    what_is_no_administrators_address_is_a_wrong_password,
    routes_of_users_are_closed_to_administrators,
    a_logout_everywhere_ends_all_and_disabling_too,
);

const PASSWORD: &str = "correct horse battery";
const EMAIL: &str = "ann@example.com";
const LOGIN: &str = "POST /v1/token";

async fn make(app: &TestApp, totp: bool) -> (Services, Option<Totp>) {
    let services = Services::beside(app).await;
    let email = EMAIL.parse().unwrap();
    let created = services.administrators.create(&email, PASSWORD.into(), totp);
    let url = created.await.unwrap().totp_url;
    (
        services,
        url.map(|url| Totp::from_url(url.expose_secret()).unwrap()),
    )
}

async fn log_in(app: &TestApp, more: Value) -> Reply {
    let mut body = json!({"type": 200, "account": EMAIL, "secret": PASSWORD});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    app.post_json("/v1/token", &body).await
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

async fn is_good(app: &TestApp, access: &str) -> bool {
    let reply = app.post_json("/v1/token/verify", &json!({"token": access})).await;
    reply.ok().json()["result"].as_bool().unwrap()
}

async fn call(app: &TestApp, method: Method, path: &str, access: &str) -> Reply {
    let request = app.request(method, path).bearer_auth(access).json(&json!({}));
    Reply::to(request).await
}

async fn an_administrator_logs_in_refreshes_and_logs_out(app: Builder) {
    let app = app.set("auth.access_ttl", "2h").spawn().await;
    let _services = make(&app, false).await;
    let mut reply = log_in(&app, json!({})).await.ok();
    for _ in 0..3 {
        let body = reply.json();
        assert_eq!(body.get("user"), None, "{body}");
        assert!(
            (890..=900).contains(&body["expires_in"].as_i64().unwrap()),
            "{body}"
        );
        let claims = claims(&reply.member("token"));
        assert_eq!(claims["scope"], "admin");
        let lives = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert!(lives <= 900, "{claims}");
        assert!(is_good(&app, &reply.member("token")).await);
        let body = json!({"refresh_token": reply.member("refresh_token")});
        reply = app.post_json("/v1/token/refresh", &body).await.ok();
    }
    app.turn(901);
    assert!(!is_good(&app, &reply.member("token")).await);
    let body = json!({"refresh_token": reply.member("refresh_token")});
    let reply = app.post_json("/v1/token/refresh", &body).await.ok();
    let access = reply.member("token");
    // After so long a time without news.
    eventually("news arrive", async || is_good(&app, &access).await).await;
    let out = call(&app, Method::POST, "/v1/token/revoke", &access).await;
    assert_eq!(out.status, 204, "{}", out.text);
    assert!(!is_good(&app, &access).await);
    let body = json!({"refresh_token": reply.member("refresh_token")});
    app.post_json("/v1/token/refresh", &body)
        .await
        .refused(401, 10004, "POST /v1/token/refresh");
}

async fn a_second_factor_is_asked_for_and_works_once(app: Builder) {
    let app = app.spawn().await;
    let (services, phone) = make(&app, true).await;
    let phone = phone.unwrap();
    let shown = |steps: i64| {
        let secs = services.clock.store_now().secs() + 30 * steps;
        phone.generate(secs.try_into().unwrap()).to_string()
    };
    let wrong = log_in(&app, json!({})).await;
    wrong.refused(401, 10004, LOGIN);
    for code in [json!(""), json!("000000x"), json!(shown(7)), json!("٠٠٠٠٠٠")] {
        let refused = log_in(&app, json!({"totp": code})).await;
        assert_eq!((refused.status, &refused.text), (401, &wrong.text), "{code}");
    }
    for shape in [
        json!(123_456),
        json!({"$ne": ""}),
        json!(["123456"]),
        json!("1".repeat(17)),
    ] {
        log_in(&app, json!({"totp": shape}))
            .await
            .refused(400, 10001, LOGIN);
    }
    let code = shown(0);
    log_in(&app, json!({"totp": code, "secret": "wrong horse battery"}))
        .await
        .refused(401, 10004, LOGIN);
    let entered = log_in(&app, json!({"totp": code})).await.ok();
    assert_eq!(claims(&entered.member("token"))["scope"], "admin");
    let again = log_in(&app, json!({"totp": code})).await;
    assert_eq!((again.status, &again.text), (401, &wrong.text));
}

async fn what_is_no_administrators_address_is_a_wrong_password(app: Builder) {
    let app = app.set("auth.limits.address_failures", "1000").spawn().await;
    let _services = make(&app, false).await;
    log_in(&app, json!({"account": " ANN@Example.com "})).await.ok();
    let wrong = log_in(&app, json!({"secret": "wrong horse battery"})).await;
    wrong.refused(401, 10004, LOGIN);
    for account in [
        "ann",
        "@",
        "ann@",
        "@example.com",
        "ann@@example.com",
        "ann@example.com,bob@example.com",
        "ann@example.com\u{0}",
        "ann@example.com\r\nX: y",
        "änn@example.com",
        "ann@exam\u{200b}ple.com",
        "'; drop table administrators; --",
        "bob@example.com",
    ] {
        let refused = log_in(&app, json!({"account": account})).await;
        assert_eq!((refused.status, &refused.text), (401, &wrong.text), "{account:?}");
    }
    // A user of the same address is somebody else, and each kind of login finds its own.
    let body = json!({"email": EMAIL, "password": "ninety-nine red balloons"});
    let user = app.post_json("/v1/users", &body).await;
    assert_eq!(user.status, 201, "{}", user.text);
    log_in(&app, json!({"secret": "ninety-nine red balloons"}))
        .await
        .refused(401, 10004, LOGIN);
    log_in(&app, json!({"type": 101}))
        .await
        .refused(401, 10004, LOGIN);
    let user = log_in(&app, json!({"type": 101, "secret": "ninety-nine red balloons"})).await;
    assert_eq!(claims(&user.ok().member("token"))["scope"], "user");
}

async fn routes_of_users_are_closed_to_administrators(app: Builder) {
    let app = app.spawn().await;
    let _services = make(&app, false).await;
    let access = log_in(&app, json!({})).await.ok().member("token");
    for (method, path) in [
        (Method::GET, "/v1/user"),
        (Method::PATCH, "/v1/user"),
        (Method::DELETE, "/v1/user"),
        (Method::POST, "/v1/user/password"),
        (Method::POST, "/v1/user/identities"),
        (Method::DELETE, "/v1/user/identities"),
        (Method::GET, "/v1/user/sessions"),
        (Method::DELETE, "/v1/user/sessions"),
        (Method::DELETE, "/v1/user/sessions/s1"),
        (Method::POST, "/v1/user/avatar"),
        (Method::GET, "/v1/rooms"),
        (Method::POST, "/v1/rooms"),
        (Method::GET, "/getAllRoomInfo"),
    ] {
        let named = format!("{method} {path}");
        let refused = call(&app, method, path, &access).await;
        refused.refused(403, 10005, &named);
    }
    assert!(is_good(&app, &access).await);
    assert_eq!(app.stored().count("administrators").await, 1);
}

async fn a_logout_everywhere_ends_all_and_disabling_too(app: Builder) {
    let app = app.spawn().await;
    let (services, _) = make(&app, false).await;
    let logins = [
        log_in(&app, json!({})).await.ok(),
        log_in(&app, json!({})).await.ok(),
    ];
    let out = call(
        &app,
        Method::POST,
        "/v1/token/revoke?all=true",
        &logins[0].member("token"),
    )
    .await;
    assert_eq!(out.status, 204, "{}", out.text);
    for login in &logins {
        assert!(!is_good(&app, &login.member("token")).await);
        let body = json!({"refresh_token": login.member("refresh_token")});
        assert_eq!(app.post_json("/v1/token/refresh", &body).await.status, 401);
    }
    let login = log_in(&app, json!({})).await.ok();
    services
        .administrators
        .disable(&EMAIL.parse().unwrap())
        .await
        .unwrap();
    eventually("the token is refused", async || {
        !is_good(&app, &login.member("token")).await
    })
    .await;
    log_in(&app, json!({})).await.refused(401, 10004, LOGIN);
}

/// What administrators may do needs news; users go on for as long as their tokens last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_store_is_away_administrators_wait_and_users_go_on() {
    let mongod = Mongod::start_private().await;
    let url = mongod.url(&Mongod::fresh_database());
    let app = TestApp::builder().store(StoreKind::MongoAt(url)).spawn().await;
    let _services = make(&app, false).await;
    let admin = log_in(&app, json!({})).await.ok().member("token");
    let user = app.log_in(&app.code("ann").await).await.ok().member("token");
    mongod.nodes()[0].stop();
    // Within five seconds nobody notices.
    assert!(is_good(&app, &admin).await && is_good(&app, &user).await);
    app.turn(6);
    for path in ["/v1/token/revoke", "/v1/token/revoke?all=true"] {
        let waits = call(&app, Method::POST, path, &admin).await;
        waits.refused(503, 10008, "POST /v1/token/revoke");
        assert!(waits.retry_after() >= 1);
    }
    let waits = call(&app, Method::GET, "/v1/user", &admin).await;
    waits.refused(503, 10008, "GET /v1/user");
    assert!(!is_good(&app, &admin).await);
    assert!(is_good(&app, &user).await);
    mongod.nodes()[0].cont();
    eventually("the administrator goes on", async || is_good(&app, &admin).await).await;
}
