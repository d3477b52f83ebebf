//! Each message and event is stored once, however often and wherever it is pushed.

use futures_util::future::join_all;

use crate::push::{encrypted, stored};
use crate::support::app::{Builder, StoreKind, TestApp};
use crate::support::mongo::Mongod;
use crate::support::on_both_stores;
use crate::support::pusher::{Pusher, event, text_message};

on_both_stores!(repetitions_are_one_event, a_crowd_of_repetitions_is_one_event);

async fn repetitions_are_one_event(app: Builder) {
    let app = encrypted(app, "safe").spawn().await;
    let pusher = Pusher::safe();
    let cases = [
        text_message("o1", 1, "a"),
        // Another id is another message, be everything else alike.
        text_message("o1", 2, "a"),
        event("o1", 100, "CLICK", "menu"),
        // One second has room for several events.
        event("o1", 100, "CLICK", "other"),
        event("o1", 100, "VIEW", "menu"),
        event("o2", 100, "CLICK", "menu"),
        event("o1", 101, "CLICK", "menu"),
        event("o1", 100, "TEMPLATESENDJOBFINISH", "").replace("</xml>", "<MsgID>1</MsgID></xml>"),
        event("o1", 100, "TEMPLATESENDJOBFINISH", "").replace("</xml>", "<MsgID>2</MsgID></xml>"),
    ];
    for _ in 0..2 {
        for case in &cases {
            // Nonce, timestamp and ciphertext are others each time.
            assert_eq!(pusher.push(&app, case).await.text, "success", "{case}");
        }
    }
    assert_eq!(stored(&app).await.len(), cases.len());
}

async fn a_crowd_of_repetitions_is_one_event(app: Builder) {
    let app = encrypted(app, "safe")
        .replies(
            "shop",
            "[[apps.replies]]\nwhen = \"default\"\nreply = { type = \"text\", content = \"one\" }",
        )
        .spawn()
        .await;
    let pusher = Pusher::safe();
    let message = text_message("o1", 1, "a");
    let replies = join_all((0..30).map(|_| pusher.push(&app, &message))).await;
    for reply in replies {
        assert!(pusher.open_reply(&reply.text).contains("<![CDATA[one]]>"));
    }
    assert_eq!(stored(&app).await.len(), 1);
}

/// Each message comes three times, to whichever gateway is nearest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_store_each_message_once() {
    let url = Mongod::standalone().await.url(&Mongod::fresh_database());
    let builder = |url: &str| {
        encrypted(
            TestApp::builder().store(StoreKind::MongoAt(url.to_owned())),
            "safe",
        )
    };
    let one = builder(&url).spawn().await;
    let other = builder(&url).spawn().await;
    let pusher = Pusher::safe();
    let all = (0..100).flat_map(|number| {
        [&one, &other, &one].map(|gateway| {
            let pusher = pusher.clone();
            async move {
                pusher
                    .push(gateway, &text_message("o1", number, "a"))
                    .await
                    .status
            }
        })
    });
    let answers = join_all(all).await;
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    assert_eq!(stored(&one).await.len(), 100);
}
