//! What is not WeChat's, and who is nobody's caller.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use reqwest::{Body, Method};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{before, caller, get, post, request};
use crate::support::app::TestApp;
use crate::support::eventually;
use crate::support::platform::SECRET;
use crate::support::reply::Reply;
use crate::support::upstream::{Reaction, Upstream};

#[tokio::test(flavor = "multi_thread")]
async fn strangers_send_small_bodies_and_only_where_they_prove_themselves() {
    let upstream = Upstream::start();
    let app = before(&upstream, TestApp::builder()).await;
    // Refused by the address alone: the body that is announced is never waited for.
    let head = "POST /cgi-bin/message/custom/send?access_token=none HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n{";
    let mut stream = TcpStream::connect(app.addr()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let read = tokio::time::timeout(Duration::from_secs(8), stream.read(&mut answer)).await;
    let answer = String::from_utf8_lossy(&answer[..read.expect("at once").unwrap()]).into_owned();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("40014"),
        "{answer}"
    );
    let large = "x".repeat(70_000);
    for path in ["/cgi-bin/stable_token", "/cgi-bin/clear_quota/v2"] {
        let refused = app.post_raw(path, "application/json", large.clone()).await;
        assert_eq!(refused.json()["errcode"], 45001, "{path}");
    }
    assert!(upstream.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_page_that_repeats_the_address_does_not_show_what_is_in_it() {
    let upstream = Upstream::start();
    let app = before(&upstream, TestApp::builder()).await;
    let key = caller(&app, &["* /**", "GET /sns/oauth2/access_token"]).await;
    for status in [200, 302, 403, 502] {
        for path in ["/cgi-bin/user/info", "/sns/oauth2/access_token?code=c"] {
            let page = format!("<html>cannot fetch ?access_token=token-1&x=token-2 &secret={SECRET}</html>");
            upstream.react([Reaction::Text(status, "text/html", page)]);
            let answer = get(&app, &key, path).await;
            let shown = if path.starts_with("/sns") {
                SECRET
            } else {
                upstream_token(&upstream)
            };
            assert!(!answer.text.contains(shown), "{status} {path}: {}", answer.text);
        }
    }
}

/// The token in the last call that has one.
fn upstream_token(upstream: &Upstream) -> &'static str {
    let seen = upstream.seen();
    let last = seen
        .iter()
        .rev()
        .find(|seen| seen.target.contains("access_token=token-"));
    if last.is_some_and(|seen| seen.target.contains("token-2")) {
        "token-2"
    } else {
        "token-1"
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_have_our_token_taken_for_dead_or_show_others_calls() {
    let upstream = Upstream::start();
    let app = before(&upstream, TestApp::builder()).await;
    let wide = caller(&app, &["* /**"]).await;
    assert_eq!(get(&app, &wide, "/sns/anything").await.status, 403);
    let rid = "/cgi-bin/openapi/rid/get";
    assert_eq!(post(&app, &wide, rid, &json!({"rid": "a"})).await.status, 403);
    let narrow = caller(&app, &["POST /cgi-bin/openapi/rid/get"]).await;
    post(&app, &narrow, rid, &json!({"rid": "a"})).await.ok();
    assert_eq!(
        app.get("/sns/anything?access_token=x").await.json()["errcode"],
        40066
    );
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_may_take_longer_than_other_requests() {
    let upstream = Upstream::start();
    let builder = TestApp::builder().set("server.limits.request_timeout", "1s");
    let builder = builder.set("server.limits.body_timeout", "1s");
    let app = before(&upstream, builder).await;
    let key = caller(&app, &["* /**"]).await;
    let fine = || Box::new(Reaction::Text(200, "application/json", "{}".to_owned()));
    upstream.react([Reaction::Late(Duration::from_secs(3), fine())]);
    get(&app, &key, "/cgi-bin/x").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_stalls_is_not_taken_for_a_platform_that_does() {
    let upstream = Upstream::start();
    let app = before(&upstream, TestApp::builder().set("gateway.timeout", "400ms")).await;
    let key = caller(&app, &["* /**"]).await;
    let piece = |_| async { Ok::<_, std::io::Error>(vec![7_u8; 1_000_000]) };
    let pieces = stream::iter(0..2).then(piece).chain(stream::once(async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        Ok(vec![7_u8; 1_000_000])
    }));
    let call = request(&app, &key, Method::POST, "/cgi-bin/x").body(Body::wrap_stream(pieces));
    Reply::to(call).await.ok();
    assert_eq!(upstream.last().length, 3_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_that_give_up_tell_of_an_outage_as_well() {
    let upstream = Upstream::start();
    let app = before(&upstream, TestApp::builder()).await;
    let key = caller(&app, &["* /**"]).await;
    upstream.always(Some(Reaction::Late(
        Duration::from_secs(60),
        Box::new(Reaction::HangUp),
    )));
    let calls = (0..5).map(|_| {
        let call = request(&app, &key, Method::GET, "/cgi-bin/x").timeout(Duration::from_millis(3300));
        async move { call.send().await.unwrap_err() }
    });
    futures_util::future::join_all(calls).await;
    eventually("it is left alone", async || {
        let call = request(&app, &key, Method::GET, "/cgi-bin/x").timeout(Duration::from_millis(500));
        call.send().await.is_ok_and(|answer| answer.status() == 503)
    })
    .await;
    let metrics = app.get("/metrics").await.text;
    assert!(
        metrics.contains("wechat_api_circuit_open{app=\"shop\"} 1"),
        "{metrics}"
    );
}
