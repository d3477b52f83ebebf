//! Whose request it is, for every kind of peer and header.

use std::net::IpAddr;

use actix_web::http::header::{HeaderMap, HeaderValue, X_FORWARDED_FOR};
use ipnet::IpNet;
use wxgate::http::edge::peer::{ClientAddress, client_address};

// Peer, lines of X-Forwarded-For, client, whether an untrusted peer forwards. Trusted: 10.0.0.0/8, fd00::/8, 192.0.2.1.
const CASES: &[(&str, &[&str], &str, bool)] = &[
    // Nobody forwards.
    ("203.0.113.9", &[], "203.0.113.9", false),
    ("10.0.0.1", &[], "10.0.0.1", false),
    ("2001:db8::1", &[], "2001:db8::1", false),
    ("::ffff:203.0.113.9", &[], "203.0.113.9", false),
    // A stranger claims to.
    ("203.0.113.9", &["1.1.1.1"], "203.0.113.9", true),
    ("203.0.113.9", &["127.0.0.1"], "203.0.113.9", true),
    ("203.0.113.9", &["10.0.0.1"], "203.0.113.9", true),
    ("203.0.113.9", &[""], "203.0.113.9", true),
    ("127.0.0.1", &["1.1.1.1"], "127.0.0.1", true),
    ("192.0.2.2", &["1.1.1.1"], "192.0.2.2", true),
    ("2001:db8::1", &["1.1.1.1"], "2001:db8::1", true),
    ("::ffff:203.0.113.9", &["1.1.1.1"], "203.0.113.9", true),
    // One proxy.
    ("10.0.0.1", &["203.0.113.9"], "203.0.113.9", false),
    ("192.0.2.1", &["203.0.113.9"], "203.0.113.9", false),
    ("fd00::1", &["203.0.113.9"], "203.0.113.9", false),
    ("::ffff:10.0.0.1", &["203.0.113.9"], "203.0.113.9", false),
    ("10.0.0.1", &["2001:db8::7"], "2001:db8::7", false),
    ("10.0.0.1", &["[2001:db8::7]"], "2001:db8::7", false),
    ("10.0.0.1", &["[2001:db8::7]:443"], "2001:db8::7", false),
    ("10.0.0.1", &["203.0.113.9:5000"], "203.0.113.9", false),
    ("10.0.0.1", &["  203.0.113.9\t"], "203.0.113.9", false),
    ("10.0.0.1", &["::ffff:203.0.113.9"], "203.0.113.9", false),
    // The client made up the left part.
    ("10.0.0.1", &["1.1.1.1, 203.0.113.9"], "203.0.113.9", false),
    (
        "10.0.0.1",
        &["127.0.0.1, 10.0.0.9, 203.0.113.9"],
        "203.0.113.9",
        false,
    ),
    ("10.0.0.1", &["junk, 203.0.113.9"], "203.0.113.9", false),
    // Several proxies.
    ("10.0.0.1", &["203.0.113.9, 10.0.0.2"], "203.0.113.9", false),
    (
        "10.0.0.1",
        &["1.1.1.1, 203.0.113.9, 10.0.0.2, fd00::2"],
        "203.0.113.9",
        false,
    ),
    ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3", false),
    // Several lines are one list.
    ("10.0.0.1", &["203.0.113.9", "10.0.0.2"], "203.0.113.9", false),
    ("10.0.0.1", &["1.1.1.1", "203.0.113.9"], "203.0.113.9", false),
    // What is not an address ends the search.
    ("10.0.0.1", &[""], "10.0.0.1", false),
    ("10.0.0.1", &["unknown"], "10.0.0.1", false),
    ("10.0.0.1", &["203.0.113.9, unknown"], "10.0.0.1", false),
    ("10.0.0.1", &["203.0.113.9, _hidden, 10.0.0.2"], "10.0.0.2", false),
    ("10.0.0.1", &["203.0.113.9,"], "10.0.0.1", false),
    ("10.0.0.1", &["203.0.113.999"], "10.0.0.1", false),
    ("10.0.0.1", &["203.0.113.9\u{fc}"], "10.0.0.1", false),
];

#[test]
fn the_client_is_the_right_most_untrusted_hop() {
    let trusted: Vec<IpNet> = ["10.0.0.0/8", "fd00::/8", "192.0.2.1/32"]
        .map(|text| text.parse().unwrap())
        .to_vec();
    for (peer, lines, client, forwarded_by_untrusted) in CASES {
        let mut headers = HeaderMap::new();
        for line in *lines {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        let found = client_address(Some(peer.parse().unwrap()), &headers, &trusted);
        let ip: IpAddr = client.parse().unwrap();
        let expected = ClientAddress {
            ip: Some(ip),
            forwarded_by_untrusted: *forwarded_by_untrusted,
        };
        assert_eq!(found, expected, "{peer} {lines:?}");
    }
}

#[test]
fn a_long_chain_costs_a_bounded_search() {
    let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
    let mut headers = HeaderMap::new();
    let chain = format!("203.0.113.9{}", ", 10.0.0.2".repeat(5000));
    headers.append(X_FORWARDED_FOR, HeaderValue::from_str(&chain).unwrap());
    let found = client_address(Some([10, 0, 0, 1].into()), &headers, &trusted);
    assert_eq!(found.ip, Some([10, 0, 0, 2].into()));
}
