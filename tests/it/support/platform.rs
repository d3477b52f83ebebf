//! The WeChat that a gateway under test has: a simulator of its own, and the calls of its admin API.

use std::net::SocketAddr;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use wxgate::simulator::{AppSettings, Settings, Simulator};

use super::reply::{self, Reply};

pub(crate) const SECRET: &str = "00112233445566778899aabbccddeeff";

pub(crate) const STABLE_TOKEN: &str = "/cgi-bin/stable_token";
pub(crate) const CLASSIC_TOKEN: &str = "/cgi-bin/token";
pub(crate) const TICKET: &str = "/cgi-bin/ticket/getticket";
pub(crate) const LOGIN: &str = "/sns/jscode2session";

/// A handle to the simulator. It ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct Platform {
    pub(crate) addr: SocketAddr,
    client: Client,
}

impl Platform {
    pub(crate) fn start(apps: Vec<AppSettings>) -> Self {
        let listen = "127.0.0.1:0".parse().unwrap();
        let settings = Settings {
            listen,
            seed: None,
            apps,
        };
        let simulator = Simulator::bind(settings).unwrap();
        let addr = simulator.addr();
        spawn(simulator);
        Self {
            addr,
            client: reply::client(),
        }
    }

    /// An admin call that is to succeed.
    pub(crate) async fn admin(&self, method: Method, path: &str, body: Value) -> Value {
        let url = format!("http://{}/_sim{path}", self.addr);
        Reply::to(self.client.request(method, url).json(&body))
            .await
            .ok()
            .json()
    }

    /// A login code of a user, as `wx.login` gives one.
    pub(crate) async fn code(&self, app_id: &str, user: &str) -> String {
        let made = self
            .admin(Method::POST, "/codes", json!({"app_id": app_id, "user": user}))
            .await;
        made["code"].as_str().unwrap().to_owned()
    }

    /// A user's openid at an app.
    pub(crate) async fn openid(&self, app_id: &str, user: &str) -> String {
        let made = self
            .admin(Method::GET, &format!("/users/{user}"), json!({}))
            .await;
        let openid = made["openids"][app_id].as_str();
        openid.unwrap_or_else(|| panic!("{made}")).to_owned()
    }

    /// A user who follows an account and has just written to it, where nobody listened. Gives the openid.
    pub(crate) async fn follower(&self, app_id: &str, user: &str) -> String {
        let server = json!({"url": "http://127.0.0.1:9/auth", "token": "AAAAA", "verify": false});
        self.admin(Method::PUT, &format!("/apps/{app_id}/server"), server)
            .await;
        for doing in [
            json!({"event": {"type": "follow"}}),
            json!({"message": {"type": "text", "content": "hello"}}),
        ] {
            let mut push = doing;
            push["app_id"] = app_id.into();
            push["user"] = user.into();
            self.admin(Method::POST, "/push", push).await;
        }
        self.openid(app_id, user).await
    }

    /// The customer-service messages that a user has got, oldest first.
    pub(crate) async fn messages(&self, app_id: &str, user: &str) -> Vec<Value> {
        let path = format!("/transcript?app_id={app_id}&user={user}");
        let transcript = self.admin(Method::GET, &path, json!({})).await;
        let entries = transcript["entries"]
            .as_array()
            .unwrap_or_else(|| panic!("{transcript}"));
        let own = entries.iter().filter(|entry| entry["kind"] == "customer_service");
        own.map(|entry| entry["content"].clone()).collect()
    }

    /// Opens one of its pages, as a browser does.
    pub(crate) async fn open(&self, url: &str) -> Reply {
        let page = url.split('#').next().unwrap();
        Reply::to(self.client.get(page)).await
    }

    /// Exchanges a login code past the gateway.
    pub(crate) async fn exchange(&self, app_id: &str, code: &str) {
        let url = format!("http://{}{LOGIN}", self.addr);
        let query = [
            ("appid", app_id),
            ("secret", SECRET),
            ("js_code", code),
            ("grant_type", "authorization_code"),
        ];
        let answer = Reply::to(self.client.get(url).query(&query)).await.ok();
        assert!(answer.json()["openid"].is_string(), "{}", answer.text);
    }

    /// From now on calls break as the rule says.
    pub(crate) async fn fault(&self, rule: Value) {
        self.admin(Method::POST, "/faults", rule).await;
    }

    /// From now on nothing breaks.
    pub(crate) async fn heal(&self) {
        self.admin(Method::DELETE, "/faults", json!({})).await;
    }

    /// How many calls of a path there were.
    pub(crate) async fn calls(&self, path: &str) -> u64 {
        let answer = self
            .admin(Method::GET, &format!("/calls/count?path={path}"), json!({}))
            .await;
        answer["count"].as_u64().unwrap()
    }

    /// How many calls of a path there were for one app.
    pub(crate) async fn calls_of(&self, app_id: &str, path: &str) -> u64 {
        let query = format!("/calls/count?path={path}&app_id={app_id}");
        self.admin(Method::GET, &query, json!({})).await["count"]
            .as_u64()
            .unwrap()
    }

    pub(crate) async fn switch(&self, app_id: &str, switches: Value) {
        let body = json!({"switches": switches});
        self.admin(Method::PATCH, &format!("/apps/{app_id}"), body).await;
    }

    pub(crate) async fn kill_tokens(&self, app_id: &str, still_served: bool) {
        let body = json!({"app_id": app_id, "still_served": still_served});
        self.admin(Method::POST, "/tokens/kill", body).await;
    }

    pub(super) async fn advance(&self, seconds: u64) {
        self.admin(Method::POST, "/clock", json!({"advance_seconds": seconds}))
            .await;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the server is another party, not a task of the gateway's"
)]
fn spawn(simulator: Simulator) {
    tokio::spawn(simulator.run_until(std::future::pending()));
}
