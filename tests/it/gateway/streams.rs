//! Long bodies and answers: piece by piece, and broken off where the other side is.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use futures_util::{StreamExt as _, stream};
use reqwest::{Body, Method};

use super::{before, caller, request};
use crate::support::app::TestApp;
use crate::support::eventually;
use crate::support::reply::Reply;
use crate::support::upstream::{Reaction, Upstream};

const MIB: usize = 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn a_long_body_arrives_whole_with_its_length() {
    let upstream = Upstream::start();
    let app = before(&upstream, TestApp::builder()).await;
    let key = caller(&app, &["* /**"]).await;
    let bytes: Vec<u8> = (0..=250).cycle().take(20 * MIB + 17).collect();
    let wanted = hex::encode(digest(&SHA256, &bytes));
    for chunked in [false, true] {
        let body = if chunked {
            let pieces: Vec<_> = bytes
                .chunks(100_000)
                .map(|piece| Ok::<_, std::io::Error>(piece.to_vec()))
                .collect();
            Body::wrap_stream(stream::iter(pieces))
        } else {
            Body::from(bytes.clone())
        };
        let call = request(&app, &key, Method::POST, "/cgi-bin/media/upload?type=video").body(body);
        Reply::to(call).await.ok();
        let seen = upstream.last();
        assert!(seen.whole);
        assert_eq!(
            (seen.length, seen.digest.as_str()),
            (bytes.len() as u64, wanted.as_str()),
            "{chunked}"
        );
        let length = (!chunked).then(|| bytes.len().to_string());
        assert_eq!(seen.header("content-length"), length.as_deref());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_answer_arrives_whole() {
    let upstream = Upstream::start();
    let app = before(&upstream, TestApp::builder()).await;
    let key = caller(&app, &["* /**"]).await;
    for sized in [true, false] {
        upstream.react([Reaction::File {
            bytes: 20 * MIB as u64 + 3,
            sized,
        }]);
        let response = request(&app, &key, Method::GET, "/cgi-bin/media/get")
            .send()
            .await
            .unwrap();
        assert_eq!(response.content_length(), sized.then_some(20 * MIB as u64 + 3));
        assert_eq!(response.headers()["content-type"], "video/mp4");
        let bytes = response.bytes().await.unwrap();
        assert_eq!(bytes.len(), 20 * MIB + 3);
        assert!(bytes.iter().all(|byte| *byte == 0xA5));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_more_than_is_allowed_is_413_and_never_taken_for_whole() {
    let upstream = Upstream::start();
    let app = before(&upstream, TestApp::builder().set("gateway.body", "2000000")).await;
    let key = caller(&app, &["* /**"]).await;
    let call = request(&app, &key, Method::POST, "/cgi-bin/x").body(vec![1; 2_000_001]);
    assert_eq!(Reply::to(call).await.status, 413);
    assert!(upstream.seen().is_empty());
    let pieces = stream::iter(vec![vec![1_u8; 100_000]; 30]).map(Ok::<_, std::io::Error>);
    let call = request(&app, &key, Method::POST, "/cgi-bin/x").body(Body::wrap_stream(pieces));
    assert_eq!(Reply::to(call).await.status, 413);
    eventually("the call is broken off", async || upstream.seen().len() == 1).await;
    assert!(!upstream.last().whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_error_of_a_long_call_is_handed_on_and_the_next_one_works() {
    let upstream = Upstream::start();
    let app = before(&upstream, TestApp::builder()).await;
    let key = caller(&app, &["* /**"]).await;
    upstream.react([Reaction::DeadToken]);
    let call = request(&app, &key, Method::POST, "/cgi-bin/x").body(vec![1; 2 * MIB]);
    let answer = Reply::to(call).await.ok().json();
    assert_eq!(answer["errcode"], 40001);
    eventually("the token is replaced", async || upstream.tokens() >= 3).await;
    eventually("calls work", async || {
        let call = request(&app, &key, Method::GET, "/cgi-bin/x");
        Reply::to(call).await.ok().json()["target"]
            .as_str()
            .is_some_and(|target| target.contains("token-3"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_ends_the_call() {
    let upstream = Upstream::start();
    let app = before(&upstream, TestApp::builder()).await;
    let key = caller(&app, &["* /**"]).await;
    upstream.react([Reaction::Late(
        Duration::from_secs(30),
        Box::new(Reaction::HangUp),
    )]);
    let call = request(&app, &key, Method::POST, "/cgi-bin/x")
        .body("{}")
        .timeout(Duration::from_millis(300));
    assert!(call.send().await.unwrap_err().is_timeout());
    eventually("WeChat is told", async || upstream.left() == 1).await;
    // In the middle of an answer.
    upstream.react([Reaction::Stuck]);
    let mut response = request(&app, &key, Method::GET, "/cgi-bin/x")
        .send()
        .await
        .unwrap();
    assert_eq!(
        response.chunk().await.unwrap().unwrap(),
        "\u{89}begin".as_bytes()[1..].to_vec()
    );
    drop(response);
}
