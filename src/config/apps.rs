//! The official accounts and mini programs that this gateway speaks for.

use std::collections::BTreeSet;

use secrecy::{ExposeSecret, SecretString};

use super::api_security::ApiSecurity;
use super::problem::Problem;
use super::reader::Reader;
use super::replies;
use crate::domain::ids::{AppId, AppName};
use crate::domain::page_url::JsDomains;
use crate::domain::push::rule::Rule;

/// What an app is to WeChat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppKind {
    /// 公众号.
    Official,
    /// 小程序.
    Mini,
}

/// How the platform encrypts what it pushes. (消息加解密方式)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// 明文模式.
    Plain,
    /// 兼容模式.
    Compatible,
    /// 安全模式.
    Safe,
}

/// One app.
#[derive(Debug, Clone)]
pub struct App {
    /// Our name for it.
    pub name: AppName,
    /// What it is.
    pub kind: AppKind,
    /// WeChat's id of it.
    pub app_id: AppId,
    /// WeChat's secret for it.
    pub app_secret: SecretString,
    /// The token of its 服务器配置; without one `/auth` refuses everything.
    pub token: Option<SecretString>,
    /// Its EncodingAESKey.
    pub aes_key: Option<SecretString>,
    /// The EncodingAESKey before that.
    pub previous_aes_key: Option<SecretString>,
    /// How pushes are encrypted.
    pub encryption: Encryption,
    /// Whose pages may use its JS-SDK.
    pub js_domains: JsDomains,
    /// Its keys, if calls of WeChat's API are encrypted and signed.
    pub api_security: Option<ApiSecurity>,
    /// Its rules for replies, in the order in which they are tried.
    pub replies: Vec<Rule>,
}

/// All apps, in the order of the configuration.
#[derive(Debug, Clone, Default)]
pub struct Apps(Vec<App>);

impl Apps {
    /// The app of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&App> {
        self.0.iter().find(|app| app.name.as_str() == name)
    }

    /// The app with this AppID.
    #[must_use]
    pub fn with_id(&self, id: &str) -> Option<&App> {
        self.0.iter().find(|app| app.app_id.as_str() == id)
    }

    /// The first app of a kind.
    #[must_use]
    pub fn first(&self, kind: AppKind) -> Option<&App> {
        self.0.iter().find(|app| app.kind == kind)
    }

    /// The app that `/auth` without a name speaks for: the first official account, else the first mini program.
    #[must_use]
    pub fn for_callbacks(&self) -> Option<&App> {
        self.first(AppKind::Official)
            .or_else(|| self.first(AppKind::Mini))
    }

    /// Every app.
    pub fn iter(&self) -> std::slice::Iter<'_, App> {
        self.0.iter()
    }

    /// Apps that were made rather than read, for `demo` and tests.
    #[must_use]
    pub fn from_list(apps: Vec<App>) -> Self {
        Self(apps)
    }

    pub(super) fn read(reader: &mut Reader<'_>, warnings: &mut Vec<Problem>) -> Self {
        let count = reader.count("apps");
        let apps: Vec<_> = (0..count)
            .filter_map(|index| App::read(reader, &format!("apps.{index}"), warnings))
            .collect();
        let (mut names, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for (index, app) in apps.iter().enumerate() {
            if !names.insert(app.name.as_str()) {
                reader.problem(
                    &format!("apps.{index}.name"),
                    format!("is {:?} a second time", app.name.as_str()),
                );
            }
            if !ids.insert(app.app_id.as_str()) {
                reader.problem(
                    &format!("apps.{index}.app_id"),
                    format!("is {:?} a second time", app.app_id.as_str()),
                );
            }
        }
        if count == 0 {
            warnings.push(Problem::new(
                "apps",
                "is empty: there is no official account and no mini program to serve",
            ));
        }
        Self(apps)
    }
}

impl<'a> IntoIterator for &'a Apps {
    type Item = &'a App;
    type IntoIter = std::slice::Iter<'a, App>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl App {
    fn read(reader: &mut Reader<'_>, at: &str, warnings: &mut Vec<Problem>) -> Option<Self> {
        let key = |name: &str| format!("{at}.{name}");
        let name = reader.parse(
            &key("name"),
            "it must have 1 to 32 lower-case letters, digits and -",
        );
        let kind = reader.choice(
            &key("kind"),
            &[("official", AppKind::Official), ("mini", AppKind::Mini)],
        );
        let app_id = reader.parse(&key("app_id"), "it must have 1 to 64 letters and digits");
        let app_secret = reader
            .secret(&key("app_secret"))
            .filter(|secret| !secret.expose_secret().is_empty());
        if app_secret.is_none() {
            reader.problem(
                &key("app_secret"),
                "is missing; the console shows it under 开发 > 基本配置",
            );
        }
        let token = secret(
            reader,
            &key("token"),
            "must be 3 to 32 letters and digits",
            |text| (3..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric()),
        );
        let aes_key = secret(reader, &key("aes_key"), AES_KEY_RULE, is_aes_key);
        let previous_aes_key = secret(reader, &key("previous_aes_key"), AES_KEY_RULE, is_aes_key);
        let encryption = Self::encryption(
            reader,
            at,
            aes_key.is_some() || reader.is_unreadable(&key("aes_key")),
        );
        let domains = reader.list(&key("js_domains"));
        let js_domains = JsDomains::parse(&domains).unwrap_or_else(|bad| {
            reader.problem(
                &key("js_domains"),
                format!("has {bad:?}; it lists host names without scheme, port and path"),
            );
            JsDomains::default()
        });
        if kind == Some(AppKind::Mini) && !domains.is_empty() {
            reader.problem(
                &key("js_domains"),
                "is for official accounts; mini programs have no JS-SDK",
            );
        }
        if previous_aes_key.is_some() && aes_key.is_none() && !reader.is_unreadable(&key("aes_key")) {
            reader.problem(&key("previous_aes_key"), "is set without aes_key");
        }
        if aes_key.is_some() && token.is_none() && !reader.is_unreadable(&key("token")) {
            reader.problem(
                &key("aes_key"),
                "is set without token; the platform's 服务器配置 has both",
            );
        }
        if encryption == Encryption::Plain && token.is_some() {
            let text = "is \"plain\": the signature of a plain push does not cover its body; prefer \"safe\" with an aes_key";
            warnings.push(Problem::new(key("encryption"), text));
        }
        if kind == Some(AppKind::Official) && domains.is_empty() {
            warnings.push(Problem::new(
                key("js_domains"),
                "is empty: /jsapi refuses every page of this account",
            ));
        }
        let api_security = ApiSecurity::read(reader, &key("api_security"));
        let replies = replies::read(reader, &key("replies"), kind);
        Some(Self {
            name: name?,
            kind: kind?,
            app_id: app_id?,
            app_secret: app_secret?,
            token,
            aes_key,
            previous_aes_key,
            encryption,
            js_domains,
            api_security,
            replies,
        })
    }

    fn encryption(reader: &mut Reader<'_>, at: &str, has_key: bool) -> Encryption {
        let path = format!("{at}.encryption");
        let modes = [
            ("plain", Encryption::Plain),
            ("compatible", Encryption::Compatible),
            ("safe", Encryption::Safe),
        ];
        let chosen = reader.optional_choice(&path, &modes);
        if matches!(chosen, Some(Encryption::Compatible | Encryption::Safe)) && !has_key {
            reader.problem(&path, "needs an aes_key");
        }
        chosen.unwrap_or(if has_key {
            Encryption::Safe
        } else {
            Encryption::Plain
        })
    }
}

const AES_KEY_RULE: &str = "must be 43 letters and digits";

fn is_aes_key(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// A secret that obeys a rule. An empty text counts as absent, so that a template can be left unfilled.
fn secret(reader: &mut Reader<'_>, path: &str, rule: &str, holds: fn(&str) -> bool) -> Option<SecretString> {
    let secret = reader
        .secret(path)
        .filter(|secret| !secret.expose_secret().is_empty())?;
    if holds(secret.expose_secret()) {
        return Some(secret);
    }
    reader.wrong(path, rule)
}
