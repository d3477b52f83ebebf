//! Queries of `/auth`: whatever comes, no parameter has two values, and none is longer than it may be.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wxgate::http::extract::Query;

const PARAMETERS: [(&str, usize); 7] = [
    ("signature", 128),
    ("timestamp", 32),
    ("nonce", 128),
    ("echostr", 1024),
    ("openid", 64),
    ("encrypt_type", 16),
    ("msg_signature", 128),
];

fuzz_target!(|input: &[u8]| {
    let Ok(raw) = std::str::from_utf8(input) else {
        return;
    };
    let Ok(query) = Query::parse(raw) else {
        return;
    };
    for (name, most) in PARAMETERS {
        if let Ok(value) = query.once(name, most) {
            assert!((1..=most).contains(&value.len()));
            assert!(!value.contains('\0'));
        }
        let _ = query.at_most_once(name, most);
        let _ = query.flag(name);
    }
});
