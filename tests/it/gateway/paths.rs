//! Addresses that two servers may read differently never reach WeChat. (reliability T21, G27.)

use super::{API, before, caller};
use crate::support::app::TestApp;
use crate::support::reply::Reply;
use crate::support::upstream::Upstream;

/// Segments that lead elsewhere for somebody.
const HOSTILE: [&str; 36] = [
    ".",
    "..",
    "%2e",
    "%2E",
    "%2e%2e",
    ".%2e",
    "%2e.",
    "%2E%2E",
    "",
    "a%2fb",
    "a%2Fb",
    "%2f",
    "%2F..",
    "..%2f",
    "..%2F",
    "%5c",
    "%5C",
    "..%5c",
    "a%5cb",
    "..;",
    "..;a=b",
    ";",
    "a;b",
    "%3b",
    "%252e%252e",
    "%252f",
    "%25",
    "a%00",
    "%00",
    "%0a",
    "%0d%0a",
    "%09",
    "%7f",
    "a:b",
    "%3f",
    "%23",
];

/// Queries that carry a credential for somebody.
const CREDENTIALS: [&str; 21] = [
    "access_token=x",
    "a=1&access_token=x",
    "access%5ftoken=x",
    "access%5Ftoken=x",
    "%61ccess_token=x",
    "access_token",
    "access_token=",
    "Access_Token=x",
    "ACCESS_TOKEN=x",
    "access_token[]=x",
    "access_token%5B%5D=x",
    "a=1;access_token=x",
    "a;access_token=x",
    "+access_token=x",
    "%20access_token=x",
    "access_token%00=x",
    "access.token=x",
    "access%20token=x",
    "access_token=x&access_token=y",
    "&access_token=x",
    "access_token%5b0%5d=x",
];

async fn raw(app: &TestApp, key: &str, line: &str, headers: &str) -> Reply {
    let text = format!(
        "{line} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {key}\r\n{headers}Connection: close\r\n\r\n"
    );
    Reply::to_bytes(app.addr(), text.into_bytes()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_addresses_are_refused_before_scope_is_looked_at() {
    let upstream = Upstream::start();
    let app = before(&upstream, TestApp::builder()).await;
    // Neither all rights nor none make a difference.
    let (all, none) = (
        caller(&app, &["* /**"]).await,
        caller(&app, &["GET /no/such"]).await,
    );
    let mut cases = 0;
    for key in [&all, &none] {
        for segment in HOSTILE {
            for path in [
                format!("/{segment}"),
                format!("/{segment}/cgi-bin/user/info"),
                format!("/cgi-bin/{segment}/info"),
                format!("/cgi-bin/user/{segment}"),
            ] {
                let answer = raw(&app, key, &format!("GET {API}{path}"), "").await;
                assert_eq!(answer.status, 400, "{path}: {}", answer.text);
                cases += 1;
            }
        }
        for query in CREDENTIALS {
            let answer = raw(&app, key, &format!("GET {API}/cgi-bin/user/info?{query}"), "").await;
            assert_eq!(answer.status, 400, "{query}: {}", answer.text);
            cases += 1;
        }
        for header in [
            "X_Real_IP: 1\r\n",
            "access_token: x\r\n",
            "Content_Length: 5\r\n",
            "Content-Type: a/b\r\nContent-Type: c/d\r\n",
        ] {
            let answer = raw(&app, &all, &format!("GET {API}/cgi-bin/user/info"), header).await;
            assert_eq!(answer.status, 400, "{header}: {}", answer.text);
            cases += 1;
        }
        for path in [
            "//evil.example/a".to_owned(),
            "/http://evil.example/a".to_owned(),
            "/https:/evil.example".to_owned(),
            "/@evil.example/a/".to_owned(),
            "\\\\evil.example\\a".to_owned(),
            "/cgi-bin/user/info%".to_owned(),
            "/cgi-bin/user/info%f".to_owned(),
            "/cgi-bin/user/%ff".to_owned(),
            "/cgi-bin/user/%c0%ae".to_owned(),
            format!("/{}", "a".repeat(2000)),
            format!("/a?{}", "b".repeat(9000)),
        ] {
            let answer = raw(&app, key, &format!("GET {API}{path}"), "").await;
            assert!(
                matches!(answer.status, 400 | 404),
                "{path}: {} {}",
                answer.status,
                answer.text
            );
            cases += 1;
        }
    }
    assert!(cases >= 200, "{cases}");
    assert!(upstream.seen().is_empty(), "{:?}", upstream.seen());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_compared_is_what_is_sent() {
    let upstream = Upstream::start();
    let app = before(&upstream, TestApp::builder()).await;
    let key = caller(&app, &["GET /cgi-bin/user/*"]).await;
    // Encoded letters of a path that is allowed, and of one that is not.
    let allowed = raw(&app, &key, &format!("GET {API}/cgi%2Dbin/%75ser/info"), "").await;
    assert_eq!(allowed.status, 200);
    assert!(upstream.last().target.starts_with("/cgi%2Dbin/%75ser/info?"));
    for path in [
        "/cgi-bin/%6denu/get",
        "/cgi-bin/menu/get",
        "/CGI-BIN/user/info",
        "/cgi-bin/user/info/x",
    ] {
        assert_eq!(
            raw(&app, &key, &format!("GET {API}{path}"), "").await.status,
            403,
            "{path}"
        );
    }
    // The parts of our own address may be encoded as well: what follows them is the same.
    let encoded = raw(&app, &key, "GET /v1/%61pps/sh%6fp/api/cgi-bin/user/get", "").await;
    assert_eq!(encoded.status, 200, "{}", encoded.text);
    assert!(upstream.last().target.starts_with("/cgi-bin/user/get?"));
    // A fragment is never part of a path.
    let fragment = raw(
        &app,
        &key,
        &format!("GET {API}/cgi-bin/menu/create#/cgi-bin/user/info"),
        "",
    )
    .await;
    assert!(matches!(fragment.status, 400 | 403), "{}", fragment.status);
    let absolute = raw(
        &app,
        &key,
        &format!("GET http://evil.example{API}/cgi-bin/user/info"),
        "",
    )
    .await;
    assert!(absolute.status == 400 || upstream.last().header("host") == Some(&upstream.addr.to_string()));
    assert_eq!(
        upstream
            .seen()
            .iter()
            .filter(|seen| seen.header("host") != Some(&upstream.addr.to_string()))
            .count(),
        0
    );
}
