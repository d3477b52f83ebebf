//! A WeChat platform of our own, on its own port, written from WeChat's documents: it is the upstream of
//! demonstrations and tests. It shares no types with the client of the real platform, so that an error in
//! one is not repeated in the other.
//!
//! A call enters at `wire`, goes through `platform` (counted, fault rules, WeChat's checks), and is served
//! by the file of its endpoint in `cgi_bin`, `sns`, `wxa` or `wxaapi`; `endpoints` is the table of these. Pages are in `open`,
//! and what is pushed to the apps' servers in `push`. What the platform remembers is `world`. The admin API under `/_sim/` is
//! `admin`.

mod admin;
mod api_security;
mod app;
mod call;
mod calls;
mod cgi_bin;
mod checks;
mod clock;
mod codes;
mod content;
mod credential;
mod endpoints;
mod errcode;
mod faults;
mod intake;
mod limits;
mod links;
mod open;
mod platform;
mod push;
mod random;
mod reply;
mod sessions;
mod settings;
mod sns;
mod subscriptions;
mod template_library;
mod tickets;
mod tokens;
#[cfg(test)]
mod tokens_tests;
mod users;
mod value_rules;
mod web_tokens;
mod wire;
mod world;
mod wxa;
mod wxaapi;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::web::{self, Data, PayloadConfig};
use actix_web::{App, HttpServer};

use admin::Guard;
use platform::Platform;
pub use push::settings::{PushFormat, PushMode, ServerSettings};
pub use settings::{AppKind, AppSettings, Settings, Switches};

/// Bytes of a request body that is no form.
const MOST_BODY: usize = 1024 * 1024;

/// A simulated platform, bound to its address and not yet serving.
pub struct Simulator {
    listener: TcpListener,
    address: SocketAddr,
    platform: Arc<Platform>,
    hosts: Vec<String>,
}

impl Simulator {
    /// Takes the address and makes the platform.
    ///
    /// # Errors
    /// The address cannot be had.
    pub fn bind(settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind(settings.listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let platform = Arc::new(Platform::new(settings)?);
        Ok(Self {
            listener,
            address,
            platform,
            hosts: Vec::new(),
        })
    }

    /// The address it serves.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// The console of its apps.
    #[must_use]
    pub fn console(&self) -> Console {
        Console(Arc::clone(&self.platform))
    }

    /// Lets the admin API be called by these host names too, besides loopback and the bound address.
    #[must_use]
    pub fn admit_hosts(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.hosts.extend(names);
        self
    }

    /// Serves until `shutdown` is done, then gives calls in flight one second.
    ///
    /// # Errors
    /// The listener fails.
    pub async fn run_until(self, shutdown: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        // Only the running server crosses the await: what it is built from may not change threads.
        self.serve(shutdown)?.await
    }

    fn serve(self, shutdown: impl Future<Output = ()> + Send + 'static) -> io::Result<Server> {
        let platform = Data::from(self.platform);
        let guard = Data::new(Guard::new(self.address, self.hosts));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(platform.clone())
                .app_data(guard.clone())
                .app_data(PayloadConfig::new(MOST_BODY))
                .configure(admin::routes)
                .default_service(web::to(wire::serve))
        });
        let server = server
            // One thread serves more calls than the state's one lock needs to be shared between.
            .workers(1)
            .on_connect(wire::Line::note)
            // A call that hangs ends when its client leaves. Nothing is lost by it: a call is served in
            // one go, without an await.
            .h1_allow_half_closed(false)
            .shutdown_timeout(1)
            .shutdown_signal(shutdown)
            .listen(self.listener)?
            .run();
        Ok(server)
    }
}

/// What an app's administrator does in WeChat's console, for a program that started the simulator. It works while the
/// simulator runs, too.
#[derive(Clone)]
pub struct Console(Arc<Platform>);

impl Console {
    /// Pushes an app's messages and events to this server from now on, without a verification. An app that the
    /// simulator was not started with has it until a reset.
    pub fn push_to(&self, app_id: &str, server: ServerSettings) {
        self.0.push_to(app_id, server);
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Console")
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The state would show tokens and session keys.
        formatter
            .debug_struct("Simulator")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
