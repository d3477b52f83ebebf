//! Clients that take too long, and one that does not.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::support::{TestServer, header, read_answer, short_limits, status};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
/// Of each kind: five hundred together.
const MANY: usize = 98;
/// Each has the server hold a large answer for it.
const NEVER_READING: usize = 10;
/// One second, what a client has at least, the slack, a sweep, and a loaded machine.
const SOON: Duration = Duration::from_secs(15);

/// Reads until the connection is closed, one way or another, and says what came and how long it took.
fn until_closed(mut stream: TcpStream, since: Instant) -> (String, Duration) {
    let mut all = Vec::new();
    if let Err(error) = stream.read_to_end(&mut all) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    (String::from_utf8_lossy(&all).into_owned(), since.elapsed())
}

#[test]
fn slow_clients_are_closed_and_others_are_not() {
    let server = TestServer::start(short_limits());
    let start_some = |many: usize, bytes: &[u8], after_an_answer: bool| {
        let streams: Vec<_> = (0..many)
            .map(|_| {
                let mut stream = server.connect();
                if after_an_answer {
                    stream.write_all(GET).unwrap();
                    assert_eq!(status(&read_answer(&mut stream)), "200");
                }
                stream.write_all(bytes).unwrap();
                stream
            })
            .collect();
        (streams, Instant::now())
    };
    let start = |bytes: &[u8], after_an_answer: bool| start_some(MANY, bytes, after_an_answer);
    let kinds = [
        ("no head", start(b"", false)),
        ("half a head", start(b"GET / HTTP/1.1\r\nHost", false)),
        ("half a second head", start(b"GET / HTTP/1.1\r\nHost", true)),
        (
            "half a body",
            start(
                b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello",
                false,
            ),
        ),
        (
            "no body",
            start(
                b"POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
                true,
            ),
        ),
    ];
    let (never_reading, since) = start_some(NEVER_READING, b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n", false);

    let mut good = server.connect();
    for _ in 0..10 {
        good.write_all(GET).unwrap();
        assert_eq!(status(&read_answer(&mut good)), "200");
        // A pause within the limits is what is tested.
        std::thread::sleep(Duration::from_millis(300));
    }

    for (kind, (streams, since)) in kinds {
        for stream in streams {
            let (answer, took) = until_closed(stream, since);
            assert!(took < SOON, "{kind}: {took:?}");
            if kind.ends_with("body") {
                assert!(answer.contains(" 408 "), "{kind}: {answer}");
                assert_eq!(header(&answer, "connection"), Some("close"), "{kind}: {answer}");
            }
        }
    }
    // They do not read, so only the server can tell that it is rid of them.
    while server.connections.open() > 1 && since.elapsed() < SOON {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(
        server.connections.open() <= 1,
        "{} are open",
        server.connections.open()
    );
    drop(never_reading);
}

#[test]
fn a_body_that_trickles_is_answered_with_408() {
    let server = TestServer::start(short_limits());
    let mut stream = server.connect();
    stream
        .write_all(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
        .unwrap();
    let since = Instant::now();
    while since.elapsed() < Duration::from_millis(4500) && stream.write_all(b"x").is_ok() {
        std::thread::sleep(Duration::from_millis(50));
    }
    let answer = read_answer(&mut stream);
    assert_eq!(status(&answer), "408", "{answer}");
}
