//! Answers of a server, and how a test asks for them. What they should be is for the tests to say.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

/// What a request was answered with.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) async fn to(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("the answer arrives whole");
        Self {
            status,
            headers,
            text,
        }
    }

    /// The answer to bytes that no client library would send, on a connection of their own.
    pub(crate) async fn to_bytes(addr: SocketAddr, request: Vec<u8>) -> Self {
        tokio::task::spawn_blocking(move || Self::exchange(addr, &request))
            .await
            .unwrap()
    }

    fn exchange(addr: SocketAddr, request: &[u8]) -> Self {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("the server answers");
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer: {}", String::from_utf8_lossy(&answer)));
        let head = std::str::from_utf8(&answer[..end]).unwrap();
        let mut headers = HeaderMap::new();
        for line in head.lines().skip(1) {
            let (name, value) = line.split_once(": ").unwrap();
            let name: reqwest::header::HeaderName = name.parse().unwrap();
            headers.append(name, value.parse().unwrap());
        }
        Self {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            headers,
            text: String::from_utf8(answer[end + 4..].to_vec()).unwrap(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("{error}: {} {:?}", self.status, self.text))
    }

    /// A text member of the body.
    pub(crate) fn member(&self, name: &str) -> String {
        let body = self.json();
        let text = body[name].as_str();
        text.unwrap_or_else(|| panic!("no {name}: {body}")).to_owned()
    }

    /// Status 200, or the test fails showing the answer.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{}", self.text);
        self
    }

    /// The whole envelope of an error.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, error_code: u32, request: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        let body = self.json();
        assert_eq!(body["error_code"], error_code, "{body}");
        assert_eq!(body["request"], request, "{body}");
        let has_text = match &body["msg"] {
            Value::String(text) => !text.is_empty(),
            Value::Array(texts) => !texts.is_empty() && texts.iter().all(Value::is_string),
            _ => false,
        };
        assert!(has_text, "{body}");
        let names: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
        let known = ["msg", "error_code", "request", "errcode"];
        assert!(names.iter().all(|name| known.contains(name)), "{body}");
        assert!(
            self.header("content-type")
                .unwrap()
                .starts_with("application/json")
        );
        body
    }

    /// What clients are told about waiting, in seconds.
    #[track_caller]
    pub(crate) fn retry_after(&self) -> u64 {
        let text = self.header("retry-after").expect("a Retry-After");
        text.parse().expect("whole seconds")
    }

    /// Founding document 003, to the letter: the code was refused.
    #[track_caller]
    pub(crate) fn is_refused_code(&self, errcode: i64, request: &str) {
        let body = json!({
            "msg": format!("openid acquisition failed ,errcode:{errcode}"),
            "error_code": 10004,
            "request": request,
        });
        assert_eq!(
            (self.status, self.text.as_str()),
            (401, body.to_string().as_str())
        );
    }
}

/// A client without opinions: no redirects, no proxy, no cookies.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests stand outside the gateway and its client rules"
)]
pub(crate) fn client() -> Client {
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(30))
        .build()
        .unwrap()
}
