//! A gateway under test: in this process, on a free port, with a store and a WeChat of its own. Tests talk to it as
//! its clients do.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;
use wxgate::app::App;
use wxgate::clock::Clock;
use wxgate::config::Config;
use wxgate::domain::time::Timestamp;
use wxgate::service::settings::{Purpose, Settings};
use wxgate::service::signing_keys::{Keyring, Known};
use wxgate::store::{self, OpenMode};

pub(crate) use super::builder::{Builder, DOMAIN, GAME, SHOP, StoreKind, TOKEN};
use super::platform::Platform;
use super::reply::{self, Reply};
use super::stored::Stored;

/// A running gateway. It ends when it is dropped.
pub(crate) struct TestApp {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(super) platform: Platform,
    pub(super) client: Client,
    pub(super) stored: Stored,
    pub(super) running: Option<Running>,
    pub(super) home: TempDir,
}

pub(super) struct Running {
    addr: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<std::io::Result<()>>,
}

impl TestApp {
    pub(crate) fn builder() -> Builder {
        Builder::new()
    }

    /// Starts it, after [`Self::stop`] with the same store, WeChat and time.
    pub(crate) async fn start(&mut self) {
        assert!(self.running.is_none(), "it runs already");
        let app = App::bind_with(self.config.clone(), Purpose::Production, self.clock.clone());
        let app = app.await.expect("the gateway starts");
        let addr = app.addr();
        let (stop, stopped) = oneshot::channel();
        self.running = Some(Running {
            addr,
            stop,
            thread: serve(app, stopped),
        });
    }

    /// Ends it as SIGTERM does, and waits until it has ended.
    pub(crate) async fn stop(&mut self) {
        let running = self.running.take().expect("it runs");
        // Connections that a client keeps for later would be waited for.
        self.client = reply::client();
        let ended = tokio::task::spawn_blocking(move || running.end());
        ended.await.unwrap().expect("it ends well");
    }

    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.running.as_ref().expect("it runs").addr
    }

    pub(crate) fn simulator(&self) -> &Platform {
        &self.platform
    }

    pub(crate) fn stored(&self) -> &Stored {
        &self.stored
    }

    /// Where its store is, for another gateway beside it.
    pub(crate) fn store_url(&self) -> String {
        self.config.store.url.expose_secret().to_owned()
    }

    pub(crate) fn static_dir(&self) -> PathBuf {
        self.home.path().join("static")
    }

    /// Turns the clocks of the gateway and of WeChat.
    pub(crate) async fn advance(&self, seconds: u64) {
        self.platform.advance(seconds).await;
        self.turn(seconds);
    }

    /// Turns the gateway's own clock, where another one has turned WeChat's already.
    pub(crate) fn turn(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// The gateway's own time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A login code of a user of the first mini program.
    pub(crate) async fn code(&self, user: &str) -> String {
        self.platform.code(GAME, user).await
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("http://{}{path}", self.addr()))
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        Reply::to(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> Reply {
        Reply::to(self.request(Method::POST, path).json(body)).await
    }

    /// A body as it is, under a content type.
    pub(crate) async fn post_raw(
        &self,
        path: &str,
        content_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> Reply {
        let request = self
            .request(Method::POST, path)
            .header("content-type", content_type);
        Reply::to(request.body(body)).await
    }

    /// A GET whose target arrives byte for byte.
    pub(crate) async fn get_raw(&self, target: impl AsRef<[u8]>) -> Reply {
        let mut request = b"GET ".to_vec();
        request.extend_from_slice(target.as_ref());
        request.extend_from_slice(b" HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        Reply::to_bytes(self.addr(), request).await
    }

    /// Type 100 of `POST /v1/token`.
    pub(crate) async fn log_in(&self, code: &str) -> Reply {
        let body = serde_json::json!({"type": 100, "account": code});
        self.post_json("/v1/token", &body).await
    }

    /// The keys that sign tokens, read from the store of a gateway that is stopped.
    pub(crate) async fn signing_keys(&self) -> Known {
        let runtime = tokio::runtime::Handle::current();
        let url = &self.config.store.url;
        let engine = store::open(url, OpenMode::Serve, Path::new(""), &self.clock, runtime)
            .await
            .unwrap();
        let settings = Settings::new(Arc::clone(&engine), self.clock.clone());
        let sealer = settings
            .sealer(self.config.store.master_key.as_ref())
            .await
            .unwrap();
        let keyring = Keyring::open(Arc::clone(&engine), self.clock.clone(), sealer, &self.config.auth);
        let keyring = keyring.await;
        engine.close().await;
        keyring.unwrap().known()
    }

    /// Changes the configuration that the next start has.
    pub(crate) fn reconfigure(&mut self, change: impl FnOnce(&mut Config)) {
        change(&mut self.config);
    }

    /// A caller's key with these rights, made by the command line; the gateway knows it.
    pub(crate) async fn caller_key(&self, rights: &[&str]) -> String {
        let mut arguments = vec!["caller", "create", "--name", "test", "--json"];
        arguments.extend(rights);
        let mut command = self.command(&arguments);
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .unwrap()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let made: Value = serde_json::from_slice(&output.stdout).unwrap();
        let key = made["key"].as_str().unwrap().to_owned();
        super::eventually("the gateway knows the key", async || {
            let request = self
                .request(Method::GET, "/v1/apps/none/webhooks")
                .bearer_auth(&key);
            Reply::to(request).await.status != 401
        })
        .await;
        key
    }

    /// The command line of the program, configured as this gateway is.
    pub(crate) fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = super::program::wxgate(&self.home, arguments);
        command.env("WXGATE__STORE__URL", self.config.store.url.expose_secret());
        command
    }
}

impl Running {
    fn end(self) -> std::io::Result<()> {
        let _ = self.stop.send(());
        self.thread.join().expect("the server does not panic")
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.client = reply::client();
            let ended = running.end();
            // A second panic would hide the first.
            if !std::thread::panicking() {
                ended.expect("it ends well");
            }
        }
    }
}

/// Serves on a thread of its own, as `main` does: the server's future stays on the thread that polls it.
fn serve(app: App, stopped: oneshot::Receiver<()>) -> JoinHandle<std::io::Result<()>> {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(app.run_until(async {
            // A sender that was dropped means stop as well.
            let _ = stopped.await;
        }))
    })
}
