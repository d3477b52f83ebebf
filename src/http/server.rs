//! The HTTP server: its limits, its layers in order, and how it ends. What routes do is not known here.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_cors::Cors;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::{Condition, Next, from_fn};
use actix_web::{App, HttpServer, web};
use socket2::{Domain, Protocol, Socket, Type};
use utoipa_actix_web::AppExt;
use utoipa_swagger_ui::{Config as SwaggerConfig, SwaggerUi};

use super::edge::connections::{self, Connections};
use super::edge::metrics::Metrics;
use super::edge::{Edge, middleware};
use super::figures::Figures;
use super::routes::{self, MethodTable, fallback};
use super::{error, openapi};
use crate::state::State;
use crate::tasks::Tasks;

/// How many connections may wait to be accepted, if the system allows so many. With the standard library's 128, a
/// burst of new clients overflows it, and each one left over waits a second before it tries again.
const BACKLOG: i32 = 4096;

/// A server whose port is bound.
pub struct Server {
    addr: SocketAddr,
    listener: std::net::TcpListener,
    state: Arc<State>,
    tasks: Tasks,
    edge: Arc<Edge>,
    connections: Connections,
}

impl Server {
    /// Binds the port of the configuration.
    ///
    /// # Errors
    /// If the port cannot be had.
    pub fn bind(state: Arc<State>, tasks: Tasks) -> std::io::Result<Self> {
        let listener = listen(state.config.server.listen)?;
        let server = &state.config.server;
        let connections = Connections::new(&server.limits);
        let metrics = Metrics::new(|registry| {
            connections.register(registry);
            registry.register_collector(Box::new(Figures(state.clone())));
        });
        let edge = Arc::new(Edge::new(
            server,
            state.config.log.requests,
            metrics,
            error::render,
        ));
        Ok(Self {
            addr: listener.local_addr()?,
            listener,
            state,
            tasks,
            edge,
            connections,
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
        // actix counts whole seconds.
        let grace = server.shutdown_grace.as_secs().max(1);
        let api = openapi::document();
        let methods = web::Data::new(MethodTable::new(&api));
        let edge: web::Data<Edge> = self.edge.into();
        let state: web::Data<State> = self.state.into();
        let workers = connections::workers(&limits);
        let watch = self.connections.clone().watch(self.tasks.stop_token());
        self.tasks.spawn("end overdue connections", watch);
        HttpServer::new(move || {
            App::new()
                .app_data(state.clone())
                .app_data(edge.clone())
                .app_data(methods.clone())
                // The last layer is the outermost: a request passes the edge first.
                .wrap(Condition::new(
                    !state.config.cors.origins.is_empty(),
                    cors(&state),
                ))
                .wrap(from_fn(for_listed_origins))
                .wrap(from_fn(middleware::edge))
                .into_utoipa_app()
                .configure(routes::hot)
                .into_app()
                .configure(|config| routes::serve_under(config, &state.config.gateway.prefixes))
                .into_utoipa_app()
                .configure(routes::others)
                .into_app()
                .configure(|config| {
                    if state.codes.kept().is_some() {
                        routes::demo(config);
                    }
                })
                .service(docs(&api))
                .default_service(web::to(fallback))
        })
        .on_connect(self.connections.on_connect())
        .workers(workers)
        .max_connections(connections::per_worker(&limits, workers))
        .client_request_timeout(limits.head_timeout)
        .keep_alive(limits.keep_alive)
        // Time for a client to read an early answer before the connection goes.
        .client_disconnect_timeout(Duration::from_secs(2))
        .shutdown_timeout(grace)
        .shutdown_signal(shutdown)
        .listen(self.listener)?
        .run()
        .await
    }
}

/// As the standard library listens, but for the backlog.
fn listen(addr: SocketAddr) -> std::io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // Elsewhere the option would let two processes have the port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
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

/// The layer for CORS puts its headers on answers to everybody; only what names a listed origin is to have them.
async fn for_listed_origins(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> actix_web::Result<ServiceResponse<impl MessageBody>> {
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    if !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        headers.remove(header::ACCESS_CONTROL_ALLOW_CREDENTIALS);
        headers.remove(header::ACCESS_CONTROL_EXPOSE_HEADERS);
    }
    Ok(response)
}

/// The description as JSON, and a page that shows it without internet.
fn docs(api: &utoipa::openapi::OpenApi) -> SwaggerUi {
    SwaggerUi::new("/docs/{_:.*}")
        .url("/openapi.json", api.clone())
        .config(SwaggerConfig::default().validator_url("none"))
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;
    use std::time::Duration;

    use super::listen;

    #[test]
    fn a_burst_of_clients_waits_to_be_accepted() {
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let addr = listener.local_addr().unwrap();
        // A client that finds no room waits a second for its next try.
        let soon = Duration::from_millis(900);
        let connect = |_| TcpStream::connect_timeout(&addr, soon);
        let waiting: Vec<_> = (0..400).map(connect).collect::<Result<_, _>>().unwrap();
        assert_eq!(waiting.len(), 400);
    }

    #[test]
    fn a_port_is_had_once() {
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        assert!(listen(listener.local_addr().unwrap()).is_err());
    }
}
