//! Ten thousand requests over a thousand connections to a gateway that has no ticket yet.

use std::net::SocketAddr;

use futures_util::future::join_all;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::app::{DOMAIN, SHOP, TestApp};
use crate::support::platform::{STABLE_TOKEN, TICKET};

const CONNECTIONS: usize = 1_000;
const REQUESTS: usize = 10;
/// The first callers, who do not wait for their answers.
const IMPATIENT: usize = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stampede_whose_first_callers_hang_up_asks_once() {
    let slow = json!({"type": "latency", "ms": 500});
    let app = TestApp::builder()
        .fault(json!({"path": STABLE_TOKEN, "effect": slow}))
        .spawn()
        .await;
    for stream in join_all((0..IMPATIENT).map(|_| asked(app.addr()))).await {
        // Closing with the answer under way resets the connection.
        drop(stream);
    }
    let signed: usize = join_all((0..CONNECTIONS).map(|_| caller(app.addr())))
        .await
        .iter()
        .sum();
    assert_eq!(signed, CONNECTIONS * REQUESTS);
    assert_eq!(app.simulator().calls_of(SHOP, STABLE_TOKEN).await, 1);
    assert_eq!(app.simulator().calls(TICKET).await, 1);
}

async fn asked(addr: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(request().as_bytes()).await.unwrap();
    stream
}

fn request() -> String {
    format!("GET /jsapi?url=https%3A%2F%2F{DOMAIN}%2F HTTP/1.1\r\nHost: test\r\n\r\n")
}

/// Sends its requests one after the other on one connection. Returns how many were signed.
async fn caller(addr: SocketAddr) -> usize {
    let mut stream = asked(addr).await;
    let mut signed = 0;
    loop {
        let answer = answer(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        signed += usize::from(answer.contains("\"signature\":\""));
        if signed == REQUESTS {
            return signed;
        }
        stream.write_all(request().as_bytes()).await.unwrap();
    }
}

/// One whole answer: these are short JSON objects, which end where the first `}` is.
async fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"}") {
        let mut piece = [0; 2048];
        let count = stream.read(&mut piece).await.unwrap();
        assert!(count > 0, "hung up after {}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&piece[..count]);
    }
    String::from_utf8(bytes).unwrap()
}
