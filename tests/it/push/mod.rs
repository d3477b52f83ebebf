//! What WeChat pushes to `POST /auth`, pushed with other code than the gateway's.

mod attacks;
mod erasure;
mod once;
pub(crate) mod replies;
mod stream;
mod tail;

use serde_json::Value;
use wxgate::service::records::PushEvent;
use wxgate::store::{Find, Repo};

use crate::support::app::{Builder, TestApp};
use crate::support::on_both_stores;
use crate::support::pusher::{AES_KEY, Pusher, between, event, text_message};
use crate::support::services::Services;

on_both_stores!(every_mode_and_format_is_taken_and_stored);

/// The account `shop` with encryption.
pub(crate) fn encrypted(app: Builder, mode: &str) -> Builder {
    app.set("apps.shop.aes_key", AES_KEY)
        .set("apps.shop.encryption", mode)
}

/// Every stored event of the account `shop`, oldest first.
pub(crate) async fn stored(app: &TestApp) -> Vec<PushEvent> {
    let services = Services::beside(app).await;
    let repo: Repo<PushEvent> = Repo::new(services.engine.clone(), services.clock.clone());
    let mut find = Find::by(PushEvent::BY_APP, ["shop".into()]);
    find.limit = 1000;
    let found = repo.find(find).await.unwrap();
    services.engine.close().await;
    found.into_iter().map(|found| found.record).collect()
}

/// The normalised event.
pub(crate) fn body(event: &PushEvent) -> Value {
    serde_json::from_str(event.body.as_ref().unwrap()).unwrap()
}

async fn every_mode_and_format_is_taken_and_stored(app: Builder) {
    // One gateway for each mode would cost a start each; three apps do not.
    let mut app = encrypted(app.official("shop").official("open").official("both"), "safe");
    for (name, mode) in [("open", "plain"), ("both", "compatible")] {
        app = app
            .set(&format!("apps.{name}.aes_key"), AES_KEY)
            .set(&format!("apps.{name}.encryption"), mode);
    }
    let app = app.spawn().await;
    let account = |name: &str, index: u32, is_encrypted: bool| Pusher {
        path: format!("/auth/{name}"),
        app_id: format!("wx00000000000000a{index}"),
        key: is_encrypted.then(|| AES_KEY.to_owned()),
        ..Pusher::plain()
    };
    let json = r#"{"ToUserName":"gh_1","FromUserName":"o2","CreateTime":"1700000000","MsgType":"text","Content":"你好","MsgId":9007199254740993}"#;
    for (name, index, is_encrypted) in [("shop", 0, true), ("open", 1, false), ("both", 2, true)] {
        let pusher = account(name, index, is_encrypted);
        for body in [&text_message("o1", 9_007_199_254_740_995, "hi"), json] {
            let reply = pusher.push(&app, body).await;
            assert_eq!(
                (reply.status, reply.text.as_str()),
                (200, "success"),
                "{name} {body}"
            );
            assert!(reply.header("content-type").unwrap().starts_with("text/plain"));
        }
    }
    // Compatible mode has the plain members beside the encrypted ones; what is encrypted counts.
    let both = account("both", 2, true);
    let (query, envelope) = both.written(&app.now().secs().to_string(), &text_message("o3", 7, "true"));
    let encrypted = between(&envelope, "Encrypt");
    let forged =
        text_message("o3", 8, "forged").replace("</xml>", &format!("<Encrypt>{encrypted}</Encrypt></xml>"));
    assert_eq!(both.post(&app, &query, forged).await.status, 200);

    let stored = stored(&app).await;
    assert_eq!(stored.len(), 2);
    let (xml, json_event) = (body(&stored[0]), body(&stored[1]));
    assert_eq!(xml["id"], stored[0].id.as_str());
    assert_eq!(xml["kind"], "message");
    assert_eq!(xml["type"], "text");
    assert_eq!(xml["openid"], "o1");
    assert_eq!(xml["account"], "gh_1");
    assert_eq!(xml["created_at"], 1_700_000_000);
    assert_eq!(xml["ids"]["msg_id"], "9007199254740995");
    assert_eq!(xml["data"]["content"], "hi");
    assert_eq!(xml["payload"]["format"], "xml");
    assert_eq!(
        xml["payload"]["text"],
        text_message("o1", 9_007_199_254_740_995, "hi")
    );
    assert_eq!(json_event["ids"]["msg_id"], "9007199254740993");
    assert_eq!(json_event["created_at"], 1_700_000_000);
    assert_eq!(json_event["payload"]["text"], json);

    let all = Services::beside(&app).await;
    let repo: Repo<PushEvent> = Repo::new(all.engine.clone(), all.clock.clone());
    let both = repo
        .find(Find::by(PushEvent::BY_APP, ["both".into()]))
        .await
        .unwrap();
    assert_eq!(body(&both[2].record)["data"]["content"], "true");
    all.engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_default_path_serves_the_first_official_account() {
    let app = TestApp::builder().spawn().await;
    let pusher = Pusher {
        path: "/auth".to_owned(),
        ..Pusher::plain()
    };
    assert_eq!(
        pusher.push(&app, &event("o1", 5, "subscribe", "")).await.text,
        "success"
    );
    assert_eq!(stored(&app).await.len(), 1);
    let nobody = Pusher {
        path: "/auth/nobody".to_owned(),
        ..Pusher::plain()
    };
    assert_eq!(
        nobody.push(&app, &event("o1", 5, "subscribe", "")).await.status,
        404
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_key_is_changed_both_open_and_the_reply_has_the_one_that_did() {
    let next = "Zyxwvutsrqponmlkjihgfedcba9876543210ZYXWVUT";
    let app = TestApp::builder()
        .set("apps.shop.encryption", "safe")
        .set("apps.shop.aes_key", next)
        .set("apps.shop.previous_aes_key", AES_KEY)
        .replies(
            "shop",
            r#"[[apps.replies]]
when = "default"
reply = { type = "text", content = "you said {content}" }"#,
        )
        .spawn()
        .await;
    for (number, key) in [(1, AES_KEY), (2, next)] {
        let pusher = Pusher {
            key: Some(key.to_owned()),
            ..Pusher::safe()
        };
        let reply = pusher.push(&app, &text_message("o1", number, "a ]] b")).await;
        let text = pusher.open_reply(&reply.text);
        assert_eq!(between(&text, "Content"), "you said a ]] b");
        assert_eq!(between(&text, "ToUserName"), "o1");
        assert_eq!(between(&text, "FromUserName"), "gh_1");
        assert!(reply.header("content-type").unwrap().starts_with("text/xml"));
    }
}
