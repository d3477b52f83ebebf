//! Early answers must be readable, and a connection whose body was read or dropped is used again.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::support::{TestServer, header, limits, read_answer, status};

const MIB: usize = 1024 * 1024;

fn post(stream: &mut TcpStream, path: &str, declared: usize, sent: usize) {
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {declared}\r\n\r\n"
    )
    .unwrap();
    let piece = vec![b'x'; 64 * 1024];
    let mut left = sent;
    while left > 0 {
        let part = left.min(piece.len());
        stream.write_all(&piece[..part]).unwrap();
        left -= part;
    }
}

fn post_chunked(stream: &mut TcpStream, path: &str, chunks: usize) {
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    .unwrap();
    let piece = vec![b'x'; 64 * 1024];
    for _ in 0..chunks {
        write!(stream, "{:x}\r\n", piece.len()).unwrap();
        stream.write_all(&piece).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
}

#[test]
fn an_early_answer_is_readable_and_the_connection_is_used_again() {
    let server = TestServer::start(limits());
    let mut stream = server.connect();
    for size in [100, 70_000, MIB, 8 * MIB] {
        post(&mut stream, "/refuse", size, size);
        let answer = read_answer(&mut stream);
        assert_eq!(
            (status(&answer), header(&answer, "connection")),
            ("401", None),
            "{size}: {answer}"
        );
    }
    for size in [70_000, MIB, 8 * MIB] {
        post(&mut stream, "/body", size, size);
        let answer = read_answer(&mut stream);
        assert_eq!(
            (status(&answer), header(&answer, "connection")),
            ("413", None),
            "{size}: {answer}"
        );
    }
    for chunks in [2, 16, 120] {
        post_chunked(&mut stream, "/body", chunks);
        let answer = read_answer(&mut stream);
        assert_eq!(
            (status(&answer), header(&answer, "connection")),
            ("413", None),
            "{chunks} chunks: {answer}"
        );
    }
    post(&mut stream, "/none", MIB, MIB);
    assert_eq!(status(&read_answer(&mut stream)), "404");
    post(&mut stream, "/body", 65_536, 65_536);
    assert!(read_answer(&mut stream).ends_with("\r\n\r\n65536"));
    assert_eq!(server.connections.open(), 1);
}

#[test]
fn more_than_is_worth_dropping_is_answered_and_closed() {
    let server = TestServer::start(limits());
    for path in ["/body", "/refuse"] {
        let mut stream = server.connect();
        // Declared, not sent: the answer does not wait for it.
        post(&mut stream, path, 1024 * MIB, 1000);
        let answer = read_answer(&mut stream);
        assert!(["413", "401"].contains(&status(&answer)), "{answer}");
        assert_eq!(header(&answer, "connection"), Some("close"), "{answer}");
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);

        // All of it is sent before the answer is read.
        let mut stream = server.connect();
        post(&mut stream, path, 12 * MIB, 12 * MIB);
        let answer = read_answer(&mut stream);
        assert_eq!(header(&answer, "connection"), Some("close"), "{answer}");

        let mut stream = server.connect();
        post_chunked(&mut stream, path, 12 * 16);
        let answer = read_answer(&mut stream);
        assert_eq!(header(&answer, "connection"), Some("close"), "{answer}");
    }
}

#[test]
fn bodies_held_at_once_are_bounded() {
    let server = TestServer::start(limits());
    // All but the last byte is there, so each of them is held: 1,100 times 65,000 bytes are more than 64 MiB.
    let held: Vec<_> = (0..1_100)
        .map(|_| {
            let mut stream = server.connect();
            post(&mut stream, "/body", 65_001, 65_000);
            stream
        })
        .collect();
    let mut answers = Vec::new();
    for mut stream in held {
        // A connection that was refused may be gone already.
        let _ = stream.write_all(b"x");
        answers.push(status(&read_answer(&mut stream)).to_owned());
    }
    let busy = answers.iter().filter(|status| *status == "503").count();
    let read = answers.iter().filter(|status| *status == "200").count();
    assert!(
        busy > 0 && read > 400 && busy + read == answers.len(),
        "{busy} busy, {read} read"
    );

    let mut stream = server.connect();
    post(&mut stream, "/body", 60_000, 60_000);
    assert!(read_answer(&mut stream).ends_with("60000"));
}

#[test]
fn a_broken_body_is_a_bad_request() {
    let server = TestServer::start(limits());
    let head = "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = server.raw(format!("{head}5\r\nhello\r\nnonsense\r\n\r\n").as_bytes());
    assert_eq!(status(&answer), "400", "{answer}");
    assert_eq!(header(&answer, "connection"), Some("close"), "{answer}");
}
