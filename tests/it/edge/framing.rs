//! Requests that two servers could read in two ways, byte by byte.

use super::support::{TestServer, header, limits, status};

const SMUGGLED: &str = "GET /items/smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

/// Each is sent with a second request behind it, which must never be answered.
/// `|` stands for the end of a line.
const AMBIGUOUS: &[&str] = &[
    // Two lengths.
    "POST /body HTTP/1.1|Host: a|Content-Length: 5|Transfer-Encoding: chunked||0||",
    "POST /body HTTP/1.1|Host: a|Transfer-Encoding: chunked|Content-Length: 5||0||",
    "POST /body HTTP/1.1|Host: a|Content-Length: 5|Content-Length: 5||hello",
    "POST /body HTTP/1.1|Host: a|Content-Length: 5|Content-Length: 6||hello",
    "POST /body HTTP/1.1|Host: a|Content-Length: 0|Content-Length: 5||hello",
    "POST /body HTTP/1.1|Host: a|Content-Length: 5, 5||hello",
    "POST /body HTTP/1.1|Host: a|Content-Length: 5,6||hello",
    // Lengths that are none.
    "POST /body HTTP/1.1|Host: a|Content-Length: +5||hello",
    "POST /body HTTP/1.1|Host: a|Content-Length: -5||hello",
    "POST /body HTTP/1.1|Host: a|Content-Length: 0x5||hello",
    "POST /body HTTP/1.1|Host: a|Content-Length: 5a||hello",
    "POST /body HTTP/1.1|Host: a|Content-Length: 5 5||hello",
    "POST /body HTTP/1.1|Host: a|Content-Length: 5.0||hello",
    "POST /body HTTP/1.1|Host: a|Content-Length: 1e1||hello",
    "POST /body HTTP/1.1|Host: a|Content-Length:||hello",
    "POST /body HTTP/1.1|Host: a|Content-Length: \"5\"||hello",
    "POST /body HTTP/1.1|Host: a|Content-Length: 18446744073709551616||hello",
    "POST /body HTTP/1.1|Host: a|Content-Length: 99999999999999999999999||hello",
    // Encodings we do not know, or hidden ones.
    "POST /body HTTP/1.1|Host: a|Transfer-Encoding: xchunked||0||",
    "POST /body HTTP/1.1|Host: a|Transfer-Encoding: chunked, identity||0||",
    "POST /body HTTP/1.1|Host: a|Transfer-Encoding: identity, chunked||0||",
    "POST /body HTTP/1.1|Host: a|Transfer-Encoding: gzip, chunked||0||",
    "POST /body HTTP/1.1|Host: a|Transfer-Encoding: chunked, chunked||0||",
    "POST /body HTTP/1.1|Host: a|Transfer-Encoding: chunked|Transfer-Encoding: chunked||0||",
    "POST /body HTTP/1.1|Host: a|Transfer-Encoding: chunked|Transfer-Encoding: identity||0||",
    "POST /body HTTP/1.1|Host: a|Transfer-Encoding: \"chunked\"||0||",
    "POST /body HTTP/1.1|Host: a|Transfer-Encoding: identity||0||",
    "POST /body HTTP/1.1|Host: a|Transfer-Encoding: chunked;q=1||0||",
    "POST /body HTTP/1.1|Host: a|Transfer-Encoding: \u{b}chunked||0||",
    "POST /body HTTP/1.1|Host: a|Transfer-Encoding:||0||",
    "POST /body HTTP/1.0|Host: a|Transfer-Encoding: chunked||0||",
    // Names and lines.
    "POST /body HTTP/1.1|Host: a|Transfer-Encoding : chunked||0||",
    "POST /body HTTP/1.1|Host: a|Content-Length : 5||hello",
    "POST /body HTTP/1.1|Host: a| Content-Length: 5||hello",
    "POST /body HTTP/1.1|Host: a|X: y| Transfer-Encoding: chunked||0||",
    "POST /body HTTP/1.1|Host: a|X: y|\tTransfer-Encoding: chunked||0||",
    "GET / HTTP/1.1|Host: a|X: a\rb||",
    "GET / HTTP/1.1|Host: a|X: a\0b||",
    "GET / HTTP/1.1|Host: a|: x||",
    "GET / HTTP/1.1|Host: a|no colon||",
    "GET / HTTP/1.1|Host: a|X(y): z||",
    "GET / HTTP/1.1|Host: a|Content\u{0}Length: 5||",
    // Hosts.
    "GET / HTTP/1.1||",
    "GET / HTTP/1.1|Host:||",
    "GET / HTTP/1.1|Host: a|Host: a||",
    "GET / HTTP/1.1|Host: a|Host: b||",
    "GET / HTTP/1.1|Host: a b||",
    "GET / HTTP/1.1|Host: a, b||",
    "GET / HTTP/1.1|Host: u@a||",
    "GET / HTTP/1.1|Host: a/b||",
    "GET / HTTP/1.1|Host : a||",
    "GET http://b/ HTTP/1.1|Host: a||",
    "GET http://a:81/ HTTP/1.1|Host: a||",
    "GET http://u@a/ HTTP/1.1|Host: a||",
    "GET ftp://a/ HTTP/1.1|Host: a||",
    "GET https://b/ HTTP/1.0|Host: a||",
    "GET http://a/ HTTP/1.0||",
    // Request lines.
    "CONNECT a:80 HTTP/1.1|Host: a:80||",
    "GET / HTTP/1.2|Host: a||",
    "GET / HTTP/2.0|Host: a||",
    "GET / HTTP/1.1 x|Host: a||",
    "GET / x HTTP/1.1|Host: a||",
    "GET  HTTP/1.1|Host: a||",
    "GET /|Host: a||",
    "G(T / HTTP/1.1|Host: a||",
    "GET / http/1.1|Host: a||",
    "PRI * HTTP/2.0||SM||",
    // Chunks.
    "POST /body HTTP/1.1|Host: a|Transfer-Encoding: chunked||5|hello!|0||",
    "POST /body HTTP/1.1|Host: a|Transfer-Encoding: chunked||-5|hello|0||",
    "POST /body HTTP/1.1|Host: a|Transfer-Encoding: chunked||0x5|hello|0||",
    "POST /body HTTP/1.1|Host: a|Transfer-Encoding: chunked||g|hello|0||",
    "POST /body HTTP/1.1|Host: a|Transfer-Encoding: chunked||5 5|hello|0||",
    "POST /body HTTP/1.1|Host: a|Transfer-Encoding: chunked||fffffffffffffffff|hello|0||",
    "POST /body HTTP/1.1|Host: a|Transfer-Encoding: chunked||+5|hello|0||",
    "POST /body HTTP/1.1|Host: a|Transfer-Encoding: chunked|||hello|0||",
];

/// Odd, but there is one reading only: both requests are answered.
const CLEAR: &[&str] = &[
    "GET / HTTP/1.1|Host: a||",
    "GET / HTTP/1.1|host:a||",
    "GET http://a/ HTTP/1.1|Host: A||",
    "GET http://a:80/ HTTP/1.1|Host: a:80||",
    "POST /body HTTP/1.1|Host: a|Content-Length: 5||hello",
    "POST /body HTTP/1.1|Host: a|Content-Length: 005||hello",
    "POST /body HTTP/1.1|Host: a|Transfer-Encoding: CHUNKED||5|hello|0||",
    "POST /body HTTP/1.1|Host: a|Transfer-Encoding: chunked||5;name=value|hello|0||",
    "POST /body HTTP/1.1|Host: a|Transfer-Encoding: chunked||00005|hello|0||",
    "POST /refuse HTTP/1.1|Host: a|Content-Length: 5||hello",
];

fn answers(server: &TestServer, request: &str) -> (String, usize) {
    let second = SMUGGLED.replace("Host: a", "Host: a\r\nConnection: close");
    let all = server.raw(format!("{}{second}", request.replace('|', "\r\n")).as_bytes());
    let count = all.matches("HTTP/1.1 ").count() + all.matches("HTTP/1.0 ").count();
    (all, count)
}

#[test]
fn what_is_ambiguous_is_refused_and_closed() {
    assert!(AMBIGUOUS.len() >= 60);
    let server = TestServer::start(limits());
    for request in AMBIGUOUS {
        let (answer, count) = answers(&server, request);
        assert_eq!(count, 1, "{request}\n{answer}");
        assert!(!answer.contains("item smuggled"), "{request}\n{answer}");
        assert!(
            ["400", "408", "431"].contains(&status(&answer)),
            "{request}\n{answer}"
        );
        // HTTP/1.0 closes unless it says otherwise.
        if answer.starts_with("HTTP/1.0") {
            assert_eq!(header(&answer, "connection"), None, "{request}\n{answer}");
        } else {
            assert_eq!(
                header(&answer, "connection"),
                Some("close"),
                "{request}\n{answer}"
            );
        }
    }
}

#[test]
fn what_is_clear_is_answered() {
    let server = TestServer::start(limits());
    for request in CLEAR {
        let (answer, count) = answers(&server, request);
        assert!(
            count == 2 && answer.ends_with("item smuggled"),
            "{request}\n{answer}"
        );
        assert!(["200", "401"].contains(&status(&answer)), "{request}\n{answer}");
    }
}

#[test]
fn heads_that_are_too_large_are_refused() {
    let server = TestServer::start(limits());
    let large = [
        format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(200_000)),
        format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(200_000)),
        format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(200)),
    ];
    for request in large {
        let answer = server.raw(request.as_bytes());
        assert!(
            ["400", "414", "431", "none"].contains(&status(&answer)),
            "{answer}"
        );
    }
}
