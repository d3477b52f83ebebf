//! Algorithms, names of keys, and everything else that a header can hold.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::stage::{Cases, Stage, part, signed};

pub(super) fn algorithms(stage: &Stage, cases: &mut Cases) {
    let claims = part(&stage.claims);
    for name in ["none", "None", "NONE", "nOnE", "", "null"] {
        let header = part(&stage.header_with("alg", json!(name)));
        cases.add(
            format!("alg {name:?}, no signature"),
            format!("{header}.{claims}."),
        );
        cases.add(format!("alg {name:?}, any signature"), {
            let signature = stage.token.rsplit('.').next().unwrap();
            format!("{header}.{claims}.{signature}")
        });
    }
    // What a library might take for the secret of HMAC if it believed the header.
    let x = stage.ours.newest().public.clone().unwrap();
    let raw = BASE64.decode(&x).unwrap();
    let mut spki = hex::decode("302a300506032b6570032100").unwrap();
    spki.extend_from_slice(&raw);
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        BASE64_STANDARD.encode(&spki)
    );
    let kid = &stage.ours.newest().kid;
    let padded = BASE64_URL_SAFE.encode(&raw);
    let secrets: [(&str, &[u8]); 9] = [
        ("public key", &raw),
        ("x", x.as_bytes()),
        ("padded x", padded.as_bytes()),
        ("public key as DER", &spki),
        ("public key as PEM", pem.as_bytes()),
        ("public key as PEM, trimmed", pem.trim().as_bytes()),
        ("kid", kid.as_bytes()),
        ("empty text", b""),
        ("word secret", b"secret"),
    ];
    for (name, algorithm) in [
        ("HS256", Algorithm::HS256),
        ("HS384", Algorithm::HS384),
        ("HS512", Algorithm::HS512),
    ] {
        let header = stage.header_with("alg", json!(name));
        for (secret, bytes) in secrets {
            let key = EncodingKey::from_secret(bytes);
            cases.add(
                format!("{name} with the {secret}"),
                signed(&header.to_string(), &stage.claims.to_string(), &key, algorithm),
            );
        }
    }
    for name in [
        "RS256", "PS256", "ES256", "ES384", "Ed25519", "Ed448", "eddsa", "EDDSA", "EdDSA ",
    ] {
        let header = stage.header_with("alg", json!(name));
        cases.add(
            format!("alg {name:?} over our signature"),
            stage.ours(&header, &stage.claims),
        );
    }
    for value in [json!(["EdDSA"]), json!(1), Value::Null] {
        let header = stage.header_with("alg", value.clone());
        cases.add(format!("alg {value}"), stage.ours(&header, &stage.claims));
    }
    cases.add(
        "alg missing",
        stage.ours(&stage.header_without("alg"), &stage.claims),
    );
}

pub(super) fn names_of_keys(stage: &Stage, cases: &mut Cases) {
    let kid = &stage.ours.newest().kid;
    let other = stage.others.newest();
    cases.add(
        "kid missing",
        stage.ours(&stage.header_without("kid"), &stage.claims),
    );
    for value in [
        json!(""),
        json!("unknown"),
        json!("0000000000000000"),
        json!("../../../../dev/null"),
        json!("/etc/passwd"),
        json!("eddsa-1"),
        json!("' OR '1'='1"),
        json!(format!("{kid}\0")),
        json!(format!("{kid} ")),
        json!(kid.to_uppercase() + "A"),
        json!(&kid[..kid.len() - 1]),
        json!([kid]),
        json!({"$ne": ""}),
        json!(1),
        Value::Null,
        json!(other.kid),
    ] {
        let header = stage.header_with("kid", value.clone());
        cases.add(format!("kid {value}"), stage.ours(&header, &stage.claims));
    }
    let mut header = stage.header_with("kid", json!(other.kid));
    header["alg"] = json!("HS256");
    let claims = stage.claims.to_string();
    cases.add(
        "the key of the algorithm that is not configured",
        signed(&header.to_string(), &claims, &other.encoding, Algorithm::HS256),
    );
    header["kid"] = json!(kid);
    cases.add(
        "the other algorithm's secret under our kid",
        signed(&header.to_string(), &claims, &other.encoding, Algorithm::HS256),
    );
    cases.add(
        "an attacker's key under our kid",
        stage.attackers(&stage.header, &stage.claims),
    );
}

pub(super) fn header_members(stage: &Stage, cases: &mut Cases) {
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": stage.attacker_x, "use": "sig", "alg": "EdDSA"});
    let mut named = jwk.clone();
    named["kid"] = json!("attacker");
    for (name, value) in [
        ("jwk", jwk),
        ("jwk", named),
        ("jku", json!("http://127.0.0.1:1/jwks.json")),
        (
            "jku",
            json!("https://wxgate@attacker.example/.well-known/jwks.json"),
        ),
        ("x5u", json!("http://127.0.0.1:1/cert.pem")),
        ("x5c", json!(["MIIB"])),
        ("x5t", json!("AAAA")),
    ] {
        for kid in [stage.header["kid"].clone(), json!("attacker")] {
            let mut header = stage.header_with(name, value.clone());
            header["kid"] = kid.clone();
            cases.add(
                format!("{name} {value} of an attacker, kid {kid}"),
                stage.attackers(&header, &stage.claims),
            );
        }
        // Even under our own signature it is not something that we write.
        let header = stage.header_with(name, value.clone());
        cases.add(
            format!("{name} {value} of ours"),
            stage.ours(&header, &stage.claims),
        );
    }
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!(["b64"])),
        ("crit", json!([])),
        ("crit", json!("exp")),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
        ("cty", json!("JWT")),
        ("epk", json!({})),
        ("url", json!("http://127.0.0.1:1/")),
        ("nonce", json!("n")),
        ("iss", json!("wxgate")),
        ("typ", json!("JWT")),
        ("typ", json!("jwt")),
        ("typ", json!("rt+jwt")),
        ("typ", json!("AT+JWT")),
        ("typ", json!("application/at+jwt")),
        ("typ", json!("")),
        ("typ", json!(["at+jwt"])),
        ("typ", Value::Null),
    ] {
        let header = stage.header_with(name, value.clone());
        cases.add(format!("{name} {value}"), stage.ours(&header, &stage.claims));
    }
    cases.add(
        "typ missing",
        stage.ours(&stage.header_without("typ"), &stage.claims),
    );
    let crit = json!({"crit": ["http://example.com/extension"], "http://example.com/extension": true});
    let mut header = stage.header.clone();
    header
        .as_object_mut()
        .unwrap()
        .extend(crit.as_object().unwrap().clone());
    cases.add("crit and its extension", stage.ours(&header, &stage.claims));
    for name in ["alg", "kid", "typ"] {
        let mut header = stage.header_without(name);
        header[name.to_uppercase()] = stage.header[name].clone();
        cases.add(format!("{name} in capitals"), stage.ours(&header, &stage.claims));
    }
}
