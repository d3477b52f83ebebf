//! The HTTP server: its limits, its layers in order, and how it ends. What routes do is not known here.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use actix_cors::Cors;
use actix_web::http::header;
use actix_web::middleware::Condition;
use actix_web::{App, HttpRequest, HttpServer, web};
use utoipa_actix_web::AppExt;
use utoipa_swagger_ui::{Config as SwaggerConfig, SwaggerUi};

use super::openapi;
use super::routes::{self, MethodTable, fallback};
use crate::state::State;
use crate::tasks::Tasks;

/// A server whose port is bound.
pub struct Server {
    addr: SocketAddr,
    listener: std::net::TcpListener,
    state: Arc<State>,
    tasks: Tasks,
}

/// Figures for operators.
pub struct Figures {}

impl Figures {
    /// Who sent the request, as far as it can be believed.
    pub(super) fn client(&self, request: &HttpRequest) -> Option<IpAddr> {
        request.peer_addr().map(|peer| peer.ip())
    }

    /// All figures as text.
    pub(super) fn encode(&self, _state: &State) -> String {
        String::new()
    }
}

impl Server {
    /// Binds the port of the configuration.
    ///
    /// # Errors
    /// If the port cannot be had.
    pub fn bind(state: Arc<State>, tasks: Tasks) -> std::io::Result<Self> {
        let listener = std::net::TcpListener::bind(state.config.server.listen)?;
        Ok(Self {
            addr: listener.local_addr()?,
            listener,
            state,
            tasks,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until `shutdown` is done and what was in flight then has ended, or `server.shutdown_grace` is over.
    ///
    /// # Errors
    /// If the server breaks down.
    pub async fn run_until(self, shutdown: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
        let server = &self.state.config.server;
        let limits = server.limits.clone();
        let grace = server.shutdown_grace.as_secs().max(1);
        let api = openapi::document();
        let methods = web::Data::new(MethodTable::new(&api));
        let state: web::Data<State> = self.state.clone().into();
        let figures = web::Data::new(Figures {});
        let workers = if limits.workers == 0 {
            std::thread::available_parallelism()?.get()
        } else {
            limits.workers
        };
        HttpServer::new(move || {
            App::new()
                .app_data(state.clone())
                .app_data(methods.clone())
                .app_data(figures.clone())
                .wrap(Condition::new(
                    !state.config.cors.origins.is_empty(),
                    cors(&state),
                ))
                .into_utoipa_app()
                .configure(routes::all)
                .into_app()
                .service(docs(&api))
                .default_service(web::to(fallback))
        })
        .workers(workers)
        .max_connections((limits.connections / workers).max(1))
        .client_request_timeout(limits.head_timeout)
        .keep_alive(limits.keep_alive)
        .shutdown_timeout(grace)
        .shutdown_signal(shutdown)
        .listen(self.listener)?
        .run()
        .await
    }
}

/// Exact origins with credentials, and nothing for others: their requests are answered without the headers that
/// would let a browser show the answer.
fn cors(state: &State) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([
            header::CONTENT_TYPE,
            header::AUTHORIZATION,
            header::HeaderName::from_static("token"),
            header::HeaderName::from_static("refresh-token"),
            header::HeaderName::from_static("refreshtoken"),
            header::HeaderName::from_static("x-request-id"),
            header::HeaderName::from_static("last-event-id"),
        ])
        .expose_headers(["token", "refresh-token", "x-request-id"])
        .supports_credentials()
        .block_on_origin_mismatch(false)
        .max_age(600);
    state
        .config
        .cors
        .origins
        .iter()
        .fold(cors, |cors, origin| cors.allowed_origin(origin))
}

/// The description as JSON, and a page that shows it without internet.
fn docs(api: &utoipa::openapi::OpenApi) -> SwaggerUi {
    SwaggerUi::new("/docs/{_:.*}")
        .url("/openapi.json", api.clone())
        .config(SwaggerConfig::default().validator_url("none"))
}
