//! A stand-in for the composition root until that is merged: it opens the store and answers `/healthz`. No route else.

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use actix_web::{HttpResponse, HttpServer, web};
use tokio::runtime::Handle;

use crate::clock::Clock;
use crate::config::Config;
use crate::service::records::COLLECTIONS;
use crate::service::settings::{Purpose, Refused, Settings};
use crate::store::{self, Engine, OpenError, OpenMode};

/// The gateway, bound and not yet serving.
pub struct App {
    listener: TcpListener,
    addr: SocketAddr,
    engine: Arc<dyn Engine>,
}

/// Why it cannot start: one line.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store is not ours to use.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The store does not work.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The address cannot be had.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] std::io::Error),
}

impl App {
    /// Opens the store, loads keys, binds the port.
    pub async fn bind(config: Config, purpose: Purpose) -> Result<Self, StartError> {
        let clock = Clock::system();
        let engine = store::open(
            &config.store.url,
            OpenMode::Serve,
            Path::new(""),
            &clock,
            Handle::current(),
        )
        .await?;
        engine.prepare(COLLECTIONS).await?;
        let settings = Settings::new(engine.clone(), clock);
        settings.claim(purpose).await?;
        settings.sealer(config.store.master_key.as_ref()).await?;
        let listen = config.server.listen;
        let listener = TcpListener::bind(listen).map_err(|cause| StartError::Listen(listen, cause))?;
        let addr = listener
            .local_addr()
            .map_err(|cause| StartError::Listen(listen, cause))?;
        Ok(Self {
            listener,
            addr,
            engine,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until `shutdown` is done.
    pub async fn run_until(self, shutdown: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
        let server = {
            HttpServer::new(|| {
                actix_web::App::new().route("/healthz", web::get().to(async || HttpResponse::Ok().body("ok")))
            })
            .workers(1)
            .shutdown_signal(shutdown)
            .listen(self.listener)?
            .run()
        };
        server.await?;
        self.engine.close().await;
        Ok(())
    }
}
