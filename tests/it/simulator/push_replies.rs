//! What the platform makes of the answers of a server: every kind of reply, its limits, and what is none.

use serde_json::{Value, json};

use super::push_support::{Hook, Say, reply, text_reply};
use super::support::{MINI, OFFICIAL, Sim};

/// What the same answer comes to, made from the push.
async fn outcome(
    app_id: &str,
    order: Value,
    answer: impl Fn(&str) -> String + Send + Sync + 'static,
) -> Value {
    let sim = Sim::start();
    let hook = Hook::start(move |got, _| Say::Body(answer(&got.body))).await;
    let more = json!({"rules": {"retry_bad_answers": false}});
    sim.serve_at(app_id, &hook, more).await;
    let mut order = order;
    order["app_id"] = app_id.into();
    order["user"] = "ann".into();
    sim.push(order).await
}

fn text() -> Value {
    json!({"message": {"content": "hello"}})
}

fn click() -> Value {
    json!({"event": {"type": "click", "key": "k"}})
}

#[tokio::test]
async fn every_kind_of_reply_is_shown() {
    let cases = [
        (
            "image",
            "<Image><MediaId><![CDATA[m1]]></MediaId></Image>",
            json!({"media_id": "m1"}),
        ),
        (
            "voice",
            "<Voice><MediaId><![CDATA[m1]]></MediaId></Voice>",
            json!({"media_id": "m1"}),
        ),
        (
            "video",
            "<Video><MediaId>m1</MediaId><Title>t</Title></Video>",
            json!({"media_id": "m1", "title": "t"}),
        ),
        (
            "music",
            "<Music><HQMusicUrl>http://hq</HQMusicUrl><ThumbMediaId>m2</ThumbMediaId></Music>",
            json!({"thumb_media_id": "m2", "hq_music_url": "http://hq"}),
        ),
        (
            "news",
            "<ArticleCount>1</ArticleCount><Articles><item><Title>t</Title><Url>http://u</Url></item></Articles>",
            json!({"articles": [{"title": "t", "url": "http://u"}]}),
        ),
        (
            "transfer_customer_service",
            "<TransInfo><KfAccount>a@b</KfAccount></TransInfo>",
            json!({"kf_account": "a@b"}),
        ),
    ];
    for (kind, inner, shown) in cases {
        let report = outcome(OFFICIAL, text(), move |push| reply(push, kind, inner)).await;
        let mut wanted = json!({"type": kind});
        wanted
            .as_object_mut()
            .expect("an object")
            .extend(shown.as_object().expect("an object").clone());
        assert_eq!(
            (&report["outcome"], &report["reply"]),
            (&json!("replied"), &wanted),
            "{report}"
        );
    }
}

#[tokio::test]
async fn a_text_has_at_most_2048_bytes() {
    for (length, wanted) in [(2_048, "replied"), (2_049, "failed"), (0, "failed")] {
        let content = "x".repeat(length);
        let report = outcome(OFFICIAL, text(), move |push| text_reply(push, &content)).await;
        assert_eq!(report["outcome"], wanted, "{length}");
    }
}

#[tokio::test]
async fn a_message_is_answered_with_one_article_and_an_event_with_eight() {
    let news = |count: usize| {
        let items = "<item><Title>t</Title></item>".repeat(count);
        format!("<ArticleCount>{count}</ArticleCount><Articles>{items}</Articles>")
    };
    for (order, count, wanted) in [
        (text(), 1, "replied"),
        (text(), 2, "ignored"),
        (click(), 8, "replied"),
        (click(), 9, "ignored"),
    ] {
        let inner = news(count);
        let report = outcome(OFFICIAL, order, move |push| reply(push, "news", &inner)).await;
        assert_eq!(report["outcome"], wanted, "{count}");
        assert_eq!(report["system_message"], Value::Null);
    }
    let wrong = "<ArticleCount>2</ArticleCount><Articles><item><Title>t</Title></item></Articles>";
    let report = outcome(OFFICIAL, text(), move |push| reply(push, "news", wrong)).await;
    assert_eq!(report["outcome"], "failed");
}

#[tokio::test]
async fn what_is_no_reply_becomes_the_system_message() {
    let wrong: [fn(&str) -> String; 11] = [
        |_| "SUCCESS".to_owned(),
        |_| "success\n".to_owned(),
        |_| "{}".to_owned(),
        |_| r#"{"ToUserName":"a"}"#.to_owned(),
        |push| format!(" {}", text_reply(push, "hi")),
        |push| format!("<?xml version=\"1.0\"?>{}", text_reply(push, "hi")),
        |push| push.to_owned(),
        |push| text_reply(push, "hi").replace("<ToUserName><![CDATA[o", "<ToUserName><![CDATA[p"),
        |push| text_reply(push, "hi").replace("12345678", "now"),
        |push| reply(push, "image", "<Image><MediaId></MediaId></Image>"),
        |push| reply(push, "hologram", ""),
    ];
    for (number, answer) in wrong.into_iter().enumerate() {
        let report = outcome(OFFICIAL, text(), answer).await;
        assert_eq!(report["outcome"], "failed", "{number}: {report}");
        assert!(report["system_message"].is_string(), "{number}: {report}");
        assert_eq!(report["deliveries"][0]["error"], "answer", "{number}");
    }
}

#[tokio::test]
async fn an_empty_answer_is_accepted() {
    let report = outcome(OFFICIAL, text(), |_| String::new()).await;
    assert_eq!(
        (&report["outcome"], &report["reply"]),
        (&json!("accepted"), &Value::Null)
    );
}

#[tokio::test]
async fn a_medium_that_does_not_exist_cannot_be_sent() {
    let sim = Sim::start();
    let hook = Hook::start(|got, number| {
        let id = if number == 0 { "m1" } else { "m2" };
        Say::Body(reply(
            &got.body,
            "image",
            &format!("<Image><MediaId>{id}</MediaId></Image>"),
        ))
    })
    .await;
    sim.serve_at(OFFICIAL, &hook, json!({"rules": {"deliveries": 1}}))
        .await;
    sim.switch(OFFICIAL, json!({"media_ids": ["m1"]})).await;
    assert_eq!(sim.say(OFFICIAL, "ann", "a").await["outcome"], "replied");
    assert_eq!(sim.say(OFFICIAL, "ann", "b").await["outcome"], "failed");
}

#[tokio::test]
async fn events_without_a_reply_ignore_it() {
    let none = [
        json!({"type": "unfollow"}),
        json!({"type": "location"}),
        json!({"type": "view", "url": "http://a"}),
        json!({"type": "template_sent"}),
        json!({"type": "subscription_popup"}),
        json!({"type": "authorization_revoke"}),
    ];
    for event in none {
        let report = outcome(OFFICIAL, json!({"event": event}), |push| text_reply(push, "hi")).await;
        assert_eq!(report["outcome"], "ignored", "{report}");
        assert_eq!(report["system_message"], Value::Null, "{report}");
    }
}

#[tokio::test]
async fn a_mini_program_hands_messages_over_and_says_nothing_else() {
    let transfer = |push: &str| reply(push, "transfer_customer_service", "");
    let report = outcome(MINI, text(), transfer).await;
    assert_eq!(
        report["reply"],
        json!({"type": "transfer_customer_service"}),
        "{report}"
    );
    assert_eq!(
        outcome(MINI, text(), |push| text_reply(push, "hi")).await["outcome"],
        "failed"
    );
    let enter = json!({"event": {"type": "enter_session"}});
    assert_eq!(outcome(MINI, enter, transfer).await["outcome"], "failed");
}

#[tokio::test]
async fn a_mini_program_in_json_may_answer_in_either_format() {
    let sim = Sim::start();
    let hook = Hook::start(|got, number| {
        let push: Value = serde_json::from_str(&got.body).expect("a push in JSON");
        let (to, from) = (push["FromUserName"].as_str().expect("a text"), push["ToUserName"].as_str().expect("a text"));
        Say::Body(if number == 0 {
            json!({"ToUserName": to, "FromUserName": from, "CreateTime": 1, "MsgType": "transfer_customer_service"})
                .to_string()
        } else {
            format!(
                "<xml><ToUserName>{to}</ToUserName><FromUserName>{from}</FromUserName><CreateTime>1</CreateTime>\
                 <MsgType>transfer_customer_service</MsgType></xml>"
            )
        })
    })
    .await;
    sim.serve_at(MINI, &hook, json!({"format": "json"})).await;
    for _ in 0..2 {
        let report = sim.say(MINI, "ann", "hello").await;
        assert_eq!(report["outcome"], "replied", "{report}");
    }
}
