//! How codes are handed over: what the receiver gets, and what happens when it does not take them.

use std::time::{Duration, Instant};

use serde_json::json;
use standardwebhooks::Webhook;

use crate::codes::{SECRET, with};
use crate::support::app::{Builder, TestApp};
use crate::support::on_both_stores;
use crate::support::program::{Serving, between, wxgate};
use crate::support::receiver::{Answer, Receiver};
use crate::support::reply::Reply;

const ROUTE: &str = "POST /v1/codes";

async fn send(app: &TestApp) -> Reply {
    let body = json!({"email": "Ann@Example.com", "purpose": "register"});
    app.post_json("/v1/codes", &body).await
}

async fn stage(answers: impl IntoIterator<Item = Answer>) -> (Receiver, TestApp) {
    let receiver = Receiver::start().await;
    receiver.answer(answers);
    let builder = TestApp::builder().set("codes.timeout", "300ms");
    let app = with(builder, &receiver).spawn().await;
    (receiver, app)
}

/// Not taken; to be tried again after so many seconds.
fn assert_not_taken(reply: &Reply, wait: u64) {
    let refused = reply.refused(503, 10008, ROUTE);
    assert_eq!(refused["msg"], "the code could not be sent");
    assert_eq!(reply.retry_after(), wait);
}

#[tokio::test]
async fn the_receiver_gets_signed_json() {
    let (receiver, app) = stage([Answer::Status(204)]).await;
    assert_eq!(send(&app).await.status, 204);
    let sent = receiver.take_one();
    assert_eq!(sent.line, "POST /send?key=of-the-operator HTTP/1.1");
    assert_eq!(sent.header("content-type"), "application/json");
    let mut body = sent.json();
    let code = body["code"].take();
    assert_eq!(code.as_str().map(str::len), Some(6));
    assert_eq!(
        body,
        json!({
            "channel": "email",
            "email": "ann@example.com",
            "code": null,
            "purpose": "register",
            "expires_in": 300,
        })
    );
    // Another party's reading of the specification.
    let verify = |secret: &str| {
        let webhook = Webhook::new(secret).unwrap();
        webhook.verify(&sent.body, &sent.headers).is_ok()
    };
    assert!(verify(SECRET));
    assert!(!verify("whsec_AfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="));
}

#[tokio::test]
async fn a_receiver_that_stumbles_is_asked_again_with_the_same_id() {
    let (receiver, app) = stage([Answer::Status(500), Answer::HangUp]).await;
    assert_eq!(send(&app).await.status, 204);
    let attempts = receiver.received();
    assert_eq!(attempts.len(), 3);
    for attempt in &attempts {
        assert_eq!(attempt.header("webhook-id"), attempts[0].header("webhook-id"));
        assert_eq!(attempt.body, attempts[0].body);
        let verified = Webhook::new(SECRET)
            .unwrap()
            .verify(&attempt.body, &attempt.headers);
        assert!(verified.is_ok());
    }
}

#[tokio::test]
async fn a_receiver_that_refuses_is_not_asked_again() {
    for status in [400, 401, 404, 429] {
        let (receiver, app) = stage([Answer::Status(status)]).await;
        assert_not_taken(&send(&app).await, 5);
        assert_eq!(receiver.received().len(), 1, "{status}");
        // It did not go out, so it does not count.
        assert_eq!(send(&app).await.status, 204);
        assert_eq!(send(&app).await.status, 429);
    }
}

#[tokio::test]
async fn what_may_have_gone_out_counts() {
    for answers in [
        vec![Answer::Status(500); 3],
        vec![Answer::HangUp, Answer::Status(400)],
    ] {
        let (_receiver, app) = stage(answers).await;
        assert_not_taken(&send(&app).await, 60);
        assert_eq!(send(&app).await.status, 429);
    }
}

on_both_stores!(a_code_is_good_until_the_next_one_was_taken);

async fn a_code_is_good_until_the_next_one_was_taken(app: Builder) {
    let receiver = Receiver::start().await;
    // A proxy, so that the address counts too.
    let app = with(app, &receiver)
        .set("server.trusted_proxies", "127.0.0.1")
        .spawn()
        .await;
    let ask = async || {
        let body = json!({"phone": "13800138000", "purpose": "login"});
        let request = app
            .request(reqwest::Method::POST, "/v1/codes")
            .header("x-forwarded-for", "192.0.2.1");
        Reply::to(request.json(&body)).await.status
    };
    let log_in = async |code: &str| {
        let body = json!({"type": 102, "account": "13800138000", "secret": code});
        app.post_json("/v1/token", &body).await.status
    };
    assert_eq!(ask().await, 204);
    let first = receiver.take_one().json()["code"].as_str().unwrap().to_owned();
    app.turn(60);
    // More than an address may have sent, if they counted.
    for _ in 0..25 {
        receiver.answer([Answer::Status(400)]);
        assert_eq!(ask().await, 503);
        receiver.take_one();
    }
    assert_eq!(log_in(&first).await, 200);
    assert_eq!(ask().await, 204);
    let second = receiver.take_one().json()["code"].as_str().unwrap().to_owned();
    app.turn(60);
    assert_eq!(ask().await, 204);
    let third = receiver.take_one().json()["code"].as_str().unwrap().to_owned();
    if second != third {
        assert_eq!(log_in(&second).await, 401);
    }
    assert_eq!(log_in(&third).await, 200);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Receiver::start().await;
    let (receiver, app) = stage([Answer::Redirect(elsewhere.url())]).await;
    assert_not_taken(&send(&app).await, 5);
    assert_eq!(receiver.received().len(), 1);
    assert!(elsewhere.received().is_empty());
}

#[tokio::test]
async fn a_receiver_that_is_slow_or_gone_is_given_up() {
    let late = || Answer::Late(Duration::from_secs(20));
    let (receiver, app) = stage([late(), late(), late()]).await;
    let started = Instant::now();
    assert_not_taken(&send(&app).await, 60);
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(receiver.received().len(), 3);

    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", gone.local_addr().unwrap());
    drop(gone);
    let builder = TestApp::builder().set("codes.url", &url);
    let app = builder.set("codes.secret", SECRET).spawn().await;
    assert_not_taken(&send(&app).await, 5);
    assert_not_taken(&send(&app).await, 5);
}

#[tokio::test]
async fn a_slow_receiver_holds_nobody_else_up() {
    let (receiver, app) = stage([Answer::Late(Duration::from_millis(250))]).await;
    let started = Instant::now();
    let body = json!({"phone": "13800138000", "purpose": "login"});
    let (slow, quick) = tokio::join!(send(&app), async {
        while receiver.received().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let sent = app.post_json("/v1/codes", &body).await;
        (sent.status, started.elapsed())
    });
    assert_eq!((slow.status, quick.0), (204, 204));
    assert!(started.elapsed() >= Duration::from_millis(250));
    assert!(quick.1 < started.elapsed(), "{quick:?}");
}

#[tokio::test]
async fn a_demo_shows_the_codes_itself() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Serving::start(wxgate(&folder, &["demo"]));
    let address = between(&demo.read_until("Ctrl-C"), "Open", "/\n")
        .trim()
        .to_owned();
    let client = crate::support::reply::client();
    let shown = async || {
        Reply::to(client.get(format!("{address}/demo/codes")))
            .await
            .ok()
            .json()
    };
    assert_eq!(shown().await, json!([]));
    for number in 0..22 {
        let body = json!({"phone": format!("1390000{number:04}"), "purpose": "login"});
        let request = client
            .post(format!("{address}/v1/codes"))
            .header("x-forwarded-for", "192.0.2.1");
        assert_eq!(Reply::to(request.json(&body)).await.status, 204);
    }
    let codes = shown().await;
    let codes = codes.as_array().unwrap();
    assert_eq!(codes.len(), 20);
    let mut last = codes[19].clone();
    assert_eq!(last["code"].take().as_str().map(str::len), Some(6));
    assert!(last["expires_at"].take().as_i64().unwrap() > 1_700_000_000);
    assert_eq!(
        last,
        json!({"channel": "phone", "target": "+8613900000021", "code": null, "purpose": "login", "expires_at": null})
    );
}
