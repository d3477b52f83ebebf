//! An app's server configuration (服务器配置) as it is preset or saved, and how the platform pushes to that server.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use super::crypto::AesKey;

/// How pushes are encrypted (消息加解密方式).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushMode {
    /// Not at all (明文模式).
    #[default]
    Plain,
    /// Both the members and the encrypted text (兼容模式).
    Compatible,
    /// The encrypted text alone (安全模式).
    Safe,
}

/// The data format (数据格式).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushFormat {
    /// XML.
    #[default]
    Xml,
    /// JSON.
    Json,
}

/// The server that an app's messages and events are pushed to.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    pub(crate) url: String,
    pub(crate) token: SecretString,
    pub(crate) encoding_aes_key: Option<SecretString>,
    pub(crate) mode: PushMode,
    pub(crate) format: PushFormat,
    pub(crate) rules: Rules,
}

impl ServerSettings {
    /// A server that gets plain XML.
    #[must_use]
    pub fn new(url: impl Into<String>, token: impl Into<SecretString>) -> Self {
        Self {
            url: url.into(),
            token: token.into(),
            encoding_aes_key: None,
            mode: PushMode::Plain,
            format: PushFormat::Xml,
            rules: Rules::default(),
        }
    }

    /// The key of 43 letters and digits, and how pushes are encrypted.
    #[must_use]
    pub fn encrypted(mut self, mode: PushMode, encoding_aes_key: impl Into<SecretString>) -> Self {
        self.mode = mode;
        self.encoding_aes_key = Some(encoding_aes_key.into());
        self
    }

    /// The format of pushes.
    #[must_use]
    pub fn format(mut self, format: PushFormat) -> Self {
        self.format = format;
        self
    }

    /// How long the server may take for an answer, five seconds else, and how often a push is delivered in all, three
    /// times else.
    #[must_use]
    pub fn attempts(mut self, timeout: Duration, deliveries: u32) -> Self {
        self.rules.timeout_ms = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
        self.rules.deliveries = deliveries;
        self
    }

    /// The key, if there is one and it is one.
    pub(crate) fn key(&self) -> Option<AesKey> {
        AesKey::parse(self.encoding_aes_key.as_ref()?.expose_secret())
    }

    /// Why this is no configuration.
    pub(crate) fn problem(&self) -> Option<String> {
        let url = Url::parse(&self.url).ok();
        let token = self.token.expose_secret();
        if !url.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
            return Some("url begins with http:// or https://".into());
        }
        if self.url.len() > 512 || self.url.contains('#') {
            return Some("url has at most 512 bytes and no #".into());
        }
        if !(3..=32).contains(&token.len()) || !token.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Some("token has 3 to 32 letters and digits".into());
        }
        if self.encoding_aes_key.is_some() && self.key().is_none() {
            return Some("encoding_aes_key has exactly 43 letters and digits".into());
        }
        if self.mode != PushMode::Plain && self.encoding_aes_key.is_none() {
            return Some("this mode needs an encoding_aes_key".into());
        }
        self.rules.problem()
    }
}

/// How the platform pushes. Every default is the documented behaviour, or our own choice where nothing is published.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Rules {
    /// How long the server may take. WeChat: five seconds.
    pub(crate) timeout_ms: u32,
    /// Deliveries in all. WeChat: three.
    pub(crate) deliveries: u32,
    /// How long after a failure the next delivery begins. Field reports: at once after the cut.
    pub(crate) retry_after_ms: u32,
    /// Answers that are no good are failures like none at all, and the push is delivered again. WeChat publishes that
    /// for missing answers only.
    pub(crate) retry_bad_answers: bool,
    /// So many failed pushes in a row end pushing for a while (自动屏蔽); 0 never does.
    pub(crate) fail_limit: u32,
    /// How long that while is. WeChat: one minute.
    pub(crate) block_seconds: u32,
    /// What makes pushes hard to read.
    pub(crate) hazards: Hazards,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            timeout_ms: 5_000,
            deliveries: 3,
            retry_after_ms: 0,
            retry_bad_answers: true,
            fail_limit: 10,
            block_seconds: 60,
            hazards: Hazards::default(),
        }
    }
}

impl Rules {
    /// Why these rules cannot be kept to.
    pub(crate) fn problem(&self) -> Option<String> {
        if !(1..=60_000).contains(&self.timeout_ms) || self.retry_after_ms > 60_000 {
            return Some("timeout_ms is 1 to 60000, retry_after_ms at most 60000".into());
        }
        if !(1..=10).contains(&self.deliveries) {
            return Some("deliveries is 1 to 10".into());
        }
        None
    }
}

/// Differences between pushes that field reports know.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are independent switches, not a state"
)]
pub(crate) struct Hazards {
    /// JSON: numbers arrive as texts.
    pub(crate) numbers_as_text: bool,
    /// JSON: a list of one entry arrives as that entry.
    pub(crate) single_list_as_object: bool,
    /// Members that no document knows, one of them with members of its own.
    pub(crate) extra_members: bool,
    /// XML: line breaks between the elements, as in the documents' samples.
    pub(crate) blanks: bool,
}
