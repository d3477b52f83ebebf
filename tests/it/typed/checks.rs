//! Content checks: by callers about anybody, by users about themselves, and results that come later.

use reqwest::Method;
use serde_json::{Value, json};

use super::{answered, ask, before};
use crate::support::app::{Builder, GAME, TOKEN, TestApp};
use crate::support::on_both_stores;
use crate::support::pusher::Pusher;
use crate::support::reply::Reply;
use crate::support::upstream::Upstream;

const TEXT: &str = "/wxa/msg_sec_check";
const MEDIA: &str = "/wxa/media_check_async";

on_both_stores!(results_of_media_checks_find_who_asked);

async fn log_in(app: &TestApp, user: &str) -> String {
    let code = app.code(user).await;
    app.log_in(&code).await.ok().member("token")
}

async fn result(app: &TestApp, key: &str, trace_id: &str) -> Reply {
    let path = format!("/v1/apps/game/checks/media/{trace_id}");
    Reply::to(app.request(Method::GET, &path).bearer_auth(key)).await
}

async fn rule(app: &TestApp, keyword: &str) {
    let rule = json!({"app_id": GAME, "keyword": keyword, "suggest": "risky", "label": 20_003});
    app.simulator().admin(Method::POST, "/checks", rule).await;
}

/// WeChat's push of a result.
fn found(trace_id: &str, more: &Value) -> String {
    let mut event = json!({
        "ToUserName": "gh_1", "FromUserName": "o1", "CreateTime": 1_700_000_000, "MsgType": "event",
        "Event": "wxa_media_check", "appid": GAME, "trace_id": trace_id, "version": 2, "errmsg": "ok",
    });
    event
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    event.to_string()
}

fn pusher() -> Pusher {
    Pusher {
        path: "/auth/game".to_owned(),
        app_id: GAME.to_owned(),
        ..Pusher::plain()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_have_their_own_texts_checked() {
    let app = TestApp::builder().spawn().await;
    rule(&app, "fool").await;
    let (ann, text) = (
        log_in(&app, "ann").await,
        json!({"content": "a fool", "scene": 2}),
    );
    let risky = ask(&app, &ann, "game/checks/text", &text).await.ok();
    assert_eq!(
        risky.json()["result"],
        json!({"suggest": "risky", "label": 20_003})
    );
    let names: Vec<_> = risky.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["result", "detail", "trace_id"]);
    assert_eq!(risky.header("cache-control"), Some("no-store"));

    // Nobody has a text checked in another's name.
    let mut other = text.clone();
    other["openid"] = app.simulator().openid(GAME, "ann").await.into();
    let refused = ask(&app, &ann, "game/checks/text", &other).await;
    refused.refused(400, 10_001, "POST /v1/apps/game/checks/text");

    // A caller says whose it is.
    let key = app
        .caller_key(&["--app", "game", "--allow", &format!("POST {TEXT}")])
        .await;
    ask(&app, &key, "game/checks/text", &other).await.ok();
    let nobodys = ask(&app, &key, "game/checks/text", &text).await;
    nobodys.refused(400, 10_001, "POST /v1/apps/game/checks/text");
    let stranger = ask(
        &app,
        &key,
        "game/checks/text",
        &json!({"content": "a", "scene": 2, "openid": "o_nobody"}),
    )
    .await;
    assert_eq!(
        stranger.refused(502, 10_007, "POST /v1/apps/game/checks/text")["errcode"],
        40_003
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_user_has_thirty_checks_a_minute() {
    let app = TestApp::builder().spawn().await;
    let (ann, bob) = (log_in(&app, "ann").await, log_in(&app, "bob").await);
    let text = json!({"content": "hello", "scene": 2});
    let media = json!({"media_url": "https://a.example/1.jpg", "media_type": 2, "scene": 2});
    for number in 0..30 {
        let (path, body) = match number % 2 {
            0 => ("game/checks/text", &text),
            _ => ("game/checks/media", &media),
        };
        assert!(ask(&app, &ann, path, body).await.status < 300);
    }
    let limited = ask(&app, &ann, "game/checks/text", &text).await;
    limited.refused(429, 10_006, "POST /v1/apps/game/checks/text");
    assert!((1..=60).contains(&limited.retry_after()));
    ask(&app, &bob, "game/checks/text", &text).await.ok();
    assert_eq!(app.simulator().calls(TEXT).await, 16);
    app.advance(61).await;
    ask(&app, &ann, "game/checks/text", &text).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_who_are_not_known_at_the_app_are_refused() {
    let app = TestApp::builder().mini("game").mini("other").spawn().await;
    let ann = log_in(&app, "ann").await;
    let text = json!({"content": "hello", "scene": 2});
    let stranger = ask(&app, &ann, "other/checks/text", &text).await;
    stranger.refused(403, 10_005, "POST /v1/apps/other/checks/text");
    let official = ask(&app, &ann, "shop/checks/text", &text).await;
    official.refused(404, 10_002, "POST /v1/apps/shop/checks/text");
    let other = ask(&app, &ann, "game/messages/custom", &text).await;
    other.refused(401, 10_004, "POST /v1/apps/game/messages/custom");
    assert_eq!(app.simulator().calls(TEXT).await, 0);
}

async fn results_of_media_checks_find_who_asked(builder: Builder) {
    let app = builder.set("apps.game.token", TOKEN).spawn().await;
    let (ann, bob) = (log_in(&app, "ann").await, log_in(&app, "bob").await);
    let media = json!({"media_url": "https://a.example/1.jpg", "media_type": 2, "scene": 2});
    let begun = ask(&app, &ann, "game/checks/media", &media).await;
    assert_eq!(begun.status, 202, "{}", begun.text);
    let trace_id = begun.member("trace_id");
    let pending = result(&app, &ann, &trace_id).await.ok();
    assert_eq!(pending.json(), json!({"trace_id": trace_id, "status": "pending"}));

    let told = json!({"errcode": 0, "result": {"suggest": "risky", "label": 20_002}, "detail": [{"strategy": "content_model", "label": 20_002}]});
    let push = found(&trace_id, &told);
    for _ in 0..2 {
        assert_eq!(pusher().push(&app, &push).await.ok().text, "success");
    }
    let done = result(&app, &ann, &trace_id).await.ok();
    assert_eq!(
        done.json(),
        json!({"trace_id": trace_id, "status": "done", "result": told["result"], "detail": told["detail"]})
    );
    let key = app
        .caller_key(&["--app", "game", "--allow", &format!("POST {MEDIA}")])
        .await;
    assert_eq!(result(&app, &key, &trace_id).await.ok().json(), done.json());

    // Nothing in the store says whose it is to whoever reads it.
    let openid = app.simulator().openid(GAME, "ann").await;
    let records = app.stored().records("media_checks").await;
    assert_eq!(records.len(), 1);
    assert!(!records[0].to_string().contains(&openid), "{records:?}");

    // Nobody sees another's, or one that never was.
    let request = format!("GET /v1/apps/game/checks/media/{trace_id}");
    result(&app, &bob, &trace_id).await.refused(404, 10_002, &request);
    let other = app
        .caller_key(&["--app", "game", "--allow", &format!("POST {TEXT}")])
        .await;
    result(&app, &other, &trace_id)
        .await
        .refused(403, 10_005, &request);
    let none = result(&app, &key, "none").await;
    none.refused(404, 10_002, "GET /v1/apps/game/checks/media/none");

    app.advance(24 * 60 * 60 + 60).await;
    result(&app, &key, &trace_id).await.refused(404, 10_002, &request);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_may_come_before_its_id_does() {
    let upstream = Upstream::start();
    let mut app = before(&upstream).await;
    app.stop().await;
    app.reconfigure(|config| {
        let mut apps: Vec<_> = config.apps.iter().cloned().collect();
        for app in &mut apps {
            app.token = Some(TOKEN.into());
        }
        config.apps = wxgate::config::Apps::from_list(apps);
    });
    app.start().await;
    let key = app
        .caller_key(&["--app", "game", "--allow", &format!("POST {MEDIA}")])
        .await;
    let failed = json!({"errcode": -1008, "result": {"suggest": "", "label": 0}});
    let told = found("61725984-6126f6f9-040f19c4", &failed);
    pusher().push(&app, &told).await.ok();
    upstream.react([answered(
        &json!({"errcode": 0, "errmsg": "ok", "trace_id": "61725984-6126f6f9-040f19c4"}),
    )]);
    let media = json!({"media_url": "https://a.example/1.jpg", "media_type": 2, "scene": 2, "openid": "o1"});
    let begun = ask(&app, &key, "game/checks/media", &media).await;
    let done = result(&app, &key, &begun.member("trace_id")).await.ok().json();
    assert_eq!(
        (&done["status"], &done["errcode"]),
        (&json!("failed"), &json!(-1008))
    );
    // What it asked WeChat for.
    let mut expected = media;
    expected["version"] = 2.into();
    assert_eq!(super::last(&upstream), (MEDIA.to_owned(), expected));
}
