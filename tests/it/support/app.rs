//! A gateway under test: in this process, on a free port, with a store and a WeChat of its own. Tests talk to it as
//! its clients do.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;
use wxgate::app::App;
use wxgate::clock::Clock;
use wxgate::config::Config;
use wxgate::service::settings::{Purpose, Settings};
use wxgate::service::signing_keys;
use wxgate::simulator::AppSettings;
use wxgate::store::{self, OpenMode};

use super::mongo::Mongod;
use super::platform::{Platform, SECRET};
use super::reply::{self, Reply};
use super::stored::Stored;

/// The default apps: an official account `shop` and a mini program `game`.
pub(crate) const SHOP: &str = "wx00000000000000a0";
pub(crate) const GAME: &str = "wx00000000000000b0";
/// The Token of every official account's server configuration.
pub(crate) const TOKEN: &str = "AAAAA";
/// The host whose pages every official account may sign.
pub(crate) const DOMAIN: &str = "example.com";

/// Where a gateway keeps its records.
pub(crate) enum StoreKind {
    Sqlite,
    Mongo,
    MongoReplicaSet,
    /// A server that the test may ill-treat, or a database that another gateway of the test has.
    MongoAt(String),
}

/// What a gateway is to be like.
pub(crate) struct Builder {
    store: StoreKind,
    officials: Vec<String>,
    minis: Vec<String>,
    apps: Vec<AppSettings>,
    settings: Vec<(String, String)>,
    faults: Vec<Value>,
    platform: Option<Platform>,
    clock: Clock,
}

/// A running gateway. It ends when it is dropped.
pub(crate) struct TestApp {
    config: Config,
    clock: Clock,
    platform: Platform,
    client: Client,
    stored: Stored,
    store_url: String,
    running: Option<Running>,
    home: TempDir,
}

struct Running {
    addr: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<std::io::Result<()>>,
}

impl Builder {
    pub(crate) fn store(mut self, store: StoreKind) -> Self {
        self.store = store;
        self
    }

    /// An official account of this name instead of the default one.
    pub(crate) fn official(mut self, name: &str) -> Self {
        self.officials.push(name.to_owned());
        self
    }

    /// A mini program of this name instead of the default one.
    pub(crate) fn mini(mut self, name: &str) -> Self {
        self.minis.push(name.to_owned());
        self
    }

    /// A key of the configuration, such as `auth.access_ttl`; lists are comma-separated.
    pub(crate) fn set(mut self, key: &str, value: &str) -> Self {
        let name = key.replace('.', "__").replace('-', "_").to_uppercase();
        self.settings.push((format!("WXGATE__{name}"), value.to_owned()));
        self
    }

    /// What is broken at WeChat before the gateway starts.
    pub(crate) fn fault(mut self, rule: Value) -> Self {
        self.faults.push(rule);
        self
    }

    /// Shares WeChat and the time with another gateway.
    pub(crate) fn beside(mut self, other: &TestApp) -> Self {
        self.platform = Some(other.platform.clone());
        self.clock = other.clock.clone();
        self.store = StoreKind::MongoAt(other.store_url.clone());
        self
    }

    /// Takes a WeChat that runs already.
    pub(crate) fn platform(mut self, platform: &Platform) -> Self {
        self.platform = Some(platform.clone());
        self
    }

    /// The apps as the platform knows them.
    pub(crate) fn at_the_platform() -> Vec<AppSettings> {
        vec![
            AppSettings::official(SHOP, SECRET),
            AppSettings::mini(GAME, SECRET),
        ]
    }

    pub(crate) async fn spawn(mut self) -> TestApp {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join("static")).unwrap();
        let file = home.path().join("config.toml");
        std::fs::write(&file, self.describe_apps()).unwrap();
        let (store_url, stored) = self.place(home.path()).await;
        let platform = self
            .platform
            .take()
            .unwrap_or_else(|| Platform::start(std::mem::take(&mut self.apps)));
        for rule in self.faults {
            platform.fault(rule).await;
        }
        let mut environment = vec![
            ("WXGATE__SERVER__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
            ("WXGATE__SERVER__SHUTDOWN_GRACE".to_owned(), "1s".to_owned()),
            ("WXGATE__STORE__URL".to_owned(), store_url.clone()),
            (
                "WXGATE__PLATFORM__API_URL".to_owned(),
                format!("http://{}", platform.addr),
            ),
        ];
        environment.extend(self.settings);
        let config = Config::from_layers(Some(&file), home.path(), environment.into_iter())
            .unwrap_or_else(|invalid| panic!("{:?}", invalid.0));
        let mut app = TestApp {
            config,
            clock: self.clock,
            platform,
            client: reply::client(),
            stored,
            store_url,
            running: None,
            home,
        };
        app.start().await;
        app
    }

    fn describe_apps(&mut self) -> String {
        if self.officials.is_empty() {
            self.officials.push("shop".to_owned());
        }
        if self.minis.is_empty() {
            self.minis.push("game".to_owned());
        }
        let mut text = String::new();
        for (index, name) in self.officials.iter().enumerate() {
            let app_id = format!("wx00000000000000a{index}");
            let _ = writeln!(
                text,
                "[[apps]]\nname = \"{name}\"\nkind = \"official\"\napp_id = \"{app_id}\"\n\
                 app_secret = \"{SECRET}\"\ntoken = \"{TOKEN}\"\njs_domains = [\"{DOMAIN}\"]",
            );
            self.apps.push(AppSettings::official(app_id, SECRET));
        }
        for (index, name) in self.minis.iter().enumerate() {
            let app_id = format!("wx00000000000000b{index}");
            let _ = writeln!(
                text,
                "[[apps]]\nname = \"{name}\"\nkind = \"mini\"\napp_id = \"{app_id}\"\napp_secret = \"{SECRET}\"",
            );
            self.apps.push(AppSettings::mini(app_id, SECRET));
        }
        text
    }

    async fn place(&self, home: &Path) -> (String, Stored) {
        let database = Mongod::fresh_database();
        let url = match &self.store {
            StoreKind::Sqlite => {
                let file = home.join("wxgate.db");
                return (format!("sqlite:{}", file.display()), Stored::Sqlite(file));
            }
            StoreKind::Mongo => Mongod::standalone().await.url(&database),
            StoreKind::MongoReplicaSet => Mongod::replica_set().await.url(&database),
            StoreKind::MongoAt(url) => url.clone(),
        };
        let address = url.split('?').next().unwrap();
        let database = address.rsplit('/').next().unwrap().to_owned();
        let stored = Stored::Mongo {
            url: url.clone(),
            database,
        };
        (url, stored)
    }
}

impl TestApp {
    pub(crate) fn builder() -> Builder {
        Builder {
            store: StoreKind::Sqlite,
            officials: Vec::new(),
            minis: Vec::new(),
            apps: Vec::new(),
            settings: Vec::new(),
            faults: Vec::new(),
            platform: None,
            clock: Clock::system(),
        }
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

    pub(crate) fn store_url(&self) -> &str {
        &self.store_url
    }

    pub(crate) fn static_dir(&self) -> PathBuf {
        self.home.path().join("static")
    }

    /// Turns the clocks of the gateway and of WeChat.
    pub(crate) async fn advance(&self, seconds: u64) {
        self.platform.advance(seconds).await;
        self.clock.advance(Duration::from_secs(seconds));
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

    /// The key that signs tokens, read from the store of a gateway that is stopped.
    pub(crate) async fn signing_key(&self) -> signing_keys::Key {
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
        let algorithm = self.config.auth.algorithm;
        let key = signing_keys::load(Arc::clone(&engine), &self.clock, &sealer, algorithm).await;
        engine.close().await;
        key.unwrap()
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
