//! Pushes that are not WeChat's, or not as WeChat makes them: nothing of them is stored.

use crate::push::{encrypted, stored};
use crate::support::app::TestApp;
use crate::support::pusher::{AES_KEY, Pusher, encrypt, encrypt_raw, event, text_message};

const REFUSED: (u16, &str) = (403, "Error! No Auth");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn safe_mode_takes_nothing_but_what_msg_signature_covers() {
    let app = encrypted(TestApp::builder(), "safe").spawn().await;
    let (pusher, now) = (Pusher::safe(), app.now().secs().to_string());
    let message = text_message("o1", 1, "hi");
    let sealed = encrypt(AES_KEY, &message, &pusher.app_id);
    let envelope =
        |encrypted: &str| format!("<xml><ToUserName>gh_1</ToUserName><Encrypt>{encrypted}</Encrypt></xml>");
    let signed = |encrypted: &str| pusher.query_of(&now, "n", encrypted);
    let good = signed(&sealed);

    // A plain push, with whatever says that it is one.
    for query in [
        pusher.query(&now, "n"),
        format!("{}&encrypt_type=raw", pusher.query(&now, "n")),
        format!("{}&encrypt_type=aes", pusher.query(&now, "n")),
        good.replace("encrypt_type=aes", "encrypt_type=raw"),
        good.replace("encrypt_type=aes", "encrypt_type=AES"),
        good.replace("&msg_signature=", "&msg_sig="),
    ] {
        let reply = pusher.post(&app, &query, message.clone()).await;
        assert_eq!((reply.status, reply.text.as_str()), REFUSED, "{query}");
        let reply = pusher.post(&app, &query, envelope(&sealed)).await;
        assert_eq!((reply.status, reply.text.as_str()), REFUSED, "{query}");
    }
    // No ciphertext at all.
    assert_eq!(pusher.post(&app, &good, message.clone()).await.status, 403);
    // Another ciphertext under the signature.
    let other = encrypt(AES_KEY, &text_message("o1", 2, "other"), &pusher.app_id);
    assert_eq!(pusher.post(&app, &good, envelope(&other)).await.status, 403);
    // Signed, but no message: each is refused alike.
    let mut bad_padding = vec![7; 64];
    bad_padding[63] = 33;
    let mut no_padding = vec![7; 64];
    no_padding[63] = 0;
    let mut uneven = vec![32; 64];
    uneven[40] = 1;
    let mut long = b"0123456789abcdef\xff\xff\xff\xff".to_vec();
    long.extend([12; 12]);
    for encrypted in [
        encrypt(AES_KEY, &message, "wx00000000000000b0"),
        encrypt(AES_KEY, &message, ""),
        encrypt(
            "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG",
            &message,
            &pusher.app_id,
        ),
        encrypt_raw(AES_KEY, &bad_padding),
        encrypt_raw(AES_KEY, &no_padding),
        encrypt_raw(AES_KEY, &uneven),
        encrypt_raw(AES_KEY, &long),
        "AAAA".to_owned(),
        "!".to_owned(),
    ] {
        let reply = pusher.post(&app, &signed(&encrypted), envelope(&encrypted)).await;
        assert_eq!((reply.status, reply.text.as_str()), REFUSED, "{encrypted}");
    }
    assert!(stored(&app).await.is_empty());
    // WeChat always says aes; whoever does not is believed if the rest is right.
    let unsaid = good.replace("&encrypt_type=aes", "");
    assert_eq!(
        pusher.post(&app, &unsaid, envelope(&sealed)).await.text,
        "success"
    );
    assert_eq!(stored(&app).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_mode_tells_one_push_from_another_with_its_signature() {
    let app = TestApp::builder().spawn().await;
    let pusher = Pusher::plain();
    let query = pusher.query(&app.now().secs().to_string(), "12345");
    let message = text_message("o1", 1, "hi");
    for _ in 0..3 {
        assert_eq!(pusher.post(&app, &query, message.clone()).await.text, "success");
    }
    for forged in [
        message.replace("hi", "pay me"),
        text_message("o1", 2, "hi"),
        event("o1", 1, "subscribe", ""),
    ] {
        let reply = pusher.post(&app, &query, forged).await;
        assert_eq!((reply.status, reply.text.as_str()), REFUSED);
    }
    assert_eq!(stored(&app).await.len(), 1);
    let reply = pusher
        .post(
            &app,
            &format!("{query}&encrypt_type=aes&msg_signature=0"),
            message,
        )
        .await;
    assert_eq!(reply.status, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_is_as_old_as_the_window_allows() {
    let app = TestApp::builder().spawn().await;
    let pusher = Pusher::plain();
    let mut number = 0;
    for (seconds, status) in [(-290, 200), (290, 200), (-310, 403), (310, 403), (-100_000, 403)] {
        number += 1;
        let (query, message) = pusher.written(
            &(app.now().secs() + seconds).to_string(),
            &text_message("o1", number, "x"),
        );
        assert_eq!(
            pusher.post(&app, &query, message).await.status,
            status,
            "{seconds}"
        );
    }
    for timestamp in ["-5", "1e9", "99999999999999999999", "soon"] {
        let (query, message) = pusher.written(timestamp, &text_message("o1", 99, "x"));
        assert_eq!(
            pusher.post(&app, &query, message).await.status,
            400,
            "{timestamp}"
        );
    }
    let app = TestApp::builder()
        .set("push.timestamp_window", "0s")
        .spawn()
        .await;
    let (query, message) = pusher.written("5", &text_message("o1", 1, "x"));
    assert_eq!(pusher.post(&app, &query, message).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_malformed_is_400_and_what_is_large_413() {
    let app = TestApp::builder().spawn().await;
    let (pusher, now) = (Pusher::plain(), app.now().secs().to_string());
    let message = text_message("o1", 1, "x");
    let query = pusher.query(&now, "n");
    for bad in [
        String::new(),
        query.replace("signature=", "sig="),
        query.replace("timestamp=", "time="),
        query.replace("nonce=", "once="),
        query.replace("&nonce=n", "&nonce="),
        format!("{query}&nonce=n"),
        format!("{query}&signature=0"),
        format!("{query}&encrypt_type=raw&encrypt_type=raw"),
        query.replace("nonce=n", "nonce=%zz"),
        query.replace("nonce=n", &format!("nonce={}", "n".repeat(200))),
    ] {
        let reply = pusher.post(&app, &bad, message.clone()).await;
        assert_eq!(reply.status, 400, "{bad}");
        assert_eq!(reply.json()["error_code"], 10001, "{bad}");
    }
    for (index, bad) in [
        "",
        "x",
        "<xml>",
        "<xml></xml>",
        "[]",
        r#"{"MsgType":"text""#,
        "<!DOCTYPE xml [<!ENTITY x \"y\">]><xml><MsgType>text</MsgType></xml>",
        "<xml><FromUserName>&x;</FromUserName><MsgType>text</MsgType></xml>",
        "<html></html>",
        "<xml><MsgType>text</MsgType></xml><xml/>",
    ]
    .into_iter()
    .enumerate()
    {
        let reply = pusher
            .post(&app, &pusher.query(&now, &index.to_string()), bad)
            .await;
        assert_eq!(reply.status, 400, "{bad}");
    }
    let mut latin = message.clone().into_bytes();
    let at = latin.iter().position(|byte| *byte == b'x').unwrap();
    latin[at] = 0xe9;
    assert_eq!(
        pusher.post(&app, &pusher.query(&now, "l"), latin).await.status,
        400
    );

    let fill = 64 * 1024 - text_message("o1", 1, "").len();
    let (largest, larger) = (
        text_message("o1", 1, &"y".repeat(fill)),
        text_message("o1", 2, &"y".repeat(fill + 1)),
    );
    assert_eq!(larger.len(), 64 * 1024 + 1);
    assert_eq!(
        pusher.post(&app, &pusher.query(&now, "g"), larger).await.status,
        413
    );
    assert!(stored(&app).await.is_empty());
    assert_eq!(
        pusher.post(&app, &pusher.query(&now, "f"), largest).await.text,
        "success"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_without_a_token_takes_nothing() {
    let app = TestApp::builder().spawn().await;
    let pusher = Pusher {
        path: "/auth/game".to_owned(),
        token: String::new(),
        ..Pusher::plain()
    };
    assert_eq!(pusher.push(&app, &text_message("o1", 1, "x")).await.status, 403);
}
