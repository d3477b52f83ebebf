//! What callers see while WeChat is in trouble.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::{before, caller, get, post, request};
use crate::support::app::TestApp;
use crate::support::eventually;
use crate::support::reply::Reply;
use crate::support::upstream::{Reaction, Upstream};

fn refused(errcode: i64) -> Reaction {
    Reaction::Text(
        200,
        "application/json",
        json!({"errcode": errcode, "errmsg": "x"}).to_string(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn business_errors_are_answers_and_never_stop_calls() {
    let upstream = Upstream::start();
    let app = before(&upstream, TestApp::builder()).await;
    let key = caller(&app, &["* /**"]).await;
    for errcode in [
        40003, 45009, 45011, 48001, 61010, 43004, 40164, 41001, 47001, 50001,
    ] {
        for _ in 0..6 {
            upstream.react([refused(errcode)]);
            let answer = get(&app, &key, "/cgi-bin/x").await;
            assert_eq!((answer.status, &answer.json()["errcode"]), (200, &json!(errcode)));
        }
    }
    get(&app, &key, "/cgi-bin/x").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_in_trouble_is_left_alone_and_looked_at_now_and_then() {
    for reaction in [
        refused(-1),
        Reaction::HangUp,
        Reaction::Text(502, "text/html", "<html>bad gateway</html>".to_owned()),
    ] {
        let upstream = Upstream::start();
        let app = before(&upstream, TestApp::builder()).await;
        let key = caller(&app, &["* /**"]).await;
        upstream.always(Some(reaction));
        for _ in 0..60 {
            get(&app, &key, "/cgi-bin/x").await;
        }
        let reached = upstream.seen().len();
        assert!(reached < 50, "{reached}");
        let answer = get(&app, &key, "/cgi-bin/x").await;
        assert_eq!(
            (answer.status, answer.json()["error_code"].as_i64()),
            (503, Some(10008))
        );
        assert!(answer.headers.contains_key("retry-after"));
        upstream.always(None);
        app.turn(11);
        get(&app, &key, "/cgi-bin/x").await.ok();
        for _ in 0..5 {
            get(&app, &key, "/cgi-bin/x").await.ok();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_is_silent_is_waited_for_no_longer_than_configured() {
    let upstream = Upstream::start();
    let app = before(&upstream, TestApp::builder().set("gateway.timeout", "300ms")).await;
    let key = caller(&app, &["* /**"]).await;
    upstream.react([Reaction::Late(Duration::from_secs(30), Box::new(refused(0)))]);
    let answer = post(&app, &key, "/cgi-bin/x", &json!({})).await;
    assert_eq!(answer.status, 503);
    assert!(answer.text.contains("may have carried out"), "{}", answer.text);
    // In the middle of an answer: what has come is not taken for the whole.
    upstream.react([Reaction::Stuck]);
    let response = request(&app, &key, Method::GET, "/cgi-bin/x")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_calls_of_an_app_at_once_and_no_more() {
    let upstream = Upstream::start();
    let app = before(&upstream, TestApp::builder().set("gateway.concurrency", "3")).await;
    let key = caller(&app, &["* /**"]).await;
    upstream.react((0..3).map(|_| Reaction::Late(Duration::from_secs(3), Box::new(refused(0)))));
    let slow: Vec<_> = (0..3)
        .map(|_| {
            let call = request(&app, &key, Method::GET, "/cgi-bin/x");
            #[expect(
                clippy::disallowed_methods,
                reason = "clients of the test, not tasks of the gateway's"
            )]
            tokio::spawn(Reply::to(call))
        })
        .collect();
    eventually("three are under way", async || upstream.seen().len() == 3).await;
    let refused = get(&app, &key, "/cgi-bin/x").await;
    assert_eq!(
        (refused.status, refused.json()["error_code"].as_i64()),
        (503, Some(10008))
    );
    assert!(refused.headers.contains_key("retry-after"));
    for call in slow {
        call.await.unwrap().ok();
    }
    get(&app, &key, "/cgi-bin/x").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_not_followed_and_lead_nobody_anywhere() {
    let (upstream, elsewhere) = (Upstream::start(), Upstream::start());
    let app = before(&upstream, TestApp::builder()).await;
    let key = caller(&app, &["* /**"]).await;
    upstream.always(Some(Reaction::Text(302, "text/html", elsewhere.url())));
    let answer = get(&app, &key, "/cgi-bin/x").await;
    assert!(!answer.headers.contains_key("location"));
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_stays_dead_is_told_as_it_is_and_not_asked_about_for_ever() {
    let upstream = Upstream::start();
    let app = before(&upstream, TestApp::builder()).await;
    let key = caller(&app, &["* /**"]).await;
    upstream.always(Some(refused(40001)));
    for _ in 0..50 {
        let answer = get(&app, &key, "/cgi-bin/x").await;
        assert_eq!((answer.status, &answer.json()["errcode"]), (200, &json!(40001)));
    }
    // One call each time at most for a token, and one more for the call.
    assert!(upstream.tokens() <= 110, "{}", upstream.tokens());
    let calls = upstream.seen().len();
    assert!((50..=100).contains(&calls), "{calls}");
}
