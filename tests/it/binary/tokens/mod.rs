//! Several gateway processes and WeChat's one token for all of them: fetched once, whoever dies, sleeps, or loses the
//! database meanwhile.

mod away;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::eventually;
use crate::support::fleet::Fleet;
use crate::support::mongo::Mongod;
use crate::support::platform::{CLASSIC_TOKEN, STABLE_TOKEN, TICKET};
use crate::support::process::{MINI, OFFICIAL};

/// A holder that died is waited for as long as its lease lasts, and a second.
const BOUND: Duration = Duration::from_millis(6500);
/// How long WeChat takes over the call in the middle of which something happens to the holder.
const LATE: Duration = Duration::from_secs(3);
/// Longer than any pause of these tests.
const PATIENT: (&str, &str) = ("WXGATE__PLATFORM__TIMEOUT", "20s");
const CLASSIC: (&str, &str) = ("WXGATE__PLATFORM__TOKEN_MODE", "classic");

async fn on_mongodb(count: usize, settings: &[(&'static str, &'static str)]) -> Fleet {
    let url = Mongod::standalone().await.url(&Mongod::fresh_database());
    Fleet::new(&url, count, settings)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cold_start_and_dead_tokens_are_one_call_each_on_sqlite() {
    cold(Fleet::new("sqlite:tokens.db", 1, &[PATIENT])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cold_start_and_dead_tokens_are_one_call_each_on_mongodb() {
    cold(on_mongodb(3, &[PATIENT]).await).await;
}

/// G1, small: a thousand requests at once to each of the gateways, which have nothing in memory; and three times a thousand
/// in all when the token in memory is dead.
async fn cold(mut fleet: Fleet) {
    let pause = Duration::from_millis(300);
    for path in [STABLE_TOKEN, TICKET] {
        fleet.slow(path, pause).await;
    }
    for index in 0..fleet.len() {
        fleet.launch(index);
    }
    let crowds = (0..fleet.len()).map(async |index| {
        fleet.answers(index).await;
        join_all((0..1000).map(|_| fleet.token(index))).await
    });
    let tokens = join_all(crowds).await.concat();
    assert!(tokens.iter().all(|token| *token == tokens[0]), "they differ");
    eventually("all is fetched", async || fleet.calls(TICKET, OFFICIAL).await > 0).await;
    let fetched = async || {
        let tokens = fleet.calls(STABLE_TOKEN, OFFICIAL).await;
        (
            tokens,
            fleet.calls(STABLE_TOKEN, MINI).await,
            fleet.calls(TICKET, OFFICIAL).await,
        )
    };
    assert_eq!(fetched().await, (1, 1, 1), "{}", fleet.log());
    let all: Vec<usize> = (0..fleet.len()).collect();
    let mut current = tokens[0].clone();
    for round in 2..5 {
        fleet.kill_tokens().await;
        let next = fleet.reports(&all, 1000 / all.len(), &current.value).await;
        assert_eq!(next.version, current.version + 1);
        assert_eq!(fetched().await.0, round, "{}", fleet.log());
        fleet.agree_on(&next).await;
        current = next;
    }
}

/// What is known before somebody is kept from finishing: the dead token, and how often WeChat was asked.
async fn caught_in_the_act(fleet: &Fleet, path: &str) -> (String, u64) {
    let before = fleet.calls(path, OFFICIAL).await;
    let dead = fleet.token(0).await.value;
    fleet.slow(path, LATE).await;
    fleet.kill_tokens().await;
    (dead, before)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_holder_is_killed_another_one_fetches() {
    let mut fleet = on_mongodb(3, &[PATIENT]).await;
    fleet.start().await;
    for round in 0..2 {
        let (dead, before) = caught_in_the_act(&fleet, STABLE_TOKEN).await;
        let report = json!({"access_token": dead});
        let path = "/v1/apps/shop/access_token/refresh";
        let lost = fleet.request(0, Method::POST, path).json(&report).send();
        let kill = async {
            eventually("it asks WeChat", async || {
                fleet.calls(STABLE_TOKEN, OFFICIAL).await == before + 1
            })
            .await;
            fleet.signal(0, "KILL");
        };
        let (lost, ()) = tokio::join!(lost, kill);
        assert!(lost.is_err(), "it was killed before it could answer");
        fleet.heal().await;
        let killed = Instant::now();
        let next = fleet.reports(&[1, 2], 50, &dead).await;
        let took = killed.elapsed();
        eprintln!("round {round}: answered {took:?} after the holder was killed");
        assert!(took < BOUND, "{took:?}");
        // One for the holder that was lost, and one.
        assert_eq!(fleet.calls(STABLE_TOKEN, OFFICIAL).await, before + 2);
        fleet.kill(0);
        fleet.launch(0);
        fleet.answers(0).await;
        fleet.agree_on(&next).await;
        assert_eq!(fleet.calls(STABLE_TOKEN, OFFICIAL).await, before + 2);
    }
}

/// A holder that sleeps while others fetch what it was to fetch, and wakes up with its own answer. `between` happens at WeChat
/// when it has asked. Says how often WeChat was asked more than before.
async fn asleep(fleet: &mut Fleet, path: &str, between: impl AsyncFn(&Fleet)) -> u64 {
    fleet.start().await;
    let (dead, before) = caught_in_the_act(fleet, path).await;
    let sleeper = fleet.report(0, &dead);
    let others = async {
        eventually("it asks WeChat", async || {
            fleet.calls(path, OFFICIAL).await == before + 1
        })
        .await;
        fleet.signal(0, "STOP");
        fleet.heal().await;
        between(fleet).await;
        let stopped = Instant::now();
        let next = fleet.reports(&[1, 2], 50, &dead).await;
        let took = stopped.elapsed();
        eprintln!("answered {took:?} after the holder was stopped");
        assert!(took < BOUND, "{took:?}");
        assert_eq!(fleet.calls(path, OFFICIAL).await, before + 2);
        fleet.signal(0, "CONT");
        next
    };
    let (late, next) = tokio::join!(sleeper, others);
    // It does not believe its own answer either.
    assert!(late.version >= next.version, "{late:?} {next:?}");
    assert_ne!(late.value, dead);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let current = fleet.token(1).await;
    fleet.agree_on(&current).await;
    for index in 0..fleet.len() {
        assert_eq!(fleet.call(index).await, 0);
    }
    // What they have in memory is what is stored: one that starts anew has the same.
    fleet.kill(2);
    fleet.launch(2);
    fleet.answers(2).await;
    fleet.agree_on(&current).await;
    assert!(!fleet.log().contains("a dead access_token"), "{}", fleet.log());
    fleet.calls(path, OFFICIAL).await - before
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_that_overslept_its_lease_overwrites_nothing() {
    let mut fleet = on_mongodb(3, &[PATIENT]).await;
    // What it fetched is dead when it wakes up: WeChat has made it when the pause is over.
    let dead_on_arrival = async |fleet: &Fleet| {
        tokio::time::sleep(LATE + Duration::from_millis(500)).await;
        fleet.kill_tokens().await;
    };
    let calls = asleep(&mut fleet, STABLE_TOKEN, dead_on_arrival).await;
    assert_eq!(calls, 2);
    assert_eq!(fleet.token(0).await.version, 2);
}

/// Classic tokens end one another, and nobody knows which of the two is the younger: a third one settles it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_two_holders_of_classic_tokens_a_third_token_settles_it() {
    let mut fleet = on_mongodb(3, &[PATIENT, CLASSIC]).await;
    let calls = asleep(&mut fleet, CLASSIC_TOKEN, async |_| {}).await;
    assert_eq!(calls, 3);
    assert_eq!(fleet.token(0).await.version, 3);
}

/// G4, small: tokens live eight seconds, and both gateways are called all the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_tokens_come_and_go_no_call_fails() {
    let mut fleet = on_mongodb(2, &[PATIENT]).await;
    let path = format!("/apps/{OFFICIAL}");
    let short = json!({"switches": {"token_seconds": 8}});
    fleet.stage.admin(Method::PATCH, &path, short).await;
    fleet.start().await;
    let first = fleet.token(0).await.version;
    let end = Instant::now() + Duration::from_secs(16);
    let callers = (0..24).map(async |number: usize| {
        let (mut relayed, mut own) = (0, 0);
        while Instant::now() < end {
            assert_eq!(fleet.call(number % 2).await, 0);
            relayed += 1;
            // Whoever has the token itself calls WeChat past the gateway.
            let token = fleet.token(number % 2).await.value;
            let url = format!("http://{}/cgi-bin/getcallbackip", fleet.stage.simulator);
            let request = fleet.stage.client.get(url).query(&[("access_token", token)]);
            let answer: Value = request.send().await.unwrap().json().await.unwrap();
            assert!(answer["ip_list"].is_array(), "{answer}");
            own += 1;
        }
        (relayed, own)
    });
    let made = join_all(callers).await;
    let (relayed, own) = made
        .iter()
        .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let rotations = fleet.token(0).await.version - first;
    eprintln!("{relayed} relayed calls and {own} past the gateways, {rotations} rotations");
    assert!(
        rotations >= 2 && relayed > 500,
        "{rotations} rotations, {relayed} calls"
    );
    let asked = fleet.calls(STABLE_TOKEN, OFFICIAL).await;
    assert!(asked <= u64::try_from(rotations).unwrap() + 2, "{asked}");
}

/// 40001 to everybody at once: each call is made again with the new token, which is fetched once. (G3, small.)
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_calls_with_a_dead_token_are_one_replacement() {
    let mut fleet = on_mongodb(4, &[PATIENT, ("WXGATE__GATEWAY__CONCURRENCY", "1000")]).await;
    fleet.start().await;
    for _ in 0..2 {
        let before = fleet.calls(STABLE_TOKEN, OFFICIAL).await;
        fleet.kill_tokens().await;
        let calls = (0..2000).map(|number| fleet.call(number % 4));
        let codes = join_all(calls).await;
        assert!(codes.iter().all(|code| *code == 0), "{codes:?}");
        assert_eq!(fleet.calls(STABLE_TOKEN, OFFICIAL).await, before + 1);
    }
}
