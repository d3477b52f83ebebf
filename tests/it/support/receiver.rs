//! A program of the operator's that receives what the gateway sends: it notes every request and answers as it is told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// How it answers.
#[derive(Clone)]
pub(crate) enum Answer {
    Status(u16),
    /// 307 to this address.
    Redirect(String),
    /// 200, but not before this is over.
    Late(Duration),
    /// Nothing: the connection ends.
    HangUp,
    /// These bytes, and then the connection ends.
    Bytes(Vec<u8>),
    /// 200 and a body that goes on for ever, fast or a byte each tenth of a second.
    Endless {
        fast: bool,
    },
    /// Nothing, and the connection stays.
    Never,
    /// 200 with this body.
    Body(String),
    /// The same, but not before this is over.
    LateBody(Duration, String),
}

/// What it was sent.
#[derive(Clone)]
pub(crate) struct Received {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> String {
        self.headers[name].to_str().unwrap().to_owned()
    }
}

/// It ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) addr: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    answers: VecDeque<Answer>,
    usual: Option<Answer>,
    connections: usize,
    /// How many requests are being answered, and how many were at most.
    busy: usize,
    busiest: usize,
}

impl Receiver {
    /// It answers 200, but for what it is told.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            addr: listener.local_addr().unwrap(),
            state: Arc::default(),
        };
        let own = receiver.clone();
        spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                own.state.lock().unwrap().connections += 1;
                spawn(own.clone().serve(stream));
            }
        });
        receiver
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/send?key=of-the-operator", self.addr)
    }

    /// The next answers, before it answers 200 again.
    pub(crate) fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state.lock().unwrap().answers.extend(answers);
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap().received.clone()
    }

    /// How it answers from now on, instead of 200.
    pub(crate) fn always(&self, usual: Answer) {
        self.state.lock().unwrap().usual = Some(usual);
    }

    pub(crate) fn count(&self) -> usize {
        self.state.lock().unwrap().received.len()
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    /// How many requests it had at the same time, at most.
    pub(crate) fn busiest(&self) -> usize {
        self.state.lock().unwrap().busiest
    }

    /// The only request since the last time.
    pub(crate) fn take_one(&self) -> Received {
        let mut received = std::mem::take(&mut self.state.lock().unwrap().received);
        assert_eq!(received.len(), 1);
        received.remove(0)
    }

    async fn serve(self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        while let Some(request) = read(&mut stream).await {
            let answer = {
                let mut state = self.state.lock().unwrap();
                state.received.push(request);
                state.busy += 1;
                state.busiest = state.busiest.max(state.busy);
                let usual = state.usual.clone().unwrap_or(Answer::Status(200));
                state.answers.pop_front().unwrap_or(usual)
            };
            let goes_on = give(&mut stream, answer).await;
            self.state.lock().unwrap().busy -= 1;
            if goes_on.is_none() {
                return;
            }
        }
    }
}

/// Nothing if the connection has to end.
pub(crate) async fn give(stream: &mut BufReader<TcpStream>, answer: Answer) -> Option<()> {
    let (status, more, body) = match answer {
        Answer::Status(status) => (status, String::new(), String::new()),
        Answer::Redirect(to) => (307, format!("location: {to}\r\n"), String::new()),
        Answer::Late(pause) => {
            tokio::time::sleep(pause).await;
            (200, String::new(), String::new())
        }
        Answer::HangUp => return None,
        Answer::Bytes(bytes) => {
            stream.write_all(&bytes).await.ok()?;
            return None;
        }
        Answer::Endless { fast } => {
            let head = b"HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n";
            stream.write_all(head).await.ok()?;
            loop {
                if fast {
                    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x1_0000));
                    stream.write_all(chunk.as_bytes()).await.ok()?;
                } else {
                    stream.write_all(b"1\r\nx\r\n").await.ok()?;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        Answer::Never => std::future::pending().await,
        Answer::Body(body) => (200, String::new(), body),
        Answer::LateBody(pause, body) => {
            tokio::time::sleep(pause).await;
            (200, String::new(), body)
        }
    };
    let length = body.len();
    let answer = format!("HTTP/1.1 {status} x\r\n{more}content-length: {length}\r\n\r\n{body}");
    stream.write_all(answer.as_bytes()).await.ok()
}

/// The next request of a connection; nothing if it ends before.
pub(crate) async fn read(stream: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    let mut headers = HeaderMap::new();
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).await.ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else {
            break;
        };
        let name: HeaderName = name.parse().unwrap();
        headers.append(name, HeaderValue::from_str(value.trim()).unwrap());
    }
    let length = headers.get("content-length")?.to_str().ok()?.parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Received {
        line: line.trim_end().to_owned(),
        headers,
        body,
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the receiver is another party, not a task of the gateway's"
)]
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(future);
}
