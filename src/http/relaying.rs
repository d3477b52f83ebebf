//! Requests that are handed on to WeChat's API, and its answers: both ways piece by piece, with little memory. Who may ask
//! for what is not known here.

use std::io;
use std::time::{Duration, Instant};

use actix_web::body::{BodyStream, SizedStream};
use actix_web::dev::Payload as RequestBody;
use actix_web::http::{StatusCode, header};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;

use super::edge::body::{self, BodyError, Collected};
use super::edge::connections::Guard;
use super::edge::request_id::RequestId;
use crate::domain::api_path::ApiTarget;
use crate::domain::ids::AppId;
use crate::service::relay::{
    self, Answer, Body, Broken, Call, HeaderMap, HeaderName, HeaderValue, Method, Party, Payload,
};
use crate::state::State;

/// A body of at most so many bytes is kept, so that it can be sent again if the access_token was dead.
const KEPT: usize = 1024 * 1024;
/// How long an access_token is waited for, twice.
const TOKEN: Duration = Duration::from_secs(16);
/// How many pieces of a longer body wait to be sent.
const WAITING: usize = 4;
/// The headers that are handed on. All others are of the connection, of proxies, or carry credentials that are ours.
const HANDED_ON: [&str; 3] = ["accept", "accept-language", "content-type"];

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failed {
    /// The request's body.
    Body(BodyError),
    /// The request has a header that servers read in two ways.
    Header,
    /// The method is none of WeChat's.
    Method,
    /// The call.
    Relay(relay::Error),
    /// Nobody waits for it any more.
    Left,
}

impl From<relay::Error> for Failed {
    fn from(error: relay::Error) -> Self {
        Self::Relay(error)
    }
}

impl From<BodyError> for Failed {
    fn from(error: BodyError) -> Self {
        Self::Body(error)
    }
}

/// A request's body, as far as it is kept.
pub(super) enum Begun {
    /// All of it.
    Whole(Bytes),
    /// The beginning of a longer one.
    Long(Vec<Bytes>),
}

/// Reads a body if it is small, else its beginning. It may take long, so whoever sends it is known by now.
///
/// # Errors
/// If it is larger than `gateway.body`, late or broken.
pub(super) async fn begin(
    state: &State,
    request: &HttpRequest,
    payload: &mut RequestBody,
) -> Result<Begun, Failed> {
    check(request)?;
    let begun = read(state, request, payload).await;
    Ok(begun.inspect_err(|error| body::count(request, error))?)
}

async fn read(state: &State, request: &HttpRequest, payload: &mut RequestBody) -> Result<Begun, BodyError> {
    let limit = state.config.gateway.body;
    let declared = body::declared(request.headers());
    if declared.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    body::allow(request, state.config.gateway.transfer_timeout);
    if declared.is_some_and(|length| length > KEPT as u64) {
        return Ok(Begun::Long(Vec::new()));
    }
    let mut kept = Collected::relayed(request, KEPT);
    while let Some(piece) = payload.next().await {
        let piece = piece?;
        match kept.push(&piece) {
            Ok(()) => {}
            Err(BodyError::TooLarge { .. }) => return Ok(Begun::Long(vec![kept.finish(), piece])),
            // There is no memory to keep it in: it is handed on and gone, and cannot be sent again.
            Err(BodyError::Busy) => return Ok(Begun::Long(vec![kept.finish()])),
            Err(error) => return Err(error),
        }
    }
    let kept = kept.finish();
    if kept.len() as u64 > limit {
        return Err(too_large(limit));
    }
    Ok(Begun::Whole(kept))
}

fn too_large(limit: u64) -> BodyError {
    BodyError::TooLarge {
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
    }
}

/// Lets a request take as long as a call of WeChat's API may, and an access_token before it.
pub(super) fn be_patient(state: &State, request: &HttpRequest) {
    if let Some(guard) = request.conn_data::<Guard>() {
        guard.allow(Instant::now() + state.config.gateway.transfer_timeout + TOKEN);
    }
}

/// Makes a request's call, and gives it up if the client goes away.
///
/// # Errors
/// See [`Failed`].
pub(super) async fn relay(
    state: &State,
    request: &HttpRequest,
    payload: RequestBody,
    begun: Begun,
    (app, party, target): (AppId, Party, ApiTarget),
) -> Result<Answer, Failed> {
    let call = |body| {
        Ok::<_, Failed>(Call {
            app,
            party,
            method: Method::from_bytes(request.method().as_str().as_bytes()).map_err(|_| Failed::Method)?,
            target,
            headers: headers(request),
            body,
            request_id: RequestId::text_of(request),
        })
    };
    let left = async {
        match request.conn_data::<Guard>().cloned() {
            Some(guard) => guard.left().await,
            None => std::future::pending().await,
        }
    };
    match begun {
        Begun::Whole(bytes) => {
            be_patient(state, request);
            let answer = state.relay.send(call(Payload::Whole(bytes))?);
            tokio::select! {
                answer = answer => Ok(answer?),
                () = left => Err(Failed::Left),
            }
        }
        Begun::Long(first) => {
            let length = body::declared(request.headers());
            let (sender, pieces) = mpsc::channel(WAITING);
            let answer = state.relay.send(call(Payload::Stream { length, pieces })?);
            let pump = pump(first, payload, state.config.gateway.body, sender);
            tokio::pin!(answer, pump, left);
            let mut sent = false;
            loop {
                tokio::select! {
                    answer = &mut answer => return Ok(answer?),
                    end = &mut pump, if !sent => {
                        end.inspect_err(|error| body::count(request, error))?;
                        sent = true;
                    }
                    () = &mut left, if sent => return Err(Failed::Left),
                }
            }
        }
    }
}

/// Hands a body on as it comes.
async fn pump(
    first: Vec<Bytes>,
    mut payload: RequestBody,
    limit: u64,
    sender: mpsc::Sender<Result<Bytes, Broken>>,
) -> Result<(), BodyError> {
    let mut sent = 0;
    let mut first = stream::iter(first.into_iter().map(Ok));
    loop {
        let piece = match first.next().await {
            Some(piece) => Some(piece),
            None => payload.next().await,
        };
        let error = match piece {
            None => return Ok(()),
            Some(Ok(piece)) => {
                sent += piece.len() as u64;
                if sent <= limit {
                    if sender.send(Ok(piece)).await.is_err() {
                        // The platform has answered, or is gone: the rest is of no interest.
                        return Ok(());
                    }
                    continue;
                }
                too_large(limit)
            }
            Some(Err(error)) => error.into(),
        };
        // WeChat must not take what has come for the whole.
        drop(sender.send(Err(Broken)).await);
        return Err(error);
    }
}

/// Refuses what would be read differently elsewhere: with `-` and `_` taken for the same, a header of one meaning
/// becomes another.
fn check(request: &HttpRequest) -> Result<(), Failed> {
    if request.headers().keys().any(|name| name.as_str().contains('_')) {
        return Err(Failed::Header);
    }
    if request.headers().get_all(header::CONTENT_TYPE).count() > 1 {
        return Err(Failed::Header);
    }
    match request.method().as_str() {
        "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" => Ok(()),
        _ => Err(Failed::Method),
    }
}

fn headers(request: &HttpRequest) -> HeaderMap {
    let found = HANDED_ON.iter().filter_map(|name| {
        let value = request.headers().get(*name)?;
        let value = HeaderValue::from_bytes(value.as_bytes()).ok()?;
        Some((HeaderName::from_static(name), value))
    });
    found.collect()
}

/// The platform's answer as it came.
pub(super) fn respond(state: &State, request: &HttpRequest, answer: Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = HttpResponse::build(status);
    for (name, value) in &answer.headers {
        response.append_header((name.as_str(), value.as_bytes()));
    }
    // Whatever the platform says it is, it is not a page of ours.
    response.insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"));
    if !answer.headers.contains_key("cache-control") {
        response.insert_header((header::CACHE_CONTROL, "no-store"));
    }
    let rest = match answer.body {
        Body::Whole(bytes) => return response.body(bytes),
        Body::Stream(rest) => rest,
    };
    let length = rest.length();
    let patience = state.config.gateway.timeout;
    let guard = request.conn_data::<Guard>().cloned();
    let pieces = stream::unfold(Some((rest, guard)), move |going| async move {
        let (mut rest, guard) = going?;
        // As long as the client takes what comes and the platform sends more, the connection lives.
        if let Some(guard) = &guard {
            guard.allow(Instant::now() + patience);
        }
        match rest.next().await {
            Ok(piece) => Some((Ok(piece?), Some((rest, guard)))),
            Err(error) => {
                tracing::warn!(%error, "WeChat's answer broke off while it was handed on");
                Some((Err(io::Error::other("the answer broke off")), None))
            }
        }
    });
    match length {
        Some(length) => response.body(SizedStream::new(length, Box::pin(pieces))),
        None => response.body(BodyStream::new(Box::pin(pieces))),
    }
}
