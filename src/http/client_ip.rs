//! The client's address as an argument of handlers, for limits per address. Whose it is, is found out at the edge.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::IpAddr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};

use super::edge::Edge;

/// The client's address. None where it says nothing about the client: behind a proxy that is not trusted, all clients
/// have the proxy's.
#[derive(Debug, Clone, Copy)]
pub struct ClientIp(pub Option<IpAddr>);

impl FromRequest for ClientIp {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let edge = request.app_data::<web::Data<Edge>>();
        let client = edge.map(|edge| edge.client_address(request));
        let ip = client
            .filter(|client| !client.forwarded_by_untrusted)
            .and_then(|client| client.ip);
        ready(Ok(Self(ip)))
    }
}
