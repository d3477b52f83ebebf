//! Where webhooks may be: on the public internet, unless the operator says otherwise. Names are looked at when something
//! is delivered; what stands in the address itself is looked at here.

use reqwest::Method;
use serde_json::json;

use super::{ROUTE, call, manager};
use crate::support::app::TestApp;

/// Hosts that are not public, in the spellings in which they slip through elsewhere.
const NOT_PUBLIC: &[&str] = &[
    // This machine.
    "localhost",
    "LOCALHOST",
    "localhost.",
    ".",
    "a.localhost",
    "ｌｏｃａｌｈｏｓｔ",
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0x7F.0.0.1",
    "017700000001",
    "0177.0.0.1",
    "0177.0x0.0.01",
    "１２７.０.０.１",
    "127。0。0。1",
    "%31%32%37.0.0.1",
    "0",
    "0.0.0.0",
    "0x0",
    "0.1.2.3",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::FFFF:7F00:0001]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::127.0.0.1]",
    "[2002:7f00:1::]",
    "[2002:7f00:0001::1]",
    // Where clouds keep the secrets of their machines.
    "169.254.169.254",
    "169.254.170.2",
    "0xa9fea9fe",
    "2852039166",
    "0251.0376.0251.0376",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::]",
    "[fd00:ec2::254]",
    "100.100.100.200",
    "168.63.129.16",
    "metadata",
    "metadata.google.internal",
    // Private networks and what else is no place of the public internet.
    "10.0.0.1",
    "10.255.255.255",
    "167772161",
    "012.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "192.168.257",
    "100.64.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "4294967295",
    "[fe80::1]",
    "[fec0::1]",
    "[fc00::1]",
    "[fd12:3456:789a::1]",
    "[ff02::1]",
    "[2001:db8::1]",
    "[2001::1]",
    "[100::1]",
    "[::10.0.0.1]",
    "[::ffff:10.0.0.1]",
    "receiver",
    "orders",
    "printer.local",
    "db.internal",
    "router.home.arpa",
];

/// What no address of a webhook is, wherever it may be.
const NO_ADDRESS: &[&str] = &[
    "example.com",
    "//example.com/",
    "/hook",
    "https://",
    "https:///",
    "https://?a",
    "https://exa mple.com/",
    " https://example.com/",
    "https://example.com/ ",
    "https://example.com/\n",
    "https://exam\tple.com/",
    "https://example.com\\@10.0.0.1/",
    "https:\\\\example.com/",
    "https://user@example.com/",
    "https://user:s3cret@example.com/",
    "https://:s3cret@example.com/",
    "https://@example.com/",
    "https://:@example.com/",
    "https://example.com@127.0.0.1/",
    "https://127.0.0.1%2f@example.com/",
    "https://example.com/#",
    "https://example.com/#@127.0.0.1",
    "https://example.com:0/",
    "https://example.com:65536/",
    "https://example.com:80:80/",
    "https://1.2.3.4.5/",
    "https://256.256.256.256/",
    "https://0x1ffffffff/",
    "https://[::1/",
    "https://[::g]/",
    "https://[fe80::1%25eth0]/",
    "https://exa<mple.com/",
    "https://exa%00mple.com/",
    "https://xn--/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_x",
    "javascript:alert(1)",
    "data:text/plain,x",
    "ws://example.com/",
    "unix:/run/docker.sock",
    "http+unix://%2Frun%2Fdocker.sock/",
    "jar:https://example.com/!/",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_but_the_public_internet_is_an_address() {
    let app = TestApp::builder().spawn().await;
    let key = manager(&app).await;
    let asked = format!("POST {ROUTE}");
    let made = call(
        &app,
        Method::POST,
        ROUTE,
        &key,
        &json!({"url": "https://example.com/"}),
    )
    .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let path = format!("{ROUTE}/{}", made.member("id"));
    let hosts = NOT_PUBLIC
        .iter()
        .flat_map(|host| [format!("http://{host}/"), format!("https://{host}:8443/hook?a=b")]);
    let others = NO_ADDRESS.iter().map(|url| (*url).to_owned());
    let mut count = 0;
    for url in hosts.chain(others) {
        count += 1;
        let body = json!({"url": url});
        let reply = call(&app, Method::POST, ROUTE, &key, &body).await;
        assert_eq!(reply.status, 400, "{url}: {}", reply.text);
        let told = reply.refused(400, 10001, &asked);
        assert!(!told.to_string().contains("s3cret"), "{told}");
        let reply = call(&app, Method::PATCH, &path, &key, &body).await;
        assert_eq!(reply.status, 400, "{url}: {}", reply.text);
    }
    assert!(count >= 120, "{count}");
    assert_eq!(app.stored().count("webhooks").await, 1);
    let kept = call(&app, Method::GET, &path, &key, &json!({}))
        .await
        .ok()
        .member("url");
    assert_eq!(kept, "https://example.com/");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn public_addresses_are_taken_however_they_are_written() {
    let app = TestApp::builder().spawn().await;
    let key = manager(&app).await;
    let long = format!("https://example.com/{}", "a".repeat(2048 - 20));
    for (url, kept) in [
        ("https://example.com", "https://example.com/"),
        (
            "HTTPS://EXAMPLE.COM:443/Hook?A=%2f",
            "https://example.com/Hook?A=%2f",
        ),
        ("http://example.com.:8080/a@b:c", "http://example.com.:8080/a@b:c"),
        ("https://订单.example.com/", "https://xn--4kr132k.example.com/"),
        ("https://1.1.1.1/", "https://1.1.1.1/"),
        ("https://0x01010101/", "https://1.1.1.1/"),
        (
            "https://[2606:4700:4700::1111]/",
            "https://[2606:4700:4700::1111]/",
        ),
        ("https://172.32.0.1/", "https://172.32.0.1/"),
        ("https://localhost.example.com/", "https://localhost.example.com/"),
        (&long, &long),
    ] {
        let reply = call(&app, Method::POST, ROUTE, &key, &json!({"url": url})).await;
        assert_eq!(reply.status, 201, "{url}: {}", reply.text);
        assert_eq!(reply.member("url"), kept, "{url}");
    }
    let reply = call(
        &app,
        Method::POST,
        ROUTE,
        &key,
        &json!({"url": format!("{long}a")}),
    )
    .await;
    reply.refused(400, 10001, &format!("POST {ROUTE}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn private_networks_are_the_operators_decision() {
    let builder = TestApp::builder().set("push.webhook_private_networks", "true");
    let app = builder.spawn().await;
    let key = manager(&app).await;
    for host in [
        "localhost",
        "127.0.0.1",
        "10.1.2.3",
        "[::1]",
        "receiver",
        "orders.internal",
    ] {
        let url = format!("http://{host}:8080/hook");
        let reply = call(&app, Method::POST, ROUTE, &key, &json!({"url": url})).await;
        assert_eq!(reply.status, 201, "{url}: {}", reply.text);
        assert_eq!(reply.member("url"), url);
    }
    for url in NO_ADDRESS {
        let reply = call(&app, Method::POST, ROUTE, &key, &json!({"url": url})).await;
        assert_eq!(reply.status, 400, "{url}: {}", reply.text);
    }
}
