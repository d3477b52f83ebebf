//! Rows about what answers in WeChat's place, or does not.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::thread;

use serde_json::{Value, json};

use super::{Checked, url};
use crate::simulator::support::Sim;

/// A server that answers everything with these bytes.
fn server(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

/// A platform whose token calls meet this effect.
async fn faulty(effect: Value) -> (Sim, Checked) {
    let sim = Sim::start();
    sim.fault(json!({"path": "/cgi-bin/*", "effect": effect})).await;
    let checked = Checked::official(&url(sim.address));
    (sim, checked)
}

#[tokio::test]
async fn a_host_that_is_not_wechats_sees_no_secret() {
    let sim = Sim::start();
    let checked = Checked::official(&url(sim.address)).with("simulated = true", "simulated = false");
    checked.fails("platform.not_wechat").await;
    let calls = sim.admin(reqwest::Method::GET, "/calls", Value::Null).await;
    assert_eq!(calls["calls"].as_array().map(Vec::len), Some(0), "{calls}");
}

#[tokio::test]
async fn nobody_listens() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    Checked::official(&url(free)).fails("platform.unreachable").await;
}

#[tokio::test]
async fn a_connection_that_breaks_off() {
    let (_sim, checked) = faulty(json!({"type": "reset"})).await;
    checked.fails("platform.unreachable").await;
}

#[tokio::test]
async fn an_answer_that_does_not_come() {
    let (_sim, checked) = faulty(json!({"type": "hang", "seconds": 60})).await;
    checked
        .with("timeout = \"2s\"\nconnect", "timeout = \"300ms\"\nconnect")
        .fails("platform.timeout")
        .await;
}

#[tokio::test]
async fn no_tls_at_the_other_end() {
    let address = server("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    Checked::official(&format!("https://{address}"))
        .fails("platform.tls")
        .await;
}

#[tokio::test]
async fn something_else_answers() {
    for effect in [
        json!({"type": "http_status", "status": 502}),
        json!({"type": "raw_body", "body": "<html>Please log in</html>"}),
        json!({"type": "redirect", "location": "http://portal.example/"}),
        json!({"type": "garbage"}),
    ] {
        let (_sim, checked) = faulty(effect).await;
        checked.fails("platform.not_json").await;
    }
}

#[tokio::test]
async fn wechat_is_busy() {
    let (_sim, checked) = faulty(json!({"type": "errcode", "errcode": -1})).await;
    checked.fails("platform.busy").await;
}

#[tokio::test]
async fn the_clock_is_off() {
    let answer = "HTTP/1.1 200 OK\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\ncontent-type: application/json\r\n\
                  connection: close\r\ncontent-length: 42\r\n\r\n{\"access_token\":\"t0ken\",\"expires_in\":7200}";
    let address = server(answer);
    let said = Checked::official(&url(address)).fails("clock.off").await;
    assert!(said.text.contains("ahead of"), "{}", said.text);
    // The clock is told beside what else is found.
    assert_eq!(said.codes("ok"), ["config", "store", "token"]);
}
