//! `GET /auth`: WeChat's check of the server, as founding document 004 and 接入指南 have it.

use std::collections::BTreeMap;

use reqwest::Method;
use sha1::{Digest, Sha1};

use crate::support::app::{Builder, TOKEN, TestApp};
use crate::support::on_both_stores;
use crate::support::reply::Reply;
use crate::vectors::{self, Vector};

on_both_stores!(
    the_official_sample_is_echoed,
    a_wrong_signature_is_refused_without_an_echo
);

/// The sample of 接入指南, whose token is the one that the tests' apps have.
const SAMPLE: &str =
    "signature=f464b24fc39322e44b38aa78f5edd27bd1441696&timestamp=1714036504&nonce=1514711492";

async fn the_official_sample_is_echoed(app: Builder) {
    let app = app.spawn().await;
    for path in ["/auth", "/auth/shop"] {
        let reply = app
            .get(&format!("{path}?{SAMPLE}&echostr=4375120948345356249"))
            .await;
        assert_eq!((reply.status, reply.text.as_str()), (200, "4375120948345356249"));
        assert!(reply.header("content-type").unwrap().starts_with("text/plain"));
    }
}

async fn a_wrong_signature_is_refused_without_an_echo(app: Builder) {
    let app = app.spawn().await;
    let wrong = SAMPLE.replace("f464", "f465");
    let reply = app.get(&format!("/auth?{wrong}&echostr=marker123")).await;
    assert_eq!((reply.status, reply.text.as_str()), (403, "Error! No Auth"));
    assert!(!format!("{:?}", reply.headers).contains("marker123"));
}

fn sign(timestamp: &str, nonce: &str) -> String {
    let mut parts = [TOKEN, timestamp, nonce];
    parts.sort_unstable();
    hex::encode(Sha1::digest(parts.concat()))
}

async fn echo(app: &TestApp, echostr: &str) -> Reply {
    let signature = sign("1", "2");
    app.get_raw(format!(
        "/auth?signature={signature}&timestamp=1&nonce=2&echostr={echostr}"
    ))
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_known_signature_is_judged_rightly() {
    let mut by_token: BTreeMap<String, Vec<Vector>> = BTreeMap::new();
    for vector in vectors::of(&["url_check_sha1", "push_signature"]) {
        let token = vector.input("token").to_owned();
        by_token.entry(token).or_default().push(vector);
    }
    for (token, vectors) in by_token {
        let app = TestApp::builder().set("apps.shop.token", &token).spawn().await;
        for vector in vectors {
            let given = vector.inputs["signature"].as_str();
            let signature = given.unwrap_or_else(|| vector.expected["signature"].as_str().unwrap());
            let query = format!(
                "signature={signature}&timestamp={}&nonce={}&echostr=hello",
                vector.input("timestamp"),
                vector.input("nonce")
            );
            let valid = vector.expected["valid"].as_bool().unwrap_or(true);
            let expected = if valid {
                (200, "hello")
            } else {
                (403, "Error! No Auth")
            };
            let reply = app.get(&format!("/auth?{query}")).await;
            assert_eq!((reply.status, reply.text.as_str()), expected, "{}", vector.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signature_in_upper_case_or_cut_short_is_refused() {
    let app = TestApp::builder().spawn().await;
    let right = "f464b24fc39322e44b38aa78f5edd27bd1441696";
    for wrong in [&right.to_uppercase(), &right[..39], "0", &format!("{right}0")] {
        let query = SAMPLE.replace(right, wrong);
        let reply = app.get(&format!("/auth?{query}&echostr=x")).await;
        assert_eq!(
            (reply.status, reply.text.as_str()),
            (403, "Error! No Auth"),
            "{wrong}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_or_empty_parameter_is_a_wrong_request() {
    let app = TestApp::builder().spawn().await;
    let all: Vec<String> = format!("{SAMPLE}&echostr=x")
        .split('&')
        .map(str::to_owned)
        .collect();
    for index in 0..all.len() {
        let mut without = all.clone();
        let gone = without.remove(index);
        let name = gone.split('=').next().unwrap();
        for query in [without.join("&"), format!("{}&{name}=", without.join("&"))] {
            let body = app
                .get(&format!("/auth?{query}"))
                .await
                .refused(400, 10001, "GET /auth");
            assert!(body["msg"].to_string().contains(name), "{query}: {body}");
        }
    }
    app.get("/auth").await.refused(400, 10001, "GET /auth");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_or_malformed_parameter_is_a_wrong_request() {
    let app = TestApp::builder().spawn().await;
    for bad in [
        "echostr=x&echostr=x",
        "echostr=x&nonce=1514711492",
        "echostr=x&signature=f464b24fc39322e44b38aa78f5edd27bd1441696",
        "echostr=%zz",
        "echostr=%",
        "echostr=%e4%b8",
        "echostr=%ff",
        "echostr=a%00b",
        "echostr=a%0d%0ab",
        "echostr=a%1bb",
    ] {
        let reply = app.get_raw(format!("/auth?{SAMPLE}&{bad}")).await;
        assert_eq!(reply.status, 400, "{bad}: {}", reply.text);
        reply.refused(400, 10001, "GET /auth");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_echoed_is_never_a_page() {
    let app = TestApp::builder().spawn().await;
    let reply = echo(&app, "%3Cscript%3Ealert(1)%3C%2Fscript%3E").await.ok();
    assert_eq!(reply.text, "<script>alert(1)</script>");
    assert!(reply.header("content-type").unwrap().starts_with("text/plain"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_beyond_ascii_is_echoed_as_utf8() {
    let app = TestApp::builder().spawn().await;
    let reply = echo(&app, "%E4%B8%AD%E6%96%87").await.ok();
    assert_eq!(reply.text, "中文");
    assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_app_is_not_found_and_one_without_a_token_refuses() {
    let app = TestApp::builder().spawn().await;
    app.get(&format!("/auth/nobody?{SAMPLE}&echostr=x"))
        .await
        .refused(404, 10002, "GET /auth/nobody");
    let reply = app.get(&format!("/auth/game?{SAMPLE}&echostr=x")).await;
    assert_eq!((reply.status, reply.text.as_str()), (403, "Error! No Auth"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn methods_that_no_route_takes_are_told_the_ones_it_does() {
    let app = TestApp::builder().spawn().await;
    for method in [Method::PUT, Method::DELETE] {
        let name = method.to_string();
        let reply = Reply::to(app.request(method, "/auth")).await;
        reply.refused(405, 10003, &format!("{name} /auth"));
        assert!(reply.header("allow").unwrap().contains("GET"), "{reply:?}");
    }
}
