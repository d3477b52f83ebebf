//! SIGKILL between the rotation of a refresh token and the arrival of its answer: whoever asks again gets the same
//! successor (G13, small), and a logout that was answered stays one.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::mongo::Mongod;
use crate::support::process::Stage;

const KILLS: usize = 8;

async fn ask(stage: &Stage, path: &str, body: Value) -> Option<(u16, Value)> {
    let response = stage.client.post(stage.url(path)).json(&body).send().await.ok()?;
    let status = response.status().as_u16();
    // An answer that broke off was no answer.
    let text = response.text().await.ok()?;
    Some((status, serde_json::from_str(&text).unwrap_or_default()))
}

fn refresh_token(answer: &Value) -> String {
    answer["refresh_token"].as_str().unwrap().to_owned()
}

async fn survive(store: &str) {
    let stage = Stage::new(store, "[auth]\nrefresh_grace = \"60s\"\n");
    let mut gateway = stage.start().await;
    let (code, _) = stage.code("ann").await;
    let login = ask(&stage, "/v1/token", json!({"type": 100, "account": code})).await;
    let (_, login) = login.unwrap();
    let mut current = refresh_token(&login);
    for kill in 0..KILLS {
        let lost = ask(&stage, "/v1/token/refresh", json!({"refresh_token": current}));
        let killer = async {
            tokio::time::sleep(Duration::from_millis(rand::random_range(0..8))).await;
            gateway.0.kill().unwrap();
            gateway.0.wait().unwrap();
        };
        let (lost, ()) = tokio::join!(lost, killer);
        gateway = stage.start().await;
        let again = ask(&stage, "/v1/token/refresh", json!({"refresh_token": current})).await;
        let (status, again) = again.unwrap();
        assert_eq!(status, 200, "kill {kill}: {again}");
        let next = refresh_token(&again);
        assert_ne!(next, current);
        if let Some((status, answer)) = lost {
            assert_eq!((status, refresh_token(&answer)), (200, next.clone()));
        }
        let (_, third) = ask(&stage, "/v1/token/refresh", json!({"refresh_token": current}))
            .await
            .unwrap();
        assert_eq!(refresh_token(&third), next);
        current = next;
    }
    let (_, last) = ask(&stage, "/v1/token/refresh", json!({"refresh_token": current}))
        .await
        .unwrap();
    let access = last["token"].as_str().unwrap().to_owned();
    let out = stage.client.post(stage.url("/v1/token/revoke"));
    let out = out.bearer_auth(&access).send().await.unwrap();
    assert_eq!(out.status(), 204);
    gateway.0.kill().unwrap();
    gateway.0.wait().unwrap();
    let _gateway = stage.start().await;
    let (_, verified) = ask(&stage, "/v1/token/verify", json!({"token": access}))
        .await
        .unwrap();
    assert_eq!(verified, json!({"result": false}));
    let (status, _) = ask(
        &stage,
        "/v1/token/refresh",
        json!({"refresh_token": refresh_token(&last)}),
    )
    .await
    .unwrap();
    assert_eq!(status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_given_again_after_a_death_on_sqlite() {
    survive("sqlite:rotation.db").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_given_again_after_a_death_on_mongodb() {
    survive(&Mongod::standalone().await.url(&Mongod::fresh_database())).await;
}
