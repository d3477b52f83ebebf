//! The composition root: builds everything from a configuration, binds the port, serves until told to stop.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::assets::Assets;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::time::Timestamp;
use crate::http::server::Server;
use crate::net;
use crate::service::access::Access;
use crate::service::avatars::Avatars;
use crate::service::callback::Callback;
use crate::service::credentials::Credentials;
use crate::service::jsapi::Jsapi;
use crate::service::login::Login;
use crate::service::records::{COLLECTIONS, Setting};
use crate::service::revocations::Revocations;
use crate::service::rooms::Rooms;
use crate::service::sessions::Sessions;
use crate::service::settings::{Purpose, Refused, Settings};
use crate::service::signing_keys;
use crate::service::tokens::Tokens;
use crate::service::users::Users;
use crate::state::{Health, State};
use crate::store::{self, Engine, OpenError, OpenMode, Record as _};
use crate::tasks::Tasks;
use crate::telemetry::Chain;
use crate::wechat;

/// How often the store is asked for its time, which is also how its absence is noticed.
const STORE_CHECK: Duration = Duration::from_secs(5);
/// How long background work may take to end after the last request.
const TASKS_GRACE: Duration = Duration::from_secs(2);

/// A gateway whose port is bound.
pub struct App {
    server: Server,
    state: Arc<State>,
    engine: Arc<dyn Engine>,
    /// And when the latest of them was.
    revocations: (Arc<Revocations>, Timestamp),
    clock: Clock,
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
        let sealer = settings.sealer(config.store.master_key.as_ref()).await?;
        let key = signing_keys::load(engine.clone(), &clock, &sealer, config.auth.algorithm).await?;
        let tokens = Arc::new(Tokens::new(key, config.auth.clone(), clock.clone()));
        let http = net::client(config.platform.connect_timeout, config.platform.timeout)?;
        let client = wechat::Client::new(http, config.platform.api_url.clone());
        let credentials = Arc::new(Credentials::new(
            &config.apps,
            config.platform.clone(),
            client.clone(),
            engine.clone(),
            sealer.clone(),
            clock.clone(),
            tasks.clone(),
        ));
        let revocations = Arc::new(Revocations::new(engine.clone(), clock.clone()));
        let sessions = Arc::new(Sessions::new(
            engine.clone(),
            settings.shared_key("refresh_key", &sealer).await?,
            tokens.clone(),
            revocations.clone(),
            config.auth.clone(),
            clock.clone(),
        ));
        let users = Arc::new(Users::new(&engine, sessions.clone(), clock.clone()));
        let login = Login::new(
            config.apps.clone(),
            client,
            config.platform.timeout,
            users.clone(),
            sessions.clone(),
            sealer,
            clock.clone(),
            tasks.clone(),
        );
        let state = Arc::new(State {
            callback: Callback::new(config.apps.clone()),
            jsapi: Jsapi::new(
                config.apps.clone(),
                credentials.clone(),
                clock.clone(),
                config.jsapi.expose_ticket,
            ),
            login,
            access: Access::new(tokens.clone(), revocations.clone()),
            tokens,
            avatars: Avatars::new(&engine, clock.clone(), tasks.clone(), config.media.dir.clone()),
            rooms: Rooms::new(&engine, clock.clone()),
            sessions,
            users,
            credentials,
            assets: Assets::new(
                Some(config.server.static_dir.clone()),
                &config.server.frame_ancestors,
            ),
            health: Health::default(),
            config,
        });
        // Before the port is open: a session that was ended is known as such from the first request on.
        let known = revocations.catch_up(Timestamp::default()).await?;
        let addr = state.config.server.listen;
        let server = Server::bind(state.clone(), tasks.clone())
            .map_err(|source| StartError::Listen { addr, source })?;
        Ok(Self {
            server,
            state,
            engine,
            revocations: (revocations, known),
            clock,
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
        let credentials = self.state.credentials.clone();
        self.tasks.spawn(
            "keep credentials fresh",
            async move { credentials.keep_fresh().await },
        );
        let (revocations, known) = self.revocations;
        let follow = {
            let tasks = self.tasks.clone();
            async move { revocations.follow(known, tasks).await }
        };
        self.tasks.spawn("follow ended sessions", follow);
        let users = self.state.users.clone();
        self.tasks.spawn("finish deletions", async move {
            if let Err(error) = users.finish_deletions().await {
                tracing::warn!(error = %Chain(&error), "deletions could not be finished");
            }
        });
        let (engine, state) = (self.engine.clone(), self.state.clone());
        self.tasks.spawn(
            "watch the store",
            watch_store(engine, state, self.clock, self.tasks.clone()),
        );
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

/// Measures the store's time now and then, and notes whether the store answers.
async fn watch_store(engine: Arc<dyn Engine>, state: Arc<State>, clock: Clock, tasks: Tasks) {
    loop {
        let asked = clock.now();
        let time = engine.now().await;
        let observed = clock.now();
        // The time is read; a store that cannot be written any more is of no use either.
        state
            .health
            .note_store(time.is_ok() && engine.ping().await.is_ok());
        if let Ok(time) = time {
            clock.observe_store(time, asked, observed);
        }
        tokio::select! {
            () = tasks.stopping() => return,
            () = tokio::time::sleep(STORE_CHECK) => {}
        }
    }
}
