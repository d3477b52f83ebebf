//! Calls of WeChat's API through the gateway: by our own paths and by WeChat's.

mod facade;
mod native;
mod paths;
mod strangers;
mod streams;
mod trouble;

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::support::app::{Builder, TestApp};
use crate::support::reply::Reply;
use crate::support::upstream::Upstream;

/// Where WeChat's API begins for callers of the official account.
pub(super) const API: &str = "/v1/apps/shop/api";

/// A gateway before an API that shows what reaches it.
pub(super) async fn before(upstream: &Upstream, builder: Builder) -> TestApp {
    let builder = builder.set("platform.api_url", &upstream.url());
    builder.set("platform.token_budget.burst", "1000").spawn().await
}

/// A caller with these patterns for the official account.
pub(super) async fn caller(app: &TestApp, allow: &[&str]) -> String {
    let mut rights = vec!["--app", "shop"];
    for pattern in allow {
        rights.extend(["--allow", pattern]);
    }
    app.caller_key(&rights).await
}

pub(super) fn request(app: &TestApp, key: &str, method: Method, path: &str) -> RequestBuilder {
    app.request(method, &format!("{API}{path}"))
        .bearer_auth(key)
        .timeout(Duration::from_secs(60))
}

pub(super) async fn get(app: &TestApp, key: &str, path: &str) -> Reply {
    Reply::to(request(app, key, Method::GET, path)).await
}

pub(super) async fn post(app: &TestApp, key: &str, path: &str, body: &Value) -> Reply {
    Reply::to(request(app, key, Method::POST, path).json(body)).await
}
