//! Calls that others wrote, sent to the platform as they are, and its answers as they come. What they mean is not known
//! here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use reqwest::header::{CONTENT_LENGTH, HeaderMap};
use reqwest::{Body, Client, Method, Response};
use thread_local::ThreadLocal;
use tokio::sync::mpsc::Receiver;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use url::Url;

use super::error::{Error, Result};
use super::security::Security;
use crate::domain::ids::AppId;

/// WeChat's API at one base URL, for calls of any form.
#[derive(Clone)]
pub struct Upstream {
    http: Arc<Clients>,
    /// Without a slash at its end.
    base: String,
    patience: Patience,
    secured: Arc<HashMap<AppId, Arc<Security>>>,
}

/// A client for each thread, so that its connections are served by the thread that uses them: a call that another thread
/// has to be woken for costs twice the time.
struct Clients {
    build: Box<dyn Fn() -> reqwest::Result<Client> + Send + Sync>,
    of_threads: ThreadLocal<Client>,
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
    /// The API at `api_url`, over what `build` builds for each thread that makes a call, which has no timeouts of its own
    /// but for connecting.
    #[must_use]
    pub fn new(
        build: impl Fn() -> reqwest::Result<Client> + Send + Sync + 'static,
        api_url: &Url,
        patience: Patience,
    ) -> Self {
        let base = api_url.as_str().trim_end_matches('/').to_owned();
        Self {
            http: Arc::new(Clients {
                build: Box::new(build),
                of_threads: ThreadLocal::new(),
            }),
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
        let http = self.http.of_threads.get_or_try(|| (self.http.build)())?;
        let request = http.request(call.method, url);
        let request = request.headers(call.headers).timeout(self.patience.whole);
        let (progress, mut seen) = watch::channel(Some(Instant::now()));
        let request = match call.body {
            Payload::Whole(bytes) if bytes.is_empty() => request,
            Payload::Whole(bytes) => request.body(bytes),
            Payload::Stream { length, pieces } => {
                let request = match length {
                    // WeChat's servers refuse bodies in chunks: whoever says how long a body is is taken at their word.
                    Some(length) => request.header(CONTENT_LENGTH, length),
                    None => request,
                };
                request.body(streamed(pieces, progress))
            }
        };
        let answer = request.send();
        tokio::pin!(answer);
        loop {
            let since = *seen.borrow_and_update();
            let silent = async {
                match since {
                    Some(since) => sleep_until(since + self.patience.silence).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                response = &mut answer => {
                    return Ok(Incoming { response: response?, silence: self.patience.silence });
                }
                () = silent => return Err(Error::Silent),
                // It ends with the body, when the platform's time runs on.
                Ok(()) = seen.changed() => {}
            }
        }
    }
}

/// The body as it comes. `turn` has since when the platform has to do something; nothing while we wait for the caller.
fn streamed(pieces: Receiver<Result<Bytes, Broken>>, turn: watch::Sender<Option<Instant>>) -> Body {
    Body::wrap_stream(stream::unfold((pieces, turn), async |(mut pieces, turn)| {
        turn.send_replace(None);
        let piece = pieces.recv().await;
        turn.send_replace(Some(Instant::now()));
        Some((piece?, (pieces, turn)))
    }))
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
