//! Gateways as processes on one store, and a caller of theirs. What is done to them is not here.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::process::{Gateway, OFFICIAL, Stage, free_address};

/// How long a start may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Fleet {
    pub(crate) stage: Stage,
    members: Vec<(SocketAddr, Option<Gateway>)>,
    settings: Vec<(&'static str, &'static str)>,
    key: String,
}

/// A token as a caller gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) value: String,
    pub(crate) version: i64,
}

impl Fleet {
    /// So many gateways, which are not started yet, with these variables in their environment.
    pub(crate) fn new(store: &str, count: usize, settings: &[(&'static str, &'static str)]) -> Self {
        let mut fleet = Self {
            stage: Stage::new(store, ""),
            members: (0..count).map(|_| (free_address(), None)).collect(),
            settings: settings.to_vec(),
            key: String::new(),
        };
        fleet.key = fleet.caller_key();
        fleet
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.stage.command(arguments);
        command.envs(self.settings.iter().copied());
        command
    }

    fn caller_key(&self) -> String {
        let arguments = "caller create --name orders --app shop --raw-token --json --allow";
        let mut arguments: Vec<&str> = arguments.split(' ').collect();
        arguments.push("GET /cgi-bin/**");
        let output = self.command(&arguments).stdout(Stdio::piped()).output().unwrap();
        assert!(output.status.success(), "{}", self.log());
        let created: Value = serde_json::from_slice(&output.stdout).unwrap();
        created["key"].as_str().unwrap().to_owned()
    }

    /// Starts a gateway and does not wait for it.
    pub(crate) fn launch(&mut self, index: usize) {
        let mut command = self.command(&["serve"]);
        command.env("WXGATE__SERVER__LISTEN", self.members[index].0.to_string());
        self.members[index].1 = Some(Gateway(command.spawn().unwrap()));
    }

    /// Waits until a gateway answers.
    pub(crate) async fn answers(&self, index: usize) {
        let began = Instant::now();
        let url = self.url(index, "/readyz");
        while self.stage.client.get(&url).send().await.is_err() {
            assert!(began.elapsed() < PATIENCE, "it does not serve:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Starts all of them and waits until each has a token.
    pub(crate) async fn start(&mut self) {
        for index in 0..self.len() {
            self.launch(index);
        }
        for index in 0..self.len() {
            self.answers(index).await;
            self.token(index).await;
        }
    }

    /// SIGKILL: nothing of the process runs after it.
    pub(crate) fn kill(&mut self, index: usize) {
        let mut gateway = self.members[index].1.take().expect("it runs");
        gateway.0.kill().unwrap();
        gateway.0.wait().unwrap();
    }

    /// `STOP`, `CONT`.
    pub(crate) fn signal(&self, index: usize, name: &str) {
        let gateway = self.members[index].1.as_ref().expect("it runs");
        let pid = gateway.0.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success());
    }

    pub(crate) fn url(&self, index: usize, path: &str) -> String {
        format!("http://{}{path}", self.members[index].0)
    }

    /// A request in the name of the caller.
    pub(crate) fn request(&self, index: usize, method: Method, path: &str) -> RequestBuilder {
        let request = self.stage.client.request(method, self.url(index, path));
        request.bearer_auth(&self.key)
    }

    pub(crate) async fn token(&self, index: usize) -> Token {
        read(self.request(index, Method::GET, "/v1/apps/shop/access_token")).await
    }

    /// Reports a dead token, and has the one that is answered.
    pub(crate) async fn report(&self, index: usize, dead: &str) -> Token {
        let path = "/v1/apps/shop/access_token/refresh";
        let request = self.request(index, Method::POST, path);
        read(request.json(&json!({"access_token": dead}))).await
    }

    /// So many reports at each of these gateways, all at once. They have the same answer.
    pub(crate) async fn reports(&self, at: &[usize], count: usize, dead: &str) -> Token {
        let reports = (0..count).flat_map(|_| at).map(|index| self.report(*index, dead));
        let answers = join_all(reports).await;
        assert!(answers.iter().all(|answer| *answer == answers[0]), "they differ");
        assert_ne!(answers[0].value, dead);
        answers[0].clone()
    }

    /// A call of WeChat's API through a gateway. Says the errcode.
    pub(crate) async fn call(&self, index: usize) -> i64 {
        let path = "/v1/apps/shop/api/cgi-bin/getcallbackip";
        let answer = self.request(index, Method::GET, path).send().await.unwrap();
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert_eq!(status, 200, "{body}");
        body["errcode"].as_i64().unwrap_or_default()
    }

    /// All of them have this token, within two seconds.
    pub(crate) async fn agree_on(&self, token: &Token) {
        let began = Instant::now();
        for index in 0..self.len() {
            while self.token(index).await != *token {
                let late = began.elapsed() > Duration::from_secs(2);
                assert!(!late, "gateway {index} has another one:\n{}", self.log());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// From now on the platform begins its answers of this path so much later.
    pub(crate) async fn slow(&self, path: &str, by: Duration) {
        let effect = json!({"type": "latency", "ms": by.as_millis()});
        let rule = json!({"path": path, "effect": effect});
        self.stage.admin(Method::POST, "/faults", rule).await;
    }

    pub(crate) async fn heal(&self) {
        self.stage.admin(Method::DELETE, "/faults", json!({})).await;
    }

    pub(crate) async fn kill_tokens(&self) {
        let body = json!({"app_id": OFFICIAL});
        self.stage.admin(Method::POST, "/tokens/kill", body).await;
    }

    /// How many calls of this path the platform has had for an app.
    pub(crate) async fn calls(&self, path: &str, app: &str) -> u64 {
        let path = format!("/calls/count?path={path}&app_id={app}");
        let counted = self.stage.admin(Method::GET, &path, json!({})).await;
        counted["count"].as_u64().unwrap()
    }

    /// What all gateways have logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.stage.path("out.log")).unwrap_or_default()
    }
}

async fn read(request: RequestBuilder) -> Token {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(status, 200, "{body}");
    Token {
        value: body["access_token"].as_str().unwrap().to_owned(),
        version: body["version"].as_i64().unwrap(),
    }
}
