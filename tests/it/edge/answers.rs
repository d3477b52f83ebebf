//! What every answer carries, and what becomes of errors and panics.

use std::io::Write;

use super::support::{TestServer, header, limits, read_answer, status};

const HOST: &str = "Host: a.example\r\n";

#[test]
fn every_answer_has_an_id_and_may_not_be_sniffed() {
    let server = TestServer::start(limits());
    let mut stream = server.connect();
    for path in ["/", "/none", "/items/7", "/panic", "/own"] {
        write!(stream, "GET {path} HTTP/1.1\r\n{HOST}\r\n").unwrap();
        let answer = read_answer(&mut stream);
        let random = header(&answer, "x-request-id").unwrap();
        assert!(
            random.len() == 16 && random.bytes().all(|b| b.is_ascii_hexdigit()),
            "{answer}"
        );
        assert_eq!(
            header(&answer, "x-content-type-options"),
            Some("nosniff"),
            "{answer}"
        );

        write!(
            stream,
            "GET {path} HTTP/1.1\r\n{HOST}X-Request-Id: my.id-7_\r\n\r\n"
        )
        .unwrap();
        assert_eq!(
            header(&read_answer(&mut stream), "x-request-id"),
            Some("my.id-7_")
        );

        write!(stream, "GET {path} HTTP/1.1\r\n{HOST}X-Request-Id: my id\r\n\r\n").unwrap();
        assert_eq!(
            header(&read_answer(&mut stream), "x-request-id").map(str::len),
            Some(16)
        );
    }
}

#[test]
fn a_panic_is_answered_and_the_connection_lives_on() {
    let server = TestServer::start(limits());
    let mut stream = server.connect();
    for _ in 0..3 {
        write!(
            stream,
            "GET /panic?secret=1 HTTP/1.1\r\n{HOST}X-Request-Id: abc\r\n\r\n"
        )
        .unwrap();
        let answer = read_answer(&mut stream);
        assert_eq!(status(&answer), "500", "{answer}");
        assert!(
            answer.ends_with(r#"{"msg":null,"error_code":1,"request":"GET /panic","id":"abc"}"#),
            "{answer}"
        );
    }
    write!(stream, "GET / HTTP/1.1\r\n{HOST}\r\n").unwrap();
    assert!(read_answer(&mut stream).ends_with("home"));
    assert!(server.edge.metrics.encode().contains("http_panics_total 3"));
}

#[test]
fn errors_of_the_framework_have_the_envelope_and_keep_their_headers() {
    let server = TestServer::start(limits());
    let mut stream = server.connect();
    write!(stream, "GET /none HTTP/1.1\r\n{HOST}\r\n").unwrap();
    let answer = read_answer(&mut stream);
    assert!(
        status(&answer) == "404" && answer.contains(r#""request":"GET /none""#),
        "{answer}"
    );

    write!(stream, "DELETE /body HTTP/1.1\r\n{HOST}\r\n").unwrap();
    let answer = read_answer(&mut stream);
    assert!(
        status(&answer) == "405" && header(&answer, "allow") == Some("POST"),
        "{answer}"
    );

    write!(stream, "POST /refuse HTTP/1.1\r\n{HOST}Content-Length: 0\r\n\r\n").unwrap();
    let answer = read_answer(&mut stream);
    assert!(
        status(&answer) == "401" && header(&answer, "www-authenticate") == Some("Bearer"),
        "{answer}"
    );
    assert!(answer.contains(r#""request":"POST /refuse""#), "{answer}");

    write!(stream, "GET /own HTTP/1.1\r\n{HOST}\r\n").unwrap();
    assert!(read_answer(&mut stream).ends_with("my own words"));
}

#[test]
fn requests_are_counted_by_pattern() {
    let server = TestServer::start(limits());
    let mut stream = server.connect();
    for path in ["/items/1", "/items/2", "/none/1", "/none/2", "/none/3"] {
        write!(stream, "GET {path} HTTP/1.1\r\n{HOST}\r\n").unwrap();
        read_answer(&mut stream);
    }
    let text = server.edge.metrics.encode();
    for line in [
        r#"http_requests_total{method="GET",route="/items/{id}",status="200"} 2"#,
        r#"http_requests_total{method="GET",route="other",status="404"} 3"#,
        "http_connections_open 1",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}
