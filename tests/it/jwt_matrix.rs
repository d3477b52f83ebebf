//! The matrix of hostile tokens (RFC 8725): each is presented over HTTP and is false, for one reason alone. What is good
//! about a token's life is in `tokens`, how keys follow each other in `signing_keys`.

mod contents;
mod forms;
mod headers;
mod stage;

use std::collections::BTreeSet;

use serde_json::json;

use stage::{Cases, Stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_hostile_token_is_false() {
    let stage = Stage::set().await;
    let mut cases = Cases::default();
    headers::algorithms(&stage, &mut cases);
    headers::names_of_keys(&stage, &mut cases);
    headers::header_members(&stage, &mut cases);
    contents::times(&stage, &mut cases);
    contents::claims(&stage, &mut cases);
    contents::json(&stage, &mut cases);
    forms::signatures(&stage, &mut cases);
    forms::shapes(&stage, &mut cases);
    let names: BTreeSet<_> = cases.0.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), cases.0.len(), "two cases have one name");
    assert!(names.len() >= 60, "{} cases", names.len());
    let mut taken = Vec::new();
    for (name, token) in &cases.0 {
        assert!(token.len() <= 8192, "{name} is refused for its length alone");
        if stage.verify(token).await {
            taken.push(name);
        }
    }
    assert!(taken.is_empty(), "taken for good: {taken:#?}");
    assert!(stage.verify(&stage.token).await, "the gateway still works");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn good_tokens_are_true() {
    let stage = Stage::set().await;
    let now = stage.now();
    let mut cases = Cases::default();
    cases.add("as it was issued", &stage.token);
    cases.add("made anew", stage.ours(&stage.header, &stage.claims));
    cases.add("a claim more", stage.with_claim("later", json!({"a": [1, null]})));
    cases.add("the other scope", stage.with_claim("scope", json!("admin")));
    cases.add("ends soon", stage.with_claim("exp", json!(now + 60)));
    // Clocks of instances differ a little.
    cases.add("begins in a moment", stage.with_claim("nbf", json!(now + 3)));
    let padding = "x".repeat(5_000);
    let long = stage.with_claim("padding", json!(padding));
    assert!(long.len() > 6_000 && long.len() <= 8_192);
    cases.add("long", long);
    for (name, token) in &cases.0 {
        assert!(stage.verify(token).await, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_too_long_is_no_parameter() {
    let stage = Stage::set().await;
    for length in [8_192, 8_193] {
        let body = json!({"token": "a".repeat(length)});
        let reply = stage.app.post_json("/v1/token/verify", &body).await;
        assert_eq!(reply.status, if length > 8_192 { 400 } else { 200 });
    }
    // Signed by us, and good but for its length.
    let token = stage.with_claim("padding", json!("x".repeat(7_000)));
    assert!(token.len() > 8_192);
    let reply = stage
        .app
        .post_json("/v1/token/verify", &json!({"token": token}))
        .await;
    reply.refused(400, 10001, "POST /v1/token/verify");
}
