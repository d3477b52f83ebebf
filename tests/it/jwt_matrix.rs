//! The matrix of hostile tokens (RFC 8725): each is presented over HTTP and is false, for one reason alone. What is good
//! about a token's life is in `tokens`, how keys follow each other in `signing_keys`.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use wxgate::config;
use wxgate::service::signing_keys::Ring;

use crate::support::app::TestApp;

/// A gateway, a good token of its own, and the keys to make others.
struct Stage {
    app: TestApp,
    token: String,
    header: Value,
    claims: Value,
    ours: Arc<Ring>,
    /// The ring of the algorithm that is not configured.
    others: Arc<Ring>,
    attacker: EncodingKey,
    attacker_x: String,
}

#[derive(Default)]
struct Cases(Vec<(String, String)>);

impl Cases {
    fn add(&mut self, name: impl Into<String>, token: impl Into<String>) {
        self.0.push((name.into(), token.into()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_hostile_token_is_false() {
    let stage = Stage::set().await;
    let mut cases = Cases::default();
    algorithms(&stage, &mut cases);
    names_of_keys(&stage, &mut cases);
    header_members(&stage, &mut cases);
    times(&stage, &mut cases);
    claims(&stage, &mut cases);
    json(&stage, &mut cases);
    signatures(&stage, &mut cases);
    shapes(&stage, &mut cases);
    let names: BTreeSet<_> = cases.0.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), cases.0.len(), "two cases have one name");
    assert!(names.len() >= 60, "{} cases", names.len());
    let mut taken = Vec::new();
    for (name, token) in &cases.0 {
        assert!(token.len() <= 8192, "{name} is refused for its length alone");
        if stage.verify(token).await {
            taken.push(name);
        }
    }
    assert!(taken.is_empty(), "taken for good: {taken:#?}");
    assert!(stage.verify(&stage.token).await, "the gateway still works");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn good_tokens_are_true() {
    let stage = Stage::set().await;
    let now = stage.now();
    let mut cases = Cases::default();
    cases.add("as it was issued", &stage.token);
    cases.add("made anew", stage.ours(&stage.header, &stage.claims));
    cases.add("a claim more", stage.with_claim("later", json!({"a": [1, null]})));
    cases.add("the other scope", stage.with_claim("scope", json!("admin")));
    cases.add("ends soon", stage.with_claim("exp", json!(now + 60)));
    // Clocks of instances differ a little.
    cases.add("begins in a moment", stage.with_claim("nbf", json!(now + 3)));
    let padding = "x".repeat(5_000);
    let long = stage.with_claim("padding", json!(padding));
    assert!(long.len() > 6_000 && long.len() <= 8_192);
    cases.add("long", long);
    for (name, token) in &cases.0 {
        assert!(stage.verify(token).await, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_too_long_is_no_parameter() {
    let stage = Stage::set().await;
    for length in [8_192, 8_193] {
        let body = json!({"token": "a".repeat(length)});
        let reply = stage.app.post_json("/v1/token/verify", &body).await;
        assert_eq!(reply.status, if length > 8_192 { 400 } else { 200 });
    }
    // Signed by us, and good but for its length.
    let token = stage.with_claim("padding", json!("x".repeat(7_000)));
    assert!(token.len() > 8_192);
    let reply = stage
        .app
        .post_json("/v1/token/verify", &json!({"token": token}))
        .await;
    reply.refused(400, 10001, "POST /v1/token/verify");
}

fn algorithms(stage: &Stage, cases: &mut Cases) {
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

fn names_of_keys(stage: &Stage, cases: &mut Cases) {
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

fn header_members(stage: &Stage, cases: &mut Cases) {
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

fn times(stage: &Stage, cases: &mut Cases) {
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

fn claims(stage: &Stage, cases: &mut Cases) {
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
fn json(stage: &Stage, cases: &mut Cases) {
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

fn signatures(stage: &Stage, cases: &mut Cases) {
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

fn shapes(stage: &Stage, cases: &mut Cases) {
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

impl Stage {
    async fn set() -> Self {
        let mut app = TestApp::builder().spawn().await;
        let token = app.log_in(&app.code("ann").await).await.ok().member("token");
        app.stop().await;
        let ours = app.signing_keys().await.load_full();
        app.reconfigure(|config| config.auth.algorithm = config::Algorithm::Hs256);
        let others = app.signing_keys().await.load_full();
        app.reconfigure(|config| config.auth.algorithm = config::Algorithm::EdDsa);
        app.start().await;
        let mut parts = token.split('.').map(decoded);
        let (header, claims) = (parts.next().unwrap(), parts.next().unwrap());
        let attacker = Ed25519KeyPair::generate().unwrap();
        Self {
            app,
            token,
            header: serde_json::from_slice(&header).unwrap(),
            claims: serde_json::from_slice(&claims).unwrap(),
            ours,
            others,
            attacker: EncodingKey::from_ed_der(attacker.to_pkcs8v1().unwrap().as_ref()),
            attacker_x: BASE64.encode(attacker.public_key()),
        }
    }

    async fn verify(&self, token: &str) -> bool {
        let body = json!({"token": token});
        let reply = self.app.post_json("/v1/token/verify", &body).await.ok();
        match reply.text.as_str() {
            r#"{"result":true}"# => true,
            r#"{"result":false}"# => false,
            other => panic!("{token}: {other}"),
        }
    }

    /// When the good token was issued, a moment ago.
    fn now(&self) -> i64 {
        self.claims["iat"].as_i64().unwrap()
    }

    fn parts(&self) -> [&str; 3] {
        let parts: Vec<_> = self.token.split('.').collect();
        parts.try_into().unwrap()
    }

    /// What the gateway itself would sign, if it wrote these.
    fn ours(&self, header: &Value, claims: &Value) -> String {
        self.ours_of_texts(&header.to_string(), &claims.to_string())
    }

    fn ours_of_texts(&self, header: &str, claims: &str) -> String {
        signed(header, claims, &self.ours.newest().encoding, Algorithm::EdDSA)
    }

    fn ours_of_parts(&self, header: &str, claims: &str) -> String {
        signed_parts(header, claims, &self.ours.newest().encoding, Algorithm::EdDSA)
    }

    fn attackers(&self, header: &Value, claims: &Value) -> String {
        signed(
            &header.to_string(),
            &claims.to_string(),
            &self.attacker,
            Algorithm::EdDSA,
        )
    }

    fn with_claim(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims.clone();
        claims[name] = value;
        self.ours(&self.header, &claims)
    }

    fn header_with(&self, name: &str, value: Value) -> Value {
        let mut header = self.header.clone();
        header[name] = value;
        header
    }

    fn header_without(&self, name: &str) -> Value {
        let mut header = self.header.clone();
        header.as_object_mut().unwrap().remove(name);
        header
    }
}

fn signed(header: &str, claims: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    signed_parts(&BASE64.encode(header), &BASE64.encode(claims), key, algorithm)
}

fn signed_parts(header: &str, claims: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let message = format!("{header}.{claims}");
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

fn part(value: &Value) -> String {
    BASE64.encode(value.to_string())
}

fn decoded(part: &str) -> Vec<u8> {
    BASE64.decode(part).unwrap()
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
