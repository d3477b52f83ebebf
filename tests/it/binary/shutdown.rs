//! SIGTERM: what is in flight is answered, new work is refused, and stuck clients do not hold the process.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::support::process::{Gateway, MINI, Stage};

fn terminate(gateway: &Gateway) {
    assert!(
        Command::new("kill")
            .arg(gateway.0.id().to_string())
            .status()
            .unwrap()
            .success()
    );
}

fn wait(gateway: &mut Gateway, most: Duration) -> (std::process::ExitStatus, Duration) {
    let began = Instant::now();
    loop {
        if let Some(status) = gateway.0.try_wait().unwrap() {
            return (status, began.elapsed());
        }
        assert!(began.elapsed() < most, "it does not end within {most:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[tokio::test]
async fn logins_in_flight_are_answered() {
    let stage = Stage::new("sqlite:shutdown.db", "");
    let mut gateway = stage.start().await;
    let mut codes = Vec::new();
    for number in 0..20 {
        codes.push(stage.code(&format!("user-{number}")).await.0);
    }
    let fault =
        json!({"app_id": MINI, "path": "/sns/jscode2session", "effect": {"type": "latency", "ms": 500}});
    stage.admin(Method::POST, "/faults", fault).await;
    let logins = join_all(codes.iter().map(|code| {
        let body = json!({"type": 100, "account": code});
        stage.client.post(stage.url("/v1/token")).json(&body).send()
    }));
    let stop = async {
        // All have arrived at the platform by now, and none is answered yet.
        tokio::time::sleep(Duration::from_millis(250)).await;
        terminate(&gateway);
    };
    let (answers, ()) = tokio::join!(logins, stop);
    for answer in answers {
        assert_eq!(answer.unwrap().status(), 200);
    }
    let (status, _) = wait(&mut gateway, Duration::from_secs(10));
    assert!(status.success(), "{status}");
    assert!(stage.client.get(stage.url("/healthz")).send().await.is_err());
}

/// What a new connection is answered.
fn ready(addr: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[tokio::test]
async fn a_balancer_learns_of_the_end_before_the_port_is_closed() {
    let stage = Stage::new("sqlite:drain.db", "");
    let mut command = stage.command(&["serve"]);
    command.env("WXGATE__SERVER__DRAIN", "1s");
    let mut gateway = stage.start_as(command).await;
    assert!(ready(stage.addr).unwrap().starts_with("HTTP/1.1 200"));
    let began = Instant::now();
    terminate(&gateway);
    // The signal takes a moment to arrive; a refused connection is never right before the time is over.
    let answer = loop {
        let answer = ready(stage.addr).unwrap();
        if !answer.starts_with("HTTP/1.1 200") {
            break answer;
        }
        assert!(began.elapsed() < Duration::from_secs(1), "{answer}");
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains(r#""status":"stopping""#), "{answer}");
    let (status, _) = wait(&mut gateway, Duration::from_secs(10));
    assert!(status.success(), "{status}");
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert!(ready(stage.addr).is_err());
}

#[tokio::test]
async fn fifty_stuck_clients_hold_it_for_ten_seconds_at_most() {
    let stage = Stage::new("sqlite:stuck.db", "");
    let mut gateway = stage.start().await;
    let head = "POST /v1/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    let stuck: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut stream = TcpStream::connect(stage.addr).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    terminate(&gateway);
    let (status, took) = wait(&mut gateway, Duration::from_secs(10));
    assert!(status.success(), "{status} after {took:?}");
    drop(stuck);
}

#[tokio::test]
async fn a_second_process_on_the_same_file_or_port_says_why_it_ends() {
    let stage = Stage::new("sqlite:twice.db", "");
    let _gateway = stage.start().await;
    let output = refused(stage.command(&["serve"]));
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("twice.db"), "{text}");

    let other = Stage::new("sqlite:other.db", "");
    let taken = format!("WXGATE__SERVER__LISTEN={}", stage.addr);
    let (name, value) = taken.split_once('=').unwrap();
    let mut command = other.command(&["serve"]);
    command.env(name, value);
    let output = refused(command);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains(&stage.addr.to_string()), "{text}");
}

fn refused(mut command: Command) -> std::process::Output {
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .unwrap()
}
