//! When the company's services were heard of last, as operators see it.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use wxgate::domain::ids::CallerId;
use wxgate::tasks::Tasks;

use crate::support::app::{Builder, SHOP, TestApp};
use crate::support::reply::Reply;
use crate::support::services::Services;
use crate::support::{eventually, on_both_stores};

on_both_stores!(
    the_last_use_is_known_within_a_minute,
    it_never_moves_back,
    it_is_written_at_the_end,
    an_sdk_uses_its_key_with_every_call,
);

async fn list(app: &TestApp) -> Vec<Value> {
    let mut command = app.command(&["caller", "list", "--json"]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    serde_json::from_slice(&output.await.unwrap().stdout).unwrap()
}

async fn use_key(app: &TestApp, key: &str) {
    let request = app.request(Method::GET, "/v1/apps/shop/webhooks");
    Reply::to(request.bearer_auth(key)).await.ok();
}

async fn the_last_use_is_known_within_a_minute(app: Builder) {
    let app = app.spawn().await;
    let used = app.caller_key(&["--app", "shop", "--webhooks"]).await;
    app.caller_key(&["--app", "shop", "--webhooks"]).await;
    let before = app.stored().texts("callers").await;
    app.advance(1000).await;
    use_key(&app, &used).await;
    let at = app.now().secs();
    app.advance(61).await;
    let mut listed = Vec::new();
    eventually("the use is written", async || {
        listed = list(&app).await;
        listed[0]["last_used_at"].as_i64() >= Some(at - 1)
    })
    .await;
    assert!(listed[0]["last_used_at"].as_i64() <= Some(at));
    // The other was heard of when it was made, and not since.
    assert!(listed[1]["last_used_at"].as_i64() < Some(at - 900));
    let mut command = app.command(&["caller", "list"]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let text = String::from_utf8(output.await.unwrap().stdout).unwrap();
    assert_eq!(text.matches("  last used 2").count(), 2, "{text}");
    // What every instance follows has not changed.
    assert_eq!(app.stored().texts("callers").await, before);
}

async fn it_never_moves_back(app: Builder) {
    let app = app.spawn().await;
    let (early, late) = (
        Services::beside(&app).await.callers,
        Services::beside(&app).await.callers,
    );
    let id: CallerId = "clr_1".parse().unwrap();
    early.note_use(&id);
    app.turn(500);
    late.note_use(&id);
    let at = app.now();
    let write = async |callers: &wxgate::service::callers::Callers| {
        let tasks = Tasks::new(tokio::runtime::Handle::current());
        tasks.shutdown(Duration::ZERO).await;
        // It writes once more when it is told to end.
        callers.keep_last_use(&tasks).await;
    };
    write(&late).await;
    write(&early).await;
    let known = early.last_used_at(&id).await.unwrap().unwrap();
    assert!(at.since(known) < Duration::from_secs(400), "{known} {at}");
    // Both at once, for one that is new.
    let id: CallerId = "clr_2".parse().unwrap();
    early.note_use(&id);
    app.turn(500);
    late.note_use(&id);
    let at = app.now();
    tokio::join!(write(&early), write(&late));
    let known = early.last_used_at(&id).await.unwrap().unwrap();
    assert!(at.since(known) < Duration::from_secs(400), "{known} {at}");
}

async fn it_is_written_at_the_end(app: Builder) {
    let mut app = app.spawn().await;
    let key = app.caller_key(&["--app", "shop", "--webhooks"]).await;
    app.advance(30).await;
    use_key(&app, &key).await;
    let at = app.now().secs();
    app.stop().await;
    let listed = list(&app).await;
    assert!(listed[0]["last_used_at"].as_i64() >= Some(at - 1), "{listed:?}");
}

async fn an_sdk_uses_its_key_with_every_call(app: Builder) {
    let mut app = app.spawn().await;
    let key = app
        .caller_key(&["--app", "shop", "--allow", "GET /cgi-bin/**"])
        .await;
    let token = format!("/cgi-bin/token?grant_type=client_credential&appid={SHOP}&secret={key}");
    let token = app.get(&token).await.ok().member("access_token");
    app.advance(600).await;
    let call = format!("/cgi-bin/getcallbackip?access_token={token}");
    assert!(app.get(&call).await.ok().json()["ip_list"].is_array());
    let at = app.now().secs();
    app.stop().await;
    let listed = list(&app).await;
    assert!(listed[0]["last_used_at"].as_i64() >= Some(at - 1), "{listed:?}");
}
