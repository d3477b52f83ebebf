//! Codes that are guessed or used by crowds, and identities that several people want.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::codes::with;
use crate::support::app::{Builder, TestApp};
use crate::support::on_both_stores;
use crate::support::receiver::Receiver;
use crate::support::reply::Reply;

on_both_stores!(
    of_two_hundred_with_the_right_code_one_is_logged_in,
    a_code_is_not_guessed,
    a_claimed_address_yields_to_who_proves_it,
    one_code_for_two_users_at_once_links_one,
    two_users_who_prove_each_others_phones_at_once_become_one,
    the_last_way_in_stays,
    what_many_want_at_once_is_one_users,
);

pub(crate) const PASSWORD: &str = "ninety-nine red balloons";

pub(crate) async fn call(app: &TestApp, method: Method, path: &str, token: &str, body: &Value) -> Reply {
    Reply::to(app.request(method, path).bearer_auth(token).json(body)).await
}

pub(crate) async fn account(app: &TestApp, token: &str) -> Value {
    call(app, Method::GET, "/v1/user", token, &json!({}))
        .await
        .ok()
        .json()
}

pub(crate) async fn register(app: &TestApp, name: &str, value: &str) -> Reply {
    let body = json!({name: value, "password": PASSWORD});
    app.post_json("/v1/users", &body).await
}

/// A code that was sent there. The address of whoever asks is not known, so that only the target's limits count.
pub(crate) async fn code(app: &TestApp, receiver: &Receiver, target: (&str, &str), purpose: &str) -> String {
    let body = json!({target.0: target.1, "purpose": purpose});
    let request = app
        .request(Method::POST, "/v1/codes")
        .header("x-forwarded-for", "192.0.2.1");
    let sent = Reply::to(request.json(&body)).await;
    assert_eq!(sent.status, 204, "{}", sent.text);
    let latest = receiver.received().pop();
    latest.unwrap().json()["code"].as_str().unwrap().to_owned()
}

pub(crate) async fn by_phone(app: &TestApp, receiver: &Receiver, number: &str) -> String {
    let code = code(app, receiver, ("phone", number), "login").await;
    let body = json!({"type": 102, "account": number, "secret": code});
    app.post_json("/v1/token", &body).await.ok().member("token")
}

pub(crate) async fn link(app: &TestApp, token: &str, target: (&str, &str), code: &str) -> Reply {
    let body = json!({target.0: target.1, "code": code});
    call(app, Method::POST, "/v1/user/identities", token, &body).await
}

async fn of_two_hundred_with_the_right_code_one_is_logged_in(app: Builder) {
    let receiver = Receiver::start().await;
    let app = with(app, &receiver)
        .set("auth.limits.account_failures", "1000")
        .set("auth.limits.address_failures", "1000")
        .spawn()
        .await;
    let code = code(&app, &receiver, ("phone", "13800138000"), "login").await;
    let body = json!({"type": 102, "account": "13800138000", "secret": code});
    let replies = join_all((0..200).map(|_| app.post_json("/v1/token", &body))).await;
    let entered = replies.iter().filter(|reply| reply.status == 200).count();
    let refused = replies.iter().filter(|reply| reply.status == 401).count();
    assert_eq!((entered, refused), (1, 199));
    assert_eq!(app.stored().count("sessions").await, 1);
    assert_eq!(app.stored().count("users").await, 1);
}

async fn a_code_is_not_guessed(app: Builder) {
    let receiver = Receiver::start().await;
    let app = with(app, &receiver).spawn().await;
    let phone = "13800138000";
    let login = async |secret: &str| {
        let body = json!({"type": 102, "account": phone, "secret": secret});
        app.post_json("/v1/token", &body).await
    };
    let first = code(&app, &receiver, ("phone", phone), "login").await;
    let wrong = |code: &str| format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000);
    for _ in 0..5 {
        login(&wrong(&first)).await.refused(401, 10004, "POST /v1/token");
    }
    login(&first).await.refused(401, 10004, "POST /v1/token");
    app.turn(60);
    // The next code has tries of its own, and the account has few left.
    let second = code(&app, &receiver, ("phone", phone), "login").await;
    for _ in 0..4 {
        login(&wrong(&second)).await.refused(401, 10004, "POST /v1/token");
    }
    login(&second).await.refused(429, 10006, "POST /v1/token");
    // A code for one purpose is of no use for another.
    let token = register(&app, "username", "ann").await.member("token");
    link(&app, &token, ("phone", phone), &second)
        .await
        .refused(403, 10005, "POST /v1/user/identities");
    app.turn(15 * 60);
    let third = code(&app, &receiver, ("phone", phone), "login").await;
    login(&third).await.ok();
}

async fn a_claimed_address_yields_to_who_proves_it(app: Builder) {
    let receiver = Receiver::start().await;
    let app = with(app, &receiver).spawn().await;
    let address = ("email", "ann@example.com");
    let claimer = register(&app, address.0, address.1).await.member("token");
    // With a claim alone no password is reset.
    let code_for_password = code(&app, &receiver, address, "password").await;
    let body = json!({"email": address.1, "code": code_for_password, "new": "another horse battery"});
    call(&app, Method::POST, "/v1/user/password", &claimer, &body)
        .await
        .refused(403, 10005, "POST /v1/user/password");
    app.turn(60);
    let ann = register(&app, "username", "ann").await;
    let token = ann.member("token");
    let proof = code(&app, &receiver, address, "link").await;
    let linked = link(&app, &token, address, &proof).await.ok().json();
    assert_eq!(linked["id"], ann.json()["user"]["id"]);
    assert_eq!(linked["identities"].as_array().unwrap().len(), 2);
    assert!(
        linked["identities"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["proven"] == true)
    );
    assert_eq!(account(&app, &claimer).await["identities"], json!([]));
    // The address leads to who has proven it, with that user's password.
    let login = json!({"type": 101, "account": address.1, "secret": PASSWORD});
    let found = app.post_json("/v1/token", &login).await.ok().json();
    assert_eq!(found["user"]["id"], linked["id"]);
    register(&app, address.0, address.1)
        .await
        .refused(409, 10011, "POST /v1/users");
}

async fn one_code_for_two_users_at_once_links_one(app: Builder) {
    let receiver = Receiver::start().await;
    let app = with(app, &receiver).spawn().await;
    let ann = register(&app, "username", "ann").await.member("token");
    let bob = register(&app, "username", "bob").await.member("token");
    for round in 0..5 {
        let number = format!("1380013900{round}");
        let target = ("phone", number.as_str());
        let proof = code(&app, &receiver, target, "link").await;
        let tries = (0..8).map(|index| link(&app, if index % 2 == 0 { &ann } else { &bob }, target, &proof));
        let replies = join_all(tries).await;
        let linked = replies.iter().filter(|reply| reply.status == 200).count();
        let refused = replies.iter().filter(|reply| reply.status == 403).count();
        assert_eq!((linked, refused), (1, 7));
    }
    let count = async |token: &str| account(&app, token).await["identities"].as_array().unwrap().len();
    assert_eq!(count(&ann).await + count(&bob).await, 7);
}

async fn two_users_who_prove_each_others_phones_at_once_become_one(app: Builder) {
    let receiver = Receiver::start().await;
    let app = with(app, &receiver).spawn().await;
    for round in 0..5 {
        let numbers = [format!("1380013{round}000"), format!("1380013{round}001")];
        let ann = by_phone(&app, &receiver, &numbers[0]).await;
        let bob = by_phone(&app, &receiver, &numbers[1]).await;
        app.turn(60);
        let (first, second) = (("phone", numbers[0].as_str()), ("phone", numbers[1].as_str()));
        let of_ann = code(&app, &receiver, second, "link").await;
        let of_bob = code(&app, &receiver, first, "link").await;
        let (one, other) = tokio::join!(
            link(&app, &ann, second, &of_ann),
            link(&app, &bob, first, &of_bob)
        );
        assert_eq!(one.ok().json()["id"], other.ok().json()["id"]);
        let (one, other) = (account(&app, &ann).await, account(&app, &bob).await);
        assert_eq!(one, other);
        assert_eq!(one["identities"].as_array().unwrap().len(), 2, "{one}");
    }
    let users = app.stored().records("users").await;
    let merged = users
        .iter()
        .filter(|user| user["merged_into"].is_string())
        .count();
    assert_eq!((users.len(), merged), (10, 5));
}

async fn the_last_way_in_stays(app: Builder) {
    let receiver = Receiver::start().await;
    let app = with(app, &receiver).spawn().await;
    let unlink = async |token: &str, body: Value| {
        call(&app, Method::DELETE, "/v1/user/identities", token, &body).await
    };
    let ann = app.log_in(&app.code("ann").await).await.ok().member("token");
    unlink(&ann, json!({"app": "game"}))
        .await
        .refused(409, 10011, "DELETE /v1/user/identities");
    // An address without a password is no way in.
    let address = ("email", "ann@example.com");
    let proof = code(&app, &receiver, address, "link").await;
    link(&app, &ann, address, &proof).await.ok();
    unlink(&ann, json!({"app": "game"}))
        .await
        .refused(409, 10011, "DELETE /v1/user/identities");
    let body = json!({"new": PASSWORD});
    let set = call(&app, Method::POST, "/v1/user/password", &ann, &body).await;
    assert_eq!(set.status, 204, "{}", set.text);
    unlink(&ann, json!({"app": "game"})).await.ok();
    unlink(&ann, json!({"email": address.1}))
        .await
        .refused(409, 10011, "DELETE /v1/user/identities");
    // Two at once, each of which would have left the other.
    for round in 0..10 {
        let numbers = [format!("138001{round:02}000"), format!("138001{round:02}001")];
        let bob = by_phone(&app, &receiver, &numbers[0]).await;
        let target = ("phone", numbers[1].as_str());
        let proof = code(&app, &receiver, target, "link").await;
        link(&app, &bob, target, &proof).await.ok();
        let both = numbers
            .iter()
            .map(|number| unlink(&bob, json!({"phone": number})));
        let replies = join_all(both).await;
        assert!(replies.iter().any(|reply| reply.status == 409), "{replies:?}");
        let left = account(&app, &bob).await["identities"].as_array().unwrap().len();
        assert!(left >= 1, "nobody can log in as this user any more");
    }
}

async fn what_many_want_at_once_is_one_users(app: Builder) {
    let app = app.spawn().await;
    for (name, value) in [("username", "ann"), ("email", "ann@example.com")] {
        let spellings = [value.to_owned(), format!(" {value} ")];
        let tries = (0..10).map(|index| register(&app, name, &spellings[index % 2]));
        let replies = join_all(tries).await;
        let made = replies.iter().filter(|reply| reply.status == 201).count();
        // A busy machine may tell some of them to come back.
        let refused = replies
            .iter()
            .filter(|reply| matches!(reply.status, 409 | 503))
            .count();
        assert_eq!((made, refused), (1, 9));
    }
    assert_eq!(app.stored().count("users").await, 2);
    assert_eq!(app.stored().count("identities").await, 2);
}
