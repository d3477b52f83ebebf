//! An API that shows what reached it, byte for byte, and misbehaves as it is told: for calls that are handed on. It gives
//! out tokens as WeChat does: `token-1`, `token-2` and so on.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data, Payload};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use aws_lc_rs::digest::{Context, SHA256};
use futures_util::{StreamExt as _, stream};
use serde_json::json;

/// What reached it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Path and query as they were sent.
    pub(crate) target: String,
    /// Names in small letters, as `name: value`.
    pub(crate) headers: Vec<(String, String)>,
    /// The beginning of the body.
    pub(crate) body: Vec<u8>,
    /// The length of the whole body, and its SHA-256 in hex.
    pub(crate) length: u64,
    pub(crate) digest: String,
    /// Whether all of it came.
    pub(crate) whole: bool,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }
}

/// How it answers a call.
#[derive(Clone)]
pub(crate) enum Reaction {
    /// Status, content type, body.
    Text(u16, &'static str, String),
    /// So many bytes of no meaning, in pieces, with or without their number said before.
    File { bytes: u64, sized: bool },
    /// After a while.
    Late(Duration, Box<Reaction>),
    /// The connection ends without an answer.
    HangUp,
    /// A head, some bytes of more that are promised, and then nothing more.
    Stuck,
    /// The access_token is dead.
    DeadToken,
    /// An answer with these headers.
    Headers(Vec<(&'static str, &'static str)>),
}

/// It ends with the test's process.
#[derive(Clone)]
pub(crate) struct Upstream {
    pub(crate) addr: SocketAddr,
    state: Data<State>,
}

#[derive(Default)]
struct State {
    seen: Mutex<Vec<Seen>>,
    reactions: Mutex<VecDeque<Reaction>>,
    usual: Mutex<Option<Reaction>>,
    tokens: Mutex<u64>,
    left: Mutex<usize>,
}

/// Bytes of a body that are kept.
const KEPT: usize = 64 * 1024;

impl Upstream {
    pub(crate) fn start() -> Self {
        let state = Data::new(State::default());
        let (shared, (sender, addr)) = (state.clone(), std::sync::mpsc::channel());
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    App::new()
                        .app_data(shared.clone())
                        .default_service(web::to(serve))
                });
                let server = server.workers(1).h1_allow_half_closed(false).disable_signals();
                let server = server.bind("127.0.0.1:0").unwrap();
                sender.send(server.addrs()[0]).unwrap();
                server.run().await.unwrap();
            });
        });
        Self {
            addr: addr.recv().unwrap(),
            state,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The next calls are answered so, each by one.
    pub(crate) fn react(&self, reactions: impl IntoIterator<Item = Reaction>) {
        self.state.reactions.lock().unwrap().extend(reactions);
    }

    /// All calls are, from now on.
    pub(crate) fn always(&self, reaction: Option<Reaction>) {
        *self.state.usual.lock().unwrap() = reaction;
    }

    /// What reached it but for calls of tokens and tickets.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    /// The last of it.
    pub(crate) fn last(&self) -> Seen {
        self.seen().pop().expect("something reached it")
    }

    /// How many tokens it gave out.
    pub(crate) fn tokens(&self) -> u64 {
        *self.state.tokens.lock().unwrap()
    }

    /// How many callers left before their answer came.
    pub(crate) fn left(&self) -> usize {
        *self.state.left.lock().unwrap()
    }
}

/// Counts a caller who leaves.
struct Waiting(Data<State>, bool);

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.1 {
            *self.0.left.lock().unwrap() += 1;
        }
    }
}

async fn serve(state: Data<State>, request: HttpRequest, mut payload: Payload) -> HttpResponse {
    if request.path().ends_with("/cgi-bin/stable_token") {
        let mut tokens = state.tokens.lock().unwrap();
        *tokens += 1;
        return HttpResponse::Ok()
            .json(json!({"access_token": format!("token-{tokens}"), "expires_in": 7200}));
    }
    // The gateway asks for it by itself, at any time.
    if request.path().ends_with("/cgi-bin/ticket/getticket") {
        return HttpResponse::Ok().json(json!({"errcode": 0, "ticket": "ticket", "expires_in": 7200}));
    }
    let mut waiting = Waiting(state.clone(), false);
    let seen = read(&request, &mut payload).await;
    state.seen.lock().unwrap().push(seen.clone());
    let next = state.reactions.lock().unwrap().pop_front();
    let reaction = next.or_else(|| state.usual.lock().unwrap().clone());
    let answer = match reaction {
        Some(reaction) => Box::pin(carry_out(&state, &request, reaction)).await,
        None => echo(&seen),
    };
    waiting.1 = true;
    answer
}

async fn read(request: &HttpRequest, payload: &mut Payload) -> Seen {
    let (mut body, mut length, mut digest, mut whole) = (Vec::new(), 0, Context::new(&SHA256), true);
    while let Some(chunk) = payload.next().await {
        let Ok(chunk) = chunk else {
            whole = false;
            break;
        };
        digest.update(&chunk);
        length += chunk.len() as u64;
        let room = KEPT.saturating_sub(body.len()).min(chunk.len());
        body.extend_from_slice(&chunk[..room]);
    }
    let headers = request.headers().iter();
    Seen {
        method: request.method().to_string(),
        target: request.uri().to_string(),
        headers: headers
            .map(|(name, value)| {
                (
                    name.to_string(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect(),
        body,
        length,
        digest: hex::encode(digest.finish()),
        whole,
    }
}

fn echo(seen: &Seen) -> HttpResponse {
    HttpResponse::Ok().json(json!({"method": seen.method, "target": seen.target, "length": seen.length}))
}

async fn carry_out(state: &Data<State>, request: &HttpRequest, reaction: Reaction) -> HttpResponse {
    match reaction {
        Reaction::Text(status, kind, body) => HttpResponse::build(StatusCode::from_u16(status).unwrap())
            .content_type(kind)
            .body(body),
        Reaction::File { bytes, sized } => file(bytes, sized),
        Reaction::Late(pause, then) => {
            tokio::time::sleep(pause).await;
            Box::pin(carry_out(state, request, *then)).await
        }
        Reaction::HangUp => {
            let pieces = stream::once(async { Err::<Bytes, _>(std::io::Error::other("cut")) });
            HttpResponse::Ok().no_chunking(10).streaming(pieces)
        }
        Reaction::Stuck => {
            let first = stream::once(async { Ok::<_, std::io::Error>(Bytes::from_static(b"\x89begin")) });
            HttpResponse::Ok()
                .no_chunking(1000)
                .streaming(first.chain(stream::pending()))
        }
        Reaction::DeadToken => HttpResponse::Ok()
            .json(json!({"errcode": 40001, "errmsg": "invalid credential rid: 61725984-6126f6f9-040f19c4"})),
        Reaction::Headers(headers) => {
            let mut response = HttpResponse::Ok();
            for (name, value) in headers {
                response.append_header((name, value));
            }
            response.body("x")
        }
    }
}

fn file(bytes: u64, sized: bool) -> HttpResponse {
    const PIECE: u64 = 64 * 1024;
    let pieces = stream::unfold(bytes, |left| async move {
        let piece = left.min(PIECE);
        (piece > 0).then(|| {
            let bytes = Bytes::from(vec![0xA5; usize::try_from(piece).unwrap()]);
            (Ok::<_, std::io::Error>(bytes), left - piece)
        })
    });
    let mut response = HttpResponse::Ok();
    response.content_type("video/mp4");
    if sized {
        response.no_chunking(bytes);
    }
    response.streaming(pieces)
}
