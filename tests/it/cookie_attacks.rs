//! Browsers send cookies along with what other sites ask for: which page may do what with them, for every route that
//! changes something.

use reqwest::Method;
use serde_json::json;

use crate::support::app::{Builder, TestApp};
use crate::support::on_both_stores;
use crate::support::reply::Reply;

on_both_stores!(only_pages_of_ours_change_something_with_a_cookie);

const OURS: &str = "https://h5.example.com";
const PASSWORD: &str = "ninety-nine red balloons";

/// The cookies that an answer sets, as a browser sends them back.
fn cookies(reply: &Reply) -> String {
    let set = reply.headers.get_all("set-cookie").iter();
    let pairs: Vec<&str> = set
        .map(|value| value.to_str().unwrap().split(';').next().unwrap())
        .collect();
    pairs.join("; ")
}

async fn ask(app: &TestApp, method: Method, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = app.request(method, path).json(&json!({}));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Reply::to(request).await
}

async fn enter(app: &TestApp, headers: &[(&str, &str)], wants: bool) -> Reply {
    let mut body = json!({"type": 101, "account": "ann", "secret": PASSWORD});
    if wants {
        body["cookie"] = json!(true);
    }
    let mut request = app.request(Method::POST, "/v1/token").json(&body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Reply::to(request).await.ok()
}

async fn register(app: &TestApp) {
    let body = json!({"username": "ann", "password": PASSWORD});
    let made = app.post_json("/v1/users", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
}

const FOREIGN: &[&[(&str, &str)]] = &[
    &[],
    &[("origin", "null")],
    &[("origin", "")],
    &[("origin", "https://evil.example")],
    &[("origin", "https://h5.example.com.evil.example")],
    &[("origin", "http://h5.example.com")],
    &[("origin", "https://h5.example.com:444")],
    &[("origin", "https://H5.example.com/")],
    &[("sec-fetch-site", "cross-site")],
    &[("sec-fetch-site", "same-site")],
    &[("sec-fetch-site", "none")],
    &[
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
    ],
    &[
        ("sec-fetch-site", "Same-Origin"),
        ("origin", "https://evil.example"),
    ],
    &[("referer", "https://h5.example.com/")],
];

async fn only_pages_of_ours_change_something_with_a_cookie(app: Builder) {
    let app = app.set("cors.origins", OURS).spawn().await;
    register(&app).await;
    let cookie = cookies(&enter(&app, &[], true).await);
    for (method, path) in [
        (Method::PATCH, "/v1/user"),
        (Method::DELETE, "/v1/user"),
        (Method::POST, "/v1/user/password"),
        (Method::POST, "/v1/user/identities"),
        (Method::DELETE, "/v1/user/identities"),
        (Method::DELETE, "/v1/user/sessions"),
        (Method::DELETE, "/v1/user/sessions/s1"),
        (Method::POST, "/v1/rooms"),
        (Method::POST, "/v1/user/avatar"),
        (Method::POST, "/v1/token/refresh"),
        (Method::POST, "/v1/token/revoke"),
        (Method::POST, "/v1/token/revoke?all=true"),
    ] {
        for foreign in FOREIGN {
            let mut headers = foreign.to_vec();
            headers.push(("cookie", &cookie));
            let refused = ask(&app, method.clone(), path, &headers).await;
            assert_eq!(
                refused.status, 403,
                "{method} {path} {foreign:?}: {}",
                refused.text
            );
            assert_eq!(refused.json()["error_code"], 10005);
            assert_eq!(refused.header("set-cookie"), None, "{path} {foreign:?}");
        }
        // The refresh token alone is carried the same way.
        let refresh = cookie.split("; ").nth(1).unwrap();
        if path.starts_with("/v1/token/re") {
            let headers = [("cookie", refresh), ("origin", "https://evil.example")];
            assert_eq!(ask(&app, method, path, &headers).await.status, 403, "{path}");
        }
    }
    // Reading is what other pages are kept from by their browsers; nothing changes by it.
    for path in ["/v1/user", "/v1/user/sessions", "/v1/rooms"] {
        let headers = [("cookie", cookie.as_str()), ("origin", "https://evil.example")];
        let read = ask(&app, Method::GET, path, &headers).await.ok();
        assert_eq!(read.header("access-control-allow-origin"), None);
    }
    for ours in [("origin", OURS), ("sec-fetch-site", "same-origin")] {
        let headers = [("cookie", cookie.as_str()), ours];
        ask(&app, Method::PATCH, "/v1/user", &[headers[0], headers[1]])
            .await
            .refused(400, 10001, "PATCH /v1/user");
    }
    // A header is a deliberate act, whatever else the browser sends along.
    let token = enter(&app, &[], false).await.member("token");
    let bearer = format!("Bearer {token}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("cookie", cookie.as_str()),
        ("origin", "https://evil.example"),
    ];
    let out = ask(&app, Method::POST, "/v1/token/revoke", &headers).await;
    assert_eq!(out.status, 204, "{}", out.text);
    let mine = ask(&app, Method::GET, "/v1/user", &[("cookie", &cookie)]).await;
    assert_eq!(
        mine.status, 200,
        "the header's session ended, not the cookie's: {}",
        mine.text
    );
}

/// A foreign page that logs its visitor in as somebody else learns later what the visitor does as that user.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_page_logs_no_browser_in() {
    for mode in ["on-request", "always"] {
        let app = TestApp::builder()
            .set("auth.cookie", mode)
            .set("cors.origins", OURS)
            .spawn()
            .await;
        register(&app).await;
        for foreign in FOREIGN.iter().filter(|headers| {
            let tells = |(name, value): &(&str, &str)| *name == "origin" || value.ends_with("-site");
            headers.iter().any(tells)
        }) {
            let entered = enter(&app, foreign, true).await;
            assert_eq!(entered.header("set-cookie"), None, "{mode} {foreign:?}");
            let body = json!({"username": "ann", "password": PASSWORD});
            let mut request = app.request(Method::POST, "/user/login").json(&body);
            for (name, value) in *foreign {
                request = request.header(*name, *value);
            }
            let entered = Reply::to(request).await.ok();
            assert_eq!(entered.json()["code"], 0);
            assert_eq!(entered.header("set-cookie"), None, "{mode} {foreign:?}");
        }
        for ours in [&[("origin", OURS)][..], &[("sec-fetch-site", "same-origin")], &[]] {
            let entered = enter(&app, ours, true).await;
            assert_eq!(
                entered.headers.get_all("set-cookie").iter().count(),
                2,
                "{ours:?}"
            );
        }
        let unasked = enter(&app, &[], false).await;
        assert_eq!(unasked.header("set-cookie").is_some(), mode == "always");
        // What a form of another site can send is not read at all.
        for form in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
        ] {
            let body = json!({"type": 101, "account": "ann", "secret": PASSWORD, "cookie": true});
            let refused = app.post_raw("/v1/token", form, body.to_string()).await;
            assert_eq!(
                (refused.status, refused.header("set-cookie")),
                (415, None),
                "{form}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn never_means_that_no_cookie_is_set_or_taken() {
    let mut app = TestApp::builder().set("cors.origins", OURS).spawn().await;
    register(&app).await;
    let cookie = cookies(&enter(&app, &[], true).await);
    assert!(cookie.contains("wxgate="), "{cookie}");
    let headers = [("cookie", cookie.as_str()), ("origin", OURS)];
    ask(&app, Method::GET, "/v1/user", &headers).await.ok();
    app.stop().await;
    app.reconfigure(|config| config.auth.cookie = wxgate::config::CookieUse::Never);
    app.start().await;
    for (method, path) in [
        (Method::GET, "/v1/user"),
        (Method::POST, "/v1/token/refresh"),
        (Method::POST, "/v1/token/revoke"),
        (Method::GET, "/getAllRoomInfo"),
    ] {
        let refused = ask(&app, method, path, &headers).await;
        assert_eq!(refused.status, 401, "{path}: {}", refused.text);
    }
    let entered = enter(&app, &[("origin", OURS)], true).await;
    assert_eq!(entered.header("set-cookie"), None);
}
