//! What a simulator is started with: where it listens and which apps its platform knows at first. More
//! apps can be made over the admin API.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::limits::Limit;
use super::push::settings::ServerSettings;
use super::reply::{ErrorStyle, Style};
use super::tokens::LIFETIME;

/// What a simulator is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address to serve; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Makes every token, code and openid repeatable; absent, they are random.
    pub seed: Option<u64>,
    /// The apps that exist from the start, and again after a reset.
    pub apps: Vec<AppSettings>,
}

/// One app of the platform: an official account or a mini program.
#[derive(Debug, Clone)]
pub struct AppSettings {
    /// The `AppID`.
    pub app_id: String,
    /// The `AppSecret`.
    pub app_secret: SecretString,
    /// What the app is, which decides the APIs it may call.
    pub kind: AppKind,
    /// Hosts whose pages may use the JS-SDK.
    pub js_domains: Vec<String>,
    /// How the platform treats the app.
    pub switches: Switches,
    /// Where its messages and events are pushed to, if they are.
    pub server: Option<ServerSettings>,
}

impl AppSettings {
    /// A verified official account whose allow list is this machine.
    #[must_use]
    pub fn official(app_id: impl Into<String>, app_secret: impl Into<SecretString>) -> Self {
        Self::new(AppKind::Official, app_id, app_secret)
    }

    /// A mini program without an allow list.
    #[must_use]
    pub fn mini(app_id: impl Into<String>, app_secret: impl Into<SecretString>) -> Self {
        Self::new(AppKind::Mini, app_id, app_secret)
    }

    /// An app of either kind, treated as the platform treats a new one.
    #[must_use]
    pub fn new(kind: AppKind, app_id: impl Into<String>, app_secret: impl Into<SecretString>) -> Self {
        Self {
            app_id: app_id.into(),
            app_secret: app_secret.into(),
            kind,
            js_domains: Vec::new(),
            switches: Switches::of(kind),
            server: None,
        }
    }

    /// The same app with a server that its messages and events are pushed to. It is not verified.
    #[must_use]
    pub fn pushing_to(mut self, server: ServerSettings) -> Self {
        self.server = Some(server);
        self
    }
}

/// What an app is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppKind {
    /// An official account.
    Official,
    /// A mini program.
    Mini,
}

/// How the platform treats one app. Every default is the documented behaviour; the rest is what field
/// reports disagree about, or what a test wants to provoke.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are independent switches, not a state"
)]
pub struct Switches {
    /// Addresses that may fetch tokens; `None` admits all.
    pub(crate) allow_list: Option<Vec<IpNet>>,
    /// How long a replaced classic token goes on working; 0 ends it at once.
    pub(crate) overlap_seconds: u32,
    /// How long access tokens live. In the last five minutes of it, or the last quarter if that is less, a stable token
    /// is followed by another one.
    pub(crate) token_seconds: u32,
    /// The secret is frozen in the console: 40243.
    pub(crate) frozen: bool,
    /// A verified account; without it getticket answers 48001 and the authorize page 10005.
    pub(crate) verified: bool,
    /// The Open Platform account the app is bound to; with one, users have a unionid.
    pub(crate) open_account: Option<String>,
    /// Hosts that the authorize page may send users back to, exactly (网页授权域名). Loopback always may be.
    pub(crate) oauth_domains: Vec<String>,
    /// The authorize page takes any `state` and hands it back as it is, as field reports have it; else only letters
    /// and digits, as the document has it.
    pub(crate) any_state: bool,
    /// Risk codes that the next token calls are answered with, one each.
    pub(crate) risk: Vec<i32>,
    /// Limits that replace an endpoint's own, by path.
    pub(crate) limits: BTreeMap<String, Limit>,
    /// What getticket says of a ticket's remaining life.
    pub(crate) ticket_expires: TicketExpires,
    /// Whether a login makes a new session key.
    pub(crate) session_keys: SessionKeys,
    /// How long a session key lives. WeChat does not publish it.
    pub(crate) session_seconds: u32,
    /// How error texts end.
    pub(crate) error_style: ErrorStyle,
    /// Success bodies always carry an errcode.
    pub(crate) always_errcode: bool,
    /// Slashes are escaped in JSON.
    pub(crate) escape_slashes: bool,
    /// The media that replies and messages may name; `None` takes any.
    pub(crate) media_ids: Option<Vec<String>>,
    /// Bytes that an upload may have, in the place of WeChat's own bounds.
    pub(crate) media_bytes: Option<u64>,
    /// The mini programs that menus and template messages may lead to; `None` takes any.
    pub(crate) mini_programs: Option<Vec<String>>,
    /// How many openids one answer lists.
    pub(crate) page_openids: u32,
    /// What getcallbackip answers: where pushes come from.
    pub(crate) callback_ips: Vec<String>,
    /// What `get_api_domain_ip` answers.
    pub(crate) api_ips: Vec<String>,
    /// How long after a call the event comes that it causes, in milliseconds.
    pub(crate) event_delay_ms: u32,
    /// Every user takes every subscribe message, as often as it is sent.
    pub(crate) endless_subscriptions: bool,
    /// The pages of the released mini program, without a slash before and a query behind; `None` takes any.
    pub(crate) pages: Option<Vec<String>>,
    /// Mini-program codes of the limited kinds, in all. WeChat: 100,000.
    pub(crate) most_codes: u32,
    /// Permanent short links in all. WeChat: 100,000.
    pub(crate) most_permanent_links: u32,
    /// Content checks take users only who logged in within the last two hours.
    pub(crate) recent_visit: bool,
}

/// What getticket answers as `expires_in`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TicketExpires {
    /// Always 7200, as observed, however old the ticket is.
    Fixed,
    /// The seconds that remain.
    Remaining,
}

/// When a login replaces the user's session key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SessionKeys {
    /// At every login.
    AlwaysNew,
    /// Only when the old one has expired.
    KeepWhileValid,
}

impl Switches {
    /// How a new app of this kind is treated.
    ///
    /// WeChat: official accounts need an IP allow list, mini programs historically do not.
    #[must_use]
    pub fn of(kind: AppKind) -> Self {
        let loopback = || {
            vec![
                IpNet::new_assert([127, 0, 0, 0].into(), 8),
                IpNet::from(IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])),
            ]
        };
        Self {
            allow_list: (kind == AppKind::Official).then(loopback),
            ..Self::default()
        }
    }

    /// How this app's answers are written.
    pub(crate) fn style(&self) -> Style {
        Style {
            errors: self.error_style,
            always_errcode: self.always_errcode,
            escape_slashes: self.escape_slashes,
        }
    }

    /// Addresses that may fetch this app's tokens; `None` admits all.
    pub fn allow(&mut self, list: Option<Vec<IpNet>>) -> &mut Self {
        self.allow_list = list;
        self
    }

    /// How long a replaced classic token goes on working; 0 ends it at once.
    pub fn overlap(&mut self, seconds: u32) -> &mut Self {
        self.overlap_seconds = seconds;
        self
    }

    /// Binds the app to an Open Platform account, so that its users have a unionid.
    pub fn bind_to(&mut self, open_account: impl Into<String>) -> &mut Self {
        self.open_account = Some(open_account.into());
        self
    }
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            allow_list: None,
            overlap_seconds: 300,
            token_seconds: LIFETIME,
            frozen: false,
            verified: true,
            open_account: None,
            oauth_domains: Vec::new(),
            any_state: false,
            risk: Vec::new(),
            limits: BTreeMap::new(),
            ticket_expires: TicketExpires::Fixed,
            session_keys: SessionKeys::AlwaysNew,
            session_seconds: 3 * 86_400,
            error_style: ErrorStyle::Rid,
            always_errcode: false,
            escape_slashes: false,
            media_ids: None,
            media_bytes: None,
            mini_programs: None,
            page_openids: 10_000,
            callback_ips: vec!["127.0.0.1".to_owned()],
            api_ips: vec!["127.0.0.1".to_owned()],
            event_delay_ms: 100,
            endless_subscriptions: false,
            pages: None,
            most_codes: 100_000,
            most_permanent_links: 100_000,
            recent_visit: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn official_accounts_have_an_allow_list_and_mini_programs_none() {
        let official = AppSettings::official("wx1", "secret");
        assert_eq!(official.switches.allow_list.map(|list| list.len()), Some(2));
        assert!(AppSettings::mini("wx2", "secret").switches.allow_list.is_none());
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let shown = format!("{:?}", AppSettings::official("wx1", "c0ffee"));
        assert!(!shown.contains("c0ffee"), "{shown}");
    }
}
