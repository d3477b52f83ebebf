//! Which other sites' scripts may call, as browsers ask before they let them.

use std::collections::BTreeSet;

use reqwest::Method;

use crate::support::app::TestApp;
use crate::support::reply::Reply;

const ORIGIN: &str = "https://h5.example.com";

fn preflight(app: &TestApp, origin: &str, headers: &str) -> reqwest::RequestBuilder {
    app.request(Method::OPTIONS, "/v1/token")
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", headers)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listed_origin_may_call() {
    let app = TestApp::builder().set("cors.origins", ORIGIN).spawn().await;
    let headers = "content-type,authorization,token,refresh-token,refreshtoken,x-request-id,last-event-id";
    let reply = Reply::to(preflight(&app, ORIGIN, headers)).await;
    assert!([200, 204].contains(&reply.status), "{}", reply.text);
    assert_eq!(reply.header("access-control-allow-origin"), Some(ORIGIN));
    assert_eq!(reply.header("access-control-allow-credentials"), Some("true"));
    let allowed = reply
        .header("access-control-allow-headers")
        .unwrap()
        .to_lowercase();
    for name in headers.split(',') {
        assert!(
            allowed.split(',').any(|one| one.trim() == name),
            "{name}: {allowed}"
        );
    }
    // On answers of every kind, or the page cannot read them.
    for path in ["/healthz", "/nowhere", "/jsapi"] {
        let reply = Reply::to(app.request(Method::GET, path).header("origin", ORIGIN)).await;
        assert_eq!(
            reply.header("access-control-allow-origin"),
            Some(ORIGIN),
            "{path}"
        );
        let exposed = reply
            .header("access-control-expose-headers")
            .unwrap()
            .to_lowercase();
        let exposed: BTreeSet<&str> = exposed.split(',').map(str::trim).collect();
        assert_eq!(
            exposed,
            BTreeSet::from(["token", "refresh-token", "x-request-id"])
        );
        assert!(reply.header("vary").unwrap().to_lowercase().contains("origin"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unlisted_origin_is_told_nothing() {
    let listed = TestApp::builder().set("cors.origins", ORIGIN).spawn().await;
    let none = TestApp::builder().spawn().await;
    for app in [&listed, &none] {
        for origin in [
            "https://evil.org",
            "https://h5.example.com.evil.org",
            "http://h5.example.com",
            "null",
        ] {
            let get = app.request(Method::GET, "/healthz").header("origin", origin);
            for request in [get, preflight(app, origin, "token")] {
                let reply = Reply::to(request).await;
                let told = reply.header("access-control-allow-origin");
                assert_eq!(told, None, "{origin}");
            }
        }
    }
}
