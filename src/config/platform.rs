//! `[platform]`: WeChat's addresses, and how its API is called. Nothing is called here.

use std::time::Duration;

use url::{Host, Url};

use super::problem::Problem;
use super::reader::Reader;
use super::sections::is_web;

const MINUTE: Duration = Duration::from_mins(1);

/// `[platform]`: WeChat itself.
#[derive(Debug, Clone)]
pub struct Platform {
    /// Its API.
    pub api_url: Url,
    /// Its authorisation pages.
    pub open_url: Url,
    /// Its pages for QR pictures.
    pub mp_url: Url,
    /// Which call fetches an access token.
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

/// Which call fetches an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenMode {
    /// `POST /cgi-bin/stable_token`
    Stable,
    /// `GET /cgi-bin/token`
    Classic,
}

/// How many access token calls one app may make.
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

fn count(reader: &mut Reader<'_>, path: &str, least: i64, most: i64) -> u32 {
    u32::try_from(reader.integer(path, least, most)).unwrap_or(u32::MAX)
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
pub(super) fn is_near(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || !name.contains('.'),
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_private(),
        Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.is_unique_local(),
        None => false,
    }
}
