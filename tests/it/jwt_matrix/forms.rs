//! Signatures and the text around them.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde_json::json;

use super::stage::{Cases, Stage, part};

pub(super) fn signatures(stage: &Stage, cases: &mut Cases) {
    let [header, claims, signature] = stage.parts();
    let bytes = BASE64.decode(signature).unwrap();
    let with = |bytes: &[u8]| format!("{header}.{claims}.{}", BASE64.encode(bytes));
    cases.add("signature stripped, with its dot", format!("{header}.{claims}."));
    cases.add("signature stripped", format!("{header}.{claims}"));
    for length in [1, 32, 63] {
        cases.add(format!("signature of {length} bytes"), with(&bytes[..length]));
    }
    cases.add("a byte more", with(&[&bytes[..], &[0]].concat()));
    cases.add("a signature twice", with(&[&bytes[..], &bytes[..]].concat()));
    cases.add("all zero", with(&[0; 64]));
    cases.add("all one", with(&[255; 64]));
    cases.add("halves swapped", with(&[&bytes[32..], &bytes[..32]].concat()));
    for bit in [0, 255, 256, 511] {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        cases.add(format!("bit {bit} turned"), with(&bytes));
    }
    // The same point of the curve, written with a number that is too large. (RFC 8032, 5.1.7.)
    cases.add("the group's order added to S", with(&malleated(&bytes)));
    // 512 bits leave four bits of the last character without meaning.
    let last = signature.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let position = alphabet.find(last).unwrap();
    let next = alphabet.as_bytes()[position + 1] as char;
    let cut = &signature[..signature.len() - 1];
    cases.add(
        "bits without meaning set",
        format!("{header}.{claims}.{cut}{next}"),
    );
    cases.add("padded", format!("{}==", stage.token));
    cases.add("padded with %3D", format!("{}%3D%3D", stage.token));
    let mut token = stage.token.clone();
    while !token.contains(['-', '_']) {
        token = stage.with_claim("more", json!(token.len()));
    }
    cases.add("+ and / for - and _", token.replace('-', "+").replace('_', "/"));
    let mut changed = stage.claims.clone();
    changed["sub"] = json!("somebody-else");
    cases.add(
        "another's claims",
        format!("{header}.{}.{signature}", part(&changed)),
    );
    let mut changed = stage.claims.clone();
    changed["scope"] = json!("admin");
    cases.add(
        "a higher scope",
        format!("{header}.{}.{signature}", part(&changed)),
    );
    let other = stage.with_claim("jti", json!("another"));
    cases.add(
        "another token's signature",
        format!("{header}.{claims}.{}", other.rsplit('.').next().unwrap()),
    );
    // The same JSON in other bytes.
    let spaced = BASE64.encode(serde_json::to_string_pretty(&stage.claims).unwrap());
    cases.add("claims written anew", format!("{header}.{spaced}.{signature}"));
    let spaced = BASE64.encode(format!("{} ", stage.header));
    cases.add("header written anew", format!("{spaced}.{claims}.{signature}"));
}

pub(super) fn shapes(stage: &Stage, cases: &mut Cases) {
    let token = &stage.token;
    let [header, claims, signature] = stage.parts();
    for (name, text) in [
        ("one dot", "."),
        ("two dots", ".."),
        ("three dots", "..."),
        ("a thousand dots", &".".repeat(1_000)),
        ("a space", " "),
        ("a letter", "x"),
        ("null", "null"),
        ("an object", "{}"),
        ("Chinese", "令牌.令牌.令牌"),
        ("an emoji", "🔑.🔑.🔑"),
        ("eight KiB of a letter", &"a".repeat(8_192)),
        ("eight KiB of dots", &".".repeat(8_192)),
    ] {
        cases.add(name, text);
    }
    for (name, text) in [
        ("a segment more", format!("{token}.{signature}")),
        ("an empty segment more", format!("{token}.")),
        ("an empty segment before", format!(".{token}")),
        (
            "an empty segment between",
            format!("{header}..{claims}.{signature}"),
        ),
        (
            "five segments",
            format!("{header}.{claims}.{signature}.{claims}.{signature}"),
        ),
        ("two tokens", format!("{token},{token}")),
        ("two tokens by a dot", format!("{token}.{token}")),
        ("claims alone", claims.to_owned()),
        ("no header", format!(".{claims}.{signature}")),
        ("no claims", format!("{header}..{signature}")),
        ("parts reversed", format!("{signature}.{claims}.{header}")),
        ("Bearer", format!("Bearer {token}")),
        ("quoted", format!("\"{token}\"")),
        ("a space after", format!("{token} ")),
        ("a space before", format!(" {token}")),
        ("a space between", format!("{header}. {claims}.{signature}")),
        ("a line break after", format!("{token}\n")),
        (
            "a line break between",
            format!("{header}.{claims}.\r\n{signature}"),
        ),
        ("a tab before", format!("\t{token}")),
        ("NUL after", format!("{token}\0")),
        (
            "a zero-width space",
            format!("{header}.{claims}.\u{200b}{signature}"),
        ),
        ("full-width dots", token.replace('.', "．")),
        ("encoded dots", token.replace('.', "%2E")),
        ("capitals", token.to_uppercase()),
        ("encoded again", BASE64.encode(token)),
        ("the first letter lost", token[1..].to_owned()),
        ("the last letter lost", token[..token.len() - 1].to_owned()),
        (
            "JSON serialisation, flat",
            json!({"protected": header, "payload": claims, "signature": signature}).to_string(),
        ),
        (
            "JSON serialisation",
            json!({"payload": claims, "signatures": [{"protected": header, "signature": signature}]})
                .to_string(),
        ),
        ("a payload that is detached", format!("{header}..{signature}.")),
    ] {
        cases.add(name, text);
    }
    let encrypted = part(&json!({"alg": "dir", "enc": "A256GCM", "kid": stage.header["kid"]}));
    cases.add("a JWE", format!("{encrypted}..AAAAAAAAAAAAAAAA.{claims}.AAAA"));
    let nested = stage.ours_of_texts(&stage.header.to_string(), &json!(token).to_string());
    cases.add("a token in a token", nested);
}

/// R and S + L, where L is the order of Ed25519's group. (RFC 8032, 5.1.)
fn malleated(signature: &[u8]) -> Vec<u8> {
    let order = hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").unwrap();
    let mut changed = signature.to_vec();
    let mut carry = 0;
    for (byte, added) in changed[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(added) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    changed
}
