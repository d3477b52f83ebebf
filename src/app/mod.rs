//! The composition root: opens the store, has the services built, binds the port, serves until told to stop.

mod background;
mod build;

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::config::Config;
use crate::http::server::Server;
use crate::service::passwords;
use crate::service::records::{COLLECTIONS, Setting};
use crate::service::settings::{Purpose, Refused, Settings};
use crate::service::signing_keys;
use crate::state::State;
use crate::store::{self, Engine, OpenError, OpenMode, Record as _};
use crate::tasks::Tasks;

pub(crate) use build::secured;

use background::Work;
use build::Foundation;

/// How long background work may take to end after the last request.
const TASKS_GRACE: Duration = Duration::from_secs(2);

/// A gateway whose port is bound.
pub struct App {
    server: Server,
    state: Arc<State>,
    engine: Arc<dyn Engine>,
    background: Vec<Work>,
    tasks: Tasks,
}

/// Why a gateway does not start. One line each, without secrets.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store must not be used.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The store fails at once.
    #[error("the store cannot be prepared: {0}")]
    Store(#[from] store::Error),
    /// There is no key to sign tokens with.
    #[error(transparent)]
    Key(#[from] signing_keys::Error),
    /// Passwords cannot be hashed.
    #[error(transparent)]
    Passwords(#[from] passwords::Error),
    /// TLS cannot be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(#[from] reqwest::Error),
    /// The port is taken, or not ours to take.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// Where it should have listened.
        addr: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl App {
    /// Opens the store, loads the keys and binds the port. The calling runtime is the one that background work
    /// runs on.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn bind(config: Config, purpose: Purpose) -> Result<Self, StartError> {
        Self::bind_with(config, purpose, Clock::system()).await
    }

    /// As [`Self::bind`], with a clock that a test can turn.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn bind_with(config: Config, purpose: Purpose, clock: Clock) -> Result<Self, StartError> {
        let tasks = Tasks::new(tokio::runtime::Handle::current());
        let runtime = tasks.runtime().clone();
        let engine = store::open(&config.store.url, OpenMode::Serve, Path::new(""), &clock, runtime).await?;
        // A store that is somebody else's is left as it is but for this one, which it has already.
        engine.prepare(&[Setting::COLLECTION]).await?;
        let settings = Settings::new(engine.clone(), clock.clone());
        settings.claim(purpose).await?;
        engine.prepare(COLLECTIONS).await?;
        let foundation = Foundation {
            engine: engine.clone(),
            sealer: settings.sealer(config.store.master_key.as_ref()).await?,
            settings,
            purpose,
            clock,
            tasks: tasks.clone(),
        };
        let (state, background) = Box::pin(build::build(config, foundation)).await?;
        let addr = state.config.server.listen;
        let server = Server::bind(state.clone(), tasks.clone())
            .map_err(|source| StartError::Listen { addr, source })?;
        Ok(Self {
            server,
            state,
            engine,
            background,
            tasks,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Serves until `shutdown` is done and for `server.drain` more, then lets requests in flight end, stops background work and closes the store.
    ///
    /// # Errors
    /// If the server breaks down.
    pub async fn run_until(self, shutdown: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
        for (name, work) in self.background {
            self.tasks.spawn(name, work);
        }
        tracing::info!(addr = %self.server.addr(), version = env!("CARGO_PKG_VERSION"), "serving");
        let state = self.state.clone();
        let shutdown = async move {
            shutdown.await;
            state.health.note_stopping();
            // A balancer learns from /readyz that it should send others elsewhere, and until it has asked it does not.
            tokio::time::sleep(state.config.server.drain).await;
        };
        let result = self.server.run_until(shutdown).await;
        if !self.tasks.shutdown(TASKS_GRACE).await {
            tracing::warn!("background work did not end in time");
        }
        self.engine.close().await;
        tracing::info!("stopped");
        result
    }
}
