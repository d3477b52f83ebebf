//! The platform on HTTP: takes calls in, sends answers out, and breaks connections where a fault rule
//! says so. What is answered is decided by `platform`.

use std::any::Any;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Shutdown};
use std::time::Duration;

use actix_web::body::SizedStream;
use actix_web::dev::Extensions;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::rt::net::TcpStream;
use actix_web::rt::time::sleep;
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use socket2::{SockRef, Socket};

use super::api_security::exchange::Headers;
use super::call::Call;
use super::content::Content;
use super::faults::Delivery;
use super::intake::{self, Body};
use super::platform::Platform;
use super::push::caused;
use super::reply::Reply;

/// A second handle to a connection's socket, so that a fault can close it.
pub(crate) struct Line(Socket);

impl Line {
    /// Notes the socket of a new connection.
    pub(crate) fn note(connection: &dyn Any, extensions: &mut Extensions) {
        if let Some(stream) = connection.downcast_ref::<TcpStream>()
            && let Ok(socket) = SockRef::from(stream).try_clone()
        {
            extensions.insert(Self(socket));
        }
    }
}

/// Serves one platform call.
pub(crate) async fn serve(request: HttpRequest, payload: Payload, platform: Data<Platform>) -> HttpResponse {
    let address = request
        .peer_addr()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    let body = match intake::take(&request, payload).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let host = request.connection_info().host().to_owned();
    let uri = request.uri();
    let query = uri.query().unwrap_or_default();
    let call = |body| Call::new(request.method().clone(), uri.path(), query, body, address);
    let mut call = match body {
        Body::Plain(body) => call(body),
        Body::Form(form) => call(Bytes::new()).with_form(form),
    };
    call.host = host;
    call.sealing = Headers::of(|name| Some(request.headers().get(name)?.to_str().ok()?.to_owned()));
    let plan = platform.arrive(&call);
    wait(plan.wait_before).await;
    let delivery = platform.serve(&call, &plan);
    caused::set_off(&platform);
    wait(plan.wait_after).await;
    match delivery {
        Delivery::Whole(reply) => whole(reply),
        Delivery::Redirect(location) => HttpResponse::Found().insert_header((LOCATION, location)).finish(),
        Delivery::Half(reply) => half(reply, request),
        Delivery::Drip { reply, bytes, ms } => drip(reply, bytes, ms),
        Delivery::Hang(seconds) => {
            sleep(Duration::from_secs(seconds)).await;
            cut(&request).await
        }
        Delivery::Reset => cut(&request).await,
    }
}

async fn wait(ms: u64) {
    if ms > 0 {
        sleep(Duration::from_millis(ms)).await;
    }
}

fn head(reply: &Reply) -> actix_web::HttpResponseBuilder {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    let mut response = HttpResponse::build(status);
    response.insert_header((CONTENT_TYPE, reply.content_type.as_ref()));
    if let Some(location) = &reply.location {
        response.insert_header((LOCATION, location.as_str()));
    }
    for (name, value) in &reply.headers {
        response.insert_header((*name, value.as_str()));
    }
    if reply.content_type.starts_with("text/html") {
        // The pages ask for nothing but their own style sheet, and are nobody's frame.
        response.insert_header((
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; frame-ancestors 'none'",
        ));
        response.insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"));
        response.insert_header((CACHE_CONTROL, "no-store"));
    }
    response
}

fn whole(reply: Reply) -> HttpResponse {
    let (mut response, length) = (head(&reply), reply.body.len());
    let mut pieces = reply.body.pieces();
    match pieces.next() {
        None => response.body(Bytes::new()),
        Some(piece) if piece.len() as u64 == length => response.body(piece),
        Some(first) => {
            let pieces = std::iter::once(first).chain(pieces).map(Ok::<_, Infallible>);
            response.body(SizedStream::new(length, stream::iter(pieces)))
        }
    }
}

/// Closes the connection under the request. The server then notices that its client is gone and drops
/// this future; the answer after it is for the case that it does not.
async fn cut(request: &HttpRequest) -> HttpResponse {
    if let Some(Line(socket)) = request.conn_data::<Line>() {
        // Closed already is just as well.
        let _ = socket.shutdown(Shutdown::Both);
    }
    sleep(Duration::from_secs(5)).await;
    HttpResponse::InternalServerError().force_close().finish()
}

/// Announces the whole body, sends half of it, and closes the connection.
fn half(reply: Reply, request: HttpRequest) -> HttpResponse {
    let mut response = head(&reply);
    let length = reply.body.len();
    let first = reply.body.cut(length / 2).pieces();
    let pieces = stream::unfold((first, request), async |(mut first, request)| {
        if let Some(piece) = first.next() {
            return Some((Ok(piece), (first, request)));
        }
        // Time for the first half to leave; there is no sign to wait for.
        sleep(Duration::from_millis(20)).await;
        cut(&request).await;
        let none = Content::default().pieces();
        Some((Err(io::Error::other("cut by a fault rule")), (none, request)))
    });
    response.body(SizedStream::new(length, Box::pin(pieces)))
}

/// Sends the body a few bytes at a time.
fn drip(reply: Reply, bytes: usize, ms: u64) -> HttpResponse {
    let mut response = head(&reply);
    let length = reply.body.len();
    let start = (Bytes::new(), reply.body.pieces());
    let pieces = stream::unfold(start, move |(mut rest, mut pieces)| async move {
        if rest.is_empty() {
            rest = pieces.next()?;
        }
        wait(ms).await;
        let piece = rest.split_to(bytes.min(rest.len()));
        Some((Ok::<_, Infallible>(piece), (rest, pieces)))
    });
    response.body(SizedStream::new(length, Box::pin(pieces)))
}
