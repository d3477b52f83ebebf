//! QR codes with a scene, their pictures, and short keys.

use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

use super::official::Account;
use super::support::OFFICIAL;

fn picture(ticket: &str) -> String {
    let ticket: String = byte_serialize(ticket.as_bytes()).collect();
    format!("/cgi-bin/showqrcode?ticket={ticket}")
}

#[expect(clippy::needless_pass_by_value, reason = "most callers make it on the spot")]
fn code(name: &str, scene: Value) -> Value {
    json!({"action_name": name, "action_info": {"scene": scene}})
}

#[tokio::test]
async fn a_ticket_has_a_picture_until_it_ends() {
    let account = Account::start().await;
    let mut wanted = code("QR_SCENE", json!({"scene_id": 123}));
    wanted["expire_seconds"] = json!(604_800);
    let made = account.post("qrcode/create", wanted).await;
    assert_eq!(made.members(), ["ticket", "expire_seconds", "url"]);
    assert_eq!(made.json()["expire_seconds"], 604_800);
    let path = picture(&made.text_of("ticket"));
    let request = account.sim.request(reqwest::Method::GET, &path);
    let shown = request.send().await.expect("an answer");
    assert_eq!(shown.headers()["content-type"], "image/jpg");
    let bytes = shown.bytes().await.expect("a body");
    let drawn = image::load_from_memory(&bytes).expect("a picture").to_luma8();
    assert_eq!(drawn.dimensions(), (430, 430));
    let dark = drawn.pixels().filter(|pixel| pixel.0[0] < 128).count();
    assert!((30_000..110_000).contains(&dark), "{dark}");
    account.sim.advance(604_800).await;
    assert_eq!(account.sim.get(&path).await.status, 404);
    assert_eq!(account.sim.get(&picture("gQbad")).await.status, 404);
}

#[tokio::test]
async fn codes_are_checked_by_their_action() {
    let account = Account::start().await;
    let cases = [
        (code("QR_HOLOGRAM", json!({"scene_id": 1})), 40_052),
        (code("QR_SCENE", json!({"scene_id": 0})), 40_053),
        (code("QR_SCENE", json!({"scene_str": "a"})), 40_053),
        (code("QR_SCENE", json!({"scene_id": 4_294_967_295_u64})), 0),
        (code("QR_SCENE", json!({"scene_id": 4_294_967_296_u64})), 40_053),
        (code("QR_LIMIT_SCENE", json!({"scene_id": 100_000})), 0),
        (code("QR_LIMIT_SCENE", json!({"scene_id": 100_001})), 40_053),
        (code("QR_STR_SCENE", json!({"scene_str": ""})), 40_053),
        (
            code("QR_LIMIT_STR_SCENE", json!({"scene_str": "文".repeat(64)})),
            0,
        ),
        (
            code("QR_LIMIT_STR_SCENE", json!({"scene_str": "a".repeat(65)})),
            40_053,
        ),
        (json!({"action_name": "QR_SCENE"}), 40_053),
    ];
    for (wanted, errcode) in cases {
        assert_eq!(
            account.code("qrcode/create", wanted.clone()).await,
            errcode,
            "{wanted}"
        );
    }
    let permanent = code("QR_LIMIT_SCENE", json!({"scene_id": 7}));
    let made = account.post("qrcode/create", permanent.clone()).await;
    assert_eq!(made.members(), ["ticket", "url"]);
    let again = account.post("qrcode/create", permanent).await;
    assert_eq!(made.text_of("ticket"), again.text_of("ticket"));
    let usual = account
        .post("qrcode/create", code("QR_STR_SCENE", json!({"scene_str": "a"})))
        .await;
    assert_eq!(usual.json()["expire_seconds"], 60);
}

#[tokio::test]
async fn who_scans_a_ticket_brings_its_scene() {
    let account = Account::start().await;
    let made = account
        .post(
            "qrcode/create",
            code("QR_STR_SCENE", json!({"scene_str": "2024"})),
        )
        .await;
    let ticket = made.text_of("ticket");
    let scan = json!({"type": "scan", "ticket": ticket});
    let report = account.sim.happen(OFFICIAL, "ann", scan.clone()).await;
    let body = report["body"].as_str().expect("a text");
    assert!(body.contains("qrscene_2024") && body.contains(&ticket), "{body}");
    let openid = report["openid"].as_str().expect("a text");
    let info = account.get(&format!("user/info?openid={openid}")).await.json();
    assert_eq!(info["subscribe_scene"], "ADD_SCENE_QR_CODE");
    assert_eq!(
        (&info["qr_scene"], &info["qr_scene_str"]),
        (&json!(0), &json!("2024"))
    );
    account.sim.advance(60).await;
    let order = json!({"app_id": OFFICIAL, "user": "bob", "event": scan});
    let refused = account.sim.post("/_sim/push", &order).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("expired"), "{}", refused.text);
}

#[tokio::test]
async fn a_short_key_stands_for_a_text_for_a_while() {
    let account = Account::start().await;
    let wanted = json!({"long_data": "很长的文本", "expire_seconds": 600});
    let key = account.post("shorten/gen", wanted).await.text_of("short_key");
    assert_eq!(key.len(), 15);
    account.sim.advance(100).await;
    let got = account.post("shorten/fetch", json!({"short_key": key})).await;
    assert_eq!(
        got.members(),
        ["errcode", "errmsg", "long_data", "create_time", "expire_seconds"]
    );
    assert_eq!(got.json()["long_data"], "很长的文本");
    let left = got.json()["expire_seconds"].as_i64().expect("a number");
    assert!((490..=500).contains(&left), "{left}");
    account.sim.advance(500).await;
    assert_eq!(
        account.code("shorten/fetch", json!({"short_key": key})).await,
        40_097
    );
    let long = json!({"long_data": "x".repeat(4_097)});
    assert_eq!(account.code("shorten/gen", long).await, 40_097);
}
