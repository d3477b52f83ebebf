//! Calls of WeChat's API with a form of our own: what is sent, to whom it is open, what is refused before WeChat is asked.

mod checks;
mod codes;
mod menu;
mod told;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::reply::Reply;
use crate::support::upstream::{Reaction, Upstream};

/// Asks with a key or a token.
async fn ask(app: &TestApp, key: &str, path: &str, body: &Value) -> Reply {
    let request = app.request(Method::POST, &format!("/v1/apps/{path}"));
    Reply::to(request.bearer_auth(key).json(body)).await
}

/// A gateway before an API that shows what reaches it.
async fn before(upstream: &Upstream) -> TestApp {
    let builder = TestApp::builder().set("platform.api_url", &upstream.url());
    builder.set("platform.mp_url", &upstream.url()).spawn().await
}

fn answered(body: &Value) -> Reaction {
    Reaction::Text(200, "application/json", body.to_string())
}

/// The last call that reached WeChat: its path, and its body.
fn last(upstream: &Upstream) -> (String, Value) {
    let seen = upstream.last();
    let path = seen.target.split('?').next().unwrap().to_owned();
    (path, serde_json::from_slice(&seen.body).unwrap())
}

fn ok() -> Value {
    json!({"errcode": 0, "errmsg": "ok"})
}

async fn key(app: &TestApp) -> String {
    app.caller_key(&["--app", "shop", "game", "--allow", "POST /**"])
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_arrive_as_wechat_wants_them() {
    let upstream = Upstream::start();
    let app = before(&upstream).await;
    let key = key(&app).await;
    let data = json!({"thing1": {"value": "a 包裹"}});
    for (path, body, target) in [
        (
            "game/messages/subscribe",
            json!({"touser": "o1", "template_id": "t", "page": "index?id=1", "miniprogram_state": "trial", "lang": "zh_CN", "data": data}),
            "/cgi-bin/message/subscribe/send",
        ),
        (
            "shop/messages/subscribe",
            json!({"touser": "o1", "template_id": "t", "page": "https://a.example/", "data": data}),
            "/cgi-bin/message/subscribe/bizsend",
        ),
        (
            "game/messages/custom",
            json!({"touser": "o1", "msgtype": "text", "text": {"content": "你好"}}),
            "/cgi-bin/message/custom/send",
        ),
    ] {
        upstream.react([answered(&ok())]);
        let sent = ask(&app, &key, path, &body).await.ok();
        assert_eq!(sent.json(), json!({}), "{path}");
        assert_eq!(last(&upstream), (target.to_owned(), body));
    }
    let body = json!({
        "touser": "o1", "template_id": "t", "url": "https://a.example/", "client_msg_id": "1",
        "miniprogram": {"appid": "wx1", "pagepath": "index"}, "data": data,
    });
    upstream.react([answered(
        &json!({"errcode": 0, "errmsg": "ok", "msgid": 9_007_199_254_740_993_i64}),
    )]);
    let sent = ask(&app, &key, "shop/messages/template", &body).await.ok();
    assert_eq!(sent.text, r#"{"msgid":9007199254740993}"#);
    assert_eq!(
        last(&upstream),
        ("/cgi-bin/message/template/send".to_owned(), body)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_and_qr_codes_are_made() {
    let upstream = Upstream::start();
    let app = before(&upstream).await;
    let key = key(&app).await;

    upstream.react([answered(
        &json!({"errcode": 0, "errmsg": "ok", "openlink": "weixin://dl/business/?t=a"}),
    )]);
    let body = json!({"type": "scheme", "path": "/pages/a", "query": "b=1", "expire_interval": 7});
    let made = ask(&app, &key, "game/links", &body).await.ok();
    assert_eq!(
        made.json(),
        json!({"type": "scheme", "link": "weixin://dl/business/?t=a"})
    );
    let expected = json!({"jump_wxa": {"path": "/pages/a", "query": "b=1"}, "is_expire": true, "expire_type": 1, "expire_interval": 7});
    assert_eq!(last(&upstream), ("/wxa/generatescheme".to_owned(), expected));

    upstream.react([answered(
        &json!({"errcode": 0, "errmsg": "ok", "url_link": "https://wxaurl.cn/a"}),
    )]);
    let made = ask(&app, &key, "game/links", &json!({"type": "url_link"}))
        .await
        .ok();
    assert_eq!(
        made.json(),
        json!({"type": "url_link", "link": "https://wxaurl.cn/a"})
    );
    let expected = json!({"expire_type": 1, "expire_interval": 30});
    assert_eq!(last(&upstream), ("/wxa/generate_urllink".to_owned(), expected));

    upstream.react([answered(
        &json!({"ticket": "gQ+/=", "expire_seconds": 60, "url": "http://weixin.qq.com/q/a"}),
    )]);
    let body = json!({"scene": "桌 7", "expire_seconds": 60});
    let made = ask(&app, &key, "shop/qrcodes", &body).await.ok();
    let picture = format!("{}/cgi-bin/showqrcode?ticket=gQ%2B%2F%3D", upstream.url());
    assert_eq!(
        made.json(),
        json!({"ticket": "gQ+/=", "expire_seconds": 60, "url": "http://weixin.qq.com/q/a", "picture": picture})
    );
    let expected = json!({"expire_seconds": 60, "action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "桌 7"}}});
    assert_eq!(last(&upstream), ("/cgi-bin/qrcode/create".to_owned(), expected));

    // An answer without what was asked for is no answer.
    upstream.react([answered(&ok())]);
    let none = ask(
        &app,
        &key,
        "shop/qrcodes",
        &json!({"scene": 7, "permanent": true}),
    )
    .await;
    none.refused(503, 10_008, "POST /v1/apps/shop/qrcodes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_may_call_wechats_path_may_call_these() {
    let upstream = Upstream::start();
    upstream.always(Some(answered(&ok())));
    let app = before(&upstream).await;
    let narrow = app
        .caller_key(&["--app", "game", "--allow", "POST /wxa/generatescheme", "GET /**"])
        .await;
    let (message, link) = (
        json!({"touser": "o1", "msgtype": "text", "text": {"content": "a"}}),
        json!({"type": "url_link"}),
    );
    for (path, body) in [
        ("game/messages/custom", &message),
        ("game/messages/subscribe", &message),
        ("game/messages/template", &message),
        ("game/checks/text", &message),
        ("game/checks/media", &message),
        ("game/codes/wxacode", &message),
        ("game/links", &link),
        ("game/qrcodes", &message),
        // Another app, whatever is allowed.
        ("shop/links", &json!({"type": "scheme"})),
    ] {
        let refused = ask(&app, &narrow, path, body).await;
        refused.refused(403, 10_005, &format!("POST /v1/apps/{path}"));
        let nobody = app.post_json(&format!("/v1/apps/{path}"), body).await;
        nobody.refused(401, 10_004, &format!("POST /v1/apps/{path}"));
    }
    let nowhere = ask(&app, &narrow, "none/links", &link).await;
    nowhere.refused(404, 10_002, "POST /v1/apps/none/links");
    assert!(upstream.seen().is_empty(), "{:?}", upstream.seen());
    let made = ask(&app, &narrow, "game/links", &json!({"type": "scheme"})).await;
    assert_ne!(made.status, 403);
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_meant_never_reaches_wechat() {
    let upstream = Upstream::start();
    let app = before(&upstream).await;
    let key = key(&app).await;
    for (path, body) in [
        (
            "game/messages/custom",
            json!({"touser": "o1", "msgtype": "text", "text": {"content": "a"}, "x": 1}),
        ),
        (
            "game/messages/custom",
            json!({"touser": "o 1", "msgtype": "text", "text": {"content": "a"}}),
        ),
        ("game/messages/custom", json!({})),
        (
            "game/messages/subscribe",
            json!({"touser": "o1", "template_id": "t", "data": {"a": {"value": "b"}}, "x": 1}),
        ),
        (
            "game/messages/template",
            json!({"touser": "o1", "template_id": "t", "data": {"a": {"value": "b"}}}),
        ),
        (
            "shop/messages/template",
            json!({"touser": "o1", "template_id": "t", "data": {"a": {"value": "b"}}, "url": "ftp://a"}),
        ),
        ("game/checks/text", json!({"content": "a", "scene": 2})),
        (
            "game/checks/text",
            json!({"content": "a", "scene": 5, "openid": "o1"}),
        ),
        (
            "game/checks/text",
            json!({"content": "x".repeat(2501), "scene": 2, "openid": "o1"}),
        ),
        (
            "game/checks/media",
            json!({"media_url": "file:///etc/passwd", "media_type": 2, "scene": 1, "openid": "o1"}),
        ),
        ("shop/codes/wxacode", json!({"scene": "1"})),
        ("game/codes/wxacode", json!({"scene": "1", "width": 10})),
        ("game/links", json!({"type": "scheme", "expire_interval": 31})),
        ("shop/links", json!({"type": "scheme"})),
        ("game/qrcodes", json!({"scene": 1})),
        ("shop/qrcodes", json!({"scene": 1, "action_name": "QR_SCENE"})),
    ] {
        let refused = ask(&app, &key, path, &body).await;
        refused.refused(400, 10_001, &format!("POST /v1/apps/{path}"));
    }
    assert!(upstream.seen().is_empty(), "{:?}", upstream.seen());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wechats_refusals_keep_their_errcode() {
    let upstream = Upstream::start();
    let app = before(&upstream).await;
    let key = key(&app).await;
    let body = json!({"touser": "o1", "template_id": "t", "data": {"thing1": {"value": "a"}}});
    let refuse = |errcode: i64| [answered(&json!({"errcode": errcode, "errmsg": "no"}))];
    let path = "game/messages/subscribe";
    let request = format!("POST /v1/apps/{path}");
    upstream.react(refuse(43_101));
    let refused = ask(&app, &key, path, &body).await.refused(502, 10_007, &request);
    assert_eq!(refused["errcode"], 43_101);
    for quota in [45_009, 45_011] {
        upstream.react(refuse(quota));
        let limited = ask(&app, &key, path, &body).await;
        limited.refused(429, 10_006, &request);
        assert!(limited.retry_after() >= 1);
    }
    // A dead token is nobody's business.
    upstream.react([Reaction::DeadToken, answered(&ok())]);
    ask(&app, &key, path, &body).await.ok();
}
