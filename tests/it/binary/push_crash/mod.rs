//! Gateways that are killed, stopped, or lose their database while WeChat pushes to them: what was acknowledged is stored
//! once and gets delivered, under one id. How answers survive is in `asked`.

mod asked;
mod book;
mod ends;
mod fleet;
mod flood;

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use self::fleet::Fleet;
use self::flood::Flood;
use crate::support::mongo::Mongod;

const KILLS: usize = 20;
/// Pushes a second, of which two at a time are the same message.
const PUSHES: usize = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_push_is_lost_on_sqlite() {
    kill_under_flood(Fleet::on_sqlite()).await;
}

/// Copies of a message go to both gateways at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_push_is_lost_on_mongodb() {
    let server = Mongod::standalone().await;
    kill_under_flood(Fleet::on_mongodb(server, 2)).await;
}

/// Kills gateways again and again, whichever and whenever, each of them as soon as it is back. Kills that met no traffic do
/// not count.
async fn kill_under_flood(mut fleet: Fleet) {
    let (mut random, seed) = seeded();
    let flood = Flood::begin(&mut fleet, PUSHES, 2).await;
    let mut known = 0;
    let mut between = Vec::new();
    while between.iter().filter(|count| **count > 0).count() < KILLS {
        assert!(
            between.len() < 3 * KILLS,
            "most kills met no traffic: {between:?}"
        );
        tokio::time::sleep(Duration::from_millis(random.random_range(5..800))).await;
        let victim = random.random_range(0..fleet.len());
        fleet.kill(victim);
        let acknowledged = flood.acknowledged(&fleet).await;
        between.push(acknowledged - known);
        known = acknowledged;
        fleet.start(victim).await;
    }
    let reckoning = flood.reckon(&fleet).await;
    let kills = between.len();
    eprintln!("seed {seed}: {kills} kills; acknowledged between them {between:?}\n{reckoning:#?}");
    assert!(reckoning.acknowledged > 10 * KILLS, "hardly anything was pushed");
}

/// A source of random numbers that can be had again.
fn seeded() -> (StdRng, u64) {
    let seed = rand::random();
    eprintln!("seed {seed}");
    (StdRng::seed_from_u64(seed), seed)
}
