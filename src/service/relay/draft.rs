//! A call as it is sent: with its credential, in each form that one has. Pure.

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::treatment::Proof;
use super::{Call, Payload};
use crate::config::App;
use crate::domain::api_path::ApiTarget;
use crate::service::credentials::Held;
use crate::wechat::Outgoing;
use crate::wechat::security::Sealed;

/// What is percent-encoded in a credential: all but the unreserved characters. (RFC 3986, 2.3.)
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A call without its credential and its body.
pub(super) struct Draft {
    pub(super) method: Method,
    pub(super) target: ApiTarget,
    headers: HeaderMap,
}

impl Draft {
    pub(super) fn of(call: Call) -> (Self, Payload) {
        let draft = Self {
            method: call.method,
            target: call.target,
            headers: call.headers,
        };
        (draft, call.body)
    }

    /// With this query.
    pub(super) fn outgoing(&self, query: String, body: Payload) -> Outgoing {
        Outgoing {
            method: self.method.clone(),
            path: self.target.path().to_owned(),
            query,
            headers: self.headers.clone(),
            body,
        }
    }

    /// With JSON of ours in the place of the caller's body.
    fn json(&self, query: String, body: Bytes) -> Outgoing {
        let mut outgoing = self.outgoing(query, Payload::Whole(body));
        let json = HeaderValue::from_static("application/json");
        outgoing.headers.insert(CONTENT_TYPE, json);
        outgoing
    }

    /// With an access_token.
    pub(super) fn with_token(&self, held: &Held, body: Payload) -> Outgoing {
        // It comes first: of a parameter that is there twice most servers take the first.
        self.outgoing(joined(&token(held), self.target.query()), body)
    }

    /// With an access_token, encrypted and signed. (服务端 API 签名加密.)
    pub(super) fn sealed(&self, held: &Held, sealed: Sealed) -> Outgoing {
        let mut outgoing = self.json(token(held), sealed.body.into());
        for (name, value) in sealed.headers {
            let name: Result<HeaderName, _> = name.parse();
            if let (Ok(name), Ok(value)) = (name, value.parse()) {
                outgoing.headers.insert(name, value);
            }
        }
        outgoing
    }

    /// With the AppSecret, in the place of what the caller wrote.
    pub(super) fn proven(&self, app: &App, proof: Proof, body: Payload) -> Outgoing {
        let rest = self.target.query_without(&["appid", "secret", "appsecret"]);
        let (id, secret) = (app.app_id.as_str(), app.app_secret.expose_secret());
        match proof {
            Proof::Query => {
                let secret = escaped(secret);
                self.outgoing(joined(&format!("appid={id}&secret={secret}"), &rest), body)
            }
            Proof::Body => {
                let own = json!({"appid": id, "appsecret": secret}).to_string();
                self.json(rest, own.into())
            }
        }
    }
}

/// As it stands in a query.
pub(super) fn escaped(credential: &str) -> PercentEncode<'_> {
    utf8_percent_encode(credential, ESCAPED)
}

fn token(held: &Held) -> String {
    format!("access_token={}", escaped(held.value.expose_secret()))
}

fn joined(first: &str, rest: &str) -> String {
    if rest.is_empty() {
        first.to_owned()
    } else {
        format!("{first}&{rest}")
    }
}
