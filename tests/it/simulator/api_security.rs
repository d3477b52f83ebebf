//! Calls that are encrypted and signed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use super::api_security_support::{Client, Sealed, WECHAT, verifies};
use super::support::{Answered, MINI, OFFICIAL, Sim};

const TEXT: &str = "/wxa/msg_sec_check";

async fn post(sim: &Sim, app_id: &str, path: &str, sealed: &Sealed) -> Answered {
    let token = sim.stable(app_id, false).await.token();
    let mut request = sim
        .request(Method::POST, &format!("{path}?access_token={token}"))
        .body(sealed.body.clone());
    for (name, value) in &sealed.headers {
        request = request.header(*name, value);
    }
    sim.send(request).await
}

/// A check of a text by somebody who just logged in.
async fn check(sim: &Sim) -> Value {
    let code = sim.code("ann").await;
    let openid = sim.log_in(MINI, &code).await.text_of("openid");
    json!({"version": 2, "scene": 2, "openid": openid, "content": "你好"})
}

#[tokio::test]
async fn a_call_is_opened_and_its_answer_sealed() {
    for (cipher, signer) in [("AES256_GCM", "RSA"), ("SM4_GCM", "SM2")] {
        let sim = Sim::start();
        let mut client = Client::of(&sim, json!({"cipher": cipher, "signer": signer})).await;
        assert_eq!(client.key("certificate_signer"), signer);
        let fields = check(&sim).await;
        // Bound to WeChat's own name, and to the one by which the simulator was called.
        for base in [WECHAT.to_owned(), format!("http://{}", sim.address)] {
            client.base = base;
            let answered = post(&sim, MINI, TEXT, &client.sealed(TEXT, &fields)).await;
            let opened = client.opened(TEXT, &answered);
            assert_eq!(opened["errcode"], 0, "{opened:?}");
            assert_eq!(opened["result"]["suggest"], "pass");
        }
        // What the API itself refuses is sealed too.
        let answered = post(&sim, MINI, TEXT, &client.sealed(TEXT, &json!({"version": 2}))).await;
        assert_eq!(client.opened(TEXT, &answered)["errcode"], 40_129);
        // A picture stays one.
        let path = "/wxa/getwxacodeunlimit";
        let sealed = client.sealed(path, &json!({"scene": "a=1"}));
        let token = sim.stable(MINI, false).await.token();
        let mut request = sim.request(Method::POST, &format!("{path}?access_token={token}"));
        for (name, value) in &sealed.headers {
            request = request.header(*name, value);
        }
        let picture = request.body(sealed.body).send().await.expect("an answer");
        assert_eq!(picture.headers()["content-type"], "image/jpeg");
        // Plain calls are served as well.
        let token = sim.stable(MINI, false).await.token();
        let plain = sim.post(&format!("{TEXT}?access_token={token}"), &fields).await;
        assert_eq!((plain.errcode(), plain.header("wechatmp-serial")), (0, None));
    }
}

#[tokio::test]
async fn what_is_wrong_has_a_code_of_its_own_and_is_told_plainly() {
    let sim = Sim::start();
    let client = Client::of(&sim, json!({})).await;
    let fields = check(&sim).await;
    let right = || client.sealed(TEXT, &fields);
    let without = |index: usize| {
        let mut sealed = right();
        sealed.headers.remove(index);
        sealed
    };
    let with = |index: usize, value: &str| {
        let mut sealed = right();
        sealed.headers[index].1 = value.to_owned();
        sealed
    };
    let stale = |seconds: i64| {
        let client = Client {
            keys: client.keys.clone(),
            app_id: MINI.to_owned(),
            base: WECHAT.to_owned(),
            timestamp: client.timestamp + seconds,
        };
        client.sealed(TEXT, &fields)
    };
    let other_key = |name: &str, value: Value| {
        let mut keys = client.keys.clone();
        keys[name] = value;
        let client = Client {
            keys,
            app_id: MINI.to_owned(),
            base: WECHAT.to_owned(),
            timestamp: client.timestamp,
        };
        client.sealed(TEXT, &fields)
    };
    let elsewhere = client.sealed("/wxa/getwxacode", &fields);
    let mut changed = right();
    changed.body = changed.body.replace("iv", "Iv");
    let mut resigned = right();
    resigned.body = json!({"iv": "", "data": "", "authtag": ""}).to_string();
    let text = format!("{WECHAT}{TEXT}\n{MINI}\n{}\n{}", client.timestamp, resigned.body);
    resigned.headers[2].1 = client.sign(text.as_bytes());
    let zeros = STANDARD.encode([0; 32]);
    for (name, sealed, errcode) in [
        ("no timestamp", without(1), 40_231),
        ("no signature", without(2), 40_232),
        ("no appid", without(0), 40_233),
        ("an empty appid", with(0, ""), 40_233),
        ("another signature", with(2, "AAAA"), 40_234),
        ("another API's", elsewhere, 40_234),
        ("a changed body", changed, 40_234),
        ("another key", other_key("symmetric_key", zeros.into()), 40_235),
        (
            "another number",
            other_key("symmetric_sn", "other".into()),
            40_235,
        ),
        ("nothing encrypted", resigned, 40_235),
        ("an unknown app", with(0, "wx0000000000000009"), 40_236),
        ("another app", with(0, OFFICIAL), 40_237),
        ("old", stale(-310), 40_240),
        ("not yet", stale(310), 40_240),
        ("no time", with(1, "soon"), 40_240),
    ] {
        let answered = post(&sim, MINI, TEXT, &sealed).await;
        assert_eq!(answered.errcode(), errcode, "{name}");
        assert_eq!(answered.header("wechatmp-serial"), None);
    }
    for sealed in [right(), stale(-280), stale(280)] {
        let answered = post(&sim, MINI, TEXT, &sealed).await;
        assert_eq!(client.opened(TEXT, &answered)["errcode"], 0);
    }
    let dead = format!("{TEXT}?access_token=unknown");
    let dead = sim.request(Method::POST, &dead).body(right().body);
    assert_eq!(sim.send(dead).await.errcode(), 40_014);
}

#[tokio::test]
async fn the_fields_must_be_made_for_this_app_and_time() {
    let sim = Sim::start();
    let client = Client::of(&sim, json!({})).await;
    for wrong in [
        json!({"_appid": OFFICIAL}),
        json!({"_timestamp": client.timestamp - 1}),
        json!({"_n": ""}),
    ] {
        let answered = post(&sim, MINI, TEXT, &client.sealed(TEXT, &wrong)).await;
        assert_eq!(answered.errcode(), 40_235, "{wrong}");
    }
}

#[tokio::test]
async fn the_mode_decides_who_is_served() {
    let sim = Sim::start();
    let client = Client::of(&sim, json!({"mode": "required"})).await;
    let fields = check(&sim).await;
    let token = sim.stable(MINI, false).await.token();
    let plain = async || {
        sim.post(&format!("{TEXT}?access_token={token}"), &fields)
            .await
            .errcode()
    };
    assert_eq!(plain().await, 40_233);
    let answered = post(&sim, MINI, TEXT, &client.sealed(TEXT, &fields)).await;
    assert_eq!(client.opened(TEXT, &answered)["errcode"], 0);
    // An API that does not know the mode, and a call by GET, are as ever.
    let unknown = format!("/wxa/generatescheme?access_token={token}");
    assert_eq!(sim.post(&unknown, &json!({})).await.errcode(), 0);
    assert_eq!(
        sim.get(&format!("{TEXT}?access_token={token}")).await.errcode(),
        43_002
    );

    let path = format!("/apps/{MINI}/api_security");
    sim.admin(Method::PATCH, &path, json!({"mode": "off"})).await;
    assert_eq!(plain().await, 0);
    let sealed = client.sealed(TEXT, &fields);
    assert_eq!(post(&sim, MINI, TEXT, &sealed).await.errcode(), 40_238);
    for (key, errcode) in [("symmetric_key", 40_238), ("public_key", 40_239)] {
        let wanted = json!({"without": [key], "mode": "required"});
        sim.admin(Method::PUT, &path, wanted).await;
        assert_eq!(post(&sim, MINI, TEXT, &sealed).await.errcode(), errcode, "{key}");
    }
    sim.admin(Method::DELETE, &path, json!({})).await;
    assert_eq!(plain().await, 0);
    let gone = sim.request(Method::GET, &format!("/_sim{path}"));
    assert_eq!(sim.send(gone).await.status, 404);
}

#[tokio::test]
async fn keys_can_be_handed_in_and_secret_ones_are_shown_once() {
    let sim = Sim::start();
    let made = Client::of(&sim, json!({"signer": "SM2"})).await;
    let wanted = json!({
        "cipher": "AES256_GCM", "symmetric_key": STANDARD.encode([7; 32]), "symmetric_sn": "s1",
        "public_key": made.key("public_key"), "private_key_sn": "p1", "certificate_signer": "RSA",
    });
    let mut client = Client::of(&sim, wanted).await;
    assert_eq!(client.keys.get("private_key"), None);
    assert_eq!(
        (client.key("signer"), client.key("certificate_signer")),
        ("SM2", "RSA")
    );
    client.keys["private_key"] = made.keys["private_key"].clone();
    let fields = check(&sim).await;
    let answered = post(&sim, MINI, TEXT, &client.sealed(TEXT, &fields)).await;
    assert_eq!(client.opened(TEXT, &answered)["errcode"], 0);
    let path = format!("/apps/{MINI}/api_security");
    let shown = sim.admin(Method::GET, &path, json!({})).await;
    assert_eq!(shown.get("symmetric_key"), None);
    assert_eq!(shown["certificate_sn"], client.keys["certificate_sn"]);
    for wrong in [
        json!({"symmetric_key": "AAAA"}),
        json!({"public_key": "AAAA"}),
        json!({"cipher": "SM4_GCM", "symmetric_key": STANDARD.encode([7; 32])}),
    ] {
        let request = sim.request(Method::PUT, &format!("/_sim{path}")).json(&wrong);
        assert_eq!(sim.send(request).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn while_certificates_change_answers_are_signed_with_both() {
    let sim = Sim::start();
    let mut client = Client::of(&sim, json!({})).await;
    let old = client.keys.clone();
    let path = format!("/apps/{MINI}/api_security");
    let new = sim.admin(Method::PATCH, &path, json!({"rotate": true})).await;
    assert_eq!(new["deprecated_sn"], old["certificate_sn"]);
    for name in ["certificate", "certificate_sn"] {
        client.keys[name] = new[name].clone();
    }
    let fields = check(&sim).await;
    let answered = post(&sim, MINI, TEXT, &client.sealed(TEXT, &fields)).await;
    assert_eq!(client.opened(TEXT, &answered)["errcode"], 0);
    let header = |name: &str| answered.header(name).expect("a header");
    let sn = header("wechatmp-serial-deprecated");
    assert_eq!(old["certificate_sn"], sn);
    let timestamp = header("wechatmp-timestamp");
    let signed = format!("{WECHAT}{TEXT}\n{MINI}\n{timestamp}\n{}", answered.text);
    let certificate = old["certificate"].as_str().expect("a text");
    assert!(verifies(
        certificate,
        sn,
        &signed,
        header("wechatmp-signature-deprecated")
    ));
    sim.admin(Method::PATCH, &path, json!({"finish_rotation": true}))
        .await;
    let answered = post(&sim, MINI, TEXT, &client.sealed(TEXT, &fields)).await;
    assert_eq!(answered.header("wechatmp-serial-deprecated"), None);
}
