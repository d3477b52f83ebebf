//! Instances on machines whose clocks are half a minute fast and slow: they agree on WeChat's tokens all the same, since
//! the store's clock is what they go by.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Builder, SHOP, StoreKind, TestApp};
use crate::support::eventually;
use crate::support::mongo::Mongod;
use crate::support::platform::{Platform, STABLE_TOKEN, TICKET};
use crate::support::reply::Reply;

async fn token(app: &TestApp, key: &str) -> Value {
    let request = app.request(Method::GET, "/v1/apps/shop/access_token");
    Reply::to(request.bearer_auth(key)).await.ok().json()
}

async fn report(app: &TestApp, key: &str, dead: &Value) -> Value {
    let request = app.request(Method::POST, "/v1/apps/shop/access_token/refresh");
    let body = json!({"access_token": dead});
    Reply::to(request.bearer_auth(key).json(&body)).await.ok().json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_half_a_minute_apart_fetch_once_and_agree() {
    let url = Mongod::standalone().await.url(&Mongod::fresh_database());
    let platform = Platform::start(Builder::at_the_platform());
    let slow = |ms: u64| json!({"path": STABLE_TOKEN, "effect": {"type": "latency", "ms": ms}});
    platform.fault(slow(300)).await;
    let instances = [30, -30, 0].map(|wrong| {
        TestApp::builder()
            .store(StoreKind::MongoAt(url.clone()))
            .platform(&platform)
            .set("platform.timeout", "20s")
            .clock_wrong_by(wrong)
            .spawn()
    });
    let all = join_all(instances).await;
    let apart = all[0].now().since(all[1].now());
    assert!(apart >= Duration::from_secs(59), "{apart:?}");
    // Made by the right clock, known to all.
    let key = all[2].caller_key(&["--app", "shop", "--raw-token"]).await;
    for app in &all {
        eventually("the key is known", async || {
            let request = app.request(Method::GET, "/v1/apps/shop/access_token");
            Reply::to(request.bearer_auth(&key)).await.status == 200
        })
        .await;
    }
    assert_eq!(platform.calls_of(SHOP, STABLE_TOKEN).await, 1);
    assert_eq!(platform.calls(TICKET).await, 1);
    let mut current = token(&all[0], &key).await;
    for round in 0..2 {
        let shown = join_all(all.iter().map(|app| token(app, &key))).await;
        for other in &shown {
            assert_eq!(other["version"], current["version"]);
            let rest = |body: &Value| body["expires_in"].as_i64().unwrap();
            assert!((rest(other) - rest(&shown[0])).abs() <= 2, "{shown:?}");
            assert!(rest(other) > 7000, "{shown:?}");
        }
        // Longer than the lease, by whichever clock: whoever holds it is not taken for dead.
        platform.heal().await;
        platform.fault(slow(6000)).await;
        platform.kill_tokens(SHOP, false).await;
        let before = platform.calls_of(SHOP, STABLE_TOKEN).await;
        let dead = &current["access_token"];
        let order = [round % 3, (round + 1) % 3, (round + 2) % 3];
        let reports = order.map(|index| report(&all[index], &key, dead));
        let answers = join_all(reports).await;
        for answer in &answers {
            assert_eq!(
                answer["access_token"], answers[0]["access_token"],
                "round {round}"
            );
        }
        assert_eq!(
            platform.calls_of(SHOP, STABLE_TOKEN).await,
            before + 1,
            "round {round}"
        );
        current = answers[0].clone();
    }
}
