//! What WeChat tells later, about calls that were made here: pushed by the simulator as it would be.

use reqwest::Method;
use serde_json::{Value, json};

use super::{ask, key};
use crate::support::app::{GAME, SHOP, TOKEN, TestApp};
use crate::support::eventually;
use crate::support::reply::Reply;

/// WeChat pushes the app's events to this gateway from now on, without delay.
async fn tell(app: &TestApp, app_id: &str, name: &str) {
    let server =
        json!({"url": format!("http://{}/auth/{name}", app.addr()), "token": TOKEN, "verify": false});
    let path = format!("/apps/{app_id}/server");
    app.simulator().admin(Method::PUT, &path, server).await;
    app.simulator().switch(app_id, json!({"event_delay_ms": 0})).await;
}

async fn api(app: &TestApp, key: &str, path: &str, body: &Value) -> Value {
    ask(app, key, &format!("shop/api{path}"), body).await.ok().json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_template_message_and_its_event_have_one_number() {
    let app = TestApp::builder().spawn().await;
    let key = key(&app).await;
    let openid = app.simulator().follower(SHOP, "ann").await;
    tell(&app, SHOP, "shop").await;
    let wanted = json!({"template_id_short": "TM00015", "keyword_name_list": ["事项"]});
    let template = api(&app, &key, "/cgi-bin/template/api_add_template", &wanted).await;
    let message = json!({
        "touser": openid, "template_id": template["template_id"], "url": "https://a.example/",
        "data": {"thing1": {"value": "会议"}},
    });
    let sent = ask(&app, &key, "shop/messages/template", &message).await.ok();
    let msgid = sent.json()["msgid"].to_string();
    eventually("the event is there", async || {
        let events = app.stored().records("events").await;
        events.iter().any(|event| {
            let body: Value = serde_json::from_str(event["body"].as_str().unwrap()).unwrap();
            body["type"] == "TEMPLATESENDJOBFINISH" && body["ids"]["msg_id"] == msgid.as_str()
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_of_media_is_done_when_wechat_says_so() {
    let app = TestApp::builder().set("apps.game.token", TOKEN).spawn().await;
    let ann = app.log_in(&app.code("ann").await).await.ok().member("token");
    tell(&app, GAME, "game").await;
    let rule = json!({"app_id": GAME, "keyword": "bad", "suggest": "risky", "label": 20_002});
    app.simulator().admin(Method::POST, "/checks", rule).await;
    let media = json!({"media_url": "https://a.example/bad.jpg", "media_type": 2, "scene": 2});
    let begun = ask(&app, &ann, "game/checks/media", &media).await;
    let path = format!("/v1/apps/game/checks/media/{}", begun.member("trace_id"));
    eventually("the result is there", async || {
        let request = app.request(Method::GET, &path).bearer_auth(&ann);
        let found = Reply::to(request).await.ok().json();
        found["status"] == "done" && found["result"] == json!({"suggest": "risky", "label": 20_002})
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_qr_code_has_a_picture_that_anybody_gets() {
    let platform = crate::support::platform::Platform::start(crate::support::app::Builder::at_the_platform());
    let builder = TestApp::builder().platform(&platform);
    let app = builder
        .set("platform.mp_url", &format!("http://{}", platform.addr))
        .spawn()
        .await;
    let key = key(&app).await;
    for code in [
        json!({"scene": "table 7"}),
        json!({"scene": 7, "permanent": true}),
    ] {
        let made = ask(&app, &key, "shop/qrcodes", &code).await.ok().json();
        assert_eq!(made.get("expire_seconds").is_some(), code["permanent"].is_null());
        let picture = platform.open(made["picture"].as_str().unwrap()).await.ok();
        assert!(picture.header("content-type").unwrap().starts_with("image/"));
    }
}
