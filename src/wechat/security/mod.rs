//! Calls in the signed and encrypted mode: what becomes of a call's body, and what an answer in this mode says.
//! (服务端 API 签名加密.) The cryptography is in `domain::api_security`; whether a call is made in this mode is decided by
//! whoever makes it.

#[cfg(test)]
mod tests;

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use serde_json::{Map, Value};

use crate::domain::api_security::{Context, Encrypted, Keys, NotSealable, Parameters, Paths, opened};
use crate::domain::ids::AppId;
use crate::domain::time::Timestamp;

/// An answer whose timestamp is further from our clock than so many seconds is refused. (服务端 API 签名加密, 响应验签.)
const WINDOW: u64 = 300;

/// One app's side of the mode.
#[derive(Debug, Clone)]
pub struct Security {
    app_id: AppId,
    keys: Keys,
    paths: Paths,
}

/// A call as it is sent in this mode: by POST as JSON, with nothing but the access_token in its query.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// The body, which is signed byte for byte.
    pub body: Vec<u8>,
    /// The headers to add.
    pub headers: [(&'static str, String); 3],
}

/// Why an answer is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenError {
    /// It claims to have succeeded, and is neither encrypted nor signed.
    Plain,
    /// A header is missing, or is no text.
    NoHeader,
    /// It is signed, with another certificate than ours.
    ForeignCertificate,
    /// The signature does not fit.
    BadSignature,
    /// It is too old, or from the future; or a clock is wrong.
    Stale,
    /// It is signed and does not open.
    Unreadable,
    /// What is in it was made for another app or at another time.
    Foreign,
}

impl OpenError {
    /// What is wrong, as a text that lives as long as the program.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Plain => "it is neither encrypted nor signed",
            Self::NoHeader => "it lacks a header of the signed mode",
            Self::ForeignCertificate => "it is signed with another certificate than the configured one",
            Self::BadSignature => "its signature is wrong",
            Self::Stale => "its timestamp is more than five minutes away from our clock",
            Self::Unreadable => "it cannot be decrypted with the configured key",
            Self::Foreign => "it was encrypted for another app or at another time",
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for OpenError {}

impl Security {
    /// For calls in the name of `app_id` to the APIs at `paths`.
    #[must_use]
    pub fn new(app_id: AppId, keys: Keys, paths: Paths) -> Self {
        Self { app_id, keys, paths }
    }

    /// Whether a POST with a JSON body to WeChat's `path` is made in this mode.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        self.paths.cover(path)
    }

    /// Encrypts and signs a call. `url` is scheme, host and path, without the query; `query` has no access_token; `body`
    /// is a JSON object or empty.
    ///
    /// # Errors
    /// [`NotSealable`] if query and body do not make one JSON object.
    pub fn seal(
        &self,
        url: &str,
        query: &[(String, String)],
        body: &[u8],
        now: Timestamp,
    ) -> Result<Sealed, NotSealable> {
        let nonce = BASE64_STANDARD_NO_PAD.encode(rand::random::<[u8; 16]>());
        self.seal_with(url, Parameters { query, body }, now, rand::random(), &nonce)
    }

    fn seal_with(
        &self,
        url: &str,
        parameters: Parameters<'_>,
        now: Timestamp,
        iv: [u8; 12],
        nonce: &str,
    ) -> Result<Sealed, NotSealable> {
        let timestamp = now.secs().to_string();
        let context = self.context(url, &timestamp);
        let text = parameters.sealable(context, nonce)?;
        let encrypted = self.keys.symmetric.seal(context, iv, &text);
        let body = serde_json::to_vec(&encrypted).expect("texts are JSON");
        let signature = self.keys.private.sign(context, &body, &SystemRandom::new());
        let headers = [
            ("Wechatmp-Appid", self.app_id.to_string()),
            ("Wechatmp-TimeStamp", timestamp),
            ("Wechatmp-Signature", signature),
        ];
        Ok(Sealed { body, headers })
    }

    /// What an answer says; nothing if it is not of this mode: an error in plain JSON, or a file.
    ///
    /// `header` finds a header by its lower-case name.
    ///
    /// # Errors
    /// [`OpenError`] if it is not to be believed.
    pub fn open(
        &self,
        url: &str,
        header: impl Fn(&str) -> Option<String>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Option<Vec<u8>>, OpenError> {
        let Ok(encrypted) = serde_json::from_slice::<Encrypted>(body) else {
            return plain(body);
        };
        let timestamp = header("wechatmp-timestamp").ok_or(OpenError::NoHeader)?;
        let context = self.context(url, &timestamp);
        let signature = self.signature(header)?;
        self.keys
            .certificate
            .verify(context, body, &signature)
            .map_err(|_| OpenError::BadSignature)?;
        let sent: i64 = timestamp.parse().map_err(|_| OpenError::NoHeader)?;
        if now.secs().abs_diff(sent) > WINDOW {
            return Err(OpenError::Stale);
        }
        let text = self.keys.symmetric.open(context, &encrypted);
        let text = text.map_err(|_| OpenError::Unreadable)?;
        opened(context, &text).map(Some).map_err(|_| OpenError::Foreign)
    }

    /// The signature that was made with the certificate we hold. While one certificate takes another's place, answers
    /// are signed with both.
    fn signature(&self, header: impl Fn(&str) -> Option<String>) -> Result<String, OpenError> {
        let serial = header("wechatmp-serial").ok_or(OpenError::NoHeader)?;
        let ours = |serial: &str| serial == self.keys.certificate.number();
        let name = if ours(&serial) {
            "wechatmp-signature"
        } else if header("wechatmp-serial-deprecated").is_some_and(|serial| ours(&serial)) {
            "wechatmp-signature-deprecated"
        } else {
            return Err(OpenError::ForeignCertificate);
        };
        header(name).ok_or(OpenError::NoHeader)
    }

    fn context<'a>(&'a self, url: &'a str, timestamp: &'a str) -> Context<'a> {
        let app_id = &self.app_id;
        Context {
            url,
            app_id,
            timestamp,
        }
    }
}

/// Errors come without encryption, because what is wrong may be the keys. A success in plain JSON is somebody else's.
/// Whether files are encrypted is not documented, so they pass.
fn plain(body: &[u8]) -> Result<Option<Vec<u8>>, OpenError> {
    let Ok(answer) = serde_json::from_slice::<Map<String, Value>>(body) else {
        return Ok(None);
    };
    match answer.get("errcode").and_then(super::client::integer) {
        None | Some(0) => Err(OpenError::Plain),
        Some(_) => Ok(None),
    }
}
