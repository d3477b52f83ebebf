//! What the tests of official accounts' endpoints have in common: calls with a token of the account.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::support::{Answered, OFFICIAL, Sim};

/// The beginning of a JPEG.
pub(crate) const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF";

/// A simulator, and a token of its official account.
pub(crate) struct Account {
    pub(crate) sim: Sim,
    pub(crate) token: String,
}

impl Account {
    pub(crate) async fn start() -> Self {
        let sim = Sim::start();
        let token = sim.stable(OFFICIAL, false).await.token();
        Self { sim, token }
    }

    /// A path of `/cgi-bin` with the token.
    pub(crate) fn path(&self, path: &str) -> String {
        let sign = if path.contains('?') { '&' } else { '?' };
        format!("/cgi-bin/{path}{sign}access_token={}", self.token)
    }

    pub(crate) async fn get(&self, path: &str) -> Answered {
        self.sim.get(&self.path(path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answered {
        self.sim.post(&self.path(path), &body).await
    }

    /// The errcode of a POST.
    pub(crate) async fn code(&self, path: &str, body: Value) -> i64 {
        self.post(path, body).await.errcode()
    }

    /// What an upload of a file answers.
    pub(crate) async fn upload(&self, path: &str, name: &str, bytes: Vec<u8>) -> Answered {
        self.send(path, Form::new().part("media", file(name, bytes)))
            .await
    }

    /// What a form answers.
    pub(crate) async fn send(&self, path: &str, form: Form) -> Answered {
        let request = self.sim.request(Method::POST, &self.path(path));
        self.sim.send(request.multipart(form)).await
    }

    /// The content type, the name, and the bytes of a download.
    pub(crate) async fn download(
        &self,
        method: Method,
        path: &str,
        body: Value,
    ) -> (String, String, Vec<u8>) {
        let request = self.sim.request(method, &self.path(path)).json(&body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        let header = |name: &str| {
            let value = response.headers().get(name);
            value.map_or("", |value| value.to_str().unwrap()).to_owned()
        };
        let (kind, name) = (header("content-type"), header("content-disposition"));
        (kind, name, response.bytes().await.unwrap().to_vec())
    }

    /// The openid of somebody who follows.
    pub(crate) async fn follower(&self, user: &str) -> String {
        self.after(user, json!({"type": "follow"})).await
    }

    /// The openid of somebody who did this.
    pub(crate) async fn after(&self, user: &str, event: Value) -> String {
        let report = self.sim.happen(OFFICIAL, user, event).await;
        report["openid"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn file(name: &str, bytes: Vec<u8>) -> Part {
    Part::bytes(bytes).file_name(name.to_owned())
}

/// A JPEG of so many bytes.
pub(crate) fn jpeg(length: usize) -> Vec<u8> {
    let mut bytes = JPEG.to_vec();
    bytes.extend((0..length.saturating_sub(JPEG.len())).map(|at| u8::try_from(at % 251).unwrap()));
    bytes
}
