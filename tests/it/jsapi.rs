//! `/jsapi`: signatures that the platform would accept, over exactly the address that was sent.

use serde_json::json;
use sha1::{Digest, Sha1};
use wxgate::domain::page_url::PageUrl;
use wxgate::domain::signature;

use crate::support::app::{Builder, SHOP, TestApp};
use crate::support::on_both_stores;
use crate::support::platform::TICKET;
use crate::support::reply::Reply;
use crate::vectors;

on_both_stores!(
    an_answer_has_what_wx_config_wants,
    a_signature_is_over_the_bytes_that_were_sent,
);

fn encode(url: &str) -> String {
    url::form_urlencoded::byte_serialize(url.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

/// Computes the signature anew and compares.
#[track_caller]
fn check(reply: &Reply, page: &str) {
    assert_eq!(reply.status, 200, "{page}: {}", reply.text);
    let body = reply.json();
    let text = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("no {name}: {body}"));
    assert_eq!(text("url"), page);
    let signed = format!(
        "jsapi_ticket={}&noncestr={}&timestamp={}&url={page}",
        text("jsapi_ticket"),
        text("nonceStr"),
        body["timestamp"].as_i64().unwrap()
    );
    assert_eq!(text("signature"), hex::encode(Sha1::digest(signed)));
    assert_eq!(text("nonceStr"), text("noncestr"));
    assert_eq!(text("appId"), SHOP);
}

async fn an_answer_has_what_wx_config_wants(app: Builder) {
    let app = app.spawn().await;
    let reply = app
        .get(&format!("/jsapi?url={}", encode("https://example.com/")))
        .await
        .ok();
    let body = reply.json();
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    let expected = ["appId", "timestamp", "nonceStr", "noncestr", "signature", "url"];
    assert_eq!(
        names, expected,
        "the ticket is a secret unless the operator says otherwise"
    );
    assert!(body["timestamp"].is_i64());
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let again = app
        .get(&format!("/jsapi?url={}", encode("https://example.com/")))
        .await
        .ok();
    assert_ne!(body["nonceStr"], again.json()["nonceStr"]);
}

async fn a_signature_is_over_the_bytes_that_were_sent(app: Builder) {
    let app = app.set("jsapi.expose_ticket", "true").spawn().await;
    for page in [
        "https://example.com/",
        "https://example.com",
        "http://example.com:8080/a/b?x=1&y=2",
        "https://example.com/?q=a+b",
        "https://example.com/?q=a%2Bb%20c",
        "https://example.com/?q=100%25",
        "https://example.com/%E4%B8%AD?%e4%b8%ad=%E4",
        "https://example.com/中文?名=值&b",
        "https://EXAMPLE.com/?&&=?//",
        "HTTPS://sub.example.com/a?x=1;y='\"<>[]{}|^`",
    ] {
        // As web pages are told to ask, with and without the fragment.
        check(&app.get_raw(format!("/jsapi?url={}", encode(page))).await, page);
        let with_fragment = encode(&format!("{page}#/route?x=1"));
        check(
            &app.get_raw(format!("/jsapi/shop?_=1&url={with_fragment}&v=2"))
                .await,
            page,
        );
        for path in ["/jsapi", "/jsapi/shop"] {
            let body = json!({"url": format!("{page}#top")});
            check(&app.post_json(path, &body).await, page);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_was_not_encoded_is_decoded_once_like_any_other() {
    let app = TestApp::builder()
        .set("jsapi.expose_ticket", "true")
        .spawn()
        .await;
    for (query, page) in [
        ("url=https://example.com/?x=1", "https://example.com/?x=1"),
        ("v=1&url=https://example.com/?x=1", "https://example.com/?x=1"),
        ("url=https://example.com/a+b%2Bc", "https://example.com/a+b+c"),
        ("url=https://example.com/%25E4", "https://example.com/%E4"),
        ("url=https://example.com/%E4%B8%AD", "https://example.com/中"),
        ("url=https://example.com/?a=%26b", "https://example.com/?a=&b"),
        ("url=https%3A%2F%2Fexample.com%2F+&v=1", "https://example.com/+"),
    ] {
        check(&app.get_raw(format!("/jsapi?{query}")).await, page);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ambiguous_address_is_refused_with_a_hint() {
    let app = TestApp::builder().spawn().await;
    let reply = app.get_raw("/jsapi?url=https://example.com/?x=1&y=2").await;
    let body = reply.refused(400, 10001, "GET /jsapi");
    assert!(body["msg"].to_string().contains("encodeURIComponent"), "{body}");
    for query in [
        "",
        "url=",
        "url",
        "uri=x",
        "url=%zz",
        "url=%E4%B8",
        "url=a%3A&url=b%3A",
    ] {
        let reply = app.get_raw(format!("/jsapi?{query}")).await;
        reply.refused(400, 10001, "GET /jsapi");
    }
    for body in [
        json!({}),
        json!({"url": null}),
        json!({"url": 1}),
        json!({"url": ""}),
    ] {
        let reply = app.post_json("/jsapi", &body).await;
        reply.refused(400, 10001, "POST /jsapi");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_pages_of_the_accounts_own_hosts_are_signed() {
    let app = TestApp::builder().spawn().await;
    let status = async |page: &str| {
        let reply = app.get_raw(format!("/jsapi?url={}", encode(page))).await;
        if reply.status == 403 {
            reply.refused(403, 10005, "GET /jsapi");
        }
        reply.status
    };
    for page in [
        "https://example.com",
        "http://example.com:81/",
        "https://Example.COM/",
        "https://a.example.com/",
        "https://a.b.example.com:8443/x",
    ] {
        assert_eq!(status(page).await, 200, "{page}");
    }
    for page in [
        "https://badexample.com/",
        "https://example.com.evil.org/",
        "https://example.com%2eevil.org/",
        "https://evil.org/example.com",
        "https://evil.org?example.com",
        "https://evil.org#.example.com",
        "https://evil.org/?u=https://example.com/",
        "https://example.co/",
        "https://xample.com/",
        "https://com/",
        "https://-example.com/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://ex\u{430}mple.com/",
    ] {
        assert_eq!(status(page).await, 403, "{page}");
    }
    for page in [
        "https://example.com@evil.org/",
        "https://example.com:x@evil.org/",
        "https://evil.org\\.example.com/",
        "https://example.com\\@evil.org/",
        "ftp://example.com/",
        "javascript://example.com/",
        "//example.com/",
        "example.com",
        "https://",
        "https:///",
        "https://exam ple.com/",
        "https://example.com/a b",
        "https://example.com/\n",
    ] {
        assert_eq!(status(page).await, 400, "{page}");
    }
    let long = format!("https://example.com/{}", "a".repeat(4096));
    assert_eq!(status(&long).await, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_without_hosts_signs_nothing() {
    let app = TestApp::builder().set("apps.shop.js_domains", "").spawn().await;
    let reply = app.get("/jsapi?url=https://example.com/").await;
    reply.refused(403, 10005, "GET /jsapi");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_official_accounts_have_a_js_sdk() {
    let app = TestApp::builder().spawn().await;
    for name in ["nobody", "game"] {
        let reply = app.get(&format!("/jsapi/{name}?url=https://example.com/")).await;
        reply.refused(404, 10002, &format!("GET /jsapi/{name}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_official_account_signs_for_itself() {
    let app = TestApp::builder().official("shop").official("news").spawn().await;
    for (path, app_id) in [
        ("/jsapi", SHOP),
        ("/jsapi/shop", SHOP),
        ("/jsapi/news", "wx00000000000000a1"),
    ] {
        let reply = app.get(&format!("{path}?url=https://example.com/")).await.ok();
        assert_eq!(reply.member("appId"), app_id, "{path}");
    }
    assert_eq!(app.simulator().calls(TICKET).await, 2, "one for each");
}

#[test]
fn the_official_samples_have_their_signatures() {
    for vector in vectors::of(&["jssdk_signature", "jssdk_sha1"]) {
        let page = PageUrl::parse(vector.input("url")).unwrap();
        let ticket = vector.input("jsapi_ticket").into();
        let timestamp = vector.inputs["timestamp"].as_i64().unwrap();
        let signature = signature::jsapi(&ticket, vector.input("noncestr"), timestamp, &page);
        assert_eq!(
            signature.as_str(),
            vector.expected["signature"],
            "{}",
            vector.name
        );
    }
}
