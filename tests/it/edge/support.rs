//! A small app behind the edge, and a client that writes bytes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use tokio_util::sync::CancellationToken;
use wxgate::config::{Limits, MetricsAccess, RequestLog, Server};
use wxgate::http::edge::body::{self, BodyError};
use wxgate::http::edge::connections::{self, Connections};
use wxgate::http::edge::metrics::Metrics;
use wxgate::http::edge::{Asked, Edge, middleware};

/// Long enough for a loaded machine; nothing waits for it unless it fails.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct TestServer {
    pub(super) address: SocketAddr,
    pub(super) connections: Connections,
    pub(super) edge: web::Data<Edge>,
    handle: ServerHandle,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

pub(super) fn limits() -> Limits {
    Limits {
        connections: 2000,
        workers: 1,
        body: 65_536,
        head_timeout: Duration::from_secs(5),
        body_timeout: Duration::from_secs(5),
        request_timeout: Duration::from_secs(10),
        keep_alive: Duration::from_secs(5),
    }
}

/// Everything may take one second.
pub(super) fn short_limits() -> Limits {
    // Long enough that a good client on a busy machine is not taken for a slow one.
    let short = Duration::from_secs(3);
    Limits {
        head_timeout: short,
        body_timeout: short,
        request_timeout: short,
        keep_alive: short,
        ..limits()
    }
}

impl TestServer {
    pub(super) fn start(limits: Limits) -> Self {
        let config = Server {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            public_url: None,
            trusted_proxies: Vec::new(),
            drain: Duration::ZERO,
            shutdown_grace: Duration::ZERO,
            static_dir: "static".into(),
            metrics: MetricsAccess::Off,
            frame_ancestors: "'none'".to_owned(),
            limits,
        };
        let connections = Connections::new(&config.limits);
        let metrics = Metrics::new(|registry| connections.register(registry));
        let edge = web::Data::new(Edge::new(&config, RequestLog::All, metrics, render));
        let stop = CancellationToken::new();
        let (started, start) = mpsc::channel();
        let (guard, data, token) = (connections.clone(), edge.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let limits = config.limits;
                let app = move || {
                    App::new()
                        .app_data(data.clone())
                        .configure(routes)
                        .wrap(from_fn(middleware::edge))
                };
                let server = HttpServer::new(app)
                    .workers(1)
                    .disable_signals()
                    .keep_alive(limits.keep_alive)
                    .client_request_timeout(limits.head_timeout)
                    .client_disconnect_timeout(Duration::from_secs(2))
                    .max_connections(connections::per_worker(&limits, 1))
                    .shutdown_timeout(0)
                    .on_connect(guard.on_connect())
                    .bind(config.listen)
                    .unwrap();
                let address = server.addrs()[0];
                let server = server.run();
                started.send((address, server.handle())).unwrap();
                let (outcome, ()) = futures_util::join!(server, guard.watch(token));
                outcome.unwrap();
            });
        });
        let (address, handle) = start.recv().unwrap();
        Self {
            address,
            connections,
            edge,
            handle,
            stop,
            thread: Some(thread),
        }
    }

    pub(super) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends the bytes and reads until the server closes.
    pub(super) fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        // The server may answer and close before it has read all.
        let _ = stream.write_all(bytes);
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all);
        String::from_utf8_lossy(&all).into_owned()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.cancel();
        // The call itself sends the command; its future only waits for the end, as joining the thread does.
        drop(self.handle.stop(false));
        self.thread.take().unwrap().join().unwrap();
    }
}

/// Reads one answer with a Content-Length and leaves the connection open.
pub(super) fn read_answer(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let mut byte = [0];
    while !all.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).unwrap() == 0 {
            return String::from_utf8(all).unwrap();
        }
        all.push(byte[0]);
    }
    let head = String::from_utf8(all).unwrap();
    let length = header(&head, "content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    head + str::from_utf8(&body).unwrap()
}

pub(super) fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    answer
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

pub(super) fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

fn render(
    asked: &Asked<'_>,
    status: actix_web::http::StatusCode,
    error: Option<&actix_web::Error>,
) -> HttpResponse {
    let why = error.map(ToString::to_string);
    HttpResponse::build(status).json(serde_json::json!({
        "msg": why, "error_code": 1, "request": format!("{} {}", asked.method, asked.path), "id": asked.id.as_str(),
    }))
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/").get(async || "home"))
        .service(web::resource("/body").post(length))
        .service(web::resource("/refuse").post(async || {
            HttpResponse::Unauthorized()
                .insert_header(("www-authenticate", "Bearer"))
                .finish()
        }))
        .service(web::resource("/own").get(async || HttpResponse::NotFound().body("my own words")))
        .service(web::resource("/large").get(async || web::Bytes::from(vec![b'x'; 32 * 1024 * 1024])))
        .service(web::resource("/panic").to(panics))
        .service(web::resource("/items/{id}").get(async |id: web::Path<String>| format!("item {id}")));
}

async fn panics() -> HttpResponse {
    panic!("a test asked for it")
}

async fn length(request: HttpRequest, payload: web::Payload) -> Result<String, actix_web::Error> {
    let mut inner = payload.into_inner();
    match body::read(&request, &mut inner, 65_536).await {
        Ok(bytes) => Ok(bytes.len().to_string()),
        Err(error @ BodyError::TooLarge { .. }) => Err(actix_web::error::ErrorPayloadTooLarge(error)),
        Err(error @ BodyError::TimedOut) => Err(actix_web::error::ErrorRequestTimeout(error)),
        Err(error @ BodyError::Broken(_)) => Err(actix_web::error::ErrorBadRequest(error)),
        Err(error @ BodyError::Busy) => Err(actix_web::error::ErrorServiceUnavailable(error)),
    }
}
