//! Hostile values in every member of every JSON route of identity: operators of databases, other types, other
//! languages' escapes. None is accepted, and nothing breaks.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::codes::with;
use crate::identity_attacks::{PASSWORD, account, call, register};
use crate::support::app::Builder;
use crate::support::on_both_stores;
use crate::support::receiver::Receiver;

on_both_stores!(no_hostile_value_is_accepted_or_breaks_anything);

/// None of them is a password, code, token or name of anybody's.
fn texts() -> Vec<String> {
    let plain = [
        "$ne",
        "$where",
        "{\"$ne\":\"\"}",
        "{$gt:''}",
        "[$regex]=.*",
        "' OR '1'='1",
        "\" OR \"\"=\"",
        "ann'--",
        "ann' /*",
        "'; DROP TABLE users; --",
        "1; SELECT pg_sleep(5)",
        "*)(uid=*))(|(uid=*",
        "ann\u{0}",
        "\u{0}",
        "ann\u{200b}",
        "\u{202e}nna",
        "ANN",
        "ann ann",
        "../../etc/passwd",
        "%00",
        "%24ne",
        "__proto__",
        "constructor",
        "{{7*7}}",
        "${jndi:ldap://127.0.0.1/a}",
        "<script>alert(1)</script>",
        "\r\nX-Injected: 1",
        "username::ann",
        "email::ann@example.com",
        "wechat:wx00000000000000b0:o",
        "null",
        "undefined",
        "NaN",
        "true",
        "-1",
        "1e309",
        "🐼🐼🐼",
        "ﬀ",
        "ａｎｎ",
    ];
    let mut all: Vec<String> = plain.into_iter().map(str::to_owned).collect();
    all.push("a".repeat(5000));
    all
}

fn shapes() -> Vec<Value> {
    let mut deep = json!("ann");
    for _ in 0..100 {
        deep = json!([deep]);
    }
    vec![
        json!({"$ne": ""}),
        json!({"$gt": ""}),
        json!({"$regex": ".*"}),
        json!({"$exists": true}),
        json!({"$where": "sleep(5000)"}),
        json!({"$in": ["ann", "bob"]}),
        json!({"$eq": "ann"}),
        json!({"__proto__": {"admin": true}}),
        json!({"toString": "ann"}),
        json!({}),
        json!([]),
        json!(["ann"]),
        json!([["ann"]]),
        json!(["ann", "bob"]),
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1e308),
        json!(9_223_372_036_854_775_807_i64),
        json!(18_446_744_073_709_551_615_u64),
        deep,
    ]
}

const ORDER: &[&str] = &[
    "account",
    "username",
    "old",
    "phone",
    "app",
    "refresh_token",
    "nickname",
];

/// Requests that are good but for one member, which is replaced, and in how many of the members (in the order of
/// [`ORDER`]) no text at all is good.
fn routes() -> Vec<(&'static str, &'static str, Value, usize)> {
    let phone = "13800138000";
    vec![
        (
            "POST",
            "/v1/token",
            json!({"type": 101, "account": "ann", "secret": PASSWORD}),
            2,
        ),
        (
            "POST",
            "/v1/token",
            json!({"type": 102, "account": phone, "secret": "000000"}),
            2,
        ),
        (
            "POST",
            "/v1/token",
            json!({"type": 200, "account": "ann@example.com", "secret": PASSWORD}),
            2,
        ),
        ("POST", "/v1/token", json!({"type": 100, "account": "code"}), 1),
        ("POST", "/v1/token/refresh", json!({"refresh_token": "wxr_"}), 1),
        (
            "POST",
            "/v1/codes",
            json!({"phone": phone, "purpose": "login"}),
            2,
        ),
        (
            "POST",
            "/v1/user/password",
            json!({"old": "wrong", "new": "another horse battery"}),
            1,
        ),
        (
            "POST",
            "/v1/user/identities",
            json!({"phone": phone, "code": "000000"}),
            2,
        ),
        ("DELETE", "/v1/user/identities", json!({"phone": phone}), 1),
        ("DELETE", "/v1/user/identities", json!({"app": "game"}), 1),
        (
            "POST",
            "/api/user/login",
            json!({"username": "ann", "password": PASSWORD}),
            2,
        ),
        (
            "POST",
            "/user/login",
            json!({"username": "ann", "password": PASSWORD}),
            2,
        ),
        (
            "POST",
            "/v1/users",
            json!({"username": "bob", "password": PASSWORD}),
            0,
        ),
        ("PATCH", "/v1/user", json!({"nickname": "ann"}), 0),
        (
            "POST",
            "/api/user/register",
            json!({"username": "bob", "password": PASSWORD}),
            0,
        ),
    ]
}

async fn no_hostile_value_is_accepted_or_breaks_anything(app: Builder) {
    let receiver = Receiver::start().await;
    let app = with(app, &receiver)
        .set("auth.limits.address_failures", "100000")
        .set("auth.limits.account_failures", "100000")
        .spawn()
        .await;
    let ann = register(&app, "username", "ann").await;
    let token = ann.member("token");
    for (method, path, good, takes_no_text) in routes() {
        let method: Method = method.parse().unwrap();
        let mut names: Vec<String> = good.as_object().unwrap().keys().cloned().collect();
        names.sort_by_key(|name| !ORDER.contains(&name.as_str()));
        for (index, name) in names.iter().enumerate() {
            let texts = texts().into_iter().map(Value::String);
            let is_text = index < takes_no_text && name != "type";
            let values = shapes().into_iter().chain(texts.filter(|_| is_text));
            let requests = values.map(|value| {
                let mut body = good.clone();
                body[name] = value;
                let (app, token, method) = (&app, &token, method.clone());
                async move { (call(app, method, path, token, &body).await, body) }
            });
            // The password's own number in another type is refused as well.
            for (reply, body) in join_all(requests).await {
                let is_refused = match path {
                    "/api/user/login" | "/user/login" | "/api/user/register" => {
                        reply.status == 200 && reply.json()["code"] == -1 || reply.status == 503
                    }
                    _ => matches!(reply.status, 400 | 401 | 403 | 404 | 409 | 429 | 503),
                };
                let shown: String = body.to_string().chars().take(300).collect();
                assert!(is_refused, "{path} {shown}: {} {}", reply.status, reply.text);
                assert!(reply.header("x-injected").is_none());
            }
        }
    }
    let users = app.stored().count("users").await;
    assert_eq!(users, 1, "somebody was made of a hostile value");
    assert_eq!(account(&app, &token).await["id"], ann.json()["user"]["id"]);
    assert!(receiver.received().is_empty(), "a code was sent");
    // What looks like an operator and is a name is a name.
    for name in ["$ne", "$where", "__proto__", "a.b", "a:b"] {
        assert_eq!(register(&app, "username", name).await.status, 201, "{name}");
        let body = json!({"type": 101, "account": name, "secret": PASSWORD});
        app.post_json("/v1/token", &body).await.ok();
    }
}
