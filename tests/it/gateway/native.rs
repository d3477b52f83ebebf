//! What goes to WeChat and what comes back, by `/v1/apps/{app}/api`.

use reqwest::Method;
use serde_json::json;

use super::{before, caller, get, post, request};
use crate::support::app::{SHOP, TestApp};
use crate::support::platform::STABLE_TOKEN;
use crate::support::reply::Reply;
use crate::support::upstream::{Reaction, Upstream};

#[tokio::test(flavor = "multi_thread")]
async fn a_call_has_the_token_put_in_and_all_else_as_it_was() {
    let upstream = Upstream::start();
    let app = before(&upstream, TestApp::builder()).await;
    let key = caller(&app, &["* /**"]).await;
    let body = "{\"a\": 1.10,\n \"b\":\"\\u4e2d\"}";
    let call = request(
        &app,
        &key,
        Method::POST,
        "/cgi-bin/%75ser/info?next=%e4%B8%AD&x=a+b&&y",
    );
    let call = call
        .header("content-type", "application/json; charset=utf-8")
        .header("x-forwarded-for", "1.2.3.4")
        .header("cookie", "a=b")
        .header("forwarded", "for=1.2.3.4")
        .header("accept-encoding", "gzip")
        .header("token", "")
        .body(body);
    let answer = Reply::to(call).await.ok();
    assert_eq!(answer.json()["method"], "POST");
    let seen = upstream.last();
    assert_eq!(
        numbered(&seen.target),
        "/cgi-bin/%75ser/info?access_token=token-N&next=%e4%B8%AD&x=a+b&&y"
    );
    assert_eq!(seen.body, body.as_bytes());
    assert_eq!(
        seen.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    assert_eq!(seen.header("content-length"), Some("26"));
    let mut names: Vec<_> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["accept", "content-length", "content-type", "host", "user-agent"]
    );
    assert_eq!(seen.header("host"), Some(upstream.addr.to_string().as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_goes_through() {
    let upstream = Upstream::start();
    let app = before(&upstream, TestApp::builder()).await;
    let key = caller(&app, &["* /cgi-bin/**"]).await;
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"] {
        let call = request(&app, &key, method.parse().unwrap(), "/cgi-bin/x");
        assert_eq!(Reply::to(call).await.status, 200, "{method}");
        assert_eq!(upstream.last().method, method);
    }
    let seen = upstream.seen().len();
    let call = request(&app, &key, "TRACE".parse().unwrap(), "/cgi-bin/x");
    assert_ne!(Reply::to(call).await.status, 200);
    assert_eq!(upstream.seen().len(), seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_comes_back_byte_for_byte_with_few_headers() {
    let upstream = Upstream::start();
    let app = before(&upstream, TestApp::builder()).await;
    let key = caller(&app, &["* /**"]).await;
    let odd = "{ \"errcode\" : 0,\n\"n\":1.50e3 ,\"big\":12345678901234567890123, \"t\":\"中\\/\"}\n";
    upstream.react([Reaction::Text(200, "text/plain", odd.to_owned())]);
    let answer = get(&app, &key, "/cgi-bin/x").await;
    assert_eq!((answer.status, answer.text.as_str()), (200, odd));
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    upstream.react([Reaction::Headers(vec![
        ("content-type", "image/jpeg"),
        ("content-disposition", "attachment; filename=\"a.jpg\""),
        ("num-used", "7"),
        ("set-cookie", "a=b"),
        ("location", "https://evil.example/"),
        ("access-control-allow-origin", "*"),
        ("x-request-id", "theirs"),
        ("server", "wechat"),
    ])]);
    let answer = get(&app, &key, "/cgi-bin/x").await;
    assert_eq!(
        answer.header("content-disposition"),
        Some("attachment; filename=\"a.jpg\"")
    );
    assert_eq!(answer.header("num-used"), Some("7"));
    assert_ne!(answer.header("x-request-id"), Some("theirs"));
    for name in ["set-cookie", "location", "access-control-allow-origin", "server"] {
        assert!(!answer.headers.contains_key(name), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_call_what() {
    let upstream = Upstream::start();
    let app = before(&upstream, TestApp::builder()).await;
    let key = caller(&app, &["GET /cgi-bin/user/*", "POST /cgi-bin/message/**"]).await;
    assert_eq!(get(&app, &key, "/cgi-bin/user/info").await.status, 200);
    assert_eq!(
        post(&app, &key, "/cgi-bin/message/custom/send", &json!({}))
            .await
            .status,
        200
    );
    for path in [
        "/cgi-bin/user/tag/get",
        "/cgi-bin/menu/get",
        "/cgi-bin/message/x",
        "/sns/jscode2session",
    ] {
        let refused = get(&app, &key, path).await;
        assert_eq!(
            (refused.status, refused.json()["error_code"].as_i64()),
            (403, Some(10005)),
            "{path}"
        );
    }
    let other = app
        .request(Method::GET, "/v1/apps/game/api/cgi-bin/user/info")
        .bearer_auth(&key);
    assert_eq!(Reply::to(other).await.status, 403);
    let none = app
        .request(Method::GET, "/v1/apps/none/api/cgi-bin/user/info")
        .bearer_auth(&key);
    assert_eq!(Reply::to(none).await.status, 404);
    let nobody = app.get("/v1/apps/shop/api/cgi-bin/user/info").await;
    assert_eq!(nobody.status, 401);
    assert_eq!(get(&app, "wxk_none", "/cgi-bin/user/info").await.status, 401);
    assert_eq!(upstream.seen().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_tokens_is_not_relayed_and_the_appsecret_needs_a_pattern_of_its_own() {
    let upstream = Upstream::start();
    let app = before(&upstream, TestApp::builder()).await;
    let wide = caller(&app, &["* /**"]).await;
    for path in [
        "/cgi-bin/token?grant_type=client_credential",
        "/cgi-bin/stable_token",
        "/sns/jscode2session?js_code=a",
        "/sns/oauth2/access_token?code=a",
        "/cgi-bin/clear_quota/v2",
        "/wxa/resetusersessionkey",
    ] {
        assert_eq!(get(&app, &wide, path).await.status, 403, "{path}");
    }
    assert!(upstream.seen().is_empty());
    let exact = ["GET /sns/oauth2/access_token", "POST /cgi-bin/clear_quota/v2"];
    let narrow = caller(&app, &exact).await;
    get(
        &app,
        &narrow,
        "/sns/oauth2/access_token?code=c1&secret=mine&appid=x&grant_type=authorization_code",
    )
    .await
    .ok();
    let secret = crate::support::platform::SECRET;
    assert_eq!(
        upstream.last().target,
        format!(
            "/sns/oauth2/access_token?appid={SHOP}&secret={secret}&code=c1&grant_type=authorization_code"
        )
    );
    post(
        &app,
        &narrow,
        "/cgi-bin/clear_quota/v2?appsecret=mine",
        &json!({"appid": "x"}),
    )
    .await
    .ok();
    let seen = upstream.last();
    assert_eq!(seen.target, "/cgi-bin/clear_quota/v2");
    assert_eq!(
        String::from_utf8(seen.body).unwrap(),
        format!("{{\"appid\":\"{SHOP}\",\"appsecret\":\"{secret}\"}}")
    );
    assert_eq!(
        get(&app, &narrow, "/sns/jscode2session?js_code=a").await.status,
        403
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ticket_is_the_one_we_hold() {
    let app = TestApp::builder().spawn().await;
    let key = caller(&app, &["GET /cgi-bin/ticket/getticket"]).await;
    let first = get(&app, &key, "/cgi-bin/ticket/getticket?type=jsapi")
        .await
        .ok()
        .json();
    assert_eq!(first["errcode"], 0);
    let calls = app.simulator().calls(crate::support::platform::TICKET).await;
    for _ in 0..20 {
        let again = get(&app, &key, "/cgi-bin/ticket/getticket?type=jsapi")
            .await
            .ok()
            .json();
        assert_eq!(again["ticket"], first["ticket"]);
    }
    assert_eq!(
        app.simulator().calls(crate::support::platform::TICKET).await,
        calls
    );
    let wrong = get(&app, &key, "/cgi-bin/ticket/getticket?type=other")
        .await
        .ok()
        .json();
    assert_eq!(wrong["errcode"], 40097);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_token_is_replaced_and_the_call_made_again() {
    let app = TestApp::builder().spawn().await;
    let openid = app.simulator().follower(SHOP, "ann").await;
    let key = caller(&app, &["* /cgi-bin/**"]).await;
    let body = json!({"touser": openid, "msgtype": "text", "text": {"content": "中文 \u{1F600}"}});
    for round in 0..3 {
        app.simulator().kill_tokens(SHOP, false).await;
        let sent = post(&app, &key, "/cgi-bin/message/custom/send", &body)
            .await
            .ok()
            .json();
        assert_eq!(sent["errcode"], 0, "{round}: {sent}");
    }
    assert_eq!(app.simulator().messages(SHOP, "ann").await.len(), 3);
    assert!(app.simulator().calls(STABLE_TOKEN).await <= 8);
}

/// Without the number of the token: which app was faster is of no interest.
fn numbered(target: &str) -> String {
    target.replace("token-1", "token-N").replace("token-2", "token-N")
}
