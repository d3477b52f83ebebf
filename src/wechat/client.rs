//! The calls themselves: their paths, parameters and answers.

mod message;
mod sns;
mod wxa;

pub use sns::{OauthToken, UserInfo};
pub use wxa::PhoneNumber;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{RequestBuilder, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use url::Url;

use super::error::{Error, Result};
use super::security::Security;
use crate::clock::Clock;
use crate::domain::ids::{AppId, LoginCode, OpenId, UnionId};

/// Answers are small; a longer one is not the platform's.
const MAX_ANSWER: usize = 256 * 1024;

/// WeChat's API at one base URL.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    api_url: Url,
    secured: Arc<HashMap<AppId, Arc<Security>>>,
    clock: Clock,
}

/// What an app proves itself with.
#[derive(Debug, Clone)]
pub struct AppCredentials {
    /// Its AppID.
    pub app_id: AppId,
    /// Its AppSecret.
    pub secret: SecretString,
}

/// A token or ticket as the platform handed it out.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The token or ticket.
    pub value: SecretString,
    /// How long it is good for, if the platform said so in a way that makes sense.
    pub expires_in: Option<Duration>,
}

/// What a ticket signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ticket {
    /// Pages that use the JS-SDK.
    Jsapi,
    /// Cards and coupons.
    Card,
}

/// What a login code stands for.
#[derive(Debug, Clone)]
pub struct Session {
    /// The user within the app.
    pub openid: OpenId,
    /// The user within the Open Platform account, if the app belongs to one.
    pub unionid: Option<UnionId>,
    /// The key that the user's data is encrypted with. Never leaves the server.
    pub session_key: SecretString,
}

impl Client {
    /// A client of the API at `api_url`, over `http`, whose timeouts hold.
    #[must_use]
    pub fn new(http: reqwest::Client, api_url: Url) -> Self {
        Self {
            http,
            api_url,
            secured: Arc::default(),
            clock: Clock::default(),
        }
    }

    /// The same for apps some of which call in the signed and encrypted mode; `clock` tells the time of their calls.
    #[must_use]
    pub fn secured(self, secured: HashMap<AppId, Arc<Security>>, clock: Clock) -> Self {
        let secured = Arc::new(secured);
        Self {
            secured,
            clock,
            ..self
        }
    }

    /// The keys of an app that calls in the signed and encrypted mode.
    #[must_use]
    pub fn security(&self, app: &AppId) -> Option<&Arc<Security>> {
        self.secured.get(app)
    }

    /// `POST /cgi-bin/stable_token`: the app's current token, or with `force` a new one that kills it.
    /// (获取稳定版接口调用凭据.)
    pub async fn stable_token(&self, app: &AppCredentials, force: bool) -> Result<Fetched> {
        let body = json!({
            "grant_type": "client_credential",
            "appid": app.app_id,
            "secret": app.secret.expose_secret(),
            "force_refresh": force,
        });
        let answer = call(
            self.http.post(self.url("cgi-bin/stable_token")).json(&body),
            &app.secret,
        )
        .await?;
        fetched(&answer, "access_token")
    }

    /// `GET /cgi-bin/token`: a new token; the one before dies within minutes. (获取接口调用凭据.)
    pub async fn token(&self, app: &AppCredentials) -> Result<Fetched> {
        let query = [
            ("grant_type", "client_credential"),
            ("appid", app.app_id.as_str()),
            ("secret", app.secret.expose_secret()),
        ];
        let answer = call(
            self.http.get(self.url("cgi-bin/token")).query(&query),
            &app.secret,
        )
        .await?;
        fetched(&answer, "access_token")
    }

    /// `GET /cgi-bin/ticket/getticket`: the account's current ticket. (JS-SDK 说明文档, 附录1; 微信卡券.)
    pub async fn ticket(&self, token: &SecretString, ticket: Ticket) -> Result<Fetched> {
        let kind = match ticket {
            Ticket::Jsapi => "jsapi",
            Ticket::Card => "wx_card",
        };
        let query = [("access_token", token.expose_secret()), ("type", kind)];
        let answer = call(
            self.http.get(self.url("cgi-bin/ticket/getticket")).query(&query),
            token,
        )
        .await?;
        fetched(&answer, "ticket")
    }

    /// `GET /sns/jscode2session`: exchanges the code of `wx.login`, which works once. (小程序登录.)
    pub async fn code_to_session(&self, app: &AppCredentials, code: &LoginCode) -> Result<Session> {
        let query = [
            ("appid", app.app_id.as_str()),
            ("secret", app.secret.expose_secret()),
            ("js_code", code.as_str()),
            ("grant_type", "authorization_code"),
        ];
        let answer = call(
            self.http.get(self.url("sns/jscode2session")).query(&query),
            &app.secret,
        )
        .await?;
        let openid = text(&answer, "openid").and_then(|text| text.parse().ok());
        let session_key = text(&answer, "session_key").filter(|text| !text.is_empty());
        Ok(Session {
            openid: openid.ok_or(Error::Unusable("it has no openid"))?,
            unionid: text(&answer, "unionid").and_then(|text| text.parse().ok()),
            session_key: session_key
                .ok_or(Error::Unusable("it has no session_key"))?
                .into(),
        })
    }

    /// The `Date` that the platform's server puts into its answers. Asks for no resource in particular, and any
    /// status will do.
    pub async fn server_date(&self) -> Result<Option<String>> {
        let response = self.http.get(self.api_url.clone()).send().await?;
        let date = response.headers().get(reqwest::header::DATE);
        Ok(date.and_then(|date| date.to_str().ok()).map(str::to_owned))
    }

    /// Sends a JSON object with the app's access_token, encrypted and signed if the app and the API are in that mode.
    async fn post(
        &self,
        app: &AppId,
        token: &SecretString,
        path: &str,
        body: &Value,
    ) -> Result<Map<String, Value>> {
        let url = self.url(path);
        let query = [("access_token", token.expose_secret())];
        let request = self.http.post(url.clone()).query(&query);
        let security = self.security(app).filter(|security| security.covers(path));
        let Some(security) = security else {
            return call(request.json(body), token).await;
        };
        let body = serde_json::to_vec(body).expect("a value is JSON");
        let sealed = security.seal(url.as_str(), &[], &body, self.clock.now());
        let sealed = sealed.expect("our own calls have objects as bodies, with WeChat's names in them");
        let mut request = request.header(CONTENT_TYPE, "application/json");
        for (name, value) in sealed.headers {
            request = request.header(name, value);
        }
        let (headers, bytes) = exchange(request.body(sealed.body)).await?;
        let header = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
        let opened = security.open(url.as_str(), header, &bytes, self.clock.now());
        let opened = opened.map_err(|error| Error::Unusable(error.text()))?;
        understood(&opened.unwrap_or(bytes), token)
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.api_url.clone();
        url.set_path(&format!("{}/{path}", self.api_url.path().trim_end_matches('/')));
        url
    }
}

/// Sends a request and reads the platform's answer: a JSON object whose errcode, if any, is 0.
///
/// The HTTP status of an answer is 200 even for errors, and its content type says little, so an answer is
/// recognised by its shape. (protocol: HTTP status and Content-Type.)
///
/// What answers in the platform's place may repeat the request in its error text, so `secret` is cut out of that.
async fn call(request: RequestBuilder, secret: &SecretString) -> Result<Map<String, Value>> {
    let (_, bytes) = exchange(request).await?;
    understood(&bytes, secret)
}

/// The headers and the body of an answer.
async fn exchange(request: RequestBuilder) -> Result<(HeaderMap, Vec<u8>)> {
    let mut response = request.send().await?;
    if !response.status().is_success() {
        return Err(Error::Unusable("its HTTP status is not 200"));
    }
    let headers = std::mem::take(response.headers_mut());
    Ok((headers, read(response).await?))
}

fn understood(bytes: &[u8], secret: &SecretString) -> Result<Map<String, Value>> {
    let answer: Map<String, Value> =
        serde_json::from_slice(bytes).map_err(|_| Error::Unusable("it is no JSON object"))?;
    match answer.get("errcode").map(integer) {
        None | Some(Some(0)) => Ok(answer),
        Some(Some(errcode)) => Err(Error::refused(
            errcode,
            &text(&answer, "errmsg")
                .unwrap_or_default()
                .replace(secret.expose_secret(), "***"),
        )),
        Some(None) => Err(Error::Unusable("its errcode is no number")),
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_ANSWER {
            return Err(Error::Unusable("it is too long"));
        }
    }
    Ok(bytes)
}

fn fetched(answer: &Map<String, Value>, name: &'static str) -> Result<Fetched> {
    let value = text(answer, name).filter(|text| (1..=2048).contains(&text.len()));
    let value = value.ok_or(Error::Unusable("it has no token or ticket"))?;
    let seconds = answer
        .get("expires_in")
        .and_then(integer)
        .and_then(|seconds| u64::try_from(seconds).ok());
    let expires_in = seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs);
    Ok(Fetched {
        value: value.into(),
        expires_in,
    })
}

fn text<'a>(answer: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    answer.get(name)?.as_str()
}

/// A whole number, also one that arrives as a text, as some of the platform's do.
pub(in crate::wechat) fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifetime(answer: &str) -> Option<u64> {
        fetched(&serde_json::from_str(answer).unwrap(), "ticket")
            .unwrap()
            .expires_in
            .map(|life| life.as_secs())
    }

    #[test]
    fn a_lifetime_is_believed_only_if_it_makes_sense() {
        assert_eq!(lifetime(r#"{"ticket":"t","expires_in":7200}"#), Some(7200));
        assert_eq!(lifetime(r#"{"ticket":"t","expires_in":"7200"}"#), Some(7200));
        for odd in ["0", "-5", "null", "\"soon\"", "1.5", "99999999999999999999", "[]"] {
            assert_eq!(
                lifetime(&format!(r#"{{"ticket":"t","expires_in":{odd}}}"#)),
                None,
                "{odd}"
            );
        }
        assert_eq!(lifetime(r#"{"ticket":"t"}"#), None);
        assert!(fetched(&Map::new(), "ticket").is_err());
    }
}
