//! What operators, browsers and machines meet besides the journeys: health, the description, errors of the
//! framework's own.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Builder, SHOP, TestApp};
use crate::support::platform::STABLE_TOKEN;
use crate::support::reply::Reply;
use crate::support::{eventually, on_both_stores};

on_both_stores!(readiness_lists_what_does_not_work);

async fn readiness_lists_what_does_not_work(app: Builder) {
    let refused = json!({"type": "errcode", "errcode": 40125});
    let app = app
        .fault(json!({"path": STABLE_TOKEN, "app_id": SHOP, "effect": refused}))
        .spawn()
        .await;
    let expected = json!({
        "status": "degraded", "degraded": [format!("{SHOP}:access_token"), format!("{SHOP}:jsapi_ticket")],
    });
    eventually("the mini program has its token", async || {
        app.get("/readyz").await.ok().json() == expected
    })
    .await;
    app.simulator().heal().await;
    app.advance(600).await;
    eventually("everything works", async || {
        app.get("/readyz").await.ok().text == r#"{"status":"ok","degraded":[]}"#
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_is_the_processs_own() {
    let down = json!({"path": "*", "effect": {"type": "reset"}});
    let app = TestApp::builder().fault(down).spawn().await;
    let reply = app.get("/healthz").await.ok();
    assert_eq!(reply.text, r#"{"status":"ok"}"#);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn balancers_may_ask_for_the_head_alone() {
    let app = TestApp::builder().spawn().await;
    for path in ["/healthz", "/readyz"] {
        let reply = Reply::to(app.request(Method::HEAD, path)).await;
        assert_eq!((reply.status, reply.text.as_str()), (200, ""), "{path}");
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_for_readiness_never_asks_wechat() {
    let app = TestApp::builder().spawn().await;
    eventually("it is ready", async || {
        app.get("/readyz").await.json()["status"] == "ok"
    })
    .await;
    let before = app.simulator().calls(STABLE_TOKEN).await;
    for _ in 0..20 {
        app.get("/readyz").await.ok();
    }
    assert_eq!(app.simulator().calls(STABLE_TOKEN).await, before);
}

async fn description(app: &TestApp) -> Value {
    let reply = app.get("/openapi.json").await.ok();
    assert!(
        reply
            .header("content-type")
            .unwrap()
            .starts_with("application/json")
    );
    reply.json()
}

/// Every method and path of the description.
fn operations(api: &Value) -> BTreeSet<(String, String)> {
    let paths = api["paths"].as_object().unwrap();
    let listed = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys();
        methods
            .filter(|name| ["get", "post", "put", "patch", "delete"].contains(&name.as_str()))
            .map(|method| (method.to_uppercase(), path.clone()))
    });
    listed.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_description_is_openapi_31_and_lists_these_routes() {
    let app = TestApp::builder().spawn().await;
    let api = description(&app).await;
    assert!(
        api["openapi"].as_str().unwrap().starts_with("3.1"),
        "{}",
        api["openapi"]
    );
    let listed: Vec<String> = operations(&api)
        .into_iter()
        .map(|(method, path)| format!("{method} {path}"))
        .collect();
    insta::assert_json_snapshot!(listed, @r#"
    [
      "DELETE /v1/apps/{app}/api/{path}",
      "DELETE /v1/apps/{app}/replies/{id}",
      "DELETE /v1/apps/{app}/webhooks/{id}",
      "DELETE /v1/user",
      "DELETE /v1/user/identities",
      "DELETE /v1/user/sessions",
      "DELETE /v1/user/sessions/{id}",
      "GET /.well-known/jwks.json",
      "GET /auth",
      "GET /auth/{app}",
      "GET /avatars/{file}",
      "GET /getAllRoomInfo",
      "GET /healthz",
      "GET /jsapi",
      "GET /jsapi/{app}",
      "GET /metrics",
      "GET /readyz",
      "GET /v1/apps/{app}/access_token",
      "GET /v1/apps/{app}/api/{path}",
      "GET /v1/apps/{app}/checks/media/{trace_id}",
      "GET /v1/apps/{app}/events",
      "GET /v1/apps/{app}/jsapi_ticket",
      "GET /v1/apps/{app}/replies",
      "GET /v1/apps/{app}/replies/{id}",
      "GET /v1/apps/{app}/webhooks",
      "GET /v1/apps/{app}/webhooks/{id}",
      "GET /v1/apps/{app}/webhooks/{id}/deliveries",
      "GET /v1/audit",
      "GET /v1/oauth/{app}/authorize",
      "GET /v1/oauth/{app}/callback",
      "GET /v1/rooms",
      "GET /v1/user",
      "GET /v1/user/sessions",
      "GET /v1/user/sessions/{id}",
      "PATCH /v1/apps/{app}/api/{path}",
      "PATCH /v1/apps/{app}/webhooks/{id}",
      "PATCH /v1/user",
      "POST /api/user/login",
      "POST /api/user/register",
      "POST /auth",
      "POST /auth/{app}",
      "POST /jsapi",
      "POST /jsapi/{app}",
      "POST /user/login",
      "POST /user/refreshToken",
      "POST /v1/apps/{app}/access_token/refresh",
      "POST /v1/apps/{app}/api/{path}",
      "POST /v1/apps/{app}/checks/media",
      "POST /v1/apps/{app}/checks/text",
      "POST /v1/apps/{app}/codes/wxacode",
      "POST /v1/apps/{app}/links",
      "POST /v1/apps/{app}/messages/custom",
      "POST /v1/apps/{app}/messages/subscribe",
      "POST /v1/apps/{app}/messages/template",
      "POST /v1/apps/{app}/qrcodes",
      "POST /v1/apps/{app}/replies",
      "POST /v1/apps/{app}/token",
      "POST /v1/apps/{app}/webhooks",
      "POST /v1/apps/{app}/webhooks/{id}/replay",
      "POST /v1/apps/{app}/webhooks/{id}/secret",
      "POST /v1/codes",
      "POST /v1/rooms",
      "POST /v1/token",
      "POST /v1/token/refresh",
      "POST /v1/token/revoke",
      "POST /v1/token/verify",
      "POST /v1/user/avatar",
      "POST /v1/user/decrypt",
      "POST /v1/user/identities",
      "POST /v1/user/password",
      "POST /v1/user/phone",
      "POST /v1/user/raw-data",
      "POST /v1/user/session-key/check",
      "POST /v1/user/session-key/reset",
      "POST /v1/users",
      "PUT /v1/apps/{app}/api/{path}",
      "PUT /v1/apps/{app}/replies/{id}"
    ]
    "#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_described_route_is_there() {
    let app = TestApp::builder().spawn().await;
    for (method, path) in operations(&description(&app).await) {
        let path = path.replace("{app}", "shop");
        let name: Method = method.parse().unwrap();
        let request = app.request(name, &path);
        let request = if method == "GET" {
            request
        } else {
            request.json(&json!({}))
        };
        let reply = Reply::to(request).await;
        // A route may have nothing to show under the name that was asked for; it says so in words of its own.
        let no_route = reply.status == 405 || reply.text.contains("there is nothing at this path");
        assert!(!no_route, "{method} {path}: {}", reply.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_in_the_source_is_described() {
    let app = TestApp::builder().spawn().await;
    let mut written = BTreeSet::new();
    find_routes(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http"),
        &mut written,
    );
    assert!(written.len() > 5, "{written:?}");
    // A demo's own routes are for its page, and not there otherwise.
    written.retain(|(_, path)| !path.starts_with("/demo/"));
    assert_eq!(written, operations(&description(&app).await));
}

/// The routes that attributes such as `#[get("/healthz")]` make.
fn find_routes(folder: &Path, found: &mut BTreeSet<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find_routes(&path, found);
            continue;
        }
        let source = fs::read_to_string(&path).unwrap();
        // An attribute may go over several lines.
        for attribute in source.split("#[").skip(1) {
            let attribute = attribute.split(']').next().unwrap_or_default();
            let Some((method, rest)) = attribute.split_once('(') else {
                continue;
            };
            let Some(rest) = rest.trim_start().strip_prefix('"') else {
                continue;
            };
            if ["get", "post", "put", "patch", "delete", "route"].contains(&method) {
                let mut texts = rest.split('"').step_by(2);
                // A parameter may say what it matches.
                let path = texts.next().unwrap().replace(":.*}", "}");
                // `route` names its methods itself. HEAD is GET without the body; neither it nor OPTIONS is described.
                let named: Vec<_> = texts
                    .filter(|text| !text.is_empty() && text.chars().all(char::is_uppercase))
                    .collect();
                let named = if method == "route" { named } else { vec![method] };
                let methods = named.iter().map(|method| method.to_uppercase());
                found.extend(
                    methods
                        .filter(|method| method != "HEAD" && method != "OPTIONS")
                        .map(|method| (method, path.clone())),
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documentation_needs_no_internet() {
    let app = TestApp::builder().spawn().await;
    let page = app.get("/docs/").await.ok();
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    let mut loaded = 0;
    for piece in page.text.split(['"', '\'']) {
        assert!(!piece.starts_with("http:") && !piece.starts_with("https:") && !piece.starts_with("//"));
        if [".js", ".css"].iter().any(|end| piece.ends_with(end)) {
            let name = piece.trim_start_matches("./");
            let file = app.get(&format!("/docs/{name}")).await.ok();
            loaded += 1;
            if name.contains("initializer") {
                assert!(file.text.contains("/openapi.json"));
                assert!(!file.text.contains("http"), "{}", file.text);
            }
        }
    }
    assert!(loaded >= 3, "{}", page.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_an_envelope_too() {
    let app = TestApp::builder().spawn().await;
    for (method, path) in [
        (Method::GET, "/nowhere"),
        (Method::POST, "/v1/nothing"),
        (Method::GET, "/v1/token/verify/more"),
        (Method::DELETE, "/v1/apps//token"),
    ] {
        let reply = Reply::to(app.request(method.clone(), path)).await;
        reply.refused(404, 10002, &format!("{method} {path}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_method_is_told_the_right_ones() {
    let app = TestApp::builder().spawn().await;
    for (method, path, allowed) in [
        (Method::GET, "/v1/token", "POST"),
        (Method::DELETE, "/v1/token/verify", "POST"),
        (Method::PUT, "/jsapi", "GET, POST"),
        (Method::POST, "/healthz", "GET, HEAD"),
        (Method::HEAD, "/metrics", "GET"),
        (Method::POST, "/openapi.json", "GET"),
        (Method::DELETE, "/docs/", "GET"),
        (Method::HEAD, "/docs/index.html", "GET"),
        (Method::PATCH, "/v1/apps/game/token", "POST"),
    ] {
        let reply = Reply::to(app.request(method.clone(), path)).await;
        if method == Method::HEAD {
            assert_eq!(reply.status, 405, "{path}");
        } else {
            reply.refused(405, 10003, &format!("{method} {path}"));
        }
        assert_eq!(reply.header("allow"), Some(allowed), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_has_a_request_id() {
    let app = TestApp::builder().spawn().await;
    let mut seen = BTreeSet::new();
    for path in [
        "/healthz",
        "/nowhere",
        "/auth",
        "/jsapi",
        "/openapi.json",
        "/docs/",
        "/",
    ] {
        let reply = app.get(path).await;
        let id = reply
            .header("x-request-id")
            .unwrap_or_else(|| panic!("{path} has none"));
        assert!(!id.is_empty() && seen.insert(id.to_owned()), "{path}: {id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_put_into_the_folder_is_at_the_sites_root() {
    let app = TestApp::builder().spawn().await;
    let missing = app.get("/MP_verify_abc.txt").await;
    missing.refused(404, 10002, "GET /MP_verify_abc.txt");
    fs::write(app.static_dir().join("MP_verify_abc.txt"), "abc").unwrap();
    assert_eq!(app.get("/MP_verify_abc.txt").await.ok().text, "abc");
}
