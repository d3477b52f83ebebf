//! The founding documents' wire forms about logins: each row of their table is a test that speaks plain HTTP. The rows
//! about `/auth`, `/jsapi`, files and pictures are with their subjects.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Builder, TestApp};
use crate::support::on_both_stores;
use crate::support::reply::Reply;

on_both_stores!(
    register_and_log_in_as_document_000_has_it,
    log_in_as_document_002_has_it,
    failed_logins_are_answered_with_200,
    refresh_as_document_002_has_it,
    the_list_of_rooms_as_document_002_has_it,
    everything_else_under_api_needs_a_token,
    a_token_is_carried_as_each_document_has_it,
    a_cookie_carries_the_token_and_is_cleared,
    a_logout_ends_the_session_for_good,
    the_token_says_what_document_000_lists,
    foreign_origins_see_the_tokens_headers,
);

const PASSWORD: &str = "ninety-nine red balloons";

fn keys(body: &Value) -> BTreeSet<&str> {
    body.as_object().unwrap().keys().map(String::as_str).collect()
}

async fn register(app: &TestApp, name: &str) -> Reply {
    let body = json!({"username": name, "password": PASSWORD});
    app.post_json("/api/user/register", &body).await.ok()
}

async fn get(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = app.request(Method::GET, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Reply::to(request).await
}

async fn register_and_log_in_as_document_000_has_it(app: Builder) {
    let app = app.spawn().await;
    let registered = register(&app, "ann").await;
    let all = BTreeSet::from(["code", "msg", "token", "refreshToken", "userInfo"]);
    assert_eq!(keys(&registered.json()), all);
    assert_eq!(registered.json()["code"], 0);
    assert_eq!(registered.json()["userInfo"]["username"], "ann");
    let body = json!({"username": "ann", "password": PASSWORD});
    let login = app.post_json("/api/user/login", &body).await.ok();
    assert_eq!(keys(&login.json()), all);
    assert_eq!(login.json()["userInfo"], registered.json()["userInfo"]);
    // The same name again, and what is no name or no password.
    for (name, password) in [
        ("ann", PASSWORD),
        ("", PASSWORD),
        ("bob", ""),
        ("bob", "short"),
        ("a b", PASSWORD),
    ] {
        let body = json!({"username": name, "password": password});
        let refused = app.post_json("/api/user/register", &body).await.ok();
        assert_eq!(refused.json()["code"], -1, "{name} {password}");
        assert_eq!(keys(&refused.json()), BTreeSet::from(["code", "msg"]));
    }
    // A name with @ is an e-mail address.
    register(&app, "Ann@Example.com").await;
    let body = json!({"username": "ann@example.com", "password": PASSWORD});
    assert_eq!(app.post_json("/user/login", &body).await.ok().json()["code"], 0);
    assert_eq!(app.stored().count("users").await, 2);
}

async fn log_in_as_document_002_has_it(app: Builder) {
    let app = app.spawn().await;
    register(&app, "ann").await;
    let body = json!({"username": "ann", "password": PASSWORD});
    let login = app.post_json("/user/login", &body).await.ok();
    let all = BTreeSet::from(["code", "msg", "token", "refreshToken", "userInfo"]);
    assert_eq!(keys(&login.json()), all);
    assert_eq!(login.header("token").unwrap(), login.member("token"));
    assert_eq!(
        login.header("refresh-token").unwrap(),
        login.member("refreshToken")
    );
    // Type 101 takes the same names.
    let body = json!({"type": 101, "account": "ann", "secret": PASSWORD});
    let typed = app.post_json("/v1/token", &body).await.ok();
    assert_eq!(typed.json()["user"]["id"], login.json()["userInfo"]["id"]);
}

async fn failed_logins_are_answered_with_200(app: Builder) {
    let app = app.spawn().await;
    register(&app, "ann").await;
    let attempt = async |name: &str, password: &str| {
        let body = json!({"username": name, "password": password});
        let reply = app.post_json("/user/login", &body).await.ok();
        assert_eq!(keys(&reply.json()), BTreeSet::from(["code", "msg"]));
        assert_eq!(reply.json()["code"], -1);
        reply.text
    };
    // Which of the two is wrong is not told.
    assert_eq!(
        attempt("nobody", PASSWORD).await,
        attempt("ann", "wrong password").await
    );
    attempt("", "").await;
    attempt("ann", "").await;
    for body in [
        json!({}),
        json!([]),
        json!({"username": {"$ne": ""}, "password": {"$ne": ""}}),
    ] {
        let reply = app.post_json("/user/login", &body).await.ok();
        assert_eq!(reply.json()["code"], -1);
    }
    let broken = app.post_raw("/user/login", "application/json", "{").await.ok();
    assert_eq!(broken.json()["code"], -1);
}

async fn refresh_as_document_002_has_it(app: Builder) {
    let app = app.spawn().await;
    let registered = register(&app, "ann").await;
    let refresh = async |token: &str| {
        let request = app.request(Method::POST, "/user/refreshToken");
        Reply::to(request.header("refresh-token", token)).await.ok()
    };
    let refreshed = refresh(&registered.member("refreshToken")).await;
    assert_eq!(keys(&refreshed.json()), BTreeSet::from(["code", "token"]));
    assert_eq!(refreshed.json()["code"], 0);
    assert_eq!(refreshed.header("token").unwrap(), refreshed.member("token"));
    assert_ne!(
        refreshed.header("refresh-token").unwrap(),
        registered.member("refreshToken")
    );
    let refused = refresh("nonsense").await;
    assert_eq!(keys(&refused.json()), BTreeSet::from(["code", "msg"]));
    assert_eq!(refused.json()["code"], 1);
    let none = Reply::to(app.request(Method::POST, "/user/refreshToken"))
        .await
        .ok();
    assert_eq!(none.json()["code"], 1);
}

async fn the_list_of_rooms_as_document_002_has_it(app: Builder) {
    let app = app.spawn().await;
    let token = register(&app, "ann").await.member("token");
    let room = app.request(Method::POST, "/v1/rooms").header("token", &token);
    Reply::to(room.json(&json!({"name": "茶室"}))).await;
    let list = get(&app, "/getAllRoomInfo", &[("token", &token)]).await.ok();
    assert_eq!(keys(&list.json()), BTreeSet::from(["code", "data"]));
    assert_eq!(list.json()["code"], 0);
    assert_eq!(list.json()["data"][0]["name"], "茶室");
    for headers in [&[][..], &[("token", "nonsense")][..]] {
        let refused = get(&app, "/getAllRoomInfo", headers).await;
        assert_eq!(
            (refused.status, refused.json()),
            (401, json!({"code": 401, "msg": "token 过期，或失效"}))
        );
    }
}

async fn everything_else_under_api_needs_a_token(app: Builder) {
    let app = app.spawn().await;
    let token = register(&app, "ann").await.member("token");
    for headers in [&[][..], &[("authorization", "Bearer nonsense")][..]] {
        for path in ["/api/", "/api/user/info", "/api/user/login"] {
            let refused = get(&app, path, headers).await;
            let expected = json!({"code": -1, "msg": "token验证失败"});
            assert_eq!((refused.status, refused.json()), (401, expected), "{path}");
        }
    }
    let bearer = format!("Bearer {token}");
    let known = get(&app, "/api/user/info", &[("authorization", &bearer)]).await;
    known.refused(404, 10002, "GET /api/user/info");
}

async fn a_token_is_carried_as_each_document_has_it(app: Builder) {
    let app = app.spawn().await;
    let token = register(&app, "ann").await.member("token");
    let other = register(&app, "bob").await.member("token");
    let basic = BASE64_STANDARD.encode(format!("{token}:"));
    for (name, value) in [
        ("authorization", format!("Bearer {token}")),
        ("authorization", format!("bearer {token}")),
        ("authorization", format!("Basic {basic}")),
        ("authorization", format!("BASIC {basic}")),
        ("token", token.clone()),
    ] {
        let reply = get(&app, "/v1/user", &[(name, &value)]).await;
        assert_eq!(reply.status, 200, "{name}: {value}");
    }
    let bearer = format!("Bearer {token}");
    let agreeing = [("authorization", bearer.as_str()), ("token", token.as_str())];
    get(&app, "/v1/user", &agreeing).await.ok();
    // A header wins over the cookie, whatever that says.
    let cookie = format!("wxgate={other}");
    let both = get(&app, "/v1/user", &[("token", &token), ("cookie", &cookie)])
        .await
        .ok();
    let own = get(&app, "/v1/user", &[("token", &token)]).await.ok();
    assert_eq!(both.json(), own.json());
    for bad in [
        &[("authorization", bearer.as_str()), ("token", other.as_str())][..],
        &[("authorization", "Bearer"), ("token", token.as_str())],
        &[("authorization", token.as_str())],
        &[("authorization", "Digest x")],
        &[("token", "")],
        &[("token", "nonsense"), ("cookie", cookie.as_str())],
        &[],
    ] {
        let refused = get(&app, "/v1/user", bad).await;
        refused.refused(401, 10004, "GET /v1/user");
    }
}

async fn a_cookie_carries_the_token_and_is_cleared(app: Builder) {
    let app = app.set("cors.origins", "https://h5.example.com").spawn().await;
    register(&app, "ann").await;
    let body = json!({"type": 101, "account": "ann", "secret": PASSWORD, "cookie": true});
    let login = app.post_json("/v1/token", &body).await.ok();
    let set: Vec<_> = login
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect();
    assert_eq!(set.len(), 2, "{set:?}");
    assert!(
        set[0].starts_with("wxgate=ey") && set[0].contains("Path=/;"),
        "{set:?}"
    );
    assert!(
        set[1].starts_with("wxgate-refresh=wxr_") && set[1].contains("Path=/v1/token"),
        "{set:?}"
    );
    for cookie in &set {
        assert!(
            cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
            "{cookie}"
        );
        assert!(!cookie.contains("Secure"), "{cookie}");
    }
    let pairs: Vec<_> = set
        .iter()
        .map(|cookie| cookie.split(';').next().unwrap())
        .collect();
    let cookie = pairs.join("; ");
    get(&app, "/v1/user", &[("cookie", &cookie)]).await.ok();
    // What changes something has to come from a page of ours.
    let refresh = async |headers: &[(&str, &str)]| {
        let mut request = app
            .request(Method::POST, "/v1/token/refresh")
            .header("cookie", &cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Reply::to(request).await
    };
    for bad in [
        &[][..],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
        &[
            ("sec-fetch-site", "same-site"),
            ("origin", "https://h5.example.com.evil.example"),
        ],
    ] {
        refresh(bad).await.refused(403, 10005, "POST /v1/token/refresh");
    }
    for good in [
        ("origin", "https://h5.example.com"),
        ("sec-fetch-site", "same-origin"),
    ] {
        let refreshed = refresh(&[good]).await.ok();
        assert_eq!(refreshed.headers.get_all("set-cookie").iter().count(), 2);
    }
    // A cookie that is not good any more is cleared. The refresh token stays where it was not sent: the client goes on
    // with it, and to its login page if that is not good either.
    let cleared = |reply: &Reply| -> Vec<String> {
        let set = reply.headers.get_all("set-cookie").iter();
        set.map(|value| value.to_str().unwrap())
            .inspect(|cookie| assert!(cookie.contains("Max-Age=0"), "{cookie}"))
            .map(|cookie| cookie.split('=').next().unwrap().to_owned())
            .collect()
    };
    let stale = get(&app, "/v1/user", &[("cookie", "wxgate=stale")]).await;
    assert_eq!(cleared(&stale), ["wxgate"]);
    stale.refused(401, 10004, "GET /v1/user");
    let both = app
        .request(Method::POST, "/v1/token/refresh")
        .header("cookie", "wxgate=stale; wxgate-refresh=stale")
        .header("sec-fetch-site", "same-origin");
    let both = Reply::to(both).await;
    assert_eq!(cleared(&both), ["wxgate", "wxgate-refresh"]);
    both.refused(401, 10004, "POST /v1/token/refresh");
    // Under another name than loopback the names bind the cookie to TLS and to the host.
    let request = app
        .request(Method::POST, "/v1/token")
        .header("host", "wx.example.com");
    let secure = Reply::to(request.json(&body)).await.ok();
    let set: Vec<_> = secure
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect();
    assert!(
        set[0].starts_with("__Host-wxgate=") && set[0].contains("Secure"),
        "{set:?}"
    );
    assert!(
        set[1].starts_with("__Secure-wxgate-refresh=") && set[1].contains("Secure"),
        "{set:?}"
    );
}

async fn a_logout_ends_the_session_for_good(app: Builder) {
    let app = app.spawn().await;
    let registered = register(&app, "ann").await;
    let token = registered.member("token");
    let request = app
        .request(Method::POST, "/v1/token/revoke")
        .header("token", &token);
    assert_eq!(Reply::to(request).await.status, 204);
    assert_eq!(
        get(&app, "/getAllRoomInfo", &[("token", &token)]).await.status,
        401
    );
    let request = app.request(Method::POST, "/user/refreshToken");
    let request = request.header("refresh-token", registered.member("refreshToken"));
    assert_eq!(Reply::to(request).await.ok().json()["code"], 1);
}

async fn the_token_says_what_document_000_lists(app: Builder) {
    let app = app.spawn().await;
    let token = register(&app, "ann").await.member("token");
    let payload = token.split('.').nth(1).unwrap();
    let payload = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    for claim in ["iss", "exp", "sub", "aud", "nbf", "iat", "jti"] {
        assert!(!claims[claim].is_null(), "{claim}");
    }
    // Nothing sensitive: whoever has the token reads it.
    assert!(!String::from_utf8(payload).unwrap().contains("ann"));
}

async fn foreign_origins_see_the_tokens_headers(app: Builder) {
    let app = app.set("cors.origins", "https://h5.example.com").spawn().await;
    register(&app, "ann").await;
    let request = app
        .request(Method::POST, "/user/login")
        .header("origin", "https://h5.example.com");
    let login = Reply::to(request.json(&json!({"username": "ann", "password": PASSWORD})))
        .await
        .ok();
    let exposed = login
        .header("access-control-expose-headers")
        .unwrap()
        .to_lowercase();
    assert!(
        exposed.contains("token") && exposed.contains("refresh-token"),
        "{exposed}"
    );
    assert_eq!(
        login.header("access-control-allow-origin"),
        Some("https://h5.example.com")
    );
}
