//! A webhook is asked for replies, and the gateway that asks is killed meanwhile: everybody who wrote hears one answer.
//!
//! It is heard as the reply to WeChat's repetition, which waits for it, or as a message of its own.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rand::RngExt as _;
use reqwest::Method;
use serde_json::{Value, json};

use super::book::{Book, Entry};
use super::fleet::Fleet;
use super::seeded;
use crate::support::mongo::Mongod;
use crate::support::process::OFFICIAL;
use crate::support::receiver::Answer;

const PATH: &str = "/ask";
const USERS: usize = 12;
const MANY: usize = 60;
/// A gateway that died is missed after four seconds; if WeChat has been told before that there is no reply, after at most
/// twelve more. What it was sending when it died is taken up after thirty.
const PATIENCE: Duration = Duration::from_secs(90);

/// How the webhook answers, and when whoever asks it is killed.
#[derive(Clone, Copy)]
struct Case {
    answer: fn(&Entry) -> Answer,
    /// In milliseconds after the messages.
    kill: (u64, u64),
    /// As what somebody at least must hear it.
    heard: &'static str,
}

/// Whoever asks first never hears anything. The repetition waits until the first asker counts as dead, asks, and is told
/// at once.
const PROMPT_AT_LAST: Case = Case {
    answer: |entry| match entry.before {
        0 => Answer::Never,
        _ => reply(Duration::ZERO),
    },
    kill: (100, 1800),
    heard: "reply",
};
/// The answer takes longer than WeChat waits, also when it is asked for anew.
const SLOW: Case = Case {
    answer: |_| reply(Duration::from_secs(6)),
    kill: (100, 1800),
    heard: "customer_service",
};
/// WeChat has been told that there is no reply when the one who asks dies: nobody repeats anything.
const TOO_LATE_ALREADY: Case = Case {
    answer: |entry| match entry.before {
        0 => Answer::Never,
        _ => reply(Duration::ZERO),
    },
    kill: (5500, 7000),
    heard: "customer_service",
};

fn reply(pause: Duration) -> Answer {
    Answer::LateBody(pause, json!({"type": "text", "content": "tea"}).to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_repetition_is_answered_on_sqlite() {
    one_answer_each(Fleet::on_sqlite(), PROMPT_AT_LAST).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_repetition_is_answered_on_mongodb() {
    one_answer_each(pair().await, PROMPT_AT_LAST).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_answer_is_heard_on_sqlite() {
    one_answer_each(Fleet::on_sqlite(), SLOW).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_answer_is_heard_on_mongodb() {
    one_answer_each(pair().await, SLOW).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_answer_is_heard_on_sqlite() {
    one_answer_each(Fleet::on_sqlite(), TOO_LATE_ALREADY).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_answer_is_heard_on_mongodb() {
    one_answer_each(pair().await, TOO_LATE_ALREADY).await;
}

/// The webhook takes its time, more or less than WeChat waits, people write one after the other to both gateways, and one of
/// these dies again and again: nobody goes without an answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_dies_everybody_is_answered() {
    const EACH: Duration = Duration::from_millis(250);
    let mut fleet = pair().await;
    let (mut random, _) = seeded();
    let book = Book::open(|entry| {
        let number: u64 = entry.msg_id.parse().unwrap();
        let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        reply(Duration::from_millis(mixed % 7000))
    })
    .await;
    fleet
        .begin(500, &[json!({"url": book.url(PATH), "reply": true})])
        .await;
    // A gateway may be away for long on a busy machine, and WeChat's three deliveries be over before it is back.
    let patient =
        json!({"rules": {"retry_after_ms": 500, "deliveries": 10, "fail_limit": 0}, "verify": false});
    let server = format!("/apps/{OFFICIAL}/server");
    fleet.stage.admin(Method::PATCH, &server, patient).await;
    let mut kill = Instant::now() + Duration::from_millis(random.random_range(500..2500));
    let mut kills = 0_usize;
    for user in 0..MANY {
        let mut push = question(&fleet, user);
        push["urls"].as_array_mut().unwrap().rotate_left(user % 2);
        fleet.stage.admin(Method::POST, "/push", push).await;
        tokio::time::sleep(EACH).await;
        if Instant::now() >= kill {
            let victim = random.random_range(0..fleet.len());
            fleet.kill(victim);
            fleet.start(victim).await;
            kills += 1;
            kill = Instant::now() + Duration::from_millis(random.random_range(500..2500));
        }
    }
    let answers = quiet(&fleet, MANY).await;
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for kinds in answers.values() {
        *counts.entry(kinds.len()).or_default() += 1;
    }
    eprintln!(
        "{kills} kills, asked {} times; so many answers had so many: {counts:?}",
        asked(&book)
    );
    assert!(!counts.contains_key(&0), "{answers:#?}\n{}", fleet.log());
    // Who dies after a message was sent and before that is noted has it sent once more: nothing of WeChat's tells the two
    // apart. It happens hardly ever.
    let twice = counts.get(&2).copied().unwrap_or_default();
    assert!(
        counts.len() - usize::from(twice > 0) == 1 && twice <= kills,
        "{answers:#?}\n{}",
        fleet.log()
    );
}

/// Nobody dies, and the repetition goes to the other gateway while the first is still waiting for the webhook.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repetition_waits_for_the_same_answer() {
    let mut fleet = pair().await;
    let book = Book::open(|entry| match entry.before {
        0 => reply(Duration::from_millis(1500)),
        _ => Answer::Status(500),
    })
    .await;
    fleet
        .begin(2000, &[json!({"url": book.url(PATH), "reply": true})])
        .await;
    let pushes = (0..USERS).map(|user| {
        let mut push = question(&fleet, user);
        push["wait"] = true.into();
        push["copies"] = 2.into();
        push["concurrent"] = true.into();
        fleet.stage.admin(Method::POST, "/push", push)
    });
    for push in join_all(pushes).await {
        let copies = push["copies"].as_array().unwrap();
        assert_eq!(copies.len(), 1, "{push}");
        for one in [&push, &copies[0]] {
            assert_eq!(one["outcome"], "replied", "{push:#}");
            assert_eq!(one["reply"]["content"], "tea", "{push:#}");
        }
    }
    assert_eq!(asked(&book), USERS);
    assert_eq!(fleet.stored.count("events").await, USERS as u64);
}

async fn pair() -> Fleet {
    Fleet::on_mongodb(Mongod::standalone().await, 2)
}

/// The first gateway is pushed to, and killed; what WeChat repeats goes to the other one, or to the same one again.
async fn one_answer_each(mut fleet: Fleet, case: Case) {
    let (mut random, _) = seeded();
    let book = Book::open(case.answer).await;
    fleet
        .begin(2000, &[json!({"url": book.url(PATH), "reply": true})])
        .await;
    let kill = Duration::from_millis(random.random_range(case.kill.0..case.kill.1));
    let pushes = (0..USERS).map(|user| {
        let push = question(&fleet, user);
        fleet.stage.admin(Method::POST, "/push", push)
    });
    join_all(pushes).await;
    let began = Instant::now();
    while book.messages(PATH) < USERS {
        assert!(began.elapsed() < Duration::from_secs(4), "it is not asked");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(kill.saturating_sub(began.elapsed())).await;
    fleet.kill(0);
    let asked = asked(&book);
    fleet.start(0).await;
    let answers = quiet(&fleet, USERS).await;
    eprintln!(
        "killed after {kill:?}, asked {asked} times then, {} in all",
        self::asked(&book)
    );
    for (user, kinds) in &answers {
        assert_eq!(kinds.len(), 1, "{user}: {answers:#?}\n{}", fleet.log());
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for kind in answers.values().flatten() {
        *counts.entry(kind).or_default() += 1;
    }
    eprintln!("heard as {counts:?}");
    assert!(counts.contains_key(case.heard), "{counts:?}");
    assert!(
        book.page(PATH).values().all(|(ids, _)| ids.len() == 1),
        "{:#?}",
        book.page(PATH)
    );
    assert_eq!(fleet.stored.count("events").await, USERS as u64);
}

/// What a user writes, which goes to the first gateway at first.
fn question(fleet: &Fleet, user: usize) -> Value {
    json!({
        "app_id": OFFICIAL, "user": format!("user-{user}"), "urls": fleet.push_urls(), "wait": false,
        "message": {"type": "text", "content": "What is there to drink?"},
    })
}

/// How often the webhook was asked.
fn asked(book: &Book) -> usize {
    book.page(PATH).values().map(|(_, times)| times).sum()
}

/// Waits until neither WeChat nor the gateways have anything left to do, and says what everybody has heard.
async fn quiet(fleet: &Fleet, users: usize) -> BTreeMap<String, Vec<String>> {
    let began = Instant::now();
    loop {
        let events = fleet.stored.records("events").await;
        let left = events.iter().filter(|event| !event["todo_at"].is_null()).count();
        let pushes = format!("/pushes?app_id={OFFICIAL}&limit={users}");
        let pushes = fleet.stage.admin(Method::GET, &pushes, json!({})).await;
        let pushes = pushes["pushes"].as_array().unwrap();
        assert_eq!(pushes.len(), users);
        let pending = pushes.iter().filter(|push| push["outcome"] == "pending").count();
        if left == 0 && pending == 0 {
            break;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "{left} events and {pending} pushes are left: {events:#?}\n{}",
            fleet.log()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut heard = BTreeMap::new();
    for user in (0..users).map(|user| format!("user-{user}")) {
        let path = format!("/transcript?app_id={OFFICIAL}&user={user}");
        let transcript = fleet.stage.admin(Method::GET, &path, json!({})).await;
        heard.insert(user, kinds(&transcript));
    }
    heard
}

/// As what the answers came that are in a transcript.
fn kinds(transcript: &Value) -> Vec<String> {
    let entries = transcript["entries"].as_array().unwrap().iter();
    entries
        .map(|entry| entry["kind"].as_str().unwrap().to_owned())
        .filter(|kind| kind == "reply" || kind == "customer_service")
        .collect()
}
