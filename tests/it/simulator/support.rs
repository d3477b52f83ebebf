//! A simulator on a free port, and the calls the tests make at it. Nothing is asserted here but that
//! answers arrive.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use wxgate::simulator::{AppSettings, Console, Settings, Simulator};

pub(crate) const OFFICIAL: &str = "wx0000000000000001";
pub(crate) const MINI: &str = "wx0000000000000002";
pub(crate) const SECRET: &str = "00112233445566778899aabbccddeeff";

/// A running simulator with one app of each kind. It ends with the test's runtime.
pub(crate) struct Sim {
    pub(crate) address: SocketAddr,
    pub(crate) client: Client,
}

/// What a call was answered with.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) content_type: String,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Sim {
    pub(crate) fn start() -> Self {
        Self::with(vec![
            AppSettings::official(OFFICIAL, SECRET),
            AppSettings::mini(MINI, SECRET),
        ])
    }

    pub(crate) fn with(apps: Vec<AppSettings>) -> Self {
        Self::with_console(apps).0
    }

    pub(crate) fn with_console(apps: Vec<AppSettings>) -> (Self, Console) {
        let listen = "127.0.0.1:0".parse().unwrap();
        let simulator = Simulator::bind(Settings {
            listen,
            seed: Some(1),
            apps,
        })
        .unwrap();
        let (address, console) = (simulator.addr(), simulator.console());
        spawn(simulator);
        let sim = Self {
            address,
            client: client(),
        };
        (sim, console)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("http://{}{path}", self.address))
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Answered {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let content_type = headers["content-type"].to_str().unwrap().to_owned();
        Answered {
            status,
            content_type,
            headers,
            text: response.text().await.unwrap(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answered {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answered {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// An admin call that is to succeed.
    pub(crate) async fn admin(&self, method: Method, path: &str, body: Value) -> Value {
        let answered = self
            .send(self.request(method, &format!("/_sim{path}")).json(&body))
            .await;
        assert_eq!(answered.status, 200, "{}", answered.text);
        answered.json()
    }

    pub(crate) async fn advance(&self, seconds: u32) {
        self.admin(Method::POST, "/clock", json!({"advance_seconds": seconds}))
            .await;
    }

    /// Turns the clock to the next midnight in Shanghai, so that neither the day nor the minute ends
    /// within a test that counts calls.
    pub(crate) async fn to_midnight(&self) {
        let now = self.admin(Method::GET, "/clock", json!({})).await["now"]
            .as_i64()
            .unwrap();
        self.advance(u32::try_from(86_400 - (now + 8 * 3_600) % 86_400).unwrap())
            .await;
    }

    pub(crate) async fn switch(&self, app_id: &str, switches: Value) {
        self.admin(
            Method::PATCH,
            &format!("/apps/{app_id}"),
            json!({"switches": switches}),
        )
        .await;
    }

    pub(crate) async fn fault(&self, rule: Value) -> String {
        self.admin(Method::POST, "/faults", rule).await["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// `GET /cgi-bin/token`.
    pub(crate) async fn classic(&self, app_id: &str) -> Answered {
        self.get(&token_path(app_id, SECRET)).await
    }

    /// `POST /cgi-bin/stable_token`.
    pub(crate) async fn stable(&self, app_id: &str, force: bool) -> Answered {
        let body = json!({
            "grant_type": "client_credential", "appid": app_id, "secret": SECRET, "force_refresh": force,
        });
        self.post("/cgi-bin/stable_token", &body).await
    }

    /// What using a token of the official account answers.
    pub(crate) async fn try_token(&self, token: &str) -> i64 {
        self.get(&format!(
            "/cgi-bin/ticket/getticket?access_token={token}&type=jsapi"
        ))
        .await
        .errcode()
    }

    /// A login code of a user.
    pub(crate) async fn code(&self, user: &str) -> String {
        self.code_of(json!({"app_id": MINI, "user": user})).await
    }

    /// A code of any kind.
    pub(crate) async fn code_of(&self, wanted: Value) -> String {
        let made = self.admin(Method::POST, "/codes", wanted).await;
        made["code"].as_str().unwrap().to_owned()
    }

    /// A code of the authorize page.
    pub(crate) async fn web_code(&self, user: &str, scope: &str) -> String {
        self.code_of(json!({"app_id": OFFICIAL, "user": user, "kind": "oauth", "scope": scope}))
            .await
    }

    /// `GET /sns/oauth2/access_token`.
    pub(crate) async fn exchange(&self, app_id: &str, code: &str) -> Answered {
        self.get(&exchange_path(app_id, SECRET, code)).await
    }

    /// `GET /sns/jscode2session`.
    pub(crate) async fn log_in(&self, app_id: &str, code: &str) -> Answered {
        self.get(&login_path(app_id, code)).await
    }
}

impl Answered {
    /// A header of an answer that has it.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The members of the answer, in their order.
    pub(crate) fn members(&self) -> Vec<String> {
        self.json().as_object().unwrap().keys().cloned().collect()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The errcode of a platform answer; 0 if it has none.
    pub(crate) fn errcode(&self) -> i64 {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()
            .get("errcode")
            .map_or(0, |code| code.as_i64().unwrap())
    }

    pub(crate) fn errmsg(&self) -> String {
        self.json()["errmsg"].as_str().unwrap().to_owned()
    }

    /// A text member.
    pub(crate) fn text_of(&self, name: &str) -> String {
        self.json()[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name}: {}", self.text))
            .to_owned()
    }

    pub(crate) fn token(&self) -> String {
        self.text_of("access_token")
    }

    pub(crate) fn expires_in(&self) -> i64 {
        self.json()["expires_in"].as_i64().unwrap()
    }
}

pub(crate) fn token_path(app_id: &str, secret: &str) -> String {
    format!("/cgi-bin/token?grant_type=client_credential&appid={app_id}&secret={secret}")
}

pub(crate) fn login_path(app_id: &str, code: &str) -> String {
    format!("/sns/jscode2session?appid={app_id}&secret={SECRET}&js_code={code}&grant_type=authorization_code")
}

pub(crate) fn exchange_path(app_id: &str, secret: &str, code: &str) -> String {
    format!(
        "/sns/oauth2/access_token?appid={app_id}&secret={secret}&code={code}&grant_type=authorization_code"
    )
}

/// The errmsg without its request id, which is checked to be one.
pub(crate) fn without_rid(errmsg: &str) -> &str {
    let (text, rid) = errmsg
        .split_once(" rid: ")
        .unwrap_or_else(|| panic!("no rid: {errmsg}"));
    let groups: Vec<&str> = rid.split('-').collect();
    let hex = |group: &&str| {
        group.len() == 8
            && group
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    assert!(groups.len() == 3 && groups.iter().all(hex), "{rid}");
    text
}

#[expect(
    clippy::disallowed_methods,
    reason = "the server is another party, not a task of the gateway's"
)]
fn spawn(simulator: Simulator) {
    tokio::spawn(simulator.run_until(std::future::pending()));
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tests stand outside the gateway and its client rules"
)]
pub(crate) fn client() -> Client {
    let redirect = reqwest::redirect::Policy::none();
    Client::builder()
        .no_proxy()
        .redirect(redirect)
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap()
}
