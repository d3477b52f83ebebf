//! The HTTP edge: what every connection and every request passes before a handler sees it. No routes, no authentication, no error texts.
//!
//! - [`connections`] ends connections that take too long; the HTTP server itself watches only the first head.
//! - [`middleware::edge`] is the one layer around all routes; the other modules are its parts.

mod access_log;
mod answer;
pub mod body;
pub mod budget;
pub mod connections;
pub mod framing;
pub mod metrics;
pub mod middleware;
pub mod peer;
pub mod request_id;

use std::fmt;
use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};
use ipnet::IpNet;

use crate::config::{Limits, RequestLog, Server};

pub use answer::Answer;
use budget::Budget;
use metrics::Metrics;
use peer::{ClientAddress, Strangers};
use request_id::RequestId;

/// Bytes of request bodies that one process holds at once.
const BODIES_IN_FLIGHT: usize = 64 * 1024 * 1024;

/// Bytes of uploaded files that one process holds at once, beside the other bodies: uploads take long, and must not
/// keep those waiting.
const UPLOADS_IN_FLIGHT: usize = 32 * 1024 * 1024;

/// Bytes of bodies that one process holds for calls of WeChat's API, beside the others: WeChat may be slow, and pushes
/// and logins must not wait for that.
const RELAYED_IN_FLIGHT: usize = 64 * 1024 * 1024;

/// What a failed request asked for, as far as an error answer may repeat it.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its path without the query.
    pub path: &'a str,
    /// Its id.
    pub id: &'a RequestId,
    /// The request itself. It is gone when a handler panicked or a layer inside this one failed.
    pub request: Option<&'a HttpRequest>,
}

/// Makes the answer for an error: status, headers and the envelope.
pub type RenderError = fn(&Asked<'_>, StatusCode, Option<&actix_web::Error>) -> HttpResponse<BoxBody>;

/// What the edge needs to know. One per process, given to each `App` as `web::Data`.
pub struct Edge {
    /// What is counted.
    pub metrics: Metrics,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Which requests have a log line.
    pub requests: RequestLog,
    /// How much and how long.
    pub limits: Limits,
    /// Makes error answers.
    pub render_error: RenderError,
    bodies: Arc<Budget>,
    uploads: Arc<Budget>,
    relayed: Arc<Budget>,
    strangers: Strangers,
}

impl Edge {
    /// The edge of this server.
    #[must_use]
    pub fn new(server: &Server, requests: RequestLog, metrics: Metrics, render_error: RenderError) -> Self {
        Self {
            metrics,
            trusted_proxies: server.trusted_proxies.clone(),
            requests,
            limits: server.limits.clone(),
            render_error,
            bodies: Budget::new(BODIES_IN_FLIGHT),
            uploads: Budget::new(UPLOADS_IN_FLIGHT),
            relayed: Budget::new(RELAYED_IN_FLIGHT),
            strangers: Strangers::default(),
        }
    }

    /// Whose request this is. Warns when it claims to be forwarded by a peer that is not trusted.
    #[must_use]
    pub fn client_address(&self, request: &HttpRequest) -> ClientAddress {
        let peer = request.peer_addr().map(|address| address.ip());
        let client = peer::client_address(peer, request.headers(), &self.trusted_proxies);
        if client.forwarded_by_untrusted
            && let Some(ip) = client.ip
        {
            self.strangers.warn(ip);
        }
        client
    }
}

impl fmt::Debug for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edge")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
