//! A flood at gateways of which nobody is killed without notice: several at once, gateways that are told to end, and a
//! database that dies.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rand::RngExt as _;

use super::fleet::Fleet;
use super::flood::Flood;
use super::{PUSHES, seeded};
use crate::support::mongo::Mongod;
use crate::support::pusher::text_message;

/// What a balancer and WeChat do between them: each message comes three times at once, to three of four gateways.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_gateways_take_each_message_once() {
    let mut fleet = Fleet::on_mongodb(Mongod::standalone().await, 4);
    // A machine that is busy with other things may need a few more.
    let flood = Flood::of(&mut fleet, 1000, 10, PUSHES, 3).await;
    let reckoning = flood.settled(&fleet).await;
    eprintln!("{reckoning:#?}");
    assert_eq!((reckoning.acknowledged, reckoning.stored), (1000, 1000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_told_to_end_loses_nothing_on_sqlite() {
    terminate_under_flood(Fleet::on_sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_told_to_end_loses_nothing_on_mongodb() {
    let server = Mongod::standalone().await;
    terminate_under_flood(Fleet::on_mongodb(server, 2)).await;
}

async fn terminate_under_flood(mut fleet: Fleet) {
    let (mut random, _) = seeded();
    let flood = Flood::begin(&mut fleet, PUSHES, 2).await;
    let mut known = 0;
    let mut between = Vec::new();
    while between.iter().filter(|count| **count > 0).count() < 4 {
        assert!(between.len() < 12, "most met no traffic: {between:?}");
        tokio::time::sleep(Duration::from_millis(random.random_range(200..2000))).await;
        let victim = random.random_range(0..fleet.len());
        // `server.shutdown_grace` for requests, two seconds for background work, and a little for a busy machine.
        let (status, took) = fleet.terminate(victim, Duration::from_secs(15)).await;
        let acknowledged = flood.acknowledged(&fleet).await;
        eprintln!("{status} after {took:?}, {acknowledged} acknowledged so far");
        assert!(status.success(), "{status}\n{}", fleet.log());
        between.push(acknowledged - known);
        known = acknowledged;
        fleet.start(victim).await;
    }
    eprintln!("{:#?}", flood.reckon(&fleet).await);
}

/// What cannot be stored is not acknowledged, so that WeChat pushes it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_dies_or_freezes_loses_nothing() {
    let server = Mongod::start_private().await;
    let (mut random, _) = seeded();
    let mut fleet = Fleet::on_mongodb(&server, 2);
    let flood = Flood::begin(&mut fleet, PUSHES, 2).await;
    for (round, freezes) in [false, true, false].into_iter().enumerate() {
        tokio::time::sleep(Duration::from_millis(random.random_range(500..2000))).await;
        let known = flood.acknowledged(&fleet).await;
        if freezes {
            server.stop();
            // The signal is on its way to each of the server's threads for a moment.
            tokio::time::sleep(Duration::from_millis(200)).await;
        } else {
            server.kill();
        }
        let message = text_message("o1", 1 + round as u64, "Is anybody there?");
        let pushes = (0..fleet.len()).map(async |index| {
            let began = Instant::now();
            let (status, answer) = fleet.push(index, &message).await.unwrap();
            assert_eq!(status, 503, "{answer}");
            // WeChat waits for five seconds; what it has not by then it pushes again all the same.
            eprintln!("{answer} after {:?}", began.elapsed());
        });
        join_all(pushes).await;
        if freezes {
            server.cont();
        } else {
            server.restart().await;
        }
        let back = flood.acknowledged(&fleet).await;
        eprintln!("acknowledged {known} before, {back} at its return");
        let deadline = Instant::now() + Duration::from_secs(60);
        while flood.acknowledged(&fleet).await < back + 100 {
            assert!(Instant::now() < deadline, "nothing is acknowledged any more");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        for index in 0..fleet.len() {
            // It may be busy with what had to wait.
            while fleet.push(index, &message).await.unwrap() != (200, "success".to_owned()) {
                assert!(Instant::now() < deadline, "it takes no message any more");
            }
        }
    }
    let reckoning = flood.reckon(&fleet).await;
    eprintln!("{reckoning:#?}");
    assert!(
        reckoning.alarms["status"].as_u64() > Some(0),
        "no push met the failure"
    );
}
