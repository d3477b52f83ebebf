//! Simulators start and stop beside each other.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use tokio::sync::oneshot;
use wxgate::simulator::{AppSettings, ServerSettings, Settings, Simulator};

use super::support::{OFFICIAL, Sim, client};

#[tokio::test]
async fn a_shutdown_ends_the_server_though_a_call_hangs() {
    let listen = "127.0.0.1:0".parse().unwrap();
    let simulator = Simulator::bind(Settings {
        listen,
        seed: None,
        apps: Vec::new(),
    })
    .unwrap();
    let url = format!("http://{}", simulator.addr());
    let (stop, stopped) = oneshot::channel::<()>();
    let run = simulator.run_until(async { drop(stopped.await) });
    let (client, start) = (client(), Instant::now());
    let calls = async {
        let rule = json!({"effect": {"type": "hang"}});
        client
            .post(format!("{url}/_sim/faults"))
            .json(&rule)
            .send()
            .await
            .unwrap();
        let hanging = client
            .get(format!("{url}/hanging"))
            .timeout(Duration::from_secs(10))
            .send();
        let stop = async {
            let count = format!("{url}/_sim/calls/count?path=/hanging");
            while !client
                .get(&count)
                .send()
                .await
                .unwrap()
                .text()
                .await
                .unwrap()
                .contains('1')
            {}
            stop.send(()).unwrap();
        };
        let (hanging, ()) = tokio::join!(hanging, stop);
        assert!(!hanging.unwrap_err().is_timeout());
    };
    let (ran, ()) = tokio::join!(run, calls);
    ran.unwrap();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[tokio::test]
async fn two_simulators_share_nothing() {
    let (one, other) = (Sim::start(), Sim::start());
    one.advance(1_000).await;
    one.fault(json!({"effect": {"type": "errcode", "errcode": -1}}))
        .await;
    assert_eq!(other.classic(OFFICIAL).await.errcode(), 0);
    let clock = other.admin(Method::GET, "/clock", json!({})).await;
    assert_eq!(clock["turned_seconds"], 0);
}

#[tokio::test]
async fn simulators_of_one_seed_give_the_same_openids() {
    let (one, other) = (Sim::start(), Sim::start());
    let user = json!({"id": "ann"});
    let made = one.admin(Method::POST, "/users", user.clone()).await;
    assert_eq!(made, other.admin(Method::POST, "/users", user).await);
}

#[tokio::test]
async fn a_shutdown_ends_pushes_that_nobody_answers() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let hook = format!("http://{}/", silent.local_addr().unwrap());
    let apps = vec![AppSettings::official(OFFICIAL, "s").pushing_to(ServerSettings::new(hook, "AAAAA"))];
    let listen = "127.0.0.1:0".parse().unwrap();
    let simulator = Simulator::bind(Settings {
        listen,
        seed: None,
        apps,
    })
    .unwrap();
    let url = format!("http://{}/_sim/push", simulator.addr());
    let (stop, stopped) = oneshot::channel::<()>();
    let run = simulator.run_until(async { drop(stopped.await) });
    let (client, start) = (client(), Instant::now());
    let calls = async {
        let flood = json!({"app_id": OFFICIAL, "count": 1_000});
        let begun = client.post(format!("{url}/flood")).json(&flood).send().await;
        assert_eq!(begun.unwrap().status(), 200);
        let order = json!({"app_id": OFFICIAL, "message": {"content": "a"}});
        let waiting = client.post(&url).json(&order).send();
        let stop = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            stop.send(()).unwrap();
        };
        let (waiting, ()) = tokio::join!(waiting, stop);
        assert!(!waiting.unwrap_err().is_timeout());
    };
    let (ran, ()) = tokio::join!(run, calls);
    ran.unwrap();
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}
