//! Links that open a mini program from outside WeChat. (获取加密scheme码, 获取加密URL Link)

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::problems::{Problems, put};
use super::{Error, Typed, of_kind};
use crate::config::{App, AppKind};
use crate::domain::time::Timestamp;
use crate::service::relay::{self, Behalf};
use crate::wechat;

/// The longest life of a link, in days.
const MOST_DAYS: u8 = 30;

/// Which kind of link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// `weixin://dl/business/?t=…`, which systems open.
    Scheme,
    /// `https://wxaurl.cn/…`, which browsers open.
    UrlLink,
}

/// A link to be made. It ends at a time, or after some days; after 30 if nothing is said.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Which kind.
    pub r#type: LinkKind,
    path: Option<String>,
    query: Option<String>,
    env_version: Option<String>,
    expire_time: Option<i64>,
    expire_interval: Option<u8>,
}

impl LinkKind {
    /// The API that makes it.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Scheme => "/wxa/generatescheme",
            Self::UrlLink => "/wxa/generate_urllink",
        }
    }

    /// As it stands in requests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheme => "scheme",
            Self::UrlLink => "url_link",
        }
    }
}

impl Typed {
    /// A link.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn link(&self, app: &App, behalf: &Behalf, link: Link) -> Result<String, Error> {
        of_kind(app, AppKind::Mini)?;
        let (kind, body) = (link.r#type, link.body(self.clock.now())?);
        let answer = self.relay.ask(&app.app_id, behalf, kind.path(), &body).await?;
        let member = match kind {
            LinkKind::Scheme => "openlink",
            LinkKind::UrlLink => "url_link",
        };
        let made = answer.get(member).and_then(Value::as_str).map(str::to_owned);
        made.ok_or_else(|| relay::Error::from(wechat::Error::Unusable("it has no link")).into())
    }
}

impl Link {
    fn body(self, now: Timestamp) -> Result<Value, Error> {
        let mut problems = Problems::default();
        let mut target = Map::new();
        if let Some(path) = &self.path {
            problems.page("path", path);
            problems.demand(
                !path.contains('?'),
                "path must have no query: that is a member of its own",
            );
        }
        if let Some(query) = &self.query {
            let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&'()*+,/:;=?@-._~%".contains(&byte);
            problems.demand(
                query.len() <= 1024 && query.bytes().all(usual),
                "query must have at most 1024 letters, digits and !#$&'()*+,/:;=?@-._~%",
            );
        }
        if let Some(version) = &self.env_version {
            problems.demand(
                ["release", "trial", "develop"].contains(&version.as_str()),
                "env_version must be release, trial or develop",
            );
        }
        put(&mut target, "path", self.path);
        put(&mut target, "query", self.query);
        put(&mut target, "env_version", self.env_version);
        let latest = now + Duration::from_secs(u64::from(MOST_DAYS) * 24 * 60 * 60);
        let end = match (self.expire_time, self.expire_interval) {
            (Some(_), Some(_)) => {
                problems.note("expire_time and expire_interval exclude each other");
                json!({})
            }
            (Some(time), None) => {
                problems.demand(
                    (now.secs() + 1..=latest.secs()).contains(&time),
                    "expire_time must lie within the next 30 days, in seconds",
                );
                json!({"expire_type": 0, "expire_time": time})
            }
            (None, days) => {
                let days = days.unwrap_or(MOST_DAYS);
                problems.demand(
                    (1..=MOST_DAYS).contains(&days),
                    "expire_interval must be 1 to 30 days",
                );
                json!({"expire_type": 1, "expire_interval": days})
            }
        };
        let mut body = match self.r#type {
            LinkKind::Scheme => Map::from_iter([
                ("jump_wxa".to_owned(), target.into()),
                ("is_expire".to_owned(), true.into()),
            ]),
            LinkKind::UrlLink => target,
        };
        body.extend(end.as_object().cloned().unwrap_or_default());
        problems.finish(body.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(link: Value) -> Result<Value, String> {
        let link: Link = serde_json::from_value(link).map_err(|error| error.to_string())?;
        link.body(Timestamp::from_secs(1_700_000_000))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn each_kind_has_its_form() {
        assert_eq!(
            body(json!({"type": "scheme", "path": "/pages/a", "query": "b=1"})),
            Ok(
                json!({"jump_wxa": {"path": "/pages/a", "query": "b=1"}, "is_expire": true, "expire_type": 1, "expire_interval": 30})
            )
        );
        assert_eq!(
            body(json!({"type": "url_link", "expire_time": 1_700_000_060})),
            Ok(json!({"expire_type": 0, "expire_time": 1_700_000_060}))
        );
        for odd in [
            json!({"path": "/a"}),
            json!({"type": "nfc"}),
            json!({"type": "scheme", "path": "/a?b"}),
            json!({"type": "scheme", "query": "a b"}),
            json!({"type": "scheme", "expire_interval": 0}),
            json!({"type": "scheme", "expire_interval": 31}),
            json!({"type": "scheme", "expire_time": 1_700_000_000}),
            json!({"type": "scheme", "expire_time": 1_702_592_001}),
            json!({"type": "scheme", "expire_time": 1_700_000_060, "expire_interval": 1}),
            json!({"type": "scheme", "model_id": "x"}),
        ] {
            assert!(body(odd.clone()).is_err(), "{odd}");
        }
    }
}
