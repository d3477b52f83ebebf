//! The admin API: apps, users, codes, clock, calls, reset.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::support::{MINI, OFFICIAL, SECRET, Sim, login_path, token_path};

#[tokio::test]
async fn an_app_is_made_with_an_id_and_a_secret_of_its_own() {
    let sim = Sim::start();
    let made = sim.admin(Method::POST, "/apps", json!({"kind": "mini"})).await;
    let (app_id, secret) = (
        made["app_id"].as_str().unwrap(),
        made["app_secret"].as_str().unwrap(),
    );
    assert!(
        app_id.starts_with("wx") && app_id.len() == 18 && secret.len() == 32,
        "{made}"
    );
    assert_eq!(sim.get(&token_path(app_id, secret)).await.errcode(), 0);
    let shown = sim
        .admin(Method::GET, &format!("/apps/{app_id}"), json!({}))
        .await;
    assert!(shown.get("app_secret").is_none());
    assert!(shown["tokens"]["classic"].is_string() && shown["tokens"]["stable"].is_null());
    assert_eq!(
        sim.admin(Method::GET, "/apps", json!({})).await["apps"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[tokio::test]
async fn a_wrong_app_is_refused_and_nothing_is_changed() {
    let sim = Sim::start();
    let twice = sim
        .post("/_sim/apps", &json!({"kind": "mini", "app_id": MINI}))
        .await;
    assert_eq!(twice.status, 409);
    for body in [
        json!({}),
        json!({"kind": "other"}),
        json!({"kind": "mini", "app_id": "a b"}),
    ] {
        assert_eq!(sim.post("/_sim/apps", &body).await.status, 400, "{body}");
    }
    for body in [
        json!({"app_secret": "x", "switches": {"unknown": 1}}),
        json!({"app_secret": "x", "switches": {"risk": [1]}}),
        json!({"app_secret": "x", "js_domains": vec!["a"; 21]}),
    ] {
        let request = sim
            .request(Method::PATCH, &format!("/_sim/apps/{OFFICIAL}"))
            .json(&body);
        assert_eq!(sim.send(request).await.status, 400, "{body}");
    }
    assert_eq!(sim.classic(OFFICIAL).await.errcode(), 0);
    let request = sim.request(Method::PATCH, "/_sim/apps/none").json(&json!({}));
    assert_eq!(sim.send(request).await.status, 404);
}

#[tokio::test]
async fn users_are_made_listed_and_changed() {
    let sim = Sim::start();
    let ann = json!({"id": "ann", "nickname": "安"});
    let made = sim.admin(Method::POST, "/users", ann.clone()).await;
    assert_eq!((&made["id"], &made["nickname"]), (&json!("ann"), &json!("安")));
    assert_eq!(made["openids"].as_object().unwrap().len(), 2);
    assert_eq!(sim.post("/_sim/users", &ann).await.status, 409);
    let code = sim
        .admin(Method::POST, "/codes", json!({"app_id": MINI, "user": "ann"}))
        .await;
    assert_eq!(code["openid"], made["openids"][MINI]);
    let other = sim.admin(Method::POST, "/codes", json!({"app_id": MINI})).await;
    let listed = sim.admin(Method::GET, "/users?offset=1&limit=5", json!({})).await;
    assert_eq!(listed["total"], 2);
    assert_eq!(listed["users"][0]["id"], other["user"]);
    let changed = sim
        .admin(Method::PATCH, "/users/ann", json!({"high_risk": true}))
        .await;
    assert_eq!(changed["high_risk"], true);
}

#[tokio::test]
async fn several_codes_are_made_at_once() {
    let sim = Sim::start();
    let asked = json!({"app_id": MINI, "user": "ann", "count": 3});
    let made = sim.admin(Method::POST, "/codes", asked).await;
    let codes: HashSet<_> = made["codes"].as_array().unwrap().iter().collect();
    assert_eq!(codes.len(), 3);
    assert!(codes.contains(&made["code"]));
    for code in codes {
        let answer = sim.get(&login_path(MINI, code.as_str().unwrap())).await;
        assert_eq!(answer.json()["openid"], made["openid"]);
    }
    for count in [0, 1001] {
        let asked = json!({"app_id": MINI, "count": count});
        assert_eq!(sim.post("/_sim/codes", &asked).await.status, 400);
    }
}

#[tokio::test]
async fn codes_are_for_mini_programs() {
    let sim = Sim::start();
    assert_eq!(
        sim.post("/_sim/codes", &json!({"app_id": OFFICIAL})).await.status,
        400
    );
    assert_eq!(
        sim.post("/_sim/codes", &json!({"app_id": "none"})).await.status,
        404
    );
}

#[tokio::test]
async fn the_clock_turns_forward_only_and_not_for_ever() {
    let sim = Sim::start();
    let before = sim.admin(Method::GET, "/clock", json!({})).await["now"]
        .as_i64()
        .unwrap();
    let after = sim
        .admin(Method::POST, "/clock", json!({"advance_seconds": 86_400}))
        .await;
    assert!((86_400..86_410).contains(&(after["now"].as_i64().unwrap() - before)));
    assert_eq!(after["turned_seconds"], 86_400);
    for body in [
        json!({}),
        json!({"advance_seconds": -1}),
        json!({"advance_seconds": u32::MAX}),
    ] {
        assert_eq!(sim.post("/_sim/clock", &body).await.status, 400, "{body}");
    }
}

#[tokio::test]
async fn calls_are_logged_with_their_secrets_masked() {
    let sim = Sim::start();
    let token = sim.classic(OFFICIAL).await.token();
    sim.stable(OFFICIAL, true).await;
    sim.try_token(&token).await;
    sim.log_in(MINI, "unknown").await;
    sim.get("/nowhere").await;
    sim.fault(json!({"id": "f", "effect": {"type": "hang", "seconds": 0}}))
        .await;
    let _ = sim.request(Method::GET, "/cgi-bin/token").send().await;
    let listed = sim.admin(Method::GET, "/calls", json!({})).await;
    let calls = listed["calls"].as_array().unwrap();
    let of = |index: usize, name: &str| calls[index][name].clone();
    assert_eq!(
        of(0, "query"),
        json!({"appid": OFFICIAL, "grant_type": "client_credential", "secret": "***"})
    );
    assert_eq!(
        (of(0, "method"), of(0, "status"), of(0, "errcode")),
        (json!("GET"), json!(200), json!(0))
    );
    assert_eq!(of(1, "body")["force_refresh"], true);
    assert_eq!(of(1, "body")["secret"], "***");
    assert_eq!(
        (of(2, "app_id"), of(2, "query")["access_token"].clone()),
        (json!(OFFICIAL), json!("***"))
    );
    assert_eq!((of(3, "app_id"), of(3, "errcode")), (json!(MINI), json!(40_029)));
    assert_eq!((of(4, "status"), of(4, "errcode")), (json!(404), Value::Null));
    assert_eq!((of(5, "status"), of(5, "fault")), (Value::Null, json!("f")));
    let text = listed.to_string();
    assert!(!text.contains(SECRET) && !text.contains(&token));
    let one = sim
        .admin(Method::GET, "/calls?path=/nowhere&limit=5", json!({}))
        .await;
    assert_eq!(one["calls"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn counts_are_exact_after_the_log_has_dropped_calls() {
    let sim = Sim::start();
    for _ in 0..2_050 {
        sim.log_in(MINI, "unknown").await;
    }
    sim.log_in(OFFICIAL, "unknown").await;
    let listed = sim.admin(Method::GET, "/calls?limit=5000", json!({})).await;
    assert_eq!(listed["calls"].as_array().unwrap().len(), 2_000);
    let path = format!("/calls/count?path=/sns/jscode2session&app_id={MINI}");
    assert_eq!(
        sim.admin(Method::GET, &path, json!({})).await,
        json!({"count": 2_050})
    );
    assert_eq!(
        sim.admin(Method::GET, "/calls/count", json!({})).await,
        json!({"count": 2_051})
    );
    sim.admin(Method::DELETE, "/calls", json!({})).await;
    assert_eq!(
        sim.admin(Method::GET, "/calls/count", json!({})).await,
        json!({"count": 0})
    );
}

#[tokio::test]
async fn a_reset_brings_back_the_start_and_a_seed_repeats_itself() {
    let sim = Sim::start();
    sim.fault(json!({"effect": {"type": "reset"}, "path": "/none"}))
        .await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        sim.advance(500).await;
        sim.admin(Method::POST, "/reset", json!({"seed": 5})).await;
        let state = sim.admin(Method::GET, "/state", json!({})).await;
        for (name, expected) in [
            ("apps", 2),
            ("users", 0),
            ("faults", 0),
            ("calls", 0),
            ("turned_seconds", 0),
        ] {
            assert_eq!(state[name], expected, "{name}");
        }
        let made = sim.admin(Method::POST, "/codes", json!({"app_id": MINI})).await;
        seen.push((made, sim.stable(OFFICIAL, false).await.token()));
    }
    assert_eq!(seen[0], seen[1]);
    let mut codes = Vec::new();
    for _ in 0..2 {
        sim.admin(Method::POST, "/seed", json!({"seed": 9})).await;
        codes.push(sim.code("ann").await);
    }
    assert_eq!(codes[0], codes[1]);
}

#[tokio::test]
async fn admin_errors_are_json() {
    let sim = Sim::start();
    for (method, path, status) in [
        (Method::GET, "/_sim/none", 404),
        (Method::DELETE, "/_sim/state", 405),
        (Method::GET, "/_sim/calls?unknown=1", 400),
        (Method::GET, "/_sim/users/none", 404),
    ] {
        let answered = sim.send(sim.request(method, path)).await;
        assert_eq!(answered.status, status, "{path}");
        assert!(answered.json()["error"].is_string(), "{path}");
    }
    let request = sim
        .request(Method::POST, "/_sim/reset")
        .body(vec![b' '; 1_100_000]);
    assert_eq!(sim.send(request).await.status, 413);
}

#[tokio::test]
async fn a_page_tells_what_there_is() {
    let sim = Sim::start();
    for path in ["/_sim", "/_sim/"] {
        let answered = sim.get(path).await;
        assert_eq!(answered.status, 200);
        assert!(
            answered.content_type.starts_with("text/html"),
            "{}",
            answered.content_type
        );
        assert!(answered.text.contains("POST codes"));
    }
}

#[tokio::test]
async fn many_calls_at_once_use_a_code_once() {
    let sim = Sim::start();
    let path = login_path(MINI, &sim.code("ann").await);
    let answers = futures_util::future::join_all((0..50).map(|_| sim.get(&path))).await;
    assert_eq!(
        answers.iter().filter(|answered| answered.errcode() == 0).count(),
        1
    );
}
