//! An app's server as the platform keeps it: the configuration, a key that is being replaced, and how deliveries to it
//! have gone. Nothing is delivered here.

use secrecy::ExposeSecret as _;
use serde::Serialize;

use super::crypto::{AesKey, signature};
use super::settings::{PushMode, ServerSettings};
use super::write;
use crate::simulator::clock::Moment;
use crate::simulator::random::Random;

/// A configured server.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// The configuration.
    pub(crate) settings: ServerSettings,
    key: Option<AesKey>,
    previous: Option<Previous>,
}

/// A key that goes on being used for some pushes.
#[derive(Debug, Clone)]
struct Previous {
    key: AesKey,
    until: Moment,
    share: f64,
}

/// What a test puts in the place of the right values.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Forged {
    /// Another token to sign with.
    pub(crate) token: Option<String>,
    /// Another key to encrypt with.
    pub(crate) encoding_aes_key: Option<String>,
    /// Another `AppID` behind the encrypted payload.
    pub(crate) app_id: Option<String>,
    /// The query's `timestamp`.
    pub(crate) timestamp: Option<String>,
    /// The query's `nonce`.
    pub(crate) nonce: Option<String>,
}

/// One signed and perhaps encrypted delivery.
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    /// The address with its query.
    pub(crate) url: String,
    /// The body.
    pub(crate) body: String,
    /// The key that the body is encrypted with.
    pub(crate) key: Option<AesKey>,
}

/// What is sealed, and for whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Letter<'a> {
    /// The app.
    pub(crate) app_id: &'a str,
    /// The account's own id.
    pub(crate) account: &'a str,
    /// Who the push is from.
    pub(crate) sender: &'a str,
    /// The body before any encryption.
    pub(crate) plain: &'a str,
    /// Another address than the configured one.
    pub(crate) url: Option<&'a str>,
    /// What is wrong with it on purpose.
    pub(crate) forged: Option<&'a Forged>,
}

impl Server {
    /// A server that nothing was delivered to yet.
    pub(crate) fn new(settings: ServerSettings) -> Self {
        Self {
            key: settings.key(),
            settings,
            previous: None,
        }
    }

    /// Other settings; the key that they replace is used for a share of the pushes until then.
    pub(crate) fn replace(&mut self, settings: ServerSettings, until: Moment, share: f64) {
        let key = settings.key();
        if let Some(old) = self.key.take().filter(|old| key.as_ref() != Some(old)) {
            self.previous = Some(Previous {
                key: old,
                until,
                share,
            });
        }
        self.key = key;
        self.settings = settings;
    }

    /// The address of a verification. WeChat: never encrypted, and signed without the echo.
    pub(crate) fn verification(&self, echo: &str, now: Moment, random: &mut Random) -> String {
        let (timestamp, nonce) = (now.seconds().to_string(), random.digits(10));
        let signature = signature(&[self.settings.token.expose_secret(), &timestamp, &nonce]);
        let query = format!("signature={signature}&echostr={echo}&timestamp={timestamp}&nonce={nonce}");
        with_query(&self.settings.url, &query)
    }

    /// Signs and encrypts one delivery; each has a time, a nonce and a ciphertext of its own.
    pub(crate) fn seal(&self, letter: Letter<'_>, now: Moment, random: &mut Random) -> Sealed {
        let unchanged = Forged::default();
        let forged = letter.forged.unwrap_or(&unchanged);
        let token = forged.token.as_deref();
        let token = token.unwrap_or_else(|| self.settings.token.expose_secret());
        let timestamp = forged.timestamp.clone();
        let timestamp = timestamp.unwrap_or_else(|| now.seconds().to_string());
        let nonce = forged.nonce.clone().unwrap_or_else(|| random.digits(10));
        let signed = signature(&[token, &timestamp, &nonce]);
        let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let mut query = format!(
            "signature={signed}&timestamp={}&nonce={}&openid={}",
            encode(&timestamp),
            encode(&nonce),
            encode(letter.sender)
        );
        let key = match &forged.encoding_aes_key {
            Some(text) => AesKey::parse(text),
            None => self.key_now(now, random),
        };
        let app_id = forged.app_id.as_deref().unwrap_or(letter.app_id);
        let encrypted = match (&key, self.settings.mode) {
            (_, PushMode::Plain) | (None, _) => None,
            (Some(key), _) => key.encrypt(random.printable(), letter.plain, app_id),
        };
        let format = self.settings.format;
        let body = match (&encrypted, self.settings.mode) {
            (None, _) | (_, PushMode::Plain) => letter.plain.to_owned(),
            (Some(text), PushMode::Compatible) => write::beside(letter.plain, text, format),
            (Some(text), PushMode::Safe) => write::envelope(letter.account, text, format),
        };
        if let Some(text) = &encrypted {
            let signed = signature(&[token, &timestamp, &nonce, text]);
            query += "&encrypt_type=aes&msg_signature=";
            query += &signed;
        }
        Sealed {
            url: with_query(letter.url.unwrap_or(&self.settings.url), &query),
            body,
            key: encrypted.and(key),
        }
    }

    fn key_now(&self, now: Moment, random: &mut Random) -> Option<AesKey> {
        let previous = self.previous.as_ref().filter(|previous| previous.until > now);
        match previous {
            Some(previous) if random.chance(previous.share) => Some(previous.key.clone()),
            _ => self.key.clone(),
        }
    }
}

fn with_query(url: &str, query: &str) -> String {
    let sign = if url.contains('?') { '&' } else { '?' };
    format!("{url}{sign}{query}")
}

/// What a delivery failed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Alarm {
    /// There was no connection: no such host, refused, too slow.
    Connect,
    /// There was no answer in time.
    Timeout,
    /// The connection ended before the answer.
    Cut,
    /// The answer has a status other than 2xx.
    Status,
    /// The answer is none that the platform knows.
    Answer,
}

/// How deliveries to a server have gone (接口报警), and whether the platform still pushes (自动屏蔽).
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Alarms {
    connect: u64,
    timeout: u64,
    cut: u64,
    status: u64,
    answer: u64,
    /// Failed pushes since the last one that did not.
    pub(crate) failed_in_a_row: u32,
    /// How often pushing was ended for a while.
    blocked: u64,
    /// Pushes that were not even tried meanwhile.
    lost: u64,
    #[serde(skip)]
    until: Option<Moment>,
}

impl Alarms {
    /// Whether nothing is pushed now; such a push is counted as lost.
    pub(crate) fn blocks(&mut self, now: Moment) -> bool {
        let blocked = self.blocked_until(now).is_some();
        if blocked {
            self.lost += 1;
        }
        blocked
    }

    /// When pushing goes on, if it does not now.
    pub(crate) fn blocked_until(&self, now: Moment) -> Option<Moment> {
        self.until.filter(|until| *until > now)
    }

    /// Counts one failed delivery.
    pub(crate) fn count(&mut self, alarm: Alarm) {
        *match alarm {
            Alarm::Connect => &mut self.connect,
            Alarm::Timeout => &mut self.timeout,
            Alarm::Cut => &mut self.cut,
            Alarm::Status => &mut self.status,
            Alarm::Answer => &mut self.answer,
        } += 1;
    }

    /// Notes how a whole push went. WeChat: after several failures nothing is pushed for a minute.
    pub(crate) fn settle(&mut self, failed: bool, limit: u32, seconds: u32, now: Moment) {
        if !failed {
            self.failed_in_a_row = 0;
            return;
        }
        self.failed_in_a_row += 1;
        if limit > 0 && self.failed_in_a_row >= limit {
            self.failed_in_a_row = 0;
            self.blocked += 1;
            self.until = Some(now.plus(seconds));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pushing_ends_for_a_minute_after_ten_failures_in_a_row() {
        let mut alarms = Alarms::default();
        let now = Moment(0);
        for _ in 0..9 {
            alarms.settle(true, 10, 60, now);
        }
        alarms.settle(false, 10, 60, now);
        for _ in 0..9 {
            alarms.settle(true, 10, 60, now);
            assert!(!alarms.blocks(now));
        }
        alarms.settle(true, 10, 60, now);
        assert!(alarms.blocks(now.plus(59)));
        assert!(!alarms.blocks(now.plus(60)));
        assert_eq!((alarms.blocked, alarms.lost), (1, 1));
    }
}
