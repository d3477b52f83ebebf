//! Calls that others wrote, sent to the platform as they are, and its answers as they come. What they mean is not known
//! here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use reqwest::header::{CONTENT_LENGTH, HeaderMap};
use reqwest::{Body, Method, Response};
use tokio::sync::mpsc::Receiver;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use url::Url;

use super::error::{Error, Result};
use super::security::Security;
use crate::domain::ids::AppId;

/// WeChat's API at one base URL, for calls of any form.
#[derive(Debug, Clone)]
pub struct Upstream {
    http: reqwest::Client,
    /// Without a slash at its end.
    base: String,
    patience: Patience,
    secured: Arc<HashMap<AppId, Arc<Security>>>,
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Without a sign of life: until the answer begins, and in the middle of it.
    pub silence: Duration,
    /// In all.
    pub whole: Duration,
}

/// A call.
pub struct Outgoing {
    /// Its method.
    pub method: Method,
    /// Its path, as it is sent; begins with a slash.
    pub path: String,
    /// Its query, as it is sent, with whatever credential it needs.
    pub query: String,
    /// Its headers, but for those of the connection.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Payload,
}

/// A body.
pub enum Payload {
    /// All of it, perhaps nothing.
    Whole(Bytes),
    /// Piece by piece.
    Stream {
        /// How long it will be, if that was said.
        length: Option<u64>,
        /// The pieces. An error, or an end before the length, breaks the call off.
        pieces: Receiver<Result<Bytes, Broken>>,
    },
}

/// A body whose rest does not come.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the body did not arrive whole")]
pub struct Broken;

/// An answer whose head has come.
pub struct Incoming {
    response: Response,
    silence: Duration,
}

impl Upstream {
    /// The API at `api_url`, over `http`, which has no timeouts of its own but for connecting.
    #[must_use]
    pub fn new(http: reqwest::Client, api_url: &Url, patience: Patience) -> Self {
        let base = api_url.as_str().trim_end_matches('/').to_owned();
        Self {
            http,
            base,
            patience,
            secured: Arc::default(),
        }
    }

    /// The same for apps some of which call in the signed and encrypted mode.
    #[must_use]
    pub fn secured(self, secured: HashMap<AppId, Arc<Security>>) -> Self {
        let secured = Arc::new(secured);
        Self { secured, ..self }
    }

    /// The keys of an app that calls `path` in that mode.
    #[must_use]
    pub fn security(&self, app: &AppId, path: &str) -> Option<&Security> {
        let security = self.secured.get(app)?;
        security.covers(path).then_some(security)
    }

    /// Scheme, host and path of a call.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Sends a call, once. Redirects are not followed.
    pub async fn send(&self, call: Outgoing) -> Result<Incoming> {
        let mut url = self.url(&call.path);
        if !call.query.is_empty() {
            url.push('?');
            url.push_str(&call.query);
        }
        let request = self.http.request(call.method, url);
        let request = request.headers(call.headers).timeout(self.patience.whole);
        let (progress, seen) = watch::channel(Instant::now());
        let request = match call.body {
            Payload::Whole(bytes) if bytes.is_empty() => request,
            Payload::Whole(bytes) => request.body(bytes),
            Payload::Stream { length, pieces } => {
                let request = match length {
                    // WeChat's servers refuse bodies in chunks: whoever says how long a body is is taken at their word.
                    Some(length) => request.header(CONTENT_LENGTH, length),
                    None => request,
                };
                request.body(streamed(pieces, Arc::new(progress)))
            }
        };
        let answer = request.send();
        tokio::pin!(answer);
        loop {
            // While the body is on its way the platform need not say anything.
            let until = *seen.borrow() + self.patience.silence;
            tokio::select! {
                response = &mut answer => {
                    return Ok(Incoming { response: response?, silence: self.patience.silence });
                }
                () = tokio::time::sleep_until(until) => {
                    if *seen.borrow() + self.patience.silence <= Instant::now() {
                        return Err(Error::Silent);
                    }
                }
            }
        }
    }
}

fn streamed(pieces: Receiver<Result<Bytes, Broken>>, progress: Arc<watch::Sender<Instant>>) -> Body {
    Body::wrap_stream(stream::unfold(
        (pieces, progress),
        async |(mut pieces, progress)| {
            let piece = pieces.recv().await?;
            progress.send_replace(Instant::now());
            Some((piece, (pieces, progress)))
        },
    ))
}

impl Incoming {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// How long the body will be, if the platform said so.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// The next piece of the body; nothing at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        match timeout(self.silence, self.response.chunk()).await {
            Ok(chunk) => Ok(chunk?),
            Err(_) => Err(Error::Silent),
        }
    }
}
