//! Claims, under our own signature: each must be right, even if we signed it.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};

use super::stage::{Cases, Stage};

pub(super) fn times(stage: &Stage, cases: &mut Cases) {
    let now = stage.now();
    for (name, value) in [
        ("exp", json!(now)),
        ("exp", json!(now - 1)),
        ("exp", json!(now - 100_000)),
        ("exp", json!(0)),
        ("exp", json!(-1)),
        ("exp", json!(i64::MIN)),
        ("exp", json!((now + 600).to_string())),
        ("exp", json!(true)),
        ("exp", json!([now + 600])),
        ("exp", json!({})),
        ("exp", Value::Null),
        ("exp", json!(u64::MAX)),
        ("nbf", json!(now + 60)),
        ("nbf", json!(now + 100_000)),
        ("nbf", json!(i64::MAX)),
        ("nbf", json!(-1)),
        ("nbf", json!(now.to_string())),
        ("nbf", Value::Null),
        ("iat", json!("now")),
        ("iat", Value::Null),
    ] {
        cases.add(
            format!("{name} {value}").replace(&now.to_string(), "now"),
            stage.with_claim(name, value),
        );
    }
    let text = |exp: &str| {
        let right = format!("\"exp\":{}", stage.claims["exp"]);
        let claims = stage.claims.to_string();
        assert!(claims.contains(&right));
        claims.replace(&right, &format!("\"exp\":{exp}"))
    };
    let (half, whole) = (format!("{}.5", now + 600), format!("{}.0", now + 600));
    for exp in [
        &half,
        &whole,
        "1e400",
        "1e10",
        "NaN",
        "Infinity",
        "99999999999999999999",
        "07",
        "0x7fffffff",
    ] {
        cases.add(
            format!("exp written {exp}"),
            stage.ours_of_texts(&stage.header.to_string(), &text(exp)),
        );
    }
}

pub(super) fn claims(stage: &Stage, cases: &mut Cases) {
    for name in stage.claims.as_object().unwrap().keys() {
        let mut without = stage.claims.clone();
        without.as_object_mut().unwrap().remove(name);
        cases.add(format!("{name} missing"), stage.ours(&stage.header, &without));
    }
    for (name, value) in [
        ("iss", json!("other")),
        ("iss", json!("")),
        ("iss", json!("WXGATE")),
        ("iss", json!("wxgate ")),
        ("iss", json!(["wxgate"])),
        ("iss", json!(["other", "wxgate"])),
        ("iss", Value::Null),
        ("aud", json!("other")),
        ("aud", json!("")),
        ("aud", json!([])),
        ("aud", json!(["wxgate"])),
        ("aud", json!(["other", "wxgate"])),
        ("aud", json!("wxgate,other")),
        ("aud", json!({"wxgate": 1})),
        ("aud", Value::Null),
        ("sub", json!("")),
        ("sub", json!(7)),
        ("sub", json!("a b")),
        ("sub", json!("../a")),
        ("sub", json!("a".repeat(65))),
        ("sub", Value::Null),
        ("sid", json!("")),
        ("sid", json!("a/b")),
        ("sid", json!({"$ne": ""})),
        ("sid", Value::Null),
        ("scope", json!("root")),
        ("scope", json!("Admin")),
        ("scope", json!("user admin")),
        ("scope", json!(["user"])),
        ("scope", json!("")),
        ("scope", Value::Null),
        ("jti", json!(1)),
        ("app", json!(["wx"])),
        ("app", Value::Null),
    ] {
        cases.add(format!("{name} {value}"), stage.with_claim(name, value));
    }
}

/// Texts that two parsers could read in two ways, signed by us.
pub(super) fn json(stage: &Stage, cases: &mut Cases) {
    let (header, claims) = (stage.header.to_string(), stage.claims.to_string());
    let doubled = |text: &str, more: &str| format!("{},{more}}}", text.strip_suffix('}').unwrap());
    for more in [
        r#""sub":"somebody-else""#,
        r#""scope":"admin""#,
        r#""exp":9999999999"#,
        r#""aud":"wxgate""#,
        r#""\u0073ub":"somebody-else""#,
    ] {
        cases.add(
            format!("claim twice: {more}"),
            stage.ours_of_texts(&header, &doubled(&claims, more)),
        );
    }
    for more in [
        r#""alg":"none""#,
        r#""alg":"EdDSA""#,
        r#""kid":"unknown""#,
        r#""typ":"at+jwt""#,
    ] {
        cases.add(
            format!("header member twice: {more}"),
            stage.ours_of_texts(&doubled(&header, more), &claims),
        );
    }
    for (name, text) in [
        ("nothing", String::new()),
        ("null", "null".to_owned()),
        ("a text", json!(claims).to_string()),
        ("an array", format!("[{claims}]")),
        ("an empty object", "{}".to_owned()),
        ("cut short", claims[..claims.len() - 1].to_owned()),
        ("two objects", format!("{claims}{claims}")),
        ("a byte order mark", format!("\u{feff}{claims}")),
        ("a comment", format!("/**/{claims}")),
        ("a comma at the end", doubled(&claims, "")),
        (
            "nested deeply",
            format!("{}{}", "[".repeat(2_500), "]".repeat(2_500)),
        ),
    ] {
        cases.add(format!("claims are {name}"), stage.ours_of_texts(&header, &text));
    }
    for (name, text) in [
        ("nothing", String::new()),
        ("null", "null".to_owned()),
        ("an array", format!("[{header}]")),
        ("two objects", format!("{header}{header}")),
        (
            "nested deeply",
            doubled(
                &header,
                &format!("\"a\":{}{}", "[".repeat(1_000), "]".repeat(1_000)),
            ),
        ),
        ("a byte order mark", format!("\u{feff}{header}")),
    ] {
        cases.add(
            format!("the header is {name}"),
            stage.ours_of_texts(&text, &claims),
        );
    }
    let mut bytes = claims.into_bytes();
    let position = bytes.windows(6).position(|six| six == b"wxgate").unwrap();
    bytes[position] = 0xff;
    cases.add(
        "claims are no UTF-8",
        stage.ours_of_parts(&BASE64.encode(header), &BASE64.encode(bytes)),
    );
}
