//! The one layer around all routes. The order of its steps is the order of this file; what they do stands in the modules beside it.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_web::body::{BodySize, BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::{ConnectionType, Method, StatusCode, Uri};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, web};
use futures_util::FutureExt;

use super::answer::Answer;
use super::body::{self, Rest, Unread};
use super::connections::{Guard, InProgress};
use super::metrics::Refusal;
use super::request_id::{RequestId, X_REQUEST_ID};
use super::{Asked, Edge, access_log, framing};

/// Wraps all routes: `App::new().app_data(edge).wrap(from_fn(edge::middleware::edge))`, as the last `wrap`.
///
/// Limits: a panic while an answer's body is streamed is not caught, and answers that the HTTP server makes itself
/// (a head that cannot be parsed or is late) do not pass here.
pub async fn edge<B>(mut request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<Answer<B>>, Error>
where
    B: MessageBody + Unpin + 'static,
{
    let started = Instant::now();
    let Some(edge) = request.app_data::<web::Data<Edge>>().map(|edge| edge.clone().into_inner()) else {
        return Err(actix_web::error::ErrorInternalServerError("the edge is not among the app's data"));
    };
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    let in_progress = request.conn_data::<Guard>().map(|guard| guard.request_started(started));
    let body = body::guard(&mut request, &edge.limits, started);
    // The router needs the request to itself, so what an error answer says of it is kept apart.
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let passage = Passage { edge: &edge, started, id, method, uri, in_progress };

    if let Err(why) = framing::check(&passage.method, &passage.uri, request.version(), request.headers()) {
        return Ok(passage.refuse(request, why, body));
    }
    let outcome = AssertUnwindSafe(next.call(request)).catch_unwind().await;
    let rest = match body {
        Some(body) => body.finish().await,
        None => Rest::Nothing,
    };
    match outcome {
        Ok(Ok(response)) => Ok(passage.answer(response, rest)),
        Ok(Err(error)) => Err(passage.fail(&error, error.error_response().map_into_boxed_body())),
        Err(panic) => Err(passage.panicked(&*panic)),
    }
}

/// One request on its way.
struct Passage<'a> {
    edge: &'a Edge,
    started: Instant,
    id: RequestId,
    method: Method,
    uri: Uri,
    in_progress: Option<InProgress>,
}

impl Passage<'_> {
    /// The handler has answered.
    fn answer<B: MessageBody>(self, response: ServiceResponse<B>, rest: Rest) -> ServiceResponse<Answer<B>> {
        let (replaced, unread) = match rest {
            Rest::Nothing => (self.wants_rendering(&response).then(|| response.status()), None),
            Rest::TimedOut => {
                self.edge.metrics.body_refused(Refusal::TimedOut);
                (Some(StatusCode::REQUEST_TIMEOUT), None)
            }
            Rest::Unread(unread) => (self.wants_rendering(&response).then(|| response.status()), Some(unread)),
        };
        let mut response = match replaced {
            None => response.map_into_left_body(),
            Some(status) => self.rendered(response, status),
        };
        if unread.is_some() || replaced == Some(StatusCode::REQUEST_TIMEOUT) {
            response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
        }
        self.finish(response, unread)
    }

    /// Errors and the framework's own empty answers get the envelope; a handler's own text stays.
    #[expect(clippy::unused_self, reason = "it reads as a step of the passage")]
    fn wants_rendering<B: MessageBody>(&self, response: &ServiceResponse<B>) -> bool {
        let status = response.status();
        (status.is_client_error() || status.is_server_error())
            && (response.response().error().is_some()
                || matches!(response.response().body().size(), BodySize::None | BodySize::Sized(0)))
    }

    fn rendered<B>(&self, response: ServiceResponse<B>, status: StatusCode) -> ServiceResponse<EitherBody<B, BoxBody>> {
        let (request, old) = response.into_parts();
        let asked = Asked { request: Some(&request), ..self.asked() };
        let error = if status == old.status() { old.error() } else { None };
        let mut new = (self.edge.render_error)(&asked, status, error);
        keep(new.headers_mut(), old.headers());
        if old.head().connection_type() == ConnectionType::Close {
            new.head_mut().set_connection_type(ConnectionType::Close);
        }
        ServiceResponse::new(request, new.map_into_right_body())
    }

    /// The request can be read in two ways.
    fn refuse<B>(self, request: ServiceRequest, why: framing::Ambiguous, unread: Option<Unread>) -> ServiceResponse<Answer<B>> {
        let error = InternalError::new(why, StatusCode::BAD_REQUEST).into();
        let (request, _) = request.into_parts();
        let asked = Asked { request: Some(&request), ..self.asked() };
        let mut response = (self.edge.render_error)(&asked, StatusCode::BAD_REQUEST, Some(&error));
        // What follows on this connection cannot be told from what belongs to this request.
        response.head_mut().set_connection_type(ConnectionType::Close);
        self.finish(ServiceResponse::new(request, response.map_into_right_body()), unread)
    }

    /// Headers, metrics, log.
    fn finish<B>(self, mut response: ServiceResponse<EitherBody<B, BoxBody>>, unread: Option<Unread>) -> ServiceResponse<Answer<B>> {
        let status = response.status();
        self.stamp(response.headers_mut());
        let request = response.request();
        // The pattern is looked up only when a route has taken the whole path: for all other paths the lookup would
        // try every route again.
        let pattern = request.match_info().unprocessed().is_empty().then(|| request.match_pattern()).flatten();
        if request.headers().contains_key(header::X_FORWARDED_FOR) {
            let _ = self.edge.client_address(request);
        }
        self.record(pattern.as_deref(), status, &Asked { request: Some(request), ..self.asked() });
        if let Some(in_progress) = &self.in_progress {
            in_progress.answered(Instant::now());
        }
        response.map_body(|_, body| Answer::new(body, self.in_progress, unread))
    }

    /// A layer inside this one failed; the request is gone.
    fn fail(self, error: &Error, old: HttpResponse<BoxBody>) -> Error {
        let mut new = (self.edge.render_error)(&self.asked(), old.status(), Some(error));
        keep(new.headers_mut(), old.headers());
        self.finish_lost(new)
    }

    /// The handler panicked; the request is gone, the connection is not.
    fn panicked(self, panic: &(dyn Any + Send)) -> Error {
        let message = panic.downcast_ref::<&str>().copied();
        let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
        tracing::error!(
            request_id = self.id.as_str(),
            method = self.method.as_str(),
            path = ?self.uri.path(),
            "a handler panicked: {message:?}"
        );
        self.edge.metrics.panicked();
        let response = (self.edge.render_error)(&self.asked(), StatusCode::INTERNAL_SERVER_ERROR, None);
        self.finish_lost(response)
    }

    fn finish_lost(self, mut response: HttpResponse<BoxBody>) -> Error {
        self.stamp(response.headers_mut());
        self.record(None, response.status(), &self.asked());
        InternalError::from_response("already answered", response).into()
    }

    fn asked(&self) -> Asked<'_> {
        Asked { method: &self.method, path: self.uri.path(), id: &self.id, request: None }
    }

    fn stamp(&self, headers: &mut HeaderMap) {
        if !headers.contains_key(header::X_CONTENT_TYPE_OPTIONS) {
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        }
        headers.insert(X_REQUEST_ID, self.id.header());
    }

    fn record(&self, pattern: Option<&str>, status: StatusCode, asked: &Asked<'_>) {
        let took = self.started.elapsed();
        self.edge.metrics.request(&self.method, pattern, status, took);
        if access_log::wants(self.edge.requests, status, took) {
            access_log::write(self.edge, asked, status, took);
        }
    }
}

/// Keeps what the first answer said besides its body: Allow, Retry-After, WWW-Authenticate, CORS, cookies.
fn keep(new: &mut HeaderMap, old: &HeaderMap) {
    for name in old.keys() {
        let of_body = name.as_str().starts_with("content-")
            || matches!(*name, header::TRANSFER_ENCODING | header::ETAG | header::LAST_MODIFIED);
        if !of_body && !new.contains_key(name) {
            for value in old.get_all(name) {
                new.append(name.clone(), value.clone());
            }
        }
    }
}
