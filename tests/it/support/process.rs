//! A gateway process with a simulated WeChat in the test's own process. Nothing is asserted here but that it starts.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use wxgate::simulator::{AppSettings, Settings, Simulator};

pub(crate) const OFFICIAL: &str = "wx0000000000000001";
pub(crate) const MINI: &str = "wx0000000000000002";
pub(crate) const SECRET: &str = "canarysecret00112233445566778899";
pub(crate) const TOKEN: &str = "canarytoken0123";

/// The folder, configuration and simulated WeChat of a gateway that can be started again and again.
pub(crate) struct Stage {
    pub(crate) folder: TempDir,
    pub(crate) addr: SocketAddr,
    pub(crate) simulator: SocketAddr,
    pub(crate) client: Client,
}

/// A running gateway. It is killed when dropped.
pub(crate) struct Gateway(pub(crate) Child);

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Stage {
    /// With this store, and `extra` lines of configuration.
    pub(crate) fn new(store: &str, extra: &str) -> Self {
        let apps = vec![
            AppSettings::official(OFFICIAL, SECRET),
            AppSettings::mini(MINI, SECRET),
        ];
        let listen = "127.0.0.1:0".parse().unwrap();
        let simulator = Simulator::bind(Settings {
            listen,
            seed: Some(7),
            apps,
        })
        .unwrap();
        let platform = simulator.addr();
        spawn(simulator);
        let folder = TempDir::new().unwrap();
        let addr = free_address();
        let config = format!(
            r#"
            {extra}
            [server]
            listen = "{addr}"
            static_dir = "no such folder"
            [store]
            url = "{store}"
            [platform]
            api_url = "http://{platform}"
            simulated = true
            timeout = "1s"
            [[apps]]
            name = "shop"
            kind = "official"
            app_id = "{OFFICIAL}"
            app_secret = "{SECRET}"
            token = "{TOKEN}"
            js_domains = ["example.com"]
            [[apps]]
            name = "game"
            kind = "mini"
            app_id = "{MINI}"
            app_secret = "{SECRET}"
            token = "{TOKEN}"
            "#
        );
        std::fs::write(folder.path().join("wxgate.toml"), config).unwrap();
        Self {
            folder,
            addr,
            simulator: platform,
            client: client(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command of the binary with this stage's configuration; what it prints is appended to `out.log`.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wxgate"));
        command
            .arg("--config")
            .arg(self.path("wxgate.toml"))
            .args(arguments);
        let out = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.path("out.log"))
            .unwrap();
        command
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out);
        command
    }

    /// Starts the gateway and waits until it answers.
    pub(crate) async fn start(&self) -> Gateway {
        self.start_as(self.command(&["serve"])).await
    }

    /// As [`Self::start`], with a command of the test's own.
    pub(crate) async fn start_as(&self, mut command: Command) -> Gateway {
        let gateway = Gateway(command.spawn().unwrap());
        let began = Instant::now();
        while self.client.get(self.url("/readyz")).send().await.is_err() {
            let printed = std::fs::read_to_string(self.path("out.log")).unwrap_or_default();
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "it does not serve:\n{printed}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        gateway
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// An admin call at the simulator that succeeds.
    pub(crate) async fn admin(&self, method: Method, path: &str, body: Value) -> Value {
        let url = format!("http://{}/_sim{path}", self.simulator);
        let response = self.client.request(method, url).json(&body).send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.status());
        response.json().await.unwrap()
    }

    /// A login code of this user.
    pub(crate) async fn code(&self, user: &str) -> (String, String) {
        let made = self
            .admin(Method::POST, "/codes", json!({"app_id": MINI, "user": user}))
            .await;
        (
            made["code"].as_str().unwrap().to_owned(),
            made["openid"].as_str().unwrap().to_owned(),
        )
    }
}

pub(crate) fn read_all(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(read_all(&path));
        } else {
            found.push((path.clone(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

/// Outside the range from which systems take ports for outgoing connections: a killed gateway's port could be taken by one
/// of the test's, or even answer itself.
pub(crate) fn free_address() -> SocketAddr {
    let mut tried = 0..100;
    loop {
        tried.next().expect("there is a free port");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, rand::random_range(20_000..32_000)));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tests' own client, which needs nothing of the product's"
)]
fn client() -> Client {
    Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap()
}

#[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
fn spawn(simulator: Simulator) {
    tokio::spawn(simulator.run_until(std::future::pending()));
}
