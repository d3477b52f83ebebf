//! One struct for each small section of the configuration, each with its own rules. The others have files of their own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use url::Url;

use super::problem::Problem;
use super::reader::Reader;

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_mins(1);
pub(super) const DAY: Duration = Duration::from_hours(24);
const ADDRESS: &str = "it must be an address and a port, such as 127.0.0.1:3000";

/// `[server]`: the HTTP server.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where it listens.
    pub listen: SocketAddr,
    /// How others reach it.
    pub public_url: Option<Url>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How long it goes on serving after the signal to end, while `/readyz` says so.
    pub drain: Duration,
    /// How long requests may take to end at shutdown.
    pub shutdown_grace: Duration,
    /// Files served before the built-in ones.
    pub static_dir: PathBuf,
    /// Who may read `/metrics`.
    pub metrics: MetricsAccess,
    /// The CSP directive of that name.
    pub frame_ancestors: String,
    /// `[server.limits]`
    pub limits: Limits,
}

/// Who may read `/metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Loopback and private addresses.
    Private,
    /// Everybody.
    Open,
    /// Nobody.
    Off,
}

/// `[server.limits]`: bounds on what clients may send and how long they may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at once, in the whole process.
    pub connections: usize,
    /// Worker threads; 0 is one per core.
    pub workers: usize,
    /// Bytes of a body.
    pub body: usize,
    /// Until a request's head is there.
    pub head_timeout: Duration,
    /// Until its body is there.
    pub body_timeout: Duration,
    /// Until its answer is taken.
    pub request_timeout: Duration,
    /// Between two requests of a connection.
    pub keep_alive: Duration,
}

impl Server {
    pub(super) fn read(reader: &mut Reader<'_>, _warnings: &mut Vec<Problem>) -> Self {
        let proxies = reader.list("server.trusted_proxies");
        let trusted_proxies = proxies.iter().filter_map(|text| network(reader, text)).collect();
        let public_url: Option<Url> =
            reader.optional_parse("server.public_url", "it must be an http or https URL");
        if public_url
            .as_ref()
            .is_some_and(|url| !url.username().is_empty() || url.password().is_some())
        {
            reader.problem("server.public_url", "must not have a user name or a password");
        }
        Self {
            listen: reader.parse("server.listen", ADDRESS).unwrap_or_else(any_address),
            public_url: public_url.filter(|url| is_web("server.public_url", url, reader)),
            trusted_proxies,
            drain: reader.duration("server.drain", Duration::ZERO, MINUTE),
            shutdown_grace: reader.duration("server.shutdown_grace", Duration::ZERO, 10 * MINUTE),
            static_dir: reader.path("server.static_dir"),
            metrics: {
                let choices = [
                    ("private", MetricsAccess::Private),
                    ("open", MetricsAccess::Open),
                    ("off", MetricsAccess::Off),
                ];
                reader
                    .choice("server.metrics", &choices)
                    .unwrap_or(MetricsAccess::Off)
            },
            frame_ancestors: frame_ancestors(reader),
            limits: Limits {
                connections: size(reader, "server.limits.connections", 16, 1_000_000),
                workers: size(reader, "server.limits.workers", 0, 1024),
                body: size(reader, "server.limits.body", 1024, 8 * 1024 * 1024),
                head_timeout: reader.duration("server.limits.head_timeout", SECOND, MINUTE),
                body_timeout: reader.duration("server.limits.body_timeout", SECOND, 10 * MINUTE),
                request_timeout: reader.duration("server.limits.request_timeout", SECOND, 10 * MINUTE),
                keep_alive: reader.duration("server.limits.keep_alive", SECOND, 10 * MINUTE),
            },
        }
    }
}

/// `[cors]`: which sites' scripts may call the API.
#[derive(Debug, Clone, Default)]
pub struct Cors {
    /// Exact origins.
    pub origins: Vec<String>,
}

impl Cors {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let origins = reader.list("cors.origins");
        for origin in &origins {
            let exact = Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == *origin);
            if !exact {
                let text = format!(
                    "has {origin:?}; an origin is scheme, host and port only: \"https://h5.example.com\""
                );
                reader.problem("cors.origins", text);
            }
        }
        Self { origins }
    }
}

/// `[jsapi]`: signatures for pages.
#[derive(Debug, Clone, Default)]
pub struct Jsapi {
    /// Whether the answer has the ticket too.
    pub expose_ticket: bool,
}

impl Jsapi {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            expose_ticket: reader.boolean("jsapi.expose_ticket"),
        }
    }
}

/// `[log]`
#[derive(Debug, Clone)]
pub struct Log {
    /// For whom.
    pub format: LogFormat,
    /// How much: a level or directives.
    pub level: String,
    /// Which requests have a line.
    pub requests: RequestLog,
}

/// For whom log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// People.
    Compact,
    /// Machines.
    Json,
}

/// Which requests have a log line of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestLog {
    /// Those that failed on our side or took longer than a second.
    Failed,
    /// Every one.
    All,
    /// None.
    None,
}

impl Log {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let level = reader.text("log.level");
        if level.parse::<tracing_subscriber::filter::EnvFilter>().is_err() {
            reader.problem(
                "log.level",
                format!("is {level:?}; it must be error, warn, info, debug, trace or a list of directives"),
            );
        }
        Self {
            format: reader
                .choice(
                    "log.format",
                    &[("compact", LogFormat::Compact), ("json", LogFormat::Json)],
                )
                .unwrap_or(LogFormat::Compact),
            level,
            requests: {
                let choices = [
                    ("failed", RequestLog::Failed),
                    ("all", RequestLog::All),
                    ("none", RequestLog::None),
                ];
                reader
                    .choice("log.requests", &choices)
                    .unwrap_or(RequestLog::Failed)
            },
        }
    }
}

/// `[simulator]`: the simulated WeChat of `demo` and `simulate`.
#[derive(Debug, Clone)]
pub struct Simulator {
    /// Where it listens.
    pub listen: SocketAddr,
}

impl Simulator {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            listen: reader
                .parse("simulator.listen", ADDRESS)
                .unwrap_or_else(any_address),
        }
    }
}

fn any_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn network(reader: &mut Reader<'_>, text: &str) -> Option<IpNet> {
    let found = text
        .parse()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from))
        .ok();
    if found.is_none() {
        reader.problem(
            "server.trusted_proxies",
            format!("has {text:?}; it lists addresses and networks such as 10.0.0.0/8"),
        );
    }
    found
}

pub(super) fn size(reader: &mut Reader<'_>, path: &str, least: i64, most: i64) -> usize {
    usize::try_from(reader.integer(path, least, most)).unwrap_or(usize::MAX)
}

pub(super) fn named(reader: &mut Reader<'_>, path: &str) -> String {
    let text = reader.text(path);
    if text.is_empty() || text.len() > 256 || text.chars().any(char::is_control) {
        reader.problem(path, "must have 1 to 256 characters");
    }
    text
}

/// The value goes into a header beside other directives, so it must not end its own.
fn frame_ancestors(reader: &mut Reader<'_>) -> String {
    let text = reader.text("server.frame_ancestors");
    if text.is_empty()
        || text.contains([';', ','])
        || !text.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
    {
        reader.problem(
            "server.frame_ancestors",
            "must be a list of sources, such as \"'self' https://a.example.com\"",
        );
    }
    text
}

pub(super) fn is_web(path: &str, url: &Url, reader: &mut Reader<'_>) -> bool {
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    if !is_web {
        reader.problem(path, "must be an http or https URL");
    }
    is_web
}
