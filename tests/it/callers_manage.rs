//! Who manages an app's webhooks: administrators, and callers that were made for it. What they manage is tested elsewhere.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret as _;
use serde_json::json;
use wxgate::service::callers::NewCaller;
use wxgate::service::records::Grant;

use crate::support::app::{Builder, TestApp};
use crate::support::reply::Reply;
use crate::support::services::Services;
use crate::support::{eventually, on_both_stores};

on_both_stores!(administrators_and_callers_that_were_made_for_it_manage_an_app);

const SHOP: &str = "/v1/apps/shop/webhooks";
const GAME: &str = "/v1/apps/game/webhooks";
const NONE: &str = "/v1/apps/none/webhooks";

async fn caller(services: &Services, grants: &[Grant], rate: Option<&str>) -> (String, String) {
    let new = NewCaller {
        name: "crm".parse().unwrap(),
        apps: ["shop".parse().unwrap()].into(),
        allow: Vec::new(),
        grants: grants.iter().copied().collect(),
        rate: rate.map(|rate| rate.parse().unwrap()),
        lifetime: Some(Duration::from_secs(3600)),
    };
    let (caller, key) = services.callers.create(new).await.unwrap();
    (caller.id.to_string(), key.expose_secret().to_owned())
}

fn get(app: &TestApp, path: &str) -> RequestBuilder {
    app.request(Method::GET, path)
}

async fn by(app: &TestApp, path: &str, token: &str) -> Reply {
    Reply::to(get(app, path).bearer_auth(token)).await
}

async fn administrators_and_callers_that_were_made_for_it_manage_an_app(app: Builder) {
    let app = app.spawn().await;
    let services = Services::beside(&app).await;
    let email = "ann@example.com".parse().unwrap();
    let created = services
        .administrators
        .create(&email, "correct horse battery".into(), false);
    created.await.unwrap();
    let login = json!({"type": 200, "account": "ann@example.com", "secret": "correct horse battery"});
    let ann = app.post_json("/v1/token", &login).await.ok().member("token");
    let user = app.log_in(&app.code("bob").await).await.ok().member("token");
    let (_, manager) = caller(&services, &[Grant::Webhooks], None).await;
    let others = [Grant::RawToken, Grant::SessionKey, Grant::Events, Grant::Metrics];
    let (_, other) = caller(&services, &others, None).await;
    let (id, revoked) = caller(&services, &[Grant::Webhooks], None).await;
    let (_, slow) = caller(&services, &[Grant::Webhooks], Some("1/s")).await;
    eventually("the last of the keys is known", async || {
        by(&app, SHOP, &slow).await.status != 401
    })
    .await;
    services.callers.revoke(&id.parse().unwrap()).await.unwrap();
    eventually("the revocation is known", async || {
        by(&app, SHOP, &revoked).await.status == 401
    })
    .await;

    let at = |path: &str| format!("GET {path}");
    by(&app, SHOP, &manager).await.ok();
    by(&app, SHOP, &ann).await.ok();
    by(&app, GAME, &ann).await.ok();
    by(&app, GAME, &manager).await.refused(403, 10005, &at(GAME));
    for path in [SHOP, GAME, NONE] {
        by(&app, path, &user).await.refused(403, 10005, &at(path));
        Reply::to(get(&app, path)).await.refused(401, 10004, &at(path));
        let unknown = format!("wxk_{}", "A".repeat(43));
        for bad in [unknown.as_str(), "wxk_", "x", &revoked] {
            by(&app, path, bad).await.refused(401, 10004, &at(path));
        }
    }
    let reply = by(&app, SHOP, &other).await;
    assert_eq!(
        reply.refused(403, 10005, &at(SHOP))["msg"],
        "the key was made without --webhooks"
    );
    // Which apps there are is told to those who have shown who they are.
    for known in [&manager, &ann, &other] {
        by(&app, NONE, known).await.refused(404, 10002, &at(NONE));
    }
    // An administrator's token may come in every way, a key in one.
    Reply::to(get(&app, SHOP).header("token", &ann)).await.ok();
    for request in [
        get(&app, SHOP).header("token", &manager),
        get(&app, SHOP).basic_auth(&manager, Some("")),
        get(&app, SHOP).bearer_auth(&manager).bearer_auth(&manager),
        get(&app, SHOP).query(&[("token", &manager)]),
    ] {
        Reply::to(request).await.refused(401, 10004, &at(SHOP));
    }
    // Also what changes something, and before its body is looked at.
    for token in [&user, &other] {
        let request = app.request(Method::POST, SHOP).bearer_auth(token);
        let reply = Reply::to(request.json(&json!({"url": 7}))).await;
        reply.refused(403, 10005, "POST /v1/apps/shop/webhooks");
    }
    let burst = (0..60).map(|_| by(&app, SHOP, &slow));
    let replies = futures_util::future::join_all(burst).await;
    let refused = replies.iter().find(|reply| reply.status == 429).unwrap();
    refused.refused(429, 10006, &at(SHOP));
    assert_eq!(refused.retry_after(), 1);
}
