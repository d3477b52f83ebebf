//! Fault rules: each effect as a client meets it, and which calls a rule strikes.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::support::{MINI, OFFICIAL, SECRET, Sim, login_path, token_path, without_rid};

async fn faulty(effect: Value) -> Sim {
    let sim = Sim::start();
    sim.fault(json!({"path": "/cgi-bin/token", "effect": effect}))
        .await;
    sim
}

/// Whether the call fails below HTTP.
async fn breaks(sim: &Sim, path: &str) -> bool {
    match sim.request(Method::GET, path).send().await {
        Ok(response) => response.bytes().await.is_err(),
        Err(error) => !error.is_timeout(),
    }
}

#[tokio::test]
async fn an_errcode_comes_with_its_text_or_the_rules_own() {
    let sim = faulty(json!({"type": "errcode", "errcode": -1})).await;
    let answered = sim.classic(OFFICIAL).await;
    assert_eq!(
        (answered.errcode(), without_rid(&answered.errmsg())),
        (-1, "system error")
    );
    let sim = faulty(json!({"type": "errcode", "errcode": 45_009, "errmsg": "api freq out of limit"})).await;
    let answered = sim.classic(OFFICIAL).await;
    assert_eq!(
        (answered.errcode(), without_rid(&answered.errmsg())),
        (45_009, "api freq out of limit")
    );
}

#[tokio::test]
async fn latency_delays_the_answer() {
    let sim = faulty(json!({"type": "latency", "ms": 120})).await;
    let start = Instant::now();
    assert_eq!(sim.classic(OFFICIAL).await.errcode(), 0);
    assert!(start.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn a_hanging_call_ends_with_the_clients_patience() {
    let sim = faulty(json!({"type": "hang"})).await;
    let path = token_path(OFFICIAL, SECRET);
    let request = sim
        .request(Method::GET, &path)
        .timeout(Duration::from_millis(100));
    assert!(request.send().await.unwrap_err().is_timeout());
    assert_eq!(sim.stable(OFFICIAL, false).await.errcode(), 0);
}

#[tokio::test]
async fn a_hang_can_end_by_itself() {
    let sim = faulty(json!({"type": "hang", "seconds": 0})).await;
    assert!(breaks(&sim, &token_path(OFFICIAL, SECRET)).await);
}

#[tokio::test]
async fn a_reset_closes_the_connection_without_an_answer() {
    let sim = faulty(json!({"type": "reset"})).await;
    let error = sim
        .request(Method::GET, &token_path(OFFICIAL, SECRET))
        .send()
        .await
        .unwrap_err();
    assert!(!error.is_timeout() && error.status().is_none(), "{error:?}");
}

#[tokio::test]
async fn a_truncated_body_ends_early() {
    let sim = faulty(json!({"type": "truncated_body"})).await;
    let mut response = sim
        .request(Method::GET, &token_path(OFFICIAL, SECRET))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let announced = response.content_length().unwrap();
    let half = response.chunk().await.unwrap().unwrap();
    assert!(half.starts_with(b"{\"access_token\"") && (half.len() as u64) < announced);
    assert!(response.chunk().await.is_err());
}

#[tokio::test]
async fn a_status_comes_with_an_html_page() {
    let sim = faulty(json!({"type": "http_status", "status": 502})).await;
    let answered = sim.classic(OFFICIAL).await;
    assert_eq!(
        (answered.status.as_u16(), answered.content_type.as_str()),
        (502, "text/html")
    );
    assert!(
        answered.text.contains("<h1>502 Bad Gateway</h1>"),
        "{}",
        answered.text
    );
}

#[tokio::test]
async fn a_wrong_content_type_leaves_the_body_alone() {
    let sim = faulty(json!({"type": "wrong_content_type", "content_type": "image/jpeg"})).await;
    let answered = sim.classic(OFFICIAL).await;
    assert_eq!(answered.content_type, "image/jpeg");
    assert_eq!(answered.expires_in(), 7_200);
}

#[tokio::test]
async fn a_slow_body_arrives_in_pieces_and_whole() {
    let sim = faulty(json!({"type": "slow_body", "bytes": 40, "ms": 20})).await;
    let start = Instant::now();
    assert_eq!(sim.classic(OFFICIAL).await.expires_in(), 7_200);
    assert!(start.elapsed() >= Duration::from_millis(80));
}

#[tokio::test]
async fn a_raw_body_is_sent_as_it_is() {
    let body = r#"{"access_token":"50_x","expires_in":"0"}"#;
    let sim = faulty(json!({"type": "raw_body", "body": body})).await;
    let answered = sim.classic(OFFICIAL).await;
    assert_eq!((answered.status.as_u16(), answered.text.as_str()), (200, body));
    assert_eq!(answered.content_type, "application/json; encoding=utf-8");
    let raw = json!({"type": "raw_body", "body": "", "status": 204, "content_type": "text/x"});
    let sim = faulty(raw).await;
    assert_eq!(sim.classic(OFFICIAL).await.status, 204);
}

#[tokio::test]
async fn garbage_is_no_text() {
    let sim = faulty(json!({"type": "garbage"})).await;
    let response = sim
        .request(Method::GET, &token_path(OFFICIAL, SECRET))
        .send()
        .await
        .unwrap();
    assert!(String::from_utf8(response.bytes().await.unwrap().to_vec()).is_err());
}

#[tokio::test]
async fn a_redirect_names_its_target() {
    let sim = faulty(json!({"type": "redirect", "location": "http://127.0.0.1:9/"})).await;
    let response = sim
        .request(Method::GET, &token_path(OFFICIAL, SECRET))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["location"]),
        (302, &"http://127.0.0.1:9/".parse().unwrap())
    );
}

#[tokio::test]
async fn an_answer_can_be_lost_after_the_code_was_used_up() {
    let sim = Sim::start();
    let code = sim.code("ann").await;
    sim.fault(json!({"path": "/sns/*", "count": 1, "after": true, "effect": {"type": "reset"}}))
        .await;
    assert!(breaks(&sim, &login_path(MINI, &code)).await);
    assert_eq!(sim.log_in(MINI, &code).await.errcode(), 40_163);
}

#[tokio::test]
async fn a_call_can_be_lost_before_the_code_was_used_up() {
    let sim = Sim::start();
    let code = sim.code("ann").await;
    sim.fault(json!({"path": "/sns/*", "count": 1, "effect": {"type": "reset"}}))
        .await;
    assert!(breaks(&sim, &login_path(MINI, &code)).await);
    assert_eq!(sim.log_in(MINI, &code).await.errcode(), 0);
}

#[tokio::test]
async fn a_rule_strikes_its_app_its_user_and_its_number_of_times() {
    let sim = Sim::start();
    let effect = json!({"type": "errcode", "errcode": -1});
    sim.fault(json!({"app_id": OFFICIAL, "path": "/cgi-bin/*", "skip": 1, "count": 1, "effect": effect}))
        .await;
    assert_eq!(sim.classic(MINI).await.errcode(), 0);
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(sim.stable(OFFICIAL, false).await.errcode());
    }
    assert_eq!(codes, [0, -1, 0]);
    sim.fault(json!({"user": "ann", "effect": effect})).await;
    assert_eq!(sim.log_in(MINI, &sim.code("ann").await).await.errcode(), -1);
    assert_eq!(sim.log_in(MINI, &sim.code("bob").await).await.errcode(), 0);
    let made = sim
        .admin(Method::POST, "/codes", json!({"app_id": MINI, "user": "eve"}))
        .await;
    sim.fault(json!({"openid": made["openid"], "effect": effect}))
        .await;
    assert_eq!(
        sim.log_in(MINI, made["code"].as_str().unwrap()).await.errcode(),
        -1
    );
}

#[tokio::test]
async fn a_probability_of_zero_never_strikes() {
    let sim = Sim::start();
    sim.fault(json!({"probability": 0, "effect": {"type": "reset"}}))
        .await;
    assert_eq!(sim.classic(OFFICIAL).await.errcode(), 0);
}

#[tokio::test]
async fn latency_adds_to_another_effect() {
    let sim = faulty(json!({"type": "latency", "ms": 100})).await;
    sim.fault(json!({"effect": {"type": "errcode", "errcode": -1}}))
        .await;
    let start = Instant::now();
    assert_eq!(sim.classic(OFFICIAL).await.errcode(), -1);
    assert!(start.elapsed() >= Duration::from_millis(100));
}

#[tokio::test]
async fn rules_are_listed_replaced_and_removed() {
    let sim = Sim::start();
    let id = sim
        .fault(json!({"id": "mine", "effect": {"type": "errcode", "errcode": -1}}))
        .await;
    assert_eq!(id, "mine");
    assert_eq!(sim.classic(OFFICIAL).await.errcode(), -1);
    let shown = sim.admin(Method::GET, "/faults/mine", json!({})).await;
    assert_eq!(
        (&shown["hits"], &shown["effect"]["errcode"]),
        (&json!(1), &json!(-1))
    );
    let other = json!({"effect": {"type": "errcode", "errcode": 45_009}});
    sim.admin(Method::PUT, "/faults/mine", other.clone()).await;
    assert_eq!(sim.classic(OFFICIAL).await.errcode(), 45_009);
    let twice = sim
        .post(
            "/_sim/faults",
            &json!({"id": "mine", "effect": {"type": "reset"}}),
        )
        .await;
    assert_eq!(twice.status, 409);
    sim.admin(Method::DELETE, "/faults/mine", json!({})).await;
    assert_eq!(sim.classic(OFFICIAL).await.errcode(), 0);
    sim.admin(Method::POST, "/faults", other).await;
    sim.admin(Method::DELETE, "/faults", json!({})).await;
    assert_eq!(
        sim.admin(Method::GET, "/faults", json!({})).await,
        json!({"faults": []})
    );
}

#[tokio::test]
async fn a_rule_that_makes_no_sense_is_refused() {
    let sim = Sim::start();
    for rule in [
        json!({}),
        json!({"effect": {"type": "unknown"}}),
        json!({"effect": {"type": "reset", "extra": 1}}),
        json!({"effect": {"type": "reset"}, "probability": 2}),
        json!({"effect": {"type": "http_status", "status": 99}}),
        json!({"effect": {"type": "slow_body", "bytes": 0, "ms": 1}}),
        json!({"effect": {"type": "redirect", "location": "a\nb"}}),
        json!({"effect": {"type": "reset"}, "unknown": 1}),
    ] {
        let answered = sim.post("/_sim/faults", &rule).await;
        assert_eq!(answered.status, 400, "{rule}");
        assert!(answered.json()["error"].is_string());
    }
}
