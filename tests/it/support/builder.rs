//! What a gateway under test is made of: its apps, configuration, store and WeChat.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;
use wxgate::clock::Clock;
use wxgate::config::Config;
use wxgate::simulator::AppSettings;

use super::app::TestApp;
use super::mongo::Mongod;
use super::platform::{Platform, SECRET};
use super::reply;
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
    /// A server that the test may ill-treat, or a database that several gateways of the test have.
    MongoAt(String),
}

/// What a gateway is to be like.
pub(crate) struct Builder {
    store: StoreKind,
    officials: Vec<String>,
    minis: Vec<String>,
    apps: Vec<AppSettings>,
    settings: Vec<(String, String)>,
    replies: Vec<(String, String)>,
    faults: Vec<Value>,
    platform: Option<Platform>,
    clock: Clock,
    api_url: Option<String>,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            store: StoreKind::Sqlite,
            officials: Vec::new(),
            minis: Vec::new(),
            apps: Vec::new(),
            settings: Vec::new(),
            replies: Vec::new(),
            faults: Vec::new(),
            platform: None,
            clock: Clock::system(),
            api_url: None,
        }
    }

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

    /// Rules for replies of an official account, as `[[apps.replies]]` in TOML.
    pub(crate) fn replies(mut self, name: &str, rules: &str) -> Self {
        self.replies.push((name.to_owned(), rules.to_owned()));
        self
    }

    /// What is broken at WeChat before the gateway starts.
    pub(crate) fn fault(mut self, rule: Value) -> Self {
        self.faults.push(rule);
        self
    }

    /// On a machine whose clock is so many seconds ahead, or behind.
    pub(crate) fn clock_wrong_by(mut self, seconds: i64) -> Self {
        self.clock = Clock::wrong_by(seconds * 1000);
        self
    }

    /// Takes a WeChat that runs already.
    pub(crate) fn platform(mut self, platform: &Platform) -> Self {
        self.platform = Some(platform.clone());
        self
    }

    /// Where the gateway finds WeChat's API, if not at the platform itself.
    pub(crate) fn api_url(mut self, url: String) -> Self {
        self.api_url = Some(url);
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
            ("WXGATE__STORE__URL".to_owned(), store_url),
            (
                "WXGATE__PLATFORM__API_URL".to_owned(),
                self.api_url
                    .take()
                    .unwrap_or_else(|| format!("http://{}", platform.addr)),
            ),
            (
                "WXGATE__PLATFORM__OPEN_URL".to_owned(),
                format!("http://{}", platform.addr),
            ),
        ];
        let given = |name: &String| self.settings.iter().any(|(own, _)| own == name);
        environment.retain(|(name, _)| !given(name));
        environment.extend(self.settings);
        let config = Config::from_layers(Some(&file), home.path(), environment.into_iter())
            .unwrap_or_else(|invalid| panic!("{:?}", invalid.0));
        let mut app = TestApp {
            config,
            clock: self.clock,
            platform,
            client: reply::client(),
            stored,
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
            for (_, rules) in self.replies.iter().filter(|(of, _)| of == name) {
                let _ = writeln!(text, "{rules}");
            }
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
