//! Webhooks: how they are made and changed over HTTP, by whom, and what instances make of that.

mod addresses;
mod deliveries;
mod http;
mod kept;

pub(crate) use kept::event;

use std::collections::BTreeSet;

use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use wxgate::domain::ids::AppName;
use wxgate::service::callers::NewCaller;
use wxgate::service::records::Grant;

use crate::support::app::TestApp;
use crate::support::eventually;
use crate::support::reply::Reply;
use crate::support::services::Services;

const ROUTE: &str = "/v1/apps/shop/webhooks";
const URL: &str = "https://hooks.example.com/wechat?a=b";

/// The key of a caller that was made beside the gateway, once the gateway knows it.
pub(crate) async fn key(app: &TestApp, apps: &[&str], grants: &[Grant]) -> String {
    let services = Services::beside(app).await;
    let apps: BTreeSet<AppName> = apps.iter().map(|name| name.parse().unwrap()).collect();
    let new = NewCaller {
        name: "orders".parse().unwrap(),
        apps,
        allow: Vec::new(),
        grants: grants.iter().copied().collect(),
        rate: None,
        lifetime: None,
    };
    let (_, key) = services.callers.create(new).await.unwrap();
    let key = key.expose_secret().to_owned();
    eventually("the gateway knows the key", async || {
        call(app, Method::GET, ROUTE, &key, &json!({})).await.status != 401
    })
    .await;
    key
}

/// The key of a caller that manages the official account's webhooks and rules.
pub(crate) async fn manager(app: &TestApp) -> String {
    key(app, &["shop"], &[Grant::Webhooks]).await
}

/// An administrator's access token.
pub(crate) async fn administrator(app: &TestApp) -> String {
    let services = Services::beside(app).await;
    let (email, password) = ("ann@example.com", "correct horse battery");
    let address = email.parse().unwrap();
    let created = services.administrators.create(&address, password.into(), false);
    created.await.unwrap();
    let body = json!({"type": 200, "account": email, "secret": password});
    app.post_json("/v1/token", &body).await.ok().member("token")
}

pub(crate) async fn call(app: &TestApp, method: Method, path: &str, token: &str, body: &Value) -> Reply {
    Reply::to(app.request(method, path).bearer_auth(token).json(body)).await
}

/// Makes a webhook with these members besides its address.
async fn make(app: &TestApp, token: &str, more: Value) -> Reply {
    let mut body = json!({"url": URL});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    call(app, Method::POST, ROUTE, token, &body).await
}
