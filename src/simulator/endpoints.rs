//! The table of everything the platform serves. A new endpoint is one file in the folder of its area and
//! one line here; what is not in the table is 404. What is official accounts' or mini programs' alone has a table of its
//! own.

mod accounts;
mod mini;

use std::collections::HashMap;

use super::errcode;
use super::limits::Limit;
use super::reply::{Answer, Refusal};
use super::settings::AppKind;
use super::world::{Desk, Visit};
use super::{cgi_bin, sns, wxa};

/// Every endpoint, but for those of `accounts` and `mini`.
static ENDPOINTS: &[Endpoint] = &[
    Endpoint::open("/cgi-bin/token", Verb::Get, cgi_bin::token::serve).daily(2_000),
    Endpoint::open("/cgi-bin/stable_token", Verb::Post, cgi_bin::stable_token::serve)
        .daily(500_000)
        .a_minute(10_000),
    Endpoint::of(
        "/cgi-bin/ticket/getticket",
        Verb::Get,
        AppKind::Official,
        cgi_bin::ticket::serve,
    )
    .daily(1_000_000),
    Endpoint::both(
        "/cgi-bin/getcallbackip",
        Verb::Get,
        cgi_bin::callback::callback_ips,
    ),
    Endpoint::both(
        "/cgi-bin/get_api_domain_ip",
        Verb::Get,
        cgi_bin::callback::api_ips,
    ),
    Endpoint::both("/cgi-bin/callback/check", Verb::Post, cgi_bin::callback::check),
    Endpoint::both(
        "/cgi-bin/message/custom/send",
        Verb::Post,
        cgi_bin::message::send::serve,
    )
    .daily(500_000),
    Endpoint::both(
        "/cgi-bin/message/custom/typing",
        Verb::Post,
        cgi_bin::message::typing::official,
    ),
    Endpoint::both(
        "/cgi-bin/message/custom/business/typing",
        Verb::Post,
        cgi_bin::message::typing::mini,
    ),
    // WeChat: a POST is answered as if the parameters were missing, so the endpoint looks for itself.
    Endpoint::open("/sns/jscode2session", Verb::Any, sns::jscode2session::serve),
    Endpoint::open(
        "/sns/oauth2/access_token",
        Verb::Get,
        sns::oauth2::access_token::serve,
    )
    .a_minute(50_000),
    Endpoint::open(
        "/sns/oauth2/refresh_token",
        Verb::Get,
        sns::oauth2::refresh_token::serve,
    ),
    Endpoint::open("/sns/userinfo", Verb::Get, sns::userinfo::serve),
    Endpoint::open("/sns/auth", Verb::Get, sns::auth::serve),
    Endpoint::among(
        "/wxa/business/getuserphonenumber",
        Verb::Post,
        AppKind::Mini,
        wxa::getuserphonenumber::serve,
    ),
    Endpoint::of(
        "/wxa/checksession",
        Verb::Get,
        AppKind::Mini,
        wxa::checksession::serve,
    ),
    Endpoint::of(
        "/wxa/resetusersessionkey",
        Verb::Get,
        AppKind::Mini,
        wxa::resetusersessionkey::serve,
    )
    .a_minute(60_000),
];

/// One path of the platform.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// The path.
    pub(crate) path: &'static str,
    /// The method it asks for.
    pub(crate) verb: Verb,
    /// How often one app may call it.
    pub(crate) limit: Limit,
    /// The codes when the day's calls and the minute's are used up.
    refusing: [i32; 2],
    /// Who serves it.
    pub(crate) server: Server,
}

/// The method an endpoint asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Else 43001.
    Get,
    /// Else 43002.
    Post,
    /// The endpoint looks for itself.
    Any,
}

/// Serves a call whose app is known.
type Serve = fn(&mut Desk<'_>) -> Answer;

/// Who serves an endpoint, and what is checked before.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Server {
    /// The call carries an appid and a secret, or nothing; the endpoint checks them and charges the app.
    Open(fn(Visit<'_>) -> Answer),
    /// The call carries an access token of an app of this kind, if one is named; token, permission and quota are
    /// checked.
    WithToken(Option<AppKind>, Serve),
    /// The same, for an endpoint that tells the app's own things from other apps'. It is given the app's id.
    AmongApps(AppKind, fn(Visit<'_>, &str) -> Answer),
}

impl Endpoint {
    const fn new(path: &'static str, verb: Verb, server: Server) -> Self {
        Self {
            path,
            verb,
            limit: Limit {
                daily: None,
                minute: None,
            },
            refusing: [errcode::DAILY_QUOTA, errcode::MINUTE_QUOTA],
            server,
        }
    }

    const fn open(path: &'static str, verb: Verb, serve: fn(Visit<'_>) -> Answer) -> Self {
        Self::new(path, verb, Server::Open(serve))
    }

    const fn of(path: &'static str, verb: Verb, kind: AppKind, serve: Serve) -> Self {
        Self::new(path, verb, Server::WithToken(Some(kind), serve))
    }

    /// For apps of both kinds.
    const fn both(path: &'static str, verb: Verb, serve: Serve) -> Self {
        Self::new(path, verb, Server::WithToken(None, serve))
    }

    const fn among(
        path: &'static str,
        verb: Verb,
        kind: AppKind,
        serve: fn(Visit<'_>, &str) -> Answer,
    ) -> Self {
        Self::new(path, verb, Server::AmongApps(kind, serve))
    }

    /// Whether apps of this kind may call it.
    pub(crate) fn serves(&self, kind: AppKind) -> bool {
        match self.server {
            Server::Open(_) | Server::WithToken(None, _) => true,
            Server::WithToken(Some(wanted), _) | Server::AmongApps(wanted, _) => wanted == kind,
        }
    }

    const fn daily(mut self, calls: u32) -> Self {
        self.limit.daily = Some(calls);
        self
    }

    const fn a_minute(mut self, calls: u32) -> Self {
        self.limit.minute = Some(calls);
        self
    }

    /// With other codes when the day's calls and the minute's are used up.
    const fn refusing(mut self, daily: i32, minute: i32) -> Self {
        self.refusing = [daily, minute];
        self
    }

    /// A refusal of the quota's as this endpoint has it.
    pub(crate) fn quota_refusal(&self, refusal: Refusal) -> Refusal {
        let [daily, minute] = self.refusing;
        match refusal.code {
            errcode::DAILY_QUOTA if daily != errcode::DAILY_QUOTA => Refusal::of(daily),
            errcode::MINUTE_QUOTA if minute != errcode::MINUTE_QUOTA => Refusal::of(minute),
            _ => refusal,
        }
    }
}

/// Every endpoint there is.
pub(crate) fn all() -> impl Iterator<Item = &'static Endpoint> {
    ENDPOINTS.iter().chain(accounts::ENDPOINTS).chain(mini::ENDPOINTS)
}

/// The endpoint at exactly this path.
pub(crate) fn find(path: &str) -> Option<&'static Endpoint> {
    all().find(|endpoint| endpoint.path == path)
}

/// The table by path.
#[derive(Debug)]
pub(crate) struct Index(HashMap<&'static str, &'static Endpoint>);

impl Index {
    /// The whole table.
    pub(crate) fn new() -> Self {
        Self(all().map(|endpoint| (endpoint.path, endpoint)).collect())
    }

    /// The endpoint at exactly this path.
    pub(crate) fn find(&self, path: &str) -> Option<&'static Endpoint> {
        self.0.get(path).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_unique_and_never_the_admin_apis() {
        assert_eq!(Index::new().0.len(), all().count());
        assert!(all().all(|endpoint| !endpoint.path.starts_with("/_sim")));
    }

    #[test]
    fn limits_are_the_documented_ones() {
        let limit = |path| Index::new().find(path).unwrap().limit;
        assert_eq!(limit("/cgi-bin/token").daily, Some(2_000));
        let stable = Limit {
            daily: Some(500_000),
            minute: Some(10_000),
        };
        assert_eq!(limit("/cgi-bin/stable_token"), stable);
    }
}
