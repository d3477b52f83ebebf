//! `POST /v1/user/avatar` and `/avatars/…`: what becomes of pictures, and of files that only say that they are some.

mod accepted;
pub(crate) mod files;
mod refused;
mod stored;

use image::DynamicImage;
use reqwest::Method;
use serde_json::Value;

use crate::support::app::TestApp;
use crate::support::reply::Reply;

const ROUTE: &str = "/v1/user/avatar";
const BOUNDARY: &str = "------a boundary";

/// A field of a form: its name, the name and type its file claims to have, and the file.
type Field<'a> = (&'a str, &'a str, &'a str, &'a [u8]);

pub(crate) async fn log_in(app: &TestApp, user: &str) -> String {
    app.log_in(&app.code(user).await).await.ok().member("token")
}

pub(crate) fn form(fields: &[Field<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, kind, bytes) in fields {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\
             Content-Type: {kind}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

async fn send(app: &TestApp, token: &str, body: Vec<u8>) -> Reply {
    let request = app.request(Method::POST, ROUTE).bearer_auth(token).header(
        "content-type",
        format!("multipart/form-data; boundary=\"{BOUNDARY}\""),
    );
    Reply::to(request.body(body)).await
}

async fn upload(app: &TestApp, token: &str, file: &[u8]) -> Reply {
    send(
        app,
        token,
        form(&[("avatar", "me", "application/octet-stream", file)]),
    )
    .await
}

/// A picture as clients get it.
struct Shown {
    status: u16,
    headers: reqwest::header::HeaderMap,
    bytes: Vec<u8>,
}

impl Shown {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn picture(&self) -> DynamicImage {
        image::load_from_memory(&self.bytes).unwrap()
    }
}

async fn show(app: &TestApp, path: &str) -> Shown {
    let response = app.request(Method::GET, path).send().await.unwrap();
    Shown {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        bytes: response.bytes().await.unwrap().to_vec(),
    }
}

/// The paths of an answer's pictures, smallest first.
fn paths(body: &Value) -> Vec<String> {
    let sizes = body["sizes"].as_object().unwrap();
    let names: Vec<_> = sizes.keys().map(String::as_str).collect();
    assert_eq!(names, ["96", "240", "640"]);
    assert_eq!(body["url"], sizes["640"]);
    sizes
        .values()
        .map(|path| path.as_str().unwrap().to_owned())
        .collect()
}

/// What the user's record says.
async fn avatar_of_only_user(app: &TestApp) -> Option<String> {
    let users = app.stored().records("users").await;
    assert_eq!(users.len(), 1);
    users[0]["avatar"].as_str().map(str::to_owned)
}
