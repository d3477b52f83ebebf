//! Addresses that lead into the operator's own network: nothing ever connects to them.

use std::time::Duration;

use wxgate::net::check_url;
use wxgate::service::deliveries::Failure;

use super::office::Office;
use crate::support::app::TestApp;
use crate::support::receiver::Receiver;

/// Hosts, and what else is written before the path, that must not be connected to. `{}` is the receiver's port.
const HOSTS: &str = "
127.0.0.1:{} 127.0.0.1.:{} 127.1:{} 127.0.1:{} 2130706433:{} 017700000001:{} 0177.0.0.1:{} 0x7f.1:{} 0x7f000001:{}
0x7F.0x0.0x0.0x1:{} 127.0x0.0.1:{} 00000177.1:{} 127.127.127.127:{} 127.255.255.254:{} 0.0.0.0:{} 0:{} 0x0:{} 00:{}
%31%32%37.0.0.1:{} 127%2e0%2e0%2e1:{} １２７.０.０.１:{} 127。0。0。1:{} 127．0．0．1:{} ①②⑦.⓪.⓪.①:{}
[::1]:{} [::]:{} [0:0:0:0:0:0:0:1]:{} [0000::1]:{} [::127.0.0.1]:{} [::7f00:1]:{} [::ffff:127.0.0.1]:{} [::ffff:7f00:1]:{}
[::ffff:0.0.0.0]:{} [0:0:0:0:0:ffff:127.0.0.1]:{} [::ffff:0:127.0.0.1]:{} [64:ff9b::127.0.0.1]:{} [64:ff9b::7f00:1]:{}
[64:ff9b:1::127.0.0.1]:{} [64:ff9b:1:fffe::1]:{} [2002:7f00:1::]:{} [2002:7f00:0001::1]:{} [2002:a00:1::1]:{}
[2002:c0a8:101::]:{} [2002:a9fe:a9fe::]:{} [2001::1]:{} [2001:0:7f00:1::]:{} [2001:0:4136:e378:8000:63bf:80ff:fffe]:{}
[2001:2::1]:{} [2001:10::1]:{} [2001:20::1]:{} [2001:db8::1]:{} [3fff::1]:{} [100::1]:{} [5f00::1]:{} [fc00::1]:{} [fd00::1]:{}
[fd00:ec2::254]:{} [fe80::1]:{} [febf::1]:{} [fec0::1]:{} [ff02::1]:{} [ff05::2]:{} [::ffff:169.254.169.254]:{}
[::ffff:a9fe:a9fe]:{} [::ffff:10.0.0.1]:{} [::ffff:192.168.1.1]:{} [::ffff:172.16.0.1]:{} [64:ff9b::169.254.169.254]:{}
[64:ff9b::10.0.0.1]:{} [::169.254.169.254]:{} [4000::1]:{} [8000::1]:{}
10.0.0.1:{} 10.255.255.255:{} 012.0.0.1:{} 0xa.1:{} 167772161:{} 172.16.0.1:{} 172.31.255.255:{} 0xac.0x10.0.1:{} 192.168.0.1:{}
192.168.1.1:{} 0xc0a80101:{} 3232235777:{} 100.64.0.1:{} 100.100.100.200:{} 100.127.255.255:{} 169.254.0.1:{}
169.254.169.254 169.254.169.254:80 0xa9fea9fe 2852039166 0251.0376.0251.0376 169.254.43518 169.16689662 0xa9.0xfe.0xa9.0xfe
169.254.170.2 192.0.0.1:{} 192.0.0.192:{} 192.0.2.1:{} 192.88.99.1:{} 198.18.0.1:{} 198.19.255.255:{} 198.51.100.1:{} 203.0.113.1:{}
224.0.0.1:{} 239.255.255.250:{} 240.0.0.1:{} 255.255.255.255:{} 4294967295:{} 168.63.129.16
localhost:{} LOCALHOST:{} localhost.:{} LocalHost.:{} a.localhost:{} a.b.localhost.:{} ｌｏｃａｌｈｏｓｔ:{} loca%6Chost:{}
receiver:{} printer.local:{} metadata.google.internal metadata:80 db.internal:{} router.home.arpa:{} kubernetes:{}
user@example.com:{} user:secret@127.0.0.1:{} example.com@127.0.0.1:{} :@127.0.0.1:{} a%40b@127.0.0.1:{}
";

/// Whole addresses that must not be requested.
const WHOLE: &[&str] = &[
    "file:///etc/passwd",
    "ftp://127.0.0.1:{}/",
    "gopher://127.0.0.1:{}/_GET",
    "ws://127.0.0.1:{}/",
    "data:text/plain,a",
    "javascript:alert(1)",
    "unix:/var/run/docker.sock",
    "http://127.0.0.1:{}\\@example.com/",
    "http:\\\\127.0.0.1:{}\\",
    "http:127.0.0.1:{}/",
    "http:///127.0.0.1:{}/",
    "http:////127.0.0.1:{}/",
    "//127.0.0.1:{}/",
    "http://127.0.0.1:{}#@example.com/",
    "http://example.com/#a",
    "http://127.0.0.1\t:{}/",
    " http://127.0.0.1:{}/",
    "ht\ntp://127.0.0.1:{}/",
    "https://example.com:0/",
    "http://",
    "",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_connects_to_an_address_that_is_not_public() {
    let mut office = Office::open(TestApp::builder()).await;
    office.push.webhook_private_networks = false;
    let receiver = Receiver::start().await;
    let instance = office.instance().await;
    let mut webhook = instance.webhook(&receiver).await;
    let port = receiver.addr.port().to_string();
    let mut urls: Vec<_> = WHOLE.iter().map(|url| (*url).to_owned()).collect();
    for host in HOSTS.split_whitespace() {
        urls.push(format!("http://{host}/hook"));
        urls.push(format!("https://{host}/hook?a=b"));
    }
    assert!(
        HOSTS.split_whitespace().count() + WHOLE.len() >= 120,
        "{}",
        urls.len()
    );
    let event = office.event_to_be(&[]);
    for url in urls {
        let url = url.replace("{}", &port);
        if let Ok(parsed) = url.parse() {
            assert!(check_url(&parsed, false).is_err(), "{url} as {parsed}");
        }
        webhook.url = url;
        let limit = Duration::from_secs(5);
        let said = instance.deliveries.ask(&webhook, &event.id, "{}", limit).await;
        let failure = said.unwrap_err();
        let refused = matches!(failure, Failure::Forbidden(_) | Failure::Unusable);
        assert!(refused, "{}: {failure}", webhook.url);
    }
    assert_eq!(receiver.connections(), 0);
    // That somebody would have heard of it.
    webhook.url = receiver.url();
    office.push.webhook_private_networks = true;
    let open = office.instance().await;
    let limit = Duration::from_secs(5);
    open.deliveries
        .ask(&webhook, &event.id, "{}", limit)
        .await
        .unwrap();
    assert_eq!(receiver.connections(), 1);
}
