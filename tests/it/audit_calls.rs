//! Calls of WeChat's API in the audit and in the figures, whichever way they come.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::audit::{administrator, seen};
use crate::support::app::{SHOP, TestApp};
use crate::support::eventually;
use crate::support::reply::Reply;

const SEND: &str = "/cgi-bin/message/custom/send";
const REFRESH: &str = "/v1/apps/shop/access_token/refresh";
/// In bodies and queries of these tests, and in no record.
const MARK: &str = "zebra";

fn message(openid: &str) -> Value {
    json!({"touser": openid, "msgtype": "text", "text": {"content": MARK}})
}

/// A call by our own paths.
fn call(app: &TestApp, key: &str, method: Method, path: &str) -> RequestBuilder {
    let path = format!("/v1/apps/shop/api{path}");
    app.request(method, &path).bearer_auth(key)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_change_something_are_recorded_whichever_way_they_come() {
    let app = TestApp::builder().spawn().await;
    let ann = administrator(&app).await;
    let key = app
        .caller_key(&["--app", "shop", "--allow", "* /cgi-bin/**"])
        .await;
    let openid = app.simulator().follower(SHOP, "bob").await;

    let by_path = call(&app, &key, Method::POST, &format!("{SEND}?a={MARK}"));
    let by_path = by_path.header("x-request-id", "by-path");
    assert_eq!(
        Reply::to(by_path.json(&message(&openid))).await.ok().json()["errcode"],
        0
    );
    let refused = call(&app, &key, Method::POST, SEND).json(&message("nobody"));
    assert_eq!(Reply::to(refused).await.ok().json()["errcode"], 40003);
    let token = format!("/cgi-bin/token?grant_type=client_credential&appid={SHOP}&secret={key}");
    let token = app.get(&token).await.ok().member("access_token");
    let as_sdk = format!("{SEND}?access_token={token}");
    assert_eq!(
        app.post_json(&as_sdk, &message(&openid)).await.ok().json()["errcode"],
        0
    );
    // One that changes nothing, and two that are not allowed.
    let looked = call(&app, &key, Method::GET, "/cgi-bin/getcallbackip");
    Reply::to(looked).await.ok();
    let outside = call(&app, &key, Method::POST, "/wxa/msg_sec_check").json(&json!({}));
    assert_eq!(Reply::to(outside).await.status, 403);
    let token = call(&app, &key, Method::POST, "/cgi-bin/stable_token").json(&json!({}));
    assert_eq!(Reply::to(token).await.status, 403);

    let records = seen(&app, &ann, 5).await;
    let short: Vec<_> = records
        .iter()
        .rev()
        .map(|one| {
            json!([
                one["method"],
                one["path"],
                one["status"],
                one["errcode"],
                one["rid"].is_string()
            ])
        })
        .collect();
    let expected = json!([
        ["POST", SEND, 200, 0, false],
        ["POST", SEND, 200, 40003, true],
        ["POST", SEND, 200, 0, false],
        ["POST", "/wxa/msg_sec_check", 403, null, false],
        ["POST", "/cgi-bin/stable_token", 403, null, false],
    ]);
    assert_eq!(json!(short), expected);
    assert_eq!(records[4]["request_id"], "by-path");
    let caller = &records[0]["caller"];
    assert!(
        records
            .iter()
            .all(|one| one["caller"] == *caller && one["app"] == "shop")
    );
    let stored = app.stored().texts("audit").await.join("\n");
    for secret in [MARK, &openid, "wxk_", "wxa_"] {
        assert!(!stored.contains(secret), "{secret}: {stored}");
    }
    let metrics = app.get("/metrics").await.ok().text;
    for line in [
        "wechat_api_calls_total{app=\"shop\",errcode=\"0\"} 2",
        "wechat_api_calls_total{app=\"shop\",errcode=\"40003\"} 1",
        "wechat_api_calls_total{app=\"shop\",errcode=\"none\"} 1",
        "wechat_api_seconds_count{app=\"shop\"} 4",
        "wechat_api_refused_total{app=\"shop\",reason=\"busy\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_whose_answer_nobody_heard_is_recorded_as_such() {
    let app = TestApp::builder().spawn().await;
    let ann = administrator(&app).await;
    let key = app
        .caller_key(&["--app", "shop", "--allow", "* /cgi-bin/**"])
        .await;
    let openid = app.simulator().follower(SHOP, "bob").await;
    let lost = json!({"path": SEND, "count": 1, "after": true, "effect": {"type": "reset"}});
    app.simulator().fault(lost).await;
    let request = call(&app, &key, Method::POST, SEND).json(&message(&openid));
    assert_eq!(Reply::to(request).await.status, 503);
    assert_eq!(seen(&app, &ann, 1).await[0]["status"], 503);
    // The caller goes away.
    let slow = json!({"path": SEND, "effect": {"type": "latency", "ms": 60_000}});
    app.simulator().fault(slow).await;
    let request = call(&app, &key, Method::POST, SEND).json(&message(&openid));
    let asked = tokio::time::timeout(Duration::from_millis(500), request.send()).await;
    assert!(asked.is_err(), "nobody answers");
    let left = seen(&app, &ann, 2).await;
    assert_eq!(
        (&left[0]["status"], &left[0]["errcode"]),
        (&json!(499), &Value::Null)
    );
    app.simulator().heal().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quotas_that_are_used_up_and_calls_that_are_not_made_are_counted() {
    let app = TestApp::builder().set("gateway.concurrency", "1").spawn().await;
    let key = app
        .caller_key(&["--app", "shop", "--allow", "* /cgi-bin/**"])
        .await;
    let exhausted =
        json!({"path": "/cgi-bin/*", "count": 1, "effect": {"type": "errcode", "errcode": 45009}});
    app.simulator().fault(exhausted).await;
    let ask = async || Reply::to(call(&app, &key, Method::GET, "/cgi-bin/getcallbackip")).await;
    assert_eq!(ask().await.json()["errcode"], 45009);
    let slow = json!({"path": "/cgi-bin/*", "effect": {"type": "latency", "ms": 1000}});
    app.simulator().fault(slow).await;
    let all = futures_util::future::join_all((0..4).map(|_| ask())).await;
    let busy = all.iter().filter(|reply| reply.status == 503).count();
    assert!(busy > 0, "one at a time");
    eventually("they are counted", async || {
        let metrics = app.get("/metrics").await.ok().text;
        metrics.contains("wechat_api_quota_exhausted_total{app=\"shop\",path=\"/cgi-bin/getcallbackip\"} 1")
            && metrics.contains(&format!(
                "wechat_api_refused_total{{app=\"shop\",reason=\"busy\"}} {busy}"
            ))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_of_dead_tokens_are_recorded_without_the_token() {
    let app = TestApp::builder().spawn().await;
    let ann = administrator(&app).await;
    let may = app.caller_key(&["--app", "shop", "--raw-token"]).await;
    let may_not = app.caller_key(&["--app", "shop", "--events"]).await;
    let has = app.request(Method::GET, "/v1/apps/shop/access_token");
    let token = Reply::to(has.bearer_auth(&may)).await.ok().member("access_token");
    for (key, status) in [(&may, 200), (&may_not, 403)] {
        let request = app.request(Method::POST, REFRESH).bearer_auth(key);
        let reply = Reply::to(request.json(&json!({"access_token": token}))).await;
        assert_eq!(reply.status, status, "{}", reply.text);
    }
    let records = seen(&app, &ann, 2).await;
    let statuses: Vec<_> = records.iter().map(|one| &one["status"]).collect();
    assert_eq!(statuses, [&json!(403), &json!(200)]);
    assert!(
        records
            .iter()
            .all(|one| one["path"] == REFRESH && one["caller"].is_string())
    );
    let stored = app.stored().texts("audit").await.join("\n");
    assert!(!stored.contains(&token), "{stored}");
}
