//! `/v1/rooms`: the list that founding document 002 protects.

use reqwest::Method;
use serde_json::{Value, json};

use crate::avatars::log_in;
use crate::support::app::{Builder, TestApp};
use crate::support::on_both_stores;
use crate::support::reply::Reply;

on_both_stores!(
    a_room_is_listed_for_every_user,
    the_list_is_read_in_parts,
    a_user_has_a_hundred_rooms_at_most,
);

const ROUTE: &str = "/v1/rooms";

async fn create(app: &TestApp, token: &str, name: &str) -> Reply {
    let request = app.request(Method::POST, ROUTE).bearer_auth(token);
    Reply::to(request.json(&json!({"name": name}))).await
}

async fn list(app: &TestApp, token: &str, query: &str) -> Reply {
    Reply::to(
        app.request(Method::GET, &format!("{ROUTE}{query}"))
            .bearer_auth(token),
    )
    .await
}

fn names(body: &Value) -> Vec<&str> {
    let rooms = body["rooms"].as_array().unwrap();
    rooms.iter().map(|room| room["name"].as_str().unwrap()).collect()
}

async fn a_room_is_listed_for_every_user(app: Builder) {
    let app = app.spawn().await;
    let (ann, bob) = (log_in(&app, "ann").await, log_in(&app, "bob").await);
    assert_eq!(list(&app, &ann, "").await.ok().text, r#"{"rooms":[]}"#);
    let made = create(&app, &ann, " 茶室 ").await;
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    assert_eq!(made["name"], "茶室");
    assert_eq!(made["owner"], json!({}));
    let members: Vec<_> = made.as_object().unwrap().keys().collect();
    assert_eq!(members, ["id", "name", "owner", "created_at"]);
    let listed = list(&app, &bob, "").await.ok().json();
    assert_eq!(listed, json!({"rooms": [made]}));
}

async fn the_list_is_read_in_parts(app: Builder) {
    let app = app.spawn().await;
    let token = log_in(&app, "ann").await;
    for number in 0..5 {
        assert_eq!(create(&app, &token, &format!("room {number}")).await.status, 201);
        // Two of them have the same moment.
        if number != 2 {
            app.turn(1);
        }
    }
    let first = list(&app, &token, "?limit=2").await.ok().json();
    assert_eq!(names(&first), ["room 4", "room 3"]);
    // What is made meanwhile stands before all of this.
    create(&app, &token, "later").await;
    let after = first["next"].as_str().unwrap();
    let second = list(&app, &token, &format!("?limit=2&after={after}"))
        .await
        .ok()
        .json();
    let after = second["next"].as_str().unwrap();
    let third = list(&app, &token, &format!("?limit=2&after={after}"))
        .await
        .ok()
        .json();
    let mut rest = names(&second);
    rest.extend(names(&third));
    rest.sort_unstable();
    assert_eq!(rest, ["room 0", "room 1", "room 2"]);
    assert!(third.get("next").is_none(), "{third}");
    for bad in [
        "?limit=0",
        "?limit=101",
        "?limit=x",
        "?after=x",
        "?after=",
        "?limit=1&limit=2",
    ] {
        list(&app, &token, bad).await.refused(400, 10001, "GET /v1/rooms");
    }
}

async fn a_user_has_a_hundred_rooms_at_most(app: Builder) {
    let app = app.spawn().await;
    let token = log_in(&app, "ann").await;
    let all = (0..110).map(|number| format!("room {number}"));
    let replies = all.map(async |name| create(&app, &token, &name).await.status);
    let replies = futures_util::future::join_all(replies).await;
    let made = replies.iter().filter(|status| **status == 201).count();
    assert!(
        replies.iter().all(|status| matches!(status, 201 | 422)),
        "{replies:?}"
    );
    assert!(made <= 100, "{made}");
    assert_eq!(app.stored().count("rooms").await, made as u64);
    while create(&app, &token, "one more").await.status == 201 {}
    assert_eq!(app.stored().count("rooms").await, 100);
    create(&app, &token, "too many")
        .await
        .refused(422, 10001, "POST /v1/rooms");
    let other = log_in(&app, "bob").await;
    assert_eq!(create(&app, &other, "another's").await.status, 201);
    assert_eq!(names(&list(&app, &other, "").await.ok().json()).len(), 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_has_one_to_64_characters() {
    let app = TestApp::builder().spawn().await;
    let token = log_in(&app, "ann").await;
    for bad in ["", "   ", "a\nb", &"茶".repeat(65)] {
        create(&app, &token, bad)
            .await
            .refused(400, 10001, "POST /v1/rooms");
    }
    for body in [json!({}), json!({"name": 1})] {
        let request = app.request(Method::POST, ROUTE).bearer_auth(&token);
        Reply::to(request.json(&body))
            .await
            .refused(400, 10001, "POST /v1/rooms");
    }
    assert_eq!(create(&app, &token, &"茶".repeat(64)).await.status, 201);
    assert_eq!(app.stored().count("rooms").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rooms_are_for_those_who_are_signed_in() {
    let app = TestApp::builder().spawn().await;
    app.get(ROUTE).await.refused(401, 10004, "GET /v1/rooms");
    create(&app, "nonsense", "x")
        .await
        .refused(401, 10004, "POST /v1/rooms");
    assert_eq!(app.stored().count("rooms").await, 0);
}
