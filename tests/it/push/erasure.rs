//! Nothing of a user who was deleted stays in what was pushed about them.

use serde_json::json;

use crate::support::app::{Builder, TestApp};
use crate::support::eventually;
use crate::support::on_both_stores;
use crate::support::pusher::{Pusher, text_message};
use crate::support::receiver::{Answer, Receiver};
use crate::support::reply::Reply;

on_both_stores!(a_deleted_user_leaves_events_and_deliveries);

async fn a_deleted_user_leaves_events_and_deliveries(app: Builder) {
    let app = app
        .set("apps.game.token", "AAAAA")
        .set("push.webhook_private_networks", "true")
        .spawn()
        .await;
    let code = app.code("ann").await;
    let session = app.log_in(&code).await;
    let openid = app.simulator().openid(crate::support::app::GAME, "ann").await;
    let receiver = Receiver::start().await;
    receiver.always(Answer::Status(500));
    let game = Pusher {
        path: "/auth/game".to_owned(),
        app_id: crate::support::app::GAME.to_owned(),
        ..Pusher::plain()
    };
    let key = app.caller_key(&["--app", "game", "--webhooks"]).await;
    let webhook = app
        .request(reqwest::Method::POST, "/v1/apps/game/webhooks")
        .bearer_auth(&key)
        .json(&json!({"url": receiver.url()}));
    assert!(Reply::to(webhook).await.status < 300);
    game.push(&app, &text_message(&openid, 1, "a secret of mine"))
        .await;
    game.push(&app, &text_message("someone-else", 2, "stays")).await;
    eventually("both were tried", async || receiver.received().len() >= 2).await;
    assert!(kept(&app, "a secret of mine").await);

    let token = session.member("token");
    let deletion = app
        .request(reqwest::Method::DELETE, "/v1/user")
        .bearer_auth(&token);
    assert!(Reply::to(deletion).await.status < 300);
    for text in ["a secret of mine", &openid] {
        assert!(!kept(&app, text).await, "{text}");
    }
    assert!(kept(&app, "stays").await);
    // What was on its way is not sent any more.
    let before = receiver.received().len();
    app.advance(10).await;
    eventually("the other one is tried again", async || {
        receiver.received().len() > before
    })
    .await;
    for received in &receiver.received()[before..] {
        assert_ne!(received.json()["openid"], openid.as_str());
    }
}

async fn kept(app: &TestApp, text: &str) -> bool {
    for collection in ["events", "deliveries", "webhooks", "identities", "users"] {
        let texts = app.stored().texts(collection).await;
        if texts.iter().any(|record| record.contains(text)) {
            return true;
        }
    }
    false
}
