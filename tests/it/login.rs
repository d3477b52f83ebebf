//! `POST /v1/token`, type 100: what a mini program gets for its code, and what of it is kept.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::json;

use crate::support::app::{Builder, GAME};
use crate::support::platform::LOGIN;
use crate::support::{on_all_stores, on_both_stores};

on_all_stores!(many_first_logins_at_once_make_one_user);
on_both_stores!(
    a_login_gives_a_token_and_a_user,
    the_same_user_is_recognised,
    a_code_sent_many_times_at_once_is_exchanged_once,
    a_code_works_again_for_five_seconds_and_then_never,
    a_named_mini_program_has_logins_of_its_own,
    the_session_key_is_not_readable_anywhere,
    the_two_latest_session_keys_are_kept,
    a_unionid_that_arrives_later_is_stored,
);

async fn a_login_gives_a_token_and_a_user(app: Builder) {
    let app = app.spawn().await;
    let reply = app.log_in(&app.code("ann").await).await.ok();
    assert_eq!(reply.header("token").unwrap(), reply.member("token"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let redactions = [
        (".token", "[jwt]"),
        (".refresh_token", "[refresh token]"),
        (".user.id", "[id]"),
    ];
    let mut settings = insta::Settings::clone_current();
    for (path, shown) in redactions {
        settings.add_redaction(path, shown);
    }
    settings.add_redaction(".user.created_at", "[time]");
    settings.bind(|| {
        insta::allow_duplicates! {
            insta::assert_json_snapshot!(reply.json(), @r#"
        {
          "token": "[jwt]",
          "token_type": "Bearer",
          "expires_in": 7200,
          "refresh_token": "[refresh token]",
          "refresh_expires_in": 2592000,
          "user": {
            "id": "[id]",
            "created_at": "[time]",
            "nickname": null,
            "avatar": null
          }
        }
        "#);
        }
    });
}

async fn the_same_user_is_recognised(app: Builder) {
    let app = app.spawn().await;
    let ann = app.log_in(&app.code("ann").await).await.ok().json();
    let bob = app.log_in(&app.code("bob").await).await.ok().json();
    let again = app.log_in(&app.code("ann").await).await.ok().json();
    assert_eq!(ann["user"], again["user"]);
    assert_ne!(ann["user"]["id"], bob["user"]["id"]);
    assert_ne!(ann["token"], again["token"]);
    assert_eq!(app.stored().count("users").await, 2);
    assert_eq!(app.stored().count("sessions").await, 3);
}

async fn a_code_sent_many_times_at_once_is_exchanged_once(app: Builder) {
    let app = app.spawn().await;
    let code = app.code("ann").await;
    let replies = join_all((0..50).map(|_| app.log_in(&code))).await;
    let users: BTreeSet<String> = replies
        .into_iter()
        .map(|reply| reply.ok().json()["user"]["id"].to_string())
        .collect();
    assert_eq!(users.len(), 1);
    assert_eq!(app.simulator().calls(LOGIN).await, 1);
    assert_eq!(app.stored().count("users").await, 1);
}

async fn a_code_works_again_for_five_seconds_and_then_never(app: Builder) {
    let app = app.spawn().await;
    let code = app.code("ann").await;
    let first = app.log_in(&code).await.ok().json();
    let again = app.log_in(&code).await.ok().json();
    assert_eq!(first["user"], again["user"]);
    app.advance(6).await;
    app.log_in(&code).await.is_refused_code(40163, "POST /v1/token");
    // The platform itself would say 40029 by then.
    app.advance(200).await;
    app.log_in(&code).await.is_refused_code(40163, "POST /v1/token");
    assert_eq!(app.simulator().calls(LOGIN).await, 1);
}

async fn many_first_logins_at_once_make_one_user(app: Builder) {
    let app = app.spawn().await;
    // Distinct codes of one user; the platform's own limit of logins a minute is not what is tested.
    let body = json!({"openid": "oSame", "session_key": "c2Vzc2lvbi1rZXktMTIzNA=="}).to_string();
    let effect = json!({"type": "raw_body", "body": body, "status": 200, "content_type": "text/plain"});
    app.simulator()
        .fault(json!({"path": LOGIN, "effect": effect}))
        .await;
    let codes: Vec<String> = (0..200).map(|index| format!("code-{index}")).collect();
    let replies = join_all(codes.iter().map(|code| app.log_in(code))).await;
    let mut users = BTreeSet::new();
    for reply in replies {
        let reply = reply.ok();
        users.insert(reply.json()["user"].to_string());
        let token = json!({"token": reply.member("token")});
        let verified = app.post_json("/v1/token/verify", &token).await;
        assert_eq!(verified.text, r#"{"result":true}"#);
    }
    assert_eq!(users.len(), 1);
    assert_eq!(app.stored().count("users").await, 1);
    assert_eq!(app.stored().count("identities").await, 1);
    assert_eq!(app.stored().count("sessions").await, 200);
}

async fn a_named_mini_program_has_logins_of_its_own(app: Builder) {
    let app = app.mini("game").mini("quiz").spawn().await;
    let code = app.simulator().code("wx00000000000000b1", "ann").await;
    let body = json!({"type": 100, "account": code});
    app.post_json("/v1/apps/quiz/token", &body).await.ok();
    let code = app.simulator().code("wx00000000000000b1", "ann").await;
    app.log_in(&code).await.is_refused_code(40029, "POST /v1/token");
    for wrong in ["nobody", "shop"] {
        let path = format!("/v1/apps/{wrong}/token");
        let reply = app.post_json(&path, &body).await;
        reply.refused(404, 10002, &format!("POST {path}"));
    }
}

async fn the_session_key_is_not_readable_anywhere(app: Builder) {
    let app = app.spawn().await;
    let key = "U0VTU0lPTi1LRVktMDAwMQ==";
    let body = json!({"openid": "oAnn", "session_key": key}).to_string();
    let effect = json!({"type": "raw_body", "body": body, "status": 200, "content_type": "text/plain"});
    app.simulator()
        .fault(json!({"path": LOGIN, "effect": effect}))
        .await;
    let reply = app.log_in("some-code").await.ok();
    let stored = app.stored().everything().await;
    assert!(stored.contains("oAnn"), "the identity is there");
    for shown in [stored, format!("{reply:?}")] {
        // As the platform wrote it, and the bytes that it stands for.
        assert!(!shown.contains(key) && !shown.contains("SESSION-KEY-0001"));
    }
}

async fn the_two_latest_session_keys_are_kept(app: Builder) {
    let app = app.spawn().await;
    let mut kept = Vec::new();
    for _ in 0..3 {
        app.log_in(&app.code("ann").await).await.ok();
        app.advance(1).await;
        let identity = app.stored().records("identities").await.remove(0);
        kept.push(identity["session_keys"].as_array().unwrap().clone());
    }
    assert_eq!(kept.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2, 2]);
    // Latest first: what came in second is in second place after the third.
    assert_eq!(kept[1][0], kept[2][1]);
    assert_ne!(kept[2][0], kept[2][1]);
}

async fn a_unionid_that_arrives_later_is_stored(app: Builder) {
    let app = app.spawn().await;
    let user = app.log_in(&app.code("ann").await).await.ok().json()["user"].clone();
    let unionid = async || {
        let records = app.stored().records("identities").await;
        let mut known = records.iter().map(|record| record["unionid"].clone());
        known.find(|unionid| !unionid.is_null()).unwrap_or_default()
    };
    assert!(unionid().await.is_null());
    app.simulator()
        .switch(GAME, json!({"open_account": "open1"}))
        .await;
    let again = app.log_in(&app.code("ann").await).await.ok().json();
    assert_eq!(again["user"], user);
    let known = unionid().await;
    assert!(known.is_string(), "{known}");
    app.simulator().switch(GAME, json!({"open_account": null})).await;
    app.log_in(&app.code("ann").await).await.ok();
    assert_eq!(unionid().await, known);
}
