//! The database goes away under two gateways: what is in memory is served on, writes are refused soon, and all is well
//! when it is back. (G5, small.)

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::fleet::Fleet;
use crate::support::mongo::Mongod;

/// What one kind of request was answered with, and after how long.
#[derive(Default)]
struct Answers(Vec<(u16, Duration)>);

impl Answers {
    async fn note(&mut self, request: RequestBuilder) -> (u16, Value) {
        let began = Instant::now();
        let answer = request.send().await.expect("it answers");
        let status = answer.status().as_u16();
        let body = answer.json().await.unwrap_or_default();
        self.0.push((status, began.elapsed()));
        (status, body)
    }

    /// How many there were, the 99th of a hundred, and the slowest.
    fn times(&self) -> (usize, Duration, Duration) {
        let mut times: Vec<Duration> = self.0.iter().map(|(_, took)| *took).collect();
        times.sort_unstable();
        let last = times.len() - 1;
        (times.len(), times[last * 99 / 100], times[last])
    }
}

/// Has the token and verifies one of ours, again and again, at both gateways.
async fn readers(fleet: &Fleet, ours: &str, done: &AtomicBool) -> Answers {
    let mut answers = Answers::default();
    while !done.load(Ordering::Relaxed) {
        for index in 0..fleet.len() {
            let path = "/v1/apps/shop/access_token";
            let (status, body) = answers.note(fleet.request(index, Method::GET, path)).await;
            assert_eq!(status, 200, "{body}");
            let verify = fleet.stage.client.post(fleet.url(index, "/v1/token/verify"));
            let (_, body) = answers.note(verify.json(&json!({"token": ours}))).await;
            assert_eq!(body["result"], true, "{body}");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    answers
}

/// Makes rooms, which are written to the store.
fn write(fleet: &Fleet, index: usize, ours: &str) -> RequestBuilder {
    let request = fleet.stage.client.post(fleet.url(index, "/v1/rooms"));
    request.bearer_auth(ours).json(&json!({"name": "茶室"}))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_is_away_tokens_are_served_and_writes_are_refused_soon() {
    let server = Mongod::start_private().await;
    let mut fleet = Fleet::new(&server.url(&Mongod::fresh_database()), 2, &[]);
    fleet.start().await;
    let (code, _) = fleet.stage.code("ann").await;
    let login = fleet.stage.client.post(fleet.url(0, "/v1/token"));
    let login = login.json(&json!({"type": 100, "account": code}));
    let login: Value = login.send().await.unwrap().json().await.unwrap();
    let ours = login["token"]
        .as_str()
        .unwrap_or_else(|| panic!("{login}"))
        .to_owned();
    let done = AtomicBool::new(false);
    let trouble = async {
        let mut writes = Answers::default();
        // First it answers nothing, then it is not there.
        server.stop();
        for kill in [true, false] {
            let end = Instant::now() + Duration::from_secs(6);
            while Instant::now() < end {
                let both = (0..2).map(async |index| {
                    let mut answers = Answers::default();
                    let (status, body) = answers.note(write(&fleet, index, &ours)).await;
                    assert_eq!(status, 503, "{body}");
                    answers
                });
                for answers in join_all(both).await {
                    writes.0.extend(answers.0);
                }
            }
            if kill {
                server.cont();
                server.kill();
            }
        }
        server.restart().await;
        let back = Instant::now();
        for index in 0..2 {
            while Answers::default().note(write(&fleet, index, &ours)).await.0 != 201 {
                assert!(back.elapsed() < Duration::from_secs(15), "{}", fleet.log());
            }
        }
        done.store(true, Ordering::Relaxed);
        (writes, back.elapsed())
    };
    let (reads, (writes, recovered)) = tokio::join!(readers(&fleet, &ours, &done), trouble);
    let (read, p99, slowest) = reads.times();
    eprintln!("{read} reads, p99 {p99:?}, slowest {slowest:?}");
    let (written, p99, slowest) = writes.times();
    eprintln!("{written} writes refused, p99 {p99:?}, slowest {slowest:?}; recovered after {recovered:?}");
    assert!(read > 200, "{read}");
    assert!(slowest < Duration::from_secs(7), "{slowest:?}");
}
