//! What WeChat's user hears: from rules, from a webhook that is asked, in time or late.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::push::{encrypted, stored};
use crate::support::app::{Builder, SHOP, TestApp};
use crate::support::eventually;
use crate::support::on_both_stores;
use crate::support::pusher::{Pusher, between, event, text_message};
use crate::support::receiver::{Answer, Receiver};

on_both_stores!(
    a_webhook_is_asked_while_wechat_waits,
    a_late_reply_is_a_message_of_its_own,
    a_webhook_that_fails_gets_the_event_delivered,
    a_webhook_that_hangs_keeps_nobody_waiting
);

const RULES: &str = r#"[[apps.replies]]
when = "subscribe"
reply = { type = "text", content = "welcome {openid}" }
[[apps.replies]]
when = "keyword"
match = "exact"
text = "news"
reply = { type = "news", articles = [{ title = "A & B", description = "d", pic_url = "https://a.example/p.png", url = "https://a.example/?x=1&y=2" }] }
[[apps.replies]]
when = "keyword"
match = "contains"
text = "agent"
reply = { type = "transfer_customer_service" }
[[apps.replies]]
when = "keyword"
match = "regex"
text = "^[0-9]{4}$"
reply = { type = "image", media_id = "M1" }
[[apps.replies]]
when = "click"
key = "menu"
reply = { type = "music", title = "t", music_url = "https://a.example/m", thumb_media_id = "T1" }
[[apps.replies]]
when = "default"
reply = { type = "text", content = "{content}" }"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_of_the_configuration_answer() {
    let app = encrypted(TestApp::builder(), "safe")
        .replies("shop", RULES)
        .spawn()
        .await;
    let pusher = Pusher::safe();
    let mut number = 0;
    let mut say = async |text: &str| {
        number += 1;
        let reply = pusher.push(&app, &text_message("o1", number, text)).await;
        pusher.open_reply(&reply.text)
    };
    let news = say("news").await;
    assert_eq!(between(&news, "MsgType"), "news");
    assert_eq!(between(&news, "ArticleCount"), "1");
    assert_eq!(between(&news, "Title"), "A & B");
    assert_eq!(between(&news, "Url"), "https://a.example/?x=1&y=2");
    assert_eq!(
        between(&say("an agent, please").await, "MsgType"),
        "transfer_customer_service"
    );
    assert_eq!(between(&say("2026").await, "MediaId"), "M1");
    let echo = say("<b>{openid}]]&gt;</b>").await;
    assert_eq!(between(&echo, "Content"), "<b>{openid}]]&gt;</b>");
    for (pushed, kind) in [
        (event("o1", 1, "subscribe", ""), "text"),
        (event("o1", 1, "CLICK", "menu"), "music"),
    ] {
        let reply = pusher.push(&app, &pushed).await;
        assert_eq!(between(&pusher.open_reply(&reply.text), "MsgType"), kind);
    }
    // Nobody can be replied to.
    for pushed in [
        event("o1", 2, "unsubscribe", ""),
        event("o1", 2, "LOCATION", ""),
        event("o1", 2, "TEMPLATESENDJOBFINISH", ""),
    ] {
        assert_eq!(pusher.push(&app, &pushed).await.text, "success", "{pushed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_in_json_is_answered_in_json() {
    let app = TestApp::builder().replies("shop", RULES).spawn().await;
    let body = r#"{"ToUserName":"gh_1","FromUserName":"o1","CreateTime":1700000000,"MsgType":"text","Content":"hello","MsgId":1}"#;
    let reply = Pusher::plain().push(&app, body).await;
    assert_eq!(reply.json()["Content"], "hello");
    assert_eq!(reply.json()["ToUserName"], "o1");
    assert!(
        reply
            .header("content-type")
            .unwrap()
            .starts_with("application/json")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_reply_goes_on_in_messages() {
    let long = "字".repeat(1500);
    let rules =
        format!("[[apps.replies]]\nwhen = \"default\"\nreply = {{ type = \"text\", content = \"{long}\" }}");
    let app = encrypted(TestApp::builder(), "safe")
        .replies("shop", &rules)
        .spawn()
        .await;
    let pusher = Pusher::safe();
    let openid = follower(&app, "ann").await;
    let reply = pusher.push(&app, &text_message(&openid, 1, "x")).await;
    let mut heard = between(&pusher.open_reply(&reply.text), "Content");
    assert!(heard.len() <= 2048);
    eventually("the rest is sent", async || inbox(&app, "ann").await.len() == 2).await;
    for message in inbox(&app, "ann").await {
        let part = message["text"]["content"].as_str().unwrap().to_owned();
        assert!(part.len() <= 2048);
        heard.push_str(&part);
    }
    assert_eq!(heard, long);
    assert!(stored(&app).await[0].todo_at.is_none());
}

async fn a_webhook_is_asked_while_wechat_waits(app: Builder) {
    let app = asking(app).await;
    let receiver = Receiver::start().await;
    make_webhook(&app, &json!({"url": receiver.url(), "reply": true})).await;
    receiver.answer([Answer::Body(
        json!({"type": "text", "content": "asked about {content}"}).to_string(),
    )]);
    let pusher = Pusher::safe();
    let reply = pusher.push(&app, &text_message("o1", 1, "tea")).await;
    assert_eq!(
        between(&pusher.open_reply(&reply.text), "Content"),
        "asked about tea"
    );
    // The same again for a repetition, without asking again.
    let reply = pusher.push(&app, &text_message("o1", 1, "tea")).await;
    assert_eq!(
        between(&pusher.open_reply(&reply.text), "Content"),
        "asked about tea"
    );
    assert_eq!(receiver.received().len(), 1);
    assert_eq!(receiver.received()[0].json()["data"]["content"], "tea");
    // It may have nothing to say.
    for nothing in [
        Answer::Status(204),
        Answer::Status(200),
        Answer::Body(json!({}).to_string()),
    ] {
        receiver.answer([nothing]);
        let number = receiver.received().len() as u64 + 10;
        let reply = pusher.push(&app, &text_message("o1", number, "tea")).await;
        assert_eq!(reply.text, "success");
    }
    // What cannot be a reply is none.
    receiver.answer([Answer::Body(json!({"type": "nonsense"}).to_string())]);
    assert_eq!(
        pusher.push(&app, &text_message("o1", 50, "tea")).await.text,
        "success"
    );
}

async fn a_late_reply_is_a_message_of_its_own(app: Builder) {
    let app = asking(app).await;
    let openid = follower(&app, "ann").await;
    let receiver = Receiver::start().await;
    make_webhook(&app, &json!({"url": receiver.url(), "reply": true})).await;
    receiver.answer([Answer::LateBody(
        Duration::from_secs(6),
        json!({"type": "text", "content": "at last"}).to_string(),
    )]);
    let pusher = Pusher::safe();
    let began = std::time::Instant::now();
    let reply = pusher.push(&app, &text_message(&openid, 1, "tea")).await;
    assert_eq!(reply.text, "success");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    eventually("the reply is sent", async || !inbox(&app, "ann").await.is_empty()).await;
    let inbox = inbox(&app, "ann").await;
    assert_eq!(
        (inbox.len(), &inbox[0]["text"]["content"]),
        (1, &json!("at last"))
    );
    assert_eq!(receiver.received().len(), 1);
    // A repetition hears what the first heard.
    assert_eq!(
        pusher.push(&app, &text_message(&openid, 1, "tea")).await.text,
        "success"
    );
}

async fn a_webhook_that_fails_gets_the_event_delivered(app: Builder) {
    let app = asking(app).await;
    let receiver = Receiver::start().await;
    make_webhook(&app, &json!({"url": receiver.url(), "reply": true})).await;
    receiver.answer([Answer::Status(500)]);
    assert_eq!(
        Pusher::safe()
            .push(&app, &text_message("o1", 1, "tea"))
            .await
            .text,
        "success"
    );
    eventually("it is delivered", async || receiver.received().len() == 2).await;
    let both = receiver.received();
    assert_eq!(both[0].header("webhook-id"), both[1].header("webhook-id"));
    assert_eq!(both[0].body, both[1].body);
}

/// One that is asked and hangs costs others nothing, and no more than a few connections.
async fn a_webhook_that_hangs_keeps_nobody_waiting(app: Builder) {
    let app = asking(app).await;
    let (hung, other) = (Receiver::start().await, Receiver::start().await);
    hung.always(Answer::Never);
    make_webhook(&app, &json!({"url": hung.url(), "reply": true})).await;
    make_webhook(&app, &json!({"url": other.url()})).await;
    let pusher = Pusher::safe();
    let began = std::time::Instant::now();
    let all = (0..200).map(|number| {
        let (app, pusher) = (&app, &pusher);
        async move {
            let reply = pusher.push(app, &text_message("o1", number, "tea")).await;
            assert_eq!(reply.text, "success");
        }
    });
    let heard = eventually("the other one has them", async || other.received().len() == 200);
    let times = async {
        heard.await;
        began.elapsed()
    };
    let ((), heard) = tokio::join!(
        async {
            join_all(all).await;
        },
        times
    );
    assert!(heard < Duration::from_secs(4), "{heard:?}");
    assert!(began.elapsed() < Duration::from_secs(10));
    // So many are asked, and so many deliveries of those that could not be asked are on their way.
    assert!(hung.received().len() <= 128, "{}", hung.received().len());
}

async fn asking(app: Builder) -> TestApp {
    encrypted(app, "safe")
        .set("push.webhook_private_networks", "true")
        .spawn()
        .await
}

/// Makes a webhook of the account `shop` and answers what is said about it.
pub(crate) async fn make_webhook(app: &TestApp, webhook: &Value) -> Value {
    let key = app.caller_key(&["--app", "shop", "--webhooks", "--events"]).await;
    let request = app
        .request(reqwest::Method::POST, "/v1/apps/shop/webhooks")
        .bearer_auth(&key)
        .json(webhook);
    let reply = crate::support::reply::Reply::to(request).await;
    assert!(reply.status < 300, "{} {}", reply.status, reply.text);
    reply.json()
}

/// A user of the simulator who follows the account, and who has just written to it.
async fn follower(app: &TestApp, user: &str) -> String {
    app.simulator().follower(SHOP, user).await
}

/// The customer-service messages that a user has got.
async fn inbox(app: &TestApp, user: &str) -> Vec<Value> {
    app.simulator().messages(SHOP, user).await
}
