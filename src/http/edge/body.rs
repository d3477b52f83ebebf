//! Request bodies: how long they may take, how much of them is held, and what happens to what nobody read. Nothing is parsed here.

mod pace;

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
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
    let edge = request.app_data::<web::Data<Edge>>();
    let share = edge.map(|edge| edge.bodies.share());
    let outcome = collect(declared(request.headers()), payload, limit, share).await;
    if let (Err(error), Some(edge)) = (&outcome, edge) {
        edge.metrics.body_refused(match error {
            BodyError::TooLarge { .. } => Refusal::TooLarge,
            BodyError::TimedOut => Refusal::TimedOut,
            BodyError::Broken(_) => Refusal::Broken,
            BodyError::Busy => Refusal::Busy,
        });
    }
    outcome
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

async fn collect(declared: Option<u64>, payload: &mut Payload, limit: usize, mut share: Option<Share>) -> Result<Bytes, BodyError> {
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(BodyError::TooLarge { limit });
    }
    // Nothing is reserved for what is only declared: a promise costs the client nothing.
    let mut all = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| if is_timeout(&error) { BodyError::TimedOut } else { BodyError::Broken(error) })?;
        if chunk.len() > limit - all.len() {
            return Err(BodyError::TooLarge { limit });
        }
        if !share.as_mut().is_none_or(|share| share.grow(chunk.len())) {
            return Err(BodyError::Busy);
        }
        all.extend_from_slice(&chunk);
    }
    let bytes = all.freeze();
    Ok(match share {
        Some(share) if !bytes.is_empty() => Bytes::from_owner(Held { bytes, _share: share }),
        _ => bytes,
    })
}

fn is_timeout(error: &PayloadError) -> bool {
    matches!(error, PayloadError::Io(io) if io.kind() == io::ErrorKind::TimedOut)
}

fn declared(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// Puts a guard around the request's body. Requests without a body have none and pay nothing.
pub(super) fn guard(request: &mut ServiceRequest, limits: &Limits, started: Instant) -> Option<Unread> {
    let payload = request.take_payload();
    if matches!(payload, Payload::None) {
        return None;
    }
    let watched = Watched { payload, pace: Pace::new(started, limits.body_timeout), end: None };
    let shared = Rc::new(RefCell::new(watched));
    let stream: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(Reader(Rc::clone(&shared)));
    request.set_payload(Payload::from(stream));
    Some(Unread { shared, declared: declared(request.headers()) })
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
    /// There is more than is worth reading. Held until the answer is sent, it keeps the server from closing the
    /// connection in a way that destroys the answer.
    Unread(Unread),
}

impl Unread {
    /// Reads and drops what the handler left.
    pub(super) async fn finish(self) -> Rest {
        match self.shared.borrow().end {
            Some(End::TimedOut) => return Rest::TimedOut,
            Some(_) => return Rest::Nothing,
            None => {}
        }
        // A handler that answers with a stream made of the body still reads it.
        if Rc::strong_count(&self.shared) > 1 {
            return Rest::Nothing;
        }
        let left = self.declared.map_or(0, |length| length.saturating_sub(self.shared.borrow().pace.total()));
        if left > DROPPED_AT_MOST || !self.drop_rest().await {
            return Rest::Unread(self);
        }
        Rest::Nothing
    }

    /// Says whether the end was reached.
    async fn drop_rest(&self) -> bool {
        let mut reader = Reader(Rc::clone(&self.shared));
        let all = async {
            let mut dropped = 0;
            while let Some(Ok(chunk)) = reader.next().await {
                dropped += chunk.len() as u64;
                if dropped > DROPPED_AT_MOST {
                    return false;
                }
            }
            true
        };
        let in_time = tokio::time::timeout(DROPPING_AT_MOST, all).await.unwrap_or(false);
        in_time && self.shared.borrow().end == Some(End::Complete)
    }
}
