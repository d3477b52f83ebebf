//! One struct for each section of the configuration but `[[apps]]`, each with its own rules.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::problem::Problem;
use super::reader::Reader;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);
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
        let public_url = reader.optional_parse("server.public_url", "it must be an http or https URL");
        Self {
            listen: reader.parse("server.listen", ADDRESS).unwrap_or_else(any_address),
            public_url: public_url.filter(|url| is_web("server.public_url", url, reader)),
            trusted_proxies,
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

/// `[store]`: where users and shared state live.
#[derive(Debug, Clone)]
pub struct Store {
    /// `sqlite:PATH` with the path made absolute or relative to the working directory, or a MongoDB URL.
    pub url: SecretString,
    /// The key that wraps secrets at rest.
    pub master_key: Option<SecretString>,
}

impl Store {
    pub(super) fn read(reader: &mut Reader<'_>, warnings: &mut Vec<Problem>) -> Self {
        // A url_file replaces the default url rather than standing beside it.
        let url = store_url(reader);
        let master_key = reader
            .secret("store.master_key")
            .filter(|key| !key.expose_secret().is_empty());
        if let Some(key) = &master_key
            && !BASE64_STANDARD
                .decode(key.expose_secret())
                .is_ok_and(|bytes| bytes.len() == 32)
        {
            reader.problem(
                "store.master_key",
                "must be 32 bytes in base64; openssl rand -base64 32 makes one",
            );
        }
        if master_key.is_none() {
            let text =
                "is not set: the key that wraps secrets is kept in the store itself, beside what it protects";
            warnings.push(Problem::new("store.master_key", text));
        }
        Self { url, master_key }
    }
}

fn store_url(reader: &mut Reader<'_>) -> SecretString {
    let from_file = reader.optional_text("store.url_file").is_some();
    let given = if from_file {
        reader.file_secret("store.url_file")
    } else {
        reader.optional_text("store.url").map(Into::into)
    };
    let Some(url) = given else {
        return SecretString::default();
    };
    match url.expose_secret().split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() => {
            format!("sqlite:{}", reader.resolve(path).display()).into()
        }
        Some(("mongodb" | "mongodb+srv", rest)) if rest.starts_with("//") => url,
        _ => {
            reader.problem("store.url", "must be sqlite:PATH or mongodb://HOST/DATABASE");
            url
        }
    }
}

/// `[platform]`: WeChat itself.
#[derive(Debug, Clone)]
pub struct Platform {
    /// Its API.
    pub api_url: Url,
    /// Its authorisation pages.
    pub open_url: Url,
    /// Its pages for QR pictures.
    pub mp_url: Url,
    /// Which call fetches an access_token.
    pub token_mode: TokenMode,
    /// Whether `api_url` is meant to be a simulator.
    pub simulated: bool,
    /// Until a connection is there.
    pub connect_timeout: Duration,
    /// Until a whole answer is there.
    pub timeout: Duration,
    /// `[platform.token_budget]`
    pub token_budget: TokenBudget,
}

/// Which call fetches an access_token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenMode {
    /// `POST /cgi-bin/stable_token`
    Stable,
    /// `GET /cgi-bin/token`
    Classic,
}

/// How many access_token calls one app may make.
#[derive(Debug, Clone, Copy)]
pub struct TokenBudget {
    /// At once.
    pub burst: u32,
    /// In a day.
    pub per_day: u32,
}

impl Platform {
    pub(super) fn read(reader: &mut Reader<'_>, warnings: &mut Vec<Problem>) -> Self {
        Self {
            api_url: platform_url(reader, warnings, "platform.api_url"),
            open_url: platform_url(reader, warnings, "platform.open_url"),
            mp_url: platform_url(reader, warnings, "platform.mp_url"),
            token_mode: reader
                .choice(
                    "platform.token_mode",
                    &[("stable", TokenMode::Stable), ("classic", TokenMode::Classic)],
                )
                .unwrap_or(TokenMode::Stable),
            simulated: reader.boolean("platform.simulated"),
            connect_timeout: reader.duration("platform.connect_timeout", Duration::from_millis(50), MINUTE),
            timeout: reader.duration("platform.timeout", Duration::from_millis(100), MINUTE),
            token_budget: TokenBudget {
                burst: count(reader, "platform.token_budget.burst", 1, 2000),
                per_day: count(reader, "platform.token_budget.per_day", 1, 500_000),
            },
        }
    }

    /// Whether the API is WeChat's own.
    #[must_use]
    pub fn is_wechat(&self) -> bool {
        self.api_url.scheme() == "https"
            && self
                .api_url
                .host_str()
                .is_some_and(|host| host.ends_with(".weixin.qq.com"))
    }
}

/// `[auth]`: our own tokens.
#[derive(Debug, Clone)]
pub struct Auth {
    /// The claim iss.
    pub issuer: String,
    /// The claim aud.
    pub audience: String,
    /// How tokens are signed.
    pub algorithm: Algorithm,
    /// How long a token is good for.
    pub access_ttl: Duration,
    /// How long a session lasts without use.
    pub refresh_ttl: Duration,
    /// How long a session lasts at most.
    pub session_ttl: Duration,
}

/// How tokens are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519: others verify with the public key.
    EdDsa,
    /// HMAC with SHA-256: only we can verify.
    Hs256,
}

impl Auth {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let auth = Self {
            issuer: named(reader, "auth.issuer"),
            audience: named(reader, "auth.audience"),
            algorithm: reader
                .choice(
                    "auth.algorithm",
                    &[("EdDSA", Algorithm::EdDsa), ("HS256", Algorithm::Hs256)],
                )
                .unwrap_or(Algorithm::EdDsa),
            access_ttl: reader.duration("auth.access_ttl", SECOND, DAY),
            refresh_ttl: reader.duration("auth.refresh_ttl", SECOND, 400 * DAY),
            session_ttl: reader.duration("auth.session_ttl", SECOND, 4000 * DAY),
        };
        if auth.refresh_ttl < auth.access_ttl {
            reader.problem("auth.refresh_ttl", "must not be shorter than auth.access_ttl");
        }
        if auth.session_ttl < auth.refresh_ttl {
            reader.problem("auth.session_ttl", "must not be shorter than auth.refresh_ttl");
        }
        auth
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

fn size(reader: &mut Reader<'_>, path: &str, least: i64, most: i64) -> usize {
    usize::try_from(reader.integer(path, least, most)).unwrap_or(usize::MAX)
}

fn count(reader: &mut Reader<'_>, path: &str, least: i64, most: i64) -> u32 {
    u32::try_from(reader.integer(path, least, most)).unwrap_or(u32::MAX)
}

fn named(reader: &mut Reader<'_>, path: &str) -> String {
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

fn is_web(path: &str, url: &Url, reader: &mut Reader<'_>) -> bool {
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    if !is_web {
        reader.problem(path, "must be an http or https URL");
    }
    is_web
}

fn platform_url(reader: &mut Reader<'_>, warnings: &mut Vec<Problem>, path: &str) -> Url {
    let url: Option<Url> = reader.parse(path, "it must be an http or https URL");
    let url = url.unwrap_or_else(|| Url::parse("https://invalid.invalid").expect("a valid URL"));
    if is_web(path, &url, reader)
        && (url.query().is_some() || url.fragment().is_some() || !url.username().is_empty())
    {
        reader.problem(path, "must not have a user name, a query or a fragment");
    }
    if url.scheme() == "http" && !is_near(&url) {
        warnings.push(Problem::new(
            path,
            "is plain http to a public host: AppSecrets cross the network readably",
        ));
    }
    url
}

/// Whether the host is this machine or in a private network, as far as its name tells.
fn is_near(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || !name.contains('.'),
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_private(),
        Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.is_unique_local(),
        None => false,
    }
}
