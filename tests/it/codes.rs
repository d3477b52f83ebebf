//! One-time codes: sent through a real receiver, redeemed once, and never often.

use futures_util::future::join_all;
use serde_json::{Value, json};
use wxgate::domain::contact::Contact;
use wxgate::service::codes::{Purpose, Refused};

use crate::support::app::{Builder, TestApp};
use crate::support::on_both_stores;
use crate::support::receiver::Receiver;
use crate::support::reply::Reply;
use crate::support::services::Services;

on_both_stores!(
    a_code_works_once_for_its_purpose_and_target,
    of_many_with_the_right_code_one_succeeds,
    of_many_guesses_five_are_tried,
    a_new_code_replaces_the_old_and_a_code_grows_old,
    a_target_and_an_address_get_few_codes,
    nothing_in_the_store_tells_a_number_or_a_code,
);

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
const PHONE: &str = "13800138000";
const ROUTE: &str = "POST /v1/codes";

pub(crate) fn with(app: Builder, receiver: &Receiver) -> Builder {
    app.set("codes.url", &receiver.url()).set("codes.secret", SECRET)
}

async fn send(app: &TestApp, body: Value) -> Reply {
    app.post_json("/v1/codes", &body).await
}

fn phone(number: &str) -> Contact {
    Contact::Phone(number.parse().unwrap())
}

/// Has a code sent and takes it from the receiver.
async fn code(app: &TestApp, receiver: &Receiver, number: &str, purpose: &str) -> String {
    let sent = send(app, json!({"phone": number, "purpose": purpose})).await;
    assert_eq!((sent.status, sent.text.as_str()), (204, ""));
    let code = receiver.take_one().json()["code"].as_str().unwrap().to_owned();
    assert!(
        code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()),
        "{code}"
    );
    code
}

/// A code that is not this one.
fn another(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

async fn is_good(services: &Services, purpose: Purpose, code: &str) -> bool {
    match services.codes.redeem(&phone(PHONE), purpose, code).await {
        Ok(()) => true,
        Err(Refused::Wrong) => false,
        Err(Refused::Store(error)) => panic!("{error}"),
    }
}

async fn a_code_works_once_for_its_purpose_and_target(app: Builder) {
    let receiver = Receiver::start().await;
    let app = with(app, &receiver).spawn().await;
    let services = Services::beside(&app).await;
    let code = code(&app, &receiver, "+86 138-0013-8000", "login").await;
    assert!(!is_good(&services, Purpose::Link, &code).await);
    let other = services
        .codes
        .redeem(&phone("13800138001"), Purpose::Login, &code)
        .await;
    assert!(matches!(other, Err(Refused::Wrong)));
    assert!(!is_good(&services, Purpose::Login, &another(&code)).await);
    assert!(is_good(&services, Purpose::Login, &code).await);
    assert!(!is_good(&services, Purpose::Login, &code).await);
}

async fn of_many_with_the_right_code_one_succeeds(app: Builder) {
    let receiver = Receiver::start().await;
    let app = with(app, &receiver).spawn().await;
    let instances = [Services::beside(&app).await, Services::beside(&app).await];
    let code = code(&app, &receiver, PHONE, "login").await;
    let target = phone(PHONE);
    let tries = (0..200).map(|index| instances[index % 2].codes.redeem(&target, Purpose::Login, &code));
    let good = join_all(tries).await.into_iter().flatten().count();
    assert_eq!(good, 1);
}

async fn of_many_guesses_five_are_tried(app: Builder) {
    let receiver = Receiver::start().await;
    let app = with(app, &receiver).spawn().await;
    let instances = [Services::beside(&app).await, Services::beside(&app).await];
    let code = code(&app, &receiver, PHONE, "login").await;
    let (target, wrong) = (phone(PHONE), another(&code));
    let tries = (0..200).map(|index| instances[index % 2].codes.redeem(&target, Purpose::Login, &wrong));
    assert!(join_all(tries).await.iter().all(Result::is_err));
    assert_eq!(app.stored().records("codes").await[0]["tries"], 5);
    assert!(!is_good(&instances[0], Purpose::Login, &code).await);
}

async fn a_new_code_replaces_the_old_and_a_code_grows_old(app: Builder) {
    let receiver = Receiver::start().await;
    let app = with(app, &receiver).spawn().await;
    let services = Services::beside(&app).await;
    let old = code(&app, &receiver, PHONE, "login").await;
    // All tries are used up; the next code has its own.
    for _ in 0..5 {
        assert!(!is_good(&services, Purpose::Login, &another(&old)).await);
    }
    app.turn(60);
    let new = code(&app, &receiver, PHONE, "login").await;
    if old != new {
        assert!(!is_good(&services, Purpose::Login, &old).await);
    }
    app.turn(5 * 60 - 2);
    assert!(is_good(&services, Purpose::Login, &new).await);
    let last = code(&app, &receiver, PHONE, "login").await;
    app.turn(5 * 60);
    assert!(!is_good(&services, Purpose::Login, &last).await);
}

async fn a_target_and_an_address_get_few_codes(app: Builder) {
    let receiver = Receiver::start().await;
    let app = with(app, &receiver)
        .set("server.trusted_proxies", "127.0.0.1")
        .spawn()
        .await;
    let ask = async |number: &str, from: &str| {
        let body = json!({"phone": number, "purpose": "login"});
        let request = app
            .request(reqwest::Method::POST, "/v1/codes")
            .header("x-forwarded-for", from);
        let reply = Reply::to(request.json(&body)).await;
        if reply.status == 429 {
            reply.refused(429, 10006, ROUTE);
            return Some(reply.retry_after());
        }
        assert_eq!(reply.status, 204, "{}", reply.text);
        None
    };
    // The target, whoever asks and for what.
    for round in 0..5 {
        assert_eq!(ask(PHONE, &format!("192.0.2.{round}")).await, None);
        let wait = ask(PHONE, "192.0.2.9").await.unwrap();
        if round < 4 {
            assert!((55..=60).contains(&wait), "{wait}");
            app.turn(60);
        }
    }
    app.turn(60);
    let wait = ask(PHONE, "192.0.2.9").await.unwrap();
    assert!((3200..=3300).contains(&wait), "{wait}");
    // The address, whatever the target. What was refused above has not been counted.
    for number in 0..20 {
        assert_eq!(ask(&format!("1390000{number:04}"), "192.0.2.9").await, None);
    }
    let wait = ask("13900001000", "192.0.2.9").await.unwrap();
    assert!((3500..=3600).contains(&wait), "{wait}");
    assert_eq!(ask("13900001000", "192.0.2.10").await, None);
    // The day.
    for _ in 0..5 {
        app.turn(3600);
        assert_eq!(ask(PHONE, "192.0.2.20").await, None);
    }
    app.turn(3600);
    assert!(ask(PHONE, "192.0.2.20").await.unwrap() > 3600);
    app.turn(24 * 3600);
    assert_eq!(ask(PHONE, "192.0.2.20").await, None);
}

async fn nothing_in_the_store_tells_a_number_or_a_code(app: Builder) {
    let receiver = Receiver::start().await;
    let app = with(app, &receiver).spawn().await;
    let code = code(&app, &receiver, PHONE, "login").await;
    let quoted = format!("\"{code}\"");
    for collection in ["codes", "sendings", "settings"] {
        let texts = app.stored().texts(collection).await;
        assert!(!texts.is_empty(), "{collection}");
        for text in texts {
            for secret in ["13800138000", "127.0.0.1", quoted.as_str()] {
                assert!(!text.contains(secret), "{collection}: {text}");
            }
        }
    }
}

#[tokio::test]
async fn behind_a_proxy_that_is_not_trusted_no_address_is_limited() {
    let receiver = Receiver::start().await;
    let app = with(TestApp::builder(), &receiver).spawn().await;
    for number in 0..22 {
        let body = json!({"phone": format!("1390000{number:04}"), "purpose": "login"});
        let request = app
            .request(reqwest::Method::POST, "/v1/codes")
            .header("x-forwarded-for", "192.0.2.1");
        let reply = Reply::to(request.json(&body)).await;
        assert_eq!(reply.status, 204, "{}", reply.text);
    }
}

#[tokio::test]
async fn parameters_are_checked_before_anything_is_counted() {
    let receiver = Receiver::start().await;
    let app = with(TestApp::builder(), &receiver).spawn().await;
    for body in [
        json!({}),
        json!({"purpose": "login"}),
        json!({"phone": PHONE}),
        json!({"phone": PHONE, "purpose": "fun"}),
        json!({"phone": PHONE, "email": "a@b.c", "purpose": "login"}),
        json!({"phone": "1380013800", "purpose": "login"}),
        json!({"phone": 13_800_138_000_i64, "purpose": "login"}),
        json!({"email": "a@b@c", "purpose": "login"}),
    ] {
        let reply = send(&app, body).await;
        reply.refused(400, 10001, ROUTE);
    }
    assert!(receiver.received().is_empty());
    assert_eq!(app.stored().count("sendings").await, 0);
}

#[tokio::test]
async fn without_a_receiver_no_code_is_made() {
    let app = TestApp::builder().spawn().await;
    let reply = send(&app, json!({"phone": PHONE, "purpose": "login"})).await;
    let refused = reply.refused(503, 10008, ROUTE);
    assert_eq!(refused["msg"], "codes.url is not configured");
    assert_eq!(app.stored().count("codes").await, 0);
    assert_eq!(app.get("/demo/codes").await.status, 404);
}
