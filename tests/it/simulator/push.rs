//! Pushes as a server gets them: configuration, signatures, modes and formats, repeats.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use wxgate::simulator::{AppSettings, PushFormat, PushMode, ServerSettings};

use super::push_support::{Hook, KEY, OTHER_KEY, Say, TOKEN, cdata, decrypt, sealed, sign, text_reply};
use super::support::{MINI, OFFICIAL, SECRET, Sim};

fn vectors(kind: &str) -> Vec<Value> {
    let all: Vec<Value> = serde_json::from_str(include_str!("push_vectors.json")).unwrap();
    all.into_iter().filter(|vector| vector["kind"] == kind).collect()
}

#[test]
fn the_tests_own_code_reads_and_signs_what_wechat_did() {
    for vector in vectors("push_aes_decrypt") {
        let input = |name| vector["inputs"][name].as_str().unwrap();
        let (text, app_id) = decrypt(input("encoding_aes_key"), input("encrypt"));
        assert_eq!(vector["expected"]["plain"], text);
        assert_eq!(vector["expected"]["appid"], app_id);
    }
    for vector in vectors("push_msg_signature") {
        let parts =
            ["token", "timestamp", "nonce", "encrypt"].map(|name| vector["inputs"][name].as_str().unwrap());
        assert_eq!(vector["expected"]["msg_signature"], sign(&parts));
    }
}

#[tokio::test]
async fn a_configuration_is_saved_when_the_server_echoes() {
    let sim = Sim::start();
    let hook = Hook::start(|_, _| Say::success()).await;
    let path = format!("/apps/{OFFICIAL}/server");
    let body = json!({"url": hook.url(), "token": TOKEN});
    let saved = sim.admin(Method::PUT, &path, body).await;
    assert_eq!(saved["saved"], true, "{saved}");
    assert_eq!(saved["verification"]["ok"], true);
    assert_eq!(saved["server"]["mode"], "plain");
    assert!(saved["server"].get("token").is_none());

    let nobody = json!({"url": "http://127.0.0.1:9/auth", "token": TOKEN});
    let refused = sim.admin(Method::PUT, &path, nobody).await;
    assert_eq!(refused["saved"], false);
    let kept = sim.admin(Method::GET, &path, json!({})).await;
    assert_eq!(kept["server"]["url"], hook.url());
    let again = sim
        .admin(Method::POST, &format!("{path}/verify"), json!({}))
        .await;
    assert_eq!(again["verification"]["status"], 200);
}

#[tokio::test]
async fn an_echo_that_is_not_exact_is_told() {
    let sim = Sim::start();
    let hook = Hook::start(|_, _| Say::success()).await;
    // Without a path the hook finds no echostr of ours: the simulated platform itself answers something else.
    let url = format!("http://{}/nothing", sim.address);
    let body = json!({"url": url, "token": TOKEN});
    let path = format!("/apps/{OFFICIAL}/server");
    let refused = sim.admin(Method::PUT, &path, body).await;
    assert_eq!(refused["saved"], false);
    assert_eq!(refused["verification"]["problem"], "token验证失败");
    assert!(hook.got().is_empty());
}

#[tokio::test]
async fn a_plain_push_is_signed_and_has_no_encryption() {
    let sim = Sim::start();
    let hook = Hook::start(|_, _| Say::success()).await;
    sim.serve_at(OFFICIAL, &hook, json!({})).await;
    let report = sim.say(OFFICIAL, "ann", "你好 ]]> 😀 <a>").await;
    assert_eq!(report["outcome"], "accepted", "{report}");
    assert_eq!(report["deliveries"].as_array().unwrap().len(), 1);
    let got = hook.take_one();
    assert_eq!(
        got.param("signature"),
        sign(&[TOKEN, got.param("timestamp"), got.param("nonce")])
    );
    assert_eq!(got.param("openid"), report["openid"]);
    assert_eq!((got.param("encrypt_type"), got.param("msg_signature")), ("", ""));
    assert_eq!(got.content_type, "text/xml");
    assert_eq!(got.cdata("FromUserName"), report["openid"].as_str().unwrap());
    assert!(got.cdata("ToUserName").starts_with("gh_"));
    assert_eq!(got.cdata("MsgType"), "text");
    assert!(
        got.body
            .contains("<Content><![CDATA[你好 ]]]]><![CDATA[> 😀 <a>]]></Content>"),
        "{}",
        got.body
    );
    let id: u64 = report["msg_id"].as_str().unwrap().parse().unwrap();
    assert!(id > 1 << 53);
    assert!(got.body.contains(&format!("<MsgId>{id}</MsgId>")), "{}", got.body);
}

#[tokio::test]
async fn a_safe_push_is_the_encrypted_text_alone() {
    let sim = Sim::start();
    let hook = Hook::start(|_, _| Say::success()).await;
    sim.serve_at(OFFICIAL, &hook, json!({"mode": "safe", "encoding_aes_key": KEY}))
        .await;
    sim.say(OFFICIAL, "ann", "hello").await;
    let got = hook.take_one();
    assert_eq!(
        got.param("signature"),
        sign(&[TOKEN, got.param("timestamp"), got.param("nonce")])
    );
    assert!(!got.body.contains("FromUserName") && got.body.contains("<ToUserName>"));
    assert_eq!(cdata(&got.decrypted(KEY, OFFICIAL), "Content"), "hello");
}

#[tokio::test]
async fn a_compatible_push_has_both() {
    let sim = Sim::start();
    let hook = Hook::start(|_, _| Say::success()).await;
    sim.serve_at(
        OFFICIAL,
        &hook,
        json!({"mode": "compatible", "encoding_aes_key": KEY}),
    )
    .await;
    sim.say(OFFICIAL, "ann", "hello").await;
    let got = hook.take_one();
    assert_eq!(got.cdata("Content"), "hello");
    assert_eq!(cdata(&got.decrypted(KEY, OFFICIAL), "Content"), "hello");
}

#[tokio::test]
async fn pushes_in_json_are_objects() {
    let sim = Sim::start();
    let hook = Hook::start(|_, _| Say::success()).await;
    sim.serve_at(MINI, &hook, json!({"format": "json"})).await;
    let report = sim.say(MINI, "ann", "hello").await;
    let got = hook.take_one();
    assert_eq!(got.content_type, "application/json");
    let body: Value = serde_json::from_str(&got.body).unwrap();
    assert_eq!(body["Content"], "hello");
    assert_eq!(body["MsgId"].to_string(), report["msg_id"].as_str().unwrap());

    for mode in ["compatible", "safe"] {
        sim.serve_at(
            MINI,
            &hook,
            json!({"format": "json", "mode": mode, "encoding_aes_key": KEY}),
        )
        .await;
        sim.say(MINI, "ann", "hello").await;
        let got = hook.take_one();
        let inner: Value = serde_json::from_str(&got.decrypted(KEY, MINI)).unwrap();
        assert_eq!(inner["Content"], "hello");
        let outer: Value = serde_json::from_str(&got.body).unwrap();
        assert_eq!(outer.get("Content").is_some(), mode == "compatible");
    }
}

#[tokio::test]
async fn a_push_without_an_answer_is_delivered_three_times_as_the_same() {
    let sim = Sim::start();
    let hook = Hook::start(|_, number| match number {
        0 => Say::Late(Duration::from_secs(2)),
        1 => Say::HangUp,
        _ => Say::success(),
    })
    .await;
    sim.serve_at(OFFICIAL, &hook, json!({"rules": {"timeout_ms": 200}}))
        .await;
    let report = sim.say(OFFICIAL, "ann", "hello").await;
    assert_eq!(report["outcome"], "accepted", "{report}");
    let errors: Vec<_> = report["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["error"].clone())
        .collect();
    assert_eq!(errors, [json!("timeout"), json!("cut"), Value::Null]);
    let got = hook.got();
    assert_eq!(got.len(), 3);
    assert!(got.iter().all(|one| one.body == got[0].body));
    assert_ne!(got[0].param("nonce"), got[1].param("nonce"));
}

#[tokio::test]
async fn after_the_third_failure_the_user_is_told() {
    let sim = Sim::start();
    let hook = Hook::start(|_, _| Say::Status(500)).await;
    for (app_id, text) in [
        (OFFICIAL, "该公众号提供的服务出现故障，请稍后再试"),
        (MINI, "该小程序客服暂时无法提供服务，请稍后再试"),
    ] {
        sim.serve_at(app_id, &hook, json!({})).await;
        let report = sim.say(app_id, "ann", "hello").await;
        assert_eq!(
            (&report["outcome"], &report["system_message"]),
            (&json!("failed"), &json!(text))
        );
        assert_eq!(report["deliveries"].as_array().unwrap().len(), 3);
        let talk = sim.talk(app_id, "ann").await;
        assert_eq!(
            talk[1],
            ("system".to_owned(), json!({"type": "text", "content": text}))
        );
    }
    sim.serve_at(OFFICIAL, &hook, json!({"rules": {"retry_bad_answers": false}}))
        .await;
    let report = sim.say(OFFICIAL, "ann", "hello").await;
    assert_eq!(report["deliveries"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_reply_is_shown_to_the_user() {
    let sim = Sim::start();
    let hook = Hook::start(|got, _| Say::Body(text_reply(&got.body, "hi there"))).await;
    sim.serve_at(OFFICIAL, &hook, json!({})).await;
    let report = sim.say(OFFICIAL, "ann", "hello").await;
    assert_eq!(report["outcome"], "replied", "{report}");
    assert_eq!(report["reply"], json!({"type": "text", "content": "hi there"}));
    let talk = sim.talk(OFFICIAL, "ann").await;
    assert_eq!(
        talk[0],
        ("message".to_owned(), json!({"type": "text", "content": "hello"}))
    );
    assert_eq!(
        talk[1],
        ("reply".to_owned(), json!({"type": "text", "content": "hi there"}))
    );
    let log = sim
        .admin(Method::GET, &format!("/pushes?app_id={OFFICIAL}"), json!({}))
        .await;
    assert_eq!(log["pushes"][0], report);
}

#[tokio::test]
async fn in_safe_mode_a_reply_is_encrypted_with_the_key_of_the_push() {
    let sim = Sim::start();
    let hook = Hook::start(|got, number| {
        let plain = text_reply(&got.decrypted(KEY, OFFICIAL), "hi");
        Say::Body(match number {
            0 => sealed(KEY, &plain, OFFICIAL),
            1 => plain,
            2 => sealed(OTHER_KEY, &plain, OFFICIAL),
            3 => sealed(KEY, &plain, MINI),
            4 => sealed(KEY, &plain, OFFICIAL).replace("1713424427", "1713424428"),
            _ => "success".to_owned(),
        })
    })
    .await;
    let more = json!({"mode": "safe", "encoding_aes_key": KEY, "rules": {"retry_bad_answers": false}});
    sim.serve_at(OFFICIAL, &hook, more).await;
    let mut outcomes = Vec::new();
    for _ in 0..6 {
        let report = sim.say(OFFICIAL, "ann", "hello").await;
        outcomes.push(report["outcome"].as_str().unwrap().to_owned());
    }
    assert_eq!(
        outcomes,
        ["replied", "failed", "failed", "failed", "failed", "accepted"]
    );
}

#[tokio::test]
async fn in_compatible_mode_a_reply_may_be_either() {
    let sim = Sim::start();
    let hook = Hook::start(|got, number| {
        let plain = text_reply(&got.body, "hi");
        Say::Body(if number == 0 {
            plain
        } else {
            sealed(KEY, &plain, OFFICIAL)
        })
    })
    .await;
    sim.serve_at(
        OFFICIAL,
        &hook,
        json!({"mode": "compatible", "encoding_aes_key": KEY}),
    )
    .await;
    for _ in 0..2 {
        assert_eq!(sim.say(OFFICIAL, "ann", "hello").await["outcome"], "replied");
    }
}

#[tokio::test]
async fn a_preset_server_is_there_from_the_start_and_after_a_reset() {
    let hook = Hook::start(|_, _| Say::success()).await;
    let server = || ServerSettings::new(hook.url(), TOKEN);
    let preset = AppSettings::official(OFFICIAL, SECRET).pushing_to(server().encrypted(PushMode::Safe, KEY));
    let (sim, console) = Sim::with_console(vec![preset, AppSettings::mini(MINI, SECRET)]);
    console.push_to(MINI, server().format(PushFormat::Json));
    for _ in 0..2 {
        for app_id in [OFFICIAL, MINI] {
            let report = sim.say(app_id, "ann", "hello").await;
            assert_eq!(report["outcome"], "accepted", "{report}");
        }
        sim.admin(Method::POST, "/reset", json!({})).await;
    }
    let got = hook.got();
    assert_eq!(cdata(&got[0].decrypted(KEY, OFFICIAL), "Content"), "hello");
    assert!(got[1].body.starts_with('{'));
    assert_eq!(got.len(), 4);
}

#[tokio::test]
async fn a_configuration_that_is_none_is_refused() {
    let sim = Sim::start();
    let path = format!("/_sim/apps/{OFFICIAL}/server");
    for body in [
        json!({"token": TOKEN}),
        json!({"url": "ftp://a/", "token": TOKEN}),
        json!({"url": "http://a/", "token": "no"}),
        json!({"url": "http://a/", "token": TOKEN, "mode": "safe"}),
        json!({"url": "http://a/", "token": TOKEN, "encoding_aes_key": "short"}),
        json!({"url": "http://a/", "token": TOKEN, "rules": {"deliveries": 0}}),
        json!({"url": "http://a/", "token": TOKEN, "rules": {"unknown": 0}}),
    ] {
        let refused = sim.send(sim.request(Method::PUT, &path).json(&body)).await;
        assert_eq!(refused.status, 400, "{body}: {}", refused.text);
    }
    let none = sim
        .admin(Method::GET, &format!("/apps/{OFFICIAL}/server"), json!({}))
        .await;
    assert_eq!(none["server"], Value::Null);
}

#[tokio::test]
async fn a_verification_that_nobody_answers_ends_in_time() {
    let sim = Sim::start();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", silent.local_addr().expect("an address"));
    let body = json!({"url": url, "token": TOKEN, "rules": {"timeout_ms": 100}});
    let path = format!("/apps/{OFFICIAL}/server");
    let refused = sim.admin(Method::PUT, &path, body).await;
    assert_eq!(refused["saved"], false);
    assert_eq!(refused["verification"]["problem"], "请求URL超时");
}
