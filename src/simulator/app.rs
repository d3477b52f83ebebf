//! One app as the platform keeps it: its secret, how it is treated, and everything that is its own.
//! Tokens are not here: they are looked up before the app is known.

use std::collections::HashMap;

use secrecy::SecretString;
use serde_json::Value;

use super::api_security::ApiSecurity;
use super::call::Call;
use super::cgi_bin::media::store::Media;
use super::cgi_bin::menu::store::Menus;
use super::cgi_bin::qrcode::store::QrCodes;
use super::cgi_bin::shorten::ShortKeys;
use super::cgi_bin::template::store::Templates;
use super::cgi_bin::user::store::Fans;
use super::checks::Checks;
use super::clock::Moment;
use super::codes::Codes;
use super::endpoints::Endpoint;
use super::errcode;
use super::limits::{Limit, Limits};
use super::links::Links;
use super::push::account_of;
use super::push::conversation::Conversation;
use super::push::server::{Alarms, Server};
use super::reply::Refusal;
use super::sessions::{SessionRule, Sessions};
use super::settings::{AppKind, AppSettings, Switches};
use super::subscriptions::Subscriptions;
use super::tickets::Tickets;

/// WeChat: one user may log in a hundred times a minute.
const LOGINS_A_MINUTE: u32 = 100;

/// An app and what belongs to it.
#[derive(Debug, Clone)]
pub(crate) struct App {
    /// The `AppID`.
    pub(crate) id: String,
    /// The `AppSecret`.
    pub(crate) secret: SecretString,
    /// What the app is.
    pub(crate) kind: AppKind,
    /// Hosts whose pages may use the JS-SDK.
    pub(crate) js_domains: Vec<String>,
    /// How the platform treats the app.
    pub(crate) switches: Switches,
    /// One-time codes.
    pub(crate) codes: Codes,
    /// Session keys.
    pub(crate) sessions: Sessions,
    /// JS-SDK and card tickets.
    pub(crate) tickets: Tickets,
    /// Users by openid, as far as the app has met them.
    pub(crate) openids: HashMap<String, usize>,
    /// The account's own id.
    pub(crate) account: String,
    /// Where its messages and events are pushed to.
    pub(crate) server: Option<Server>,
    /// How that has gone.
    pub(crate) alarms: Alarms,
    /// Its dealings with each user.
    pub(crate) conversations: HashMap<usize, Conversation>,
    /// Its menus.
    pub(crate) menus: Menus,
    /// Its files.
    pub(crate) media: Media,
    /// Its templates.
    pub(crate) templates: Templates,
    /// Its QR codes.
    pub(crate) qr_codes: QrCodes,
    /// Its short keys.
    pub(crate) short_keys: ShortKeys,
    /// Who follows it.
    pub(crate) fans: Fans,
    /// Templates of subscribe messages, and who takes how many.
    pub(crate) subscriptions: Subscriptions,
    /// Mini-program codes made of those whose number is limited.
    pub(crate) codes_drawn: u32,
    /// Links that lead into it.
    pub(crate) links: Links,
    /// What content checks find.
    pub(crate) checks: Checks,
    /// Its keys for calls that are encrypted and signed.
    pub(crate) api_security: Option<ApiSecurity>,
    visits: HashMap<usize, Moment>,
    /// What it has called so far.
    pub(crate) limits: Limits,
    logins: Logins,
    refused_until: Option<(i32, Moment)>,
}

#[derive(Debug, Clone, Default)]
struct Logins {
    minute: i64,
    by_user: HashMap<usize, u32>,
}

impl App {
    /// A fresh app.
    pub(crate) fn new(settings: &AppSettings) -> Self {
        Self {
            id: settings.app_id.clone(),
            secret: settings.app_secret.clone(),
            kind: settings.kind,
            js_domains: settings.js_domains.clone(),
            switches: settings.switches.clone(),
            codes: Codes::default(),
            sessions: Sessions::default(),
            tickets: Tickets::default(),
            openids: HashMap::new(),
            account: account_of(&settings.app_id),
            server: settings.server.clone().map(Server::new),
            alarms: Alarms::default(),
            conversations: HashMap::new(),
            menus: Menus::default(),
            media: Media::default(),
            templates: Templates::default(),
            qr_codes: QrCodes::default(),
            short_keys: ShortKeys::default(),
            fans: Fans::default(),
            subscriptions: Subscriptions::default(),
            codes_drawn: 0,
            links: Links::default(),
            checks: Checks::default(),
            api_security: None,
            visits: HashMap::new(),
            limits: Limits::default(),
            logins: Logins::default(),
            refused_until: None,
        }
    }

    /// Counts a call of an endpoint, or refuses it: 45009, 45011.
    pub(crate) fn charge(&mut self, endpoint: &Endpoint, now: Moment) -> Result<(), Refusal> {
        let charged = self.limits.charge(endpoint.path, self.limit(endpoint), now);
        charged.map_err(|refusal| endpoint.quota_refusal(refusal))
    }

    /// How often the app may call an endpoint.
    pub(crate) fn limit(&self, endpoint: &Endpoint) -> Limit {
        let own = self.switches.limits.get(endpoint.path);
        own.copied().unwrap_or(endpoint.limit)
    }

    /// Counts a login of one user, or refuses it.
    pub(crate) fn count_login(&mut self, user: usize, now: Moment) -> Result<(), Refusal> {
        if self.logins.minute != now.minute() {
            self.logins = Logins {
                minute: now.minute(),
                by_user: HashMap::new(),
            };
        }
        let count = self.logins.by_user.entry(user).or_default();
        if *count >= LOGINS_A_MINUTE {
            return Err(Refusal::of(errcode::MINUTE_QUOTA));
        }
        *count += 1;
        self.visits.insert(user, now);
        Ok(())
    }

    /// When the user last logged in.
    pub(crate) fn visited(&self, user: usize) -> Option<Moment> {
        self.visits.get(&user).copied()
    }

    /// The risk code a token call is to be answered with now.
    ///
    /// WeChat: 89506 holds for 24 hours and 89507 for one; the others are asked anew at each call.
    pub(crate) fn risk(&mut self, now: Moment) -> Result<(), Refusal> {
        if let Some((code, until)) = self.refused_until.take_if(|(_, until)| *until > now) {
            self.refused_until = Some((code, until));
            return Err(Refusal::of(code));
        }
        if self.switches.risk.is_empty() {
            return Ok(());
        }
        let code = self.switches.risk.remove(0);
        self.refused_until = match code {
            errcode::REFUSED_FOR_A_DAY => Some((code, now.plus(86_400))),
            errcode::REFUSED_FOR_AN_HOUR => Some((code, now.plus(3_600))),
            _ => None,
        };
        Err(Refusal::of(code))
    }

    /// Forgets a refusal that still holds, as an administrator's consent does.
    pub(crate) fn forget_risk(&mut self) {
        self.refused_until = None;
    }

    /// The user a call concerns: named by openid, or the owner of its code.
    pub(crate) fn user_of(&self, call: &Call) -> Option<usize> {
        if let Some(code) = call.param("js_code").or_else(|| call.param("code")) {
            return self.codes.owner(&code);
        }
        if let Some(openid) = call.param("openid") {
            return self.openids.get(openid.as_ref()).copied();
        }
        let body = call.json().ok()?;
        if let Some(code) = body.get("code").and_then(Value::as_str) {
            return self.codes.owner(code);
        }
        let openid = body.get("openid").or_else(|| body.get("touser"))?.as_str()?;
        self.openids.get(openid).copied()
    }

    /// Whether a medium may be named: it was uploaded, or it is among those of the switches.
    pub(crate) fn knows_medium(&self, id: &str, now: Moment) -> bool {
        if self.media.get(id, now).is_some() {
            return true;
        }
        match &self.switches.media_ids {
            Some(known) => known.iter().any(|known| known == id),
            // An upload that is gone is not just any id.
            None => !id.is_empty() && !self.media.had(id),
        }
    }

    /// How this app's session keys are made.
    pub(crate) fn session_rule(&self) -> SessionRule {
        SessionRule {
            keys: self.switches.session_keys,
            seconds: self.switches.session_seconds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(result: Result<(), Refusal>) -> Option<i32> {
        result.err().map(|refusal| refusal.code)
    }

    #[test]
    fn a_refused_address_stays_refused_for_its_time() {
        let mut app = App::new(&AppSettings::official("wx1", "s"));
        app.switches.risk = vec![89_503, 89_507];
        let now = Moment(0);
        assert_eq!(code(app.risk(now)), Some(89_503));
        assert_eq!(code(app.risk(now)), Some(89_507));
        assert_eq!(code(app.risk(now.plus(3_599))), Some(89_507));
        assert_eq!(code(app.risk(now.plus(3_600))), None);
    }

    #[test]
    fn logins_are_counted_per_user_and_minute() {
        let mut app = App::new(&AppSettings::mini("wx1", "s"));
        for _ in 0..LOGINS_A_MINUTE {
            assert_eq!(code(app.count_login(1, Moment(0))), None);
        }
        assert_eq!(code(app.count_login(1, Moment(0))), Some(45_011));
        assert_eq!(code(app.count_login(2, Moment(0))), None);
        assert_eq!(code(app.count_login(1, Moment(60_000))), None);
    }
}
