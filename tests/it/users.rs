//! Users: one person with several identities, what they see and change, and how they leave.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::support::app::{Builder, TestApp};
use crate::support::reply::Reply;
use crate::support::{on_all_stores, on_both_stores};

on_all_stores!(first_logins_in_two_apps_at_once_make_one_user);
on_both_stores!(
    a_user_sees_and_changes_their_own_account,
    the_same_unionid_in_two_apps_is_one_user,
    a_unionid_that_arrives_later_merges_two_users,
    a_merged_users_sessions_go_on_and_end_together,
    a_deleted_account_leaves_nothing_behind,
    a_login_during_a_deletion_makes_a_new_user_or_none,
);

async fn call(app: &TestApp, method: Method, path: &str, token: &str) -> Reply {
    Reply::to(app.request(method, path).bearer_auth(token)).await
}

async fn account(app: &TestApp, token: &str) -> serde_json::Value {
    call(app, Method::GET, "/v1/user", token).await.ok().json()
}

async fn log_in_at(app: &TestApp, name: &str, app_id: &str, user: &str) -> Reply {
    let code = app.simulator().code(app_id, user).await;
    let body = json!({"type": 100, "account": code});
    app.post_json(&format!("/v1/apps/{name}/token"), &body).await.ok()
}

/// Binds apps to one Open Platform account, so that WeChat tells their users' unionid.
async fn open_account(app: &TestApp, app_ids: &[&str]) {
    for app_id in app_ids {
        app.simulator()
            .switch(app_id, json!({"open_account": "open1"}))
            .await;
    }
}

async fn a_user_sees_and_changes_their_own_account(app: Builder) {
    let app = app.spawn().await;
    let login = app.log_in(&app.code("ann").await).await.ok();
    let token = login.member("token");
    let seen = account(&app, &token).await;
    assert_eq!(seen["id"], login.json()["user"]["id"]);
    assert_eq!(seen["identities"][0]["kind"], "wechat");
    assert_eq!(seen["identities"][0]["app"], "game");
    assert_eq!(seen["identities"][0].get("value"), None);
    let patch = |body: serde_json::Value| {
        app.request(Method::PATCH, "/v1/user")
            .bearer_auth(&token)
            .json(&body)
    };
    let changed = Reply::to(patch(json!({"nickname": "小安 🐼"}))).await.ok();
    assert_eq!(changed.json()["nickname"], "小安 🐼");
    assert_eq!(account(&app, &token).await["nickname"], "小安 🐼");
    for bad in [
        json!({}),
        json!({"nickname": 1}),
        json!({"nickname": "x".repeat(65)}),
        json!({"nickname": "a\nb"}),
        json!({"nickname": {"$ne": ""}}),
    ] {
        Reply::to(patch(bad)).await.refused(400, 10001, "PATCH /v1/user");
    }
    assert_eq!(account(&app, &token).await["nickname"], "小安 🐼");
    Reply::to(patch(json!({"nickname": ""}))).await.ok();
    assert_eq!(account(&app, &token).await["nickname"], serde_json::Value::Null);
    app.get("/v1/user").await.refused(401, 10004, "GET /v1/user");
}

const FIRST: &str = "wx00000000000000b0";
const SECOND: &str = "wx00000000000000b1";

async fn the_same_unionid_in_two_apps_is_one_user(app: Builder) {
    let app = app.mini("one").mini("two").spawn().await;
    open_account(&app, &[FIRST, SECOND]).await;
    let one = log_in_at(&app, "one", FIRST, "ann").await.json();
    let two = log_in_at(&app, "two", SECOND, "ann").await.json();
    assert_eq!(one["user"]["id"], two["user"]["id"]);
    assert_eq!(app.stored().count("users").await, 1);
    assert_eq!(app.stored().count("identities").await, 3);
}

async fn a_unionid_that_arrives_later_merges_two_users(app: Builder) {
    let app = app.mini("one").mini("two").spawn().await;
    let one = log_in_at(&app, "one", FIRST, "ann").await;
    let two = log_in_at(&app, "two", SECOND, "ann").await;
    assert_ne!(one.json()["user"]["id"], two.json()["user"]["id"]);
    open_account(&app, &[FIRST, SECOND]).await;
    let again = log_in_at(&app, "two", SECOND, "ann").await.json();
    assert_eq!(again["user"]["id"], two.json()["user"]["id"]);
    let joined = log_in_at(&app, "one", FIRST, "ann").await.json();
    // The older one stays, and the other's token leads to it.
    assert_eq!(joined["user"]["id"], one.json()["user"]["id"]);
    assert_eq!(
        account(&app, &two.member("token")).await["id"],
        one.json()["user"]["id"]
    );
    let last = log_in_at(&app, "two", SECOND, "ann").await.json();
    assert_eq!(last["user"]["id"], one.json()["user"]["id"]);
}

async fn first_logins_in_two_apps_at_once_make_one_user(app: Builder) {
    let app = app.mini("one").mini("two").spawn().await;
    open_account(&app, &[FIRST, SECOND]).await;
    for round in 0..5 {
        let user = format!("user{round}");
        let logins = (0..8).map(|i| {
            let (name, app_id) = if i % 2 == 0 {
                ("one", FIRST)
            } else {
                ("two", SECOND)
            };
            log_in_at(&app, name, app_id, &user)
        });
        let ids: Vec<_> = join_all(logins)
            .await
            .iter()
            .map(|login| login.json()["user"]["id"].clone())
            .collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }
    assert_eq!(app.stored().count("users").await, 5);
}

async fn a_merged_users_sessions_go_on_and_end_together(app: Builder) {
    let app = app.mini("one").mini("two").spawn().await;
    let one = log_in_at(&app, "one", FIRST, "ann").await;
    let two = log_in_at(&app, "two", SECOND, "ann").await;
    open_account(&app, &[FIRST, SECOND]).await;
    log_in_at(&app, "two", SECOND, "ann").await;
    log_in_at(&app, "one", FIRST, "ann").await;
    let body = json!({"refresh_token": two.member("refresh_token")});
    let next = app.post_json("/v1/token/refresh", &body).await.ok();
    assert_eq!(next.json()["user"]["id"], one.json()["user"]["id"]);
    let listed = call(&app, Method::GET, "/v1/user/sessions", &next.member("token"))
        .await
        .ok();
    assert_eq!(listed.json()["sessions"].as_array().unwrap().len(), 4);
    call(
        &app,
        Method::POST,
        "/v1/token/revoke?all=true",
        &one.member("token"),
    )
    .await;
    for token in [one.member("token"), two.member("token"), next.member("token")] {
        call(&app, Method::GET, "/v1/user", &token)
            .await
            .refused(401, 10004, "GET /v1/user");
    }
}

async fn a_deleted_account_leaves_nothing_behind(app: Builder) {
    let app = app.spawn().await;
    open_account(&app, &[FIRST]).await;
    let bob = app.log_in(&app.code("bob").await).await.ok();
    let login = app.log_in(&app.code("ann").await).await.ok();
    let token = login.member("token");
    let names: Vec<String> = app
        .stored()
        .texts("identities")
        .await
        .iter()
        .filter(|text| text.contains(login.json()["user"]["id"].as_str().unwrap()))
        .flat_map(|text| {
            text.split(['"', ' ', ':', ','])
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .filter(|word| word.len() == 28 || word.len() == 29)
        .collect();
    // An openid and a unionid.
    assert!(names.len() >= 2, "{names:?}");
    let reply = call(&app, Method::DELETE, "/v1/user", &token).await;
    assert_eq!(reply.status, 204, "{}", reply.text);
    call(&app, Method::GET, "/v1/user", &token)
        .await
        .refused(401, 10004, "GET /v1/user");
    let body = json!({"refresh_token": login.member("refresh_token")});
    app.post_json("/v1/token/refresh", &body)
        .await
        .refused(401, 10004, "POST /v1/token/refresh");
    crate::support::eventually("the store forgets", async || {
        let left = app.stored().everything().await;
        names.iter().all(|name| !left.contains(name))
    })
    .await;
    assert_eq!(app.stored().count("users").await, 1);
    // Who comes back is somebody new.
    let again = app.log_in(&app.code("ann").await).await.ok();
    assert_ne!(again.json()["user"]["id"], login.json()["user"]["id"]);
    assert!(
        call(&app, Method::GET, "/v1/user", &bob.member("token"))
            .await
            .status
            == 200
    );
}

async fn a_login_during_a_deletion_makes_a_new_user_or_none(app: Builder) {
    let app = app.spawn().await;
    for _ in 0..5 {
        let login = app.log_in(&app.code("ann").await).await.ok();
        let token = login.member("token");
        let codes = join_all((0..6).map(|_| app.code("ann"))).await;
        let logins = join_all(codes.iter().map(|code| app.log_in(code)));
        let (logins, gone) = tokio::join!(logins, call(&app, Method::DELETE, "/v1/user", &token));
        assert_eq!(gone.status, 204, "{}", gone.text);
        for login in logins {
            let login = login.ok();
            let seen = call(&app, Method::GET, "/v1/user", &login.member("token")).await;
            // Either the login was before the deletion, and ended with it, or it found a user that lives.
            match seen.status {
                401 => {}
                200 => assert_eq!(seen.json()["identities"].as_array().unwrap().len(), 1),
                other => panic!("{other}: {}", seen.text),
            }
        }
        let last = app.log_in(&app.code("ann").await).await.ok();
        assert_ne!(last.json()["user"]["id"], login.json()["user"]["id"]);
        assert_eq!(app.stored().count("users").await, 1);
        assert_eq!(app.stored().count("identities").await, 1);
    }
}
