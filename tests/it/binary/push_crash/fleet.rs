//! Gateways as processes on one store, a simulated WeChat that pushes to all of them, and their webhooks. What is done to
//! them is not here.

use std::net::SocketAddr;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::mongo::Mongod;
use crate::support::process::{Gateway, OFFICIAL, Stage, TOKEN, free_address};
use crate::support::pusher::{AES_KEY, Pusher};
use crate::support::stored::Stored;

/// How long a start may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Fleet {
    pub(super) stage: Stage,
    pub(super) stored: Stored,
    members: Vec<(SocketAddr, Option<Gateway>)>,
}

impl Fleet {
    /// One gateway, which is not started yet.
    pub(super) fn on_sqlite() -> Self {
        let stage = stage("sqlite:push.db");
        Self {
            stored: Stored::Sqlite(stage.path("push.db")),
            stage,
            members: vec![(free_address(), None)],
        }
    }

    /// So many gateways, which are not started yet.
    pub(super) fn on_mongodb(server: &Mongod, count: usize) -> Self {
        let database = Mongod::fresh_database();
        let url = server.url(&database);
        Self {
            stage: stage(&url),
            stored: Stored::Mongo { url, database },
            members: (0..count).map(|_| (free_address(), None)).collect(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// Starts all of them, and has the simulator push to them; it delivers a message as often as WeChat does, with these
    /// pauses in between. Makes the webhooks.
    pub(super) async fn begin(&mut self, retry_after_ms: u32, webhooks: &[Value]) {
        let key = self.caller_key();
        self.start(0).await;
        for webhook in webhooks {
            let request = self
                .stage
                .client
                .post(format!("http://{}/v1/apps/shop/webhooks", self.members[0].0))
                .bearer_auth(&key)
                .json(webhook);
            let answer = request.send().await.unwrap();
            let status = answer.status();
            assert!(status.is_success(), "{status} {}", answer.text().await.unwrap());
        }
        // They know the webhooks from their start on.
        for index in 1..self.len() {
            self.start(index).await;
        }
        let server = json!({
            "url": self.push_url(0), "token": TOKEN, "mode": "safe", "encoding_aes_key": AES_KEY, "verify": false,
            "rules": {"retry_after_ms": retry_after_ms, "fail_limit": 0},
        });
        let path = format!("/apps/{OFFICIAL}/server");
        self.stage.admin(Method::PUT, &path, server).await;
    }

    /// Starts a gateway and waits until it is ready.
    pub(super) async fn start(&mut self, index: usize) {
        let address = self.members[index].0;
        let mut command = self.command(&["serve"]);
        command.env("WXGATE__SERVER__LISTEN", address.to_string());
        let mut gateway = Gateway(command.spawn().unwrap());
        let began = Instant::now();
        let url = format!("http://{address}/readyz");
        while !self.is_ready(&url).await {
            let ended = gateway.0.try_wait().unwrap();
            assert!(
                ended.is_none() && began.elapsed() < PATIENCE,
                "gateway {index} does not serve ({ended:?}):\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.members[index].1 = Some(gateway);
    }

    async fn is_ready(&self, url: &str) -> bool {
        let answer = self.stage.client.get(url).send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    }

    /// SIGKILL: nothing of the process runs after it.
    pub(super) fn kill(&mut self, index: usize) {
        let mut gateway = self.members[index].1.take().expect("it runs");
        gateway.0.kill().unwrap();
        gateway.0.wait().unwrap();
    }

    /// SIGTERM. Says how it ended, and how long that took.
    pub(super) async fn terminate(&mut self, index: usize, most: Duration) -> (ExitStatus, Duration) {
        let mut gateway = self.members[index].1.take().expect("it runs");
        let pid = gateway.0.id().to_string();
        let began = Instant::now();
        assert!(Command::new("kill").arg(pid).status().unwrap().success());
        loop {
            if let Some(status) = gateway.0.try_wait().unwrap() {
                return (status, began.elapsed());
            }
            assert!(
                began.elapsed() < most,
                "it does not end within {most:?}:\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(super) fn push_url(&self, index: usize) -> String {
        format!("http://{}/auth/shop", self.members[index].0)
    }

    pub(super) fn push_urls(&self) -> Vec<String> {
        (0..self.len()).map(|index| self.push_url(index)).collect()
    }

    /// What one gateway says to a push that the simulator does not know of.
    pub(super) async fn push(&self, index: usize, body: &str) -> reqwest::Result<(u16, String)> {
        let pusher = Pusher {
            path: String::new(),
            token: TOKEN.to_owned(),
            app_id: OFFICIAL.to_owned(),
            key: Some(AES_KEY.to_owned()),
        };
        let now = wxgate::clock::Clock::system().now().secs();
        let (query, body) = pusher.written(&now.to_string(), body);
        let url = format!("{}?{query}", self.push_url(index));
        let answer = self.stage.client.post(url).body(body).send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// What all gateways have logged.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.stage.path("out.log")).unwrap_or_default()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.stage.command(arguments);
        command.env("WXGATE__APPS__SHOP__AES_KEY", AES_KEY);
        command
    }

    fn caller_key(&self) -> String {
        let arguments = [
            "caller",
            "create",
            "--name",
            "orders",
            "--app",
            "shop",
            "--webhooks",
            "--json",
        ];
        let mut command = self.command(&arguments);
        let output = command.stdout(std::process::Stdio::piped()).output().unwrap();
        assert!(output.status.success(), "{}", self.log());
        let created: Value = serde_json::from_slice(&output.stdout).unwrap();
        created["key"].as_str().unwrap().to_owned()
    }
}

fn stage(store: &str) -> Stage {
    Stage::new(store, "[push]\nwebhook_private_networks = true")
}
