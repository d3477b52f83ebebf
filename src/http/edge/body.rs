//! Request bodies: how long they may take, how much of them is held, and what happens to what nobody read. Nothing is parsed here.

mod pace;

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{self, Bytes, BytesMut};
use actix_web::{HttpMessage, HttpRequest};
use futures_util::stream::{Stream, StreamExt};

use super::Edge;
use super::budget::Share;
use super::connections::Guard;
use super::metrics::Refusal;
use crate::config::Limits;
use pace::Pace;

/// What is read and dropped of a body that the handler did not want, so that the client comes to read its answer.
const DROPPED_AT_MOST: u64 = 8 * 1024 * 1024;
const DROPPING_AT_MOST: Duration = Duration::from_secs(2);

/// Why there is no body.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is larger than allowed: 413.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// What is allowed.
        limit: usize,
    },
    /// It did not arrive in time: 408.
    #[error("the body did not arrive in time")]
    TimedOut,
    /// The connection broke or the framing is wrong: 400.
    #[error("the body is broken")]
    Broken(#[source] PayloadError),
    /// Bodies of other requests use up the memory set aside for them: 503.
    #[error("too many request bodies at once")]
    Busy,
}

/// Reads a body of at most `limit` bytes.
///
/// Its bytes count against the process's budget until the last clone of them is dropped.
pub async fn read(request: &HttpRequest, payload: &mut Payload, limit: usize) -> Result<Bytes, BodyError> {
    let collected = Collected::kept(request, limit);
    let outcome = collect(declared(request.headers()), payload, collected).await;
    outcome.inspect_err(|error| count(request, error))
}

/// Counts a body that was refused. [`read`] does it by itself.
pub fn count(request: &HttpRequest, error: &BodyError) {
    if let Some(edge) = request.app_data::<web::Data<Edge>>() {
        edge.metrics.body_refused(match error {
            BodyError::TooLarge { .. } => Refusal::TooLarge,
            BodyError::TimedOut => Refusal::TimedOut,
            BodyError::Broken(_) => Refusal::Broken,
            BodyError::Busy => Refusal::Busy,
        });
    }
}

/// Lets this request's body take so long, counted from the request's first byte, if it may not take longer already.
/// It must not crawl even so, and who is allowed that is for the route to decide before it reads.
pub fn allow(request: &HttpRequest, within: Duration) {
    let body = request
        .extensions()
        .get::<Allowance>()
        .and_then(|body| body.0.upgrade());
    let Some(body) = body else {
        return;
    };
    body.borrow_mut().pace.allow(within);
    if let Some(guard) = request.conn_data::<Guard>() {
        guard.allow(Instant::now() + within);
    }
}

/// The way from a request to its body's guard. It must not keep the body: see [`Unread::finish`].
struct Allowance(Weak<RefCell<Watched>>);

/// What has come of a body, or of a file in it.
pub struct Collected {
    all: BytesMut,
    limit: usize,
    share: Option<Share>,
}

impl Collected {
    fn new(limit: usize, share: Option<Share>) -> Self {
        // Nothing is reserved for what is only declared: a promise costs the client nothing.
        let all = BytesMut::new();
        Self { all, limit, share }
    }

    /// Nothing yet of a body of at most `limit` bytes that is kept while it is handed on. Such bodies have a budget of
    /// their own.
    #[must_use]
    pub fn relayed(request: &HttpRequest, limit: usize) -> Self {
        let edge = request.app_data::<web::Data<Edge>>();
        Self::new(limit, edge.map(|edge| edge.relayed.share()))
    }

    /// Nothing yet of a body of at most `limit` bytes.
    fn kept(request: &HttpRequest, limit: usize) -> Self {
        let edge = request.app_data::<web::Data<Edge>>();
        Self::new(limit, edge.map(|edge| edge.bodies.share()))
    }

    /// Nothing yet of a file of at most `limit` bytes. Files have a budget of their own.
    #[must_use]
    pub fn upload(request: &HttpRequest, limit: usize) -> Self {
        let edge = request.app_data::<web::Data<Edge>>();
        Self::new(limit, edge.map(|edge| edge.uploads.share()))
    }

    /// Adds what has come.
    ///
    /// # Errors
    /// If it is too large, or there is no memory for it.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), BodyError> {
        let Self { all, limit, share } = self;
        if chunk.len() > *limit - all.len() {
            return Err(BodyError::TooLarge { limit: *limit });
        }
        let before = all.capacity();
        all.extend_from_slice(chunk);
        // What is allocated counts, which may be more than what has come.
        let grown = all.capacity() - before;
        if share.as_mut().is_none_or(|share| share.grow(grown)) {
            Ok(())
        } else {
            Err(BodyError::Busy)
        }
    }

    /// All of it. It counts against the budget until the last clone is dropped.
    #[must_use]
    pub fn finish(self) -> Bytes {
        let bytes = self.all.freeze();
        match self.share {
            Some(share) if !bytes.is_empty() => Bytes::from_owner(Held { bytes, _share: share }),
            _ => bytes,
        }
    }
}

/// Bytes together with the share of the budget they use.
struct Held {
    bytes: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

async fn collect(
    declared: Option<u64>,
    payload: &mut Payload,
    mut collected: Collected,
) -> Result<Bytes, BodyError> {
    let limit = collected.limit;
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(BodyError::TooLarge { limit });
    }
    while let Some(chunk) = payload.next().await {
        collected.push(&chunk?)?;
    }
    Ok(collected.finish())
}

impl From<PayloadError> for BodyError {
    fn from(error: PayloadError) -> Self {
        if is_timeout(&error) {
            Self::TimedOut
        } else {
            Self::Broken(error)
        }
    }
}

fn is_timeout(error: &PayloadError) -> bool {
    matches!(error, PayloadError::Io(io) if io.kind() == io::ErrorKind::TimedOut)
}

/// How long the body says it is.
pub(in crate::http) fn declared(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// Puts a guard around the request's body. Requests without a body have none and pay nothing.
pub(super) fn guard(request: &mut ServiceRequest, limits: &Limits, started: Instant) -> Option<Unread> {
    let payload = request.take_payload();
    if matches!(payload, Payload::None) {
        return None;
    }
    let watched = Watched {
        payload,
        pace: Pace::new(started, limits.body_timeout),
        end: None,
    };
    let shared = Rc::new(RefCell::new(watched));
    request.extensions_mut().insert(Allowance(Rc::downgrade(&shared)));
    let stream: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> =
        Box::pin(Reader(Rc::clone(&shared)));
    request.set_payload(Payload::from(stream));
    Some(Unread {
        shared,
        declared: declared(request.headers()),
    })
}

struct Watched {
    payload: Payload,
    pace: Pace,
    end: Option<End>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Complete,
    Broken,
    TimedOut,
}

impl Watched {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, PayloadError>>> {
        match self.end {
            Some(End::Complete) => return Poll::Ready(None),
            Some(End::Broken) => return Poll::Ready(Some(Err(PayloadError::Incomplete(None)))),
            Some(End::TimedOut) => return Poll::Ready(Some(Err(timed_out()))),
            None => {}
        }
        match Pin::new(&mut self.payload).poll_next(cx) {
            Poll::Ready(Some(Ok(chunk))) => {
                self.pace.received(chunk.len());
                Poll::Ready(Some(Ok(chunk)))
            }
            Poll::Ready(Some(Err(error))) => {
                self.end = Some(End::Broken);
                Poll::Ready(Some(Err(error)))
            }
            Poll::Ready(None) => {
                self.end = Some(End::Complete);
                Poll::Ready(None)
            }
            Poll::Pending => {
                ready!(self.pace.poll_too_slow(cx));
                self.end = Some(End::TimedOut);
                Poll::Ready(Some(Err(timed_out())))
            }
        }
    }
}

fn timed_out() -> PayloadError {
    PayloadError::Io(io::Error::from(io::ErrorKind::TimedOut))
}

/// What the handler reads from.
struct Reader(Rc<RefCell<Watched>>);

impl Stream for Reader {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.borrow_mut().poll_next(cx)
    }
}

/// The middleware's hold on the body that its handler reads from.
pub(super) struct Unread {
    shared: Rc<RefCell<Watched>>,
    declared: Option<u64>,
}

/// What became of a body once its request was answered.
pub(super) enum Rest {
    /// There is nothing left of it; the connection can be used again.
    Nothing,
    /// It was too slow: the answer is 408, whatever the handler made of it.
    TimedOut,
    /// Where it ends is not known, so nothing that follows can be believed.
    Broken,
    /// There is more than is worth reading. Held until the answer is sent, it keeps the server from closing the
    /// connection in a way that destroys the answer.
    Unread(Unread),
}

impl Unread {
    /// Reads and drops what the handler left.
    pub(super) async fn finish(self) -> Rest {
        match self.shared.borrow().end {
            Some(End::TimedOut) => return Rest::TimedOut,
            Some(End::Broken) => return Rest::Broken,
            Some(End::Complete) => return Rest::Nothing,
            None => {}
        }
        // A handler that answers with a stream made of the body still reads it.
        if Rc::strong_count(&self.shared) > 1 {
            return Rest::Nothing;
        }
        let left = self.declared.map_or(0, |length| {
            length.saturating_sub(self.shared.borrow().pace.total())
        });
        if left <= DROPPED_AT_MOST {
            self.drop_rest().await;
        }
        match self.shared.borrow().end {
            Some(End::Complete) => return Rest::Nothing,
            Some(_) => return Rest::Broken,
            None => {}
        }
        Rest::Unread(self)
    }

    async fn drop_rest(&self) {
        let mut reader = Reader(Rc::clone(&self.shared));
        let all = async {
            let mut dropped = 0;
            while let Some(Ok(chunk)) = reader.next().await {
                dropped += chunk.len() as u64;
                if dropped > DROPPED_AT_MOST {
                    break;
                }
            }
        };
        // If the time is over, there is still something left.
        let _ = tokio::time::timeout(DROPPING_AT_MOST, all).await;
    }
}
