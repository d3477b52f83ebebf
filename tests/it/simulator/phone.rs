//! `/wxa/business/getuserphonenumber`.

use reqwest::Method;
use serde_json::{Value, json};
use wxgate::simulator::AppSettings;

use super::support::{Answered, MINI, OFFICIAL, SECRET, Sim, without_rid};

const OTHER: &str = "wx0000000000000003";
const PATH: &str = "/wxa/business/getuserphonenumber";

async fn phone_code(sim: &Sim, user: &str) -> String {
    sim.code_of(json!({"app_id": MINI, "user": user, "kind": "phone"}))
        .await
}

/// What a token of an app gets for a body.
async fn ask(sim: &Sim, app_id: &str, body: &Value) -> Answered {
    let token = sim.classic(app_id).await.token();
    sim.post(&format!("{PATH}?access_token={token}"), body).await
}

async fn exchange(sim: &Sim, code: &str) -> Answered {
    ask(sim, MINI, &json!({"code": code})).await
}

#[tokio::test]
async fn a_code_is_answered_with_the_users_number() {
    let sim = Sim::start();
    let code = phone_code(&sim, "ann").await;
    let user = sim
        .admin(Method::PATCH, "/users/ann", json!({"phone": "13123456789"}))
        .await;
    assert_eq!(user["phone"], "13123456789");
    let now = sim.admin(Method::GET, "/clock", json!({})).await["now"]
        .as_i64()
        .unwrap();
    let answered = exchange(&sim, &code).await;
    let time = &answered.json()["phone_info"]["watermark"]["timestamp"];
    assert!((now..now + 10).contains(&time.as_i64().unwrap()), "{time}");
    let expected = json!({
        "errcode": 0, "errmsg": "ok", "phone_info": {
            "phoneNumber": "13123456789", "purePhoneNumber": "13123456789", "countryCode": "86",
            "watermark": {"timestamp": time, "appid": MINI},
        },
    });
    assert_eq!(answered.text, expected.to_string());
    assert_eq!(answered.content_type, "application/json; encoding=utf-8");
}

#[tokio::test]
async fn a_number_from_abroad_is_shown_with_its_country_code() {
    let sim = Sim::start();
    let abroad = json!({"id": "eve", "phone": "2079460000", "country_code": "44"});
    sim.admin(Method::POST, "/users", abroad).await;
    let answered = exchange(&sim, &phone_code(&sim, "eve").await).await;
    let info = &answered.json()["phone_info"];
    assert_eq!(info["phoneNumber"], "+44 2079460000");
    assert_eq!(info["purePhoneNumber"], "2079460000");
    assert_eq!(info["countryCode"], "44");
}

#[tokio::test]
async fn users_have_numbers_of_their_own_that_are_numbers() {
    let sim = Sim::start();
    let ann = sim.admin(Method::POST, "/users", json!({"id": "ann"})).await;
    let bob = sim.admin(Method::POST, "/users", json!({"id": "bob"})).await;
    assert_ne!(ann["phone"], bob["phone"]);
    assert_eq!(ann["country_code"], "86");
    for wrong in [
        json!({"phone": ""}),
        json!({"phone": "138 0000"}),
        json!({"phone": "1".repeat(21)}),
        json!({"country_code": "+86"}),
        json!({"avatar_url": "x".repeat(513)}),
    ] {
        let request = sim.request(Method::PATCH, "/_sim/users/ann").json(&wrong);
        assert_eq!(sim.send(request).await.status, 400, "{wrong}");
    }
    assert_eq!(sim.admin(Method::GET, "/users/ann", json!({})).await, ann);
}

#[tokio::test]
async fn a_code_works_once_and_for_five_minutes() {
    let sim = Sim::start();
    let (early, late) = (phone_code(&sim, "ann").await, phone_code(&sim, "bob").await);
    sim.advance(295).await;
    assert_eq!(exchange(&sim, &early).await.errcode(), 0);
    assert_eq!(exchange(&sim, &early).await.errcode(), 40_029);
    sim.advance(5).await;
    assert_eq!(exchange(&sim, &late).await.errcode(), 40_029);
}

#[tokio::test]
async fn an_invalid_code_has_a_hint_of_its_own() {
    let sim = Sim::start();
    let errmsg = exchange(&sim, "unknown").await.errmsg();
    let text = without_rid(&errmsg);
    let hint = text.strip_prefix("invalid code hint: [").unwrap();
    assert_eq!(hint.strip_suffix(']').map(str::len), Some(16), "{errmsg}");
    sim.switch(MINI, json!({"error_style": "bare"})).await;
    assert_eq!(exchange(&sim, "unknown").await.errmsg(), "invalid code");
}

#[tokio::test]
async fn codes_of_other_kinds_are_40029_and_are_not_used_up() {
    let sim = Sim::start();
    let login = sim.code("ann").await;
    assert_eq!(exchange(&sim, &login).await.errcode(), 40_029);
    assert_eq!(sim.log_in(MINI, &login).await.errcode(), 0);
    let phone = phone_code(&sim, "ann").await;
    assert_eq!(sim.log_in(MINI, &phone).await.errcode(), 40_029);
    assert_eq!(exchange(&sim, &phone).await.errcode(), 0);
}

#[tokio::test]
async fn another_apps_code_is_40013_and_is_not_used_up() {
    let sim = Sim::with(vec![
        AppSettings::mini(MINI, SECRET),
        AppSettings::mini(OTHER, SECRET),
    ]);
    let code = phone_code(&sim, "ann").await;
    let answered = ask(&sim, OTHER, &json!({"code": code})).await;
    assert_eq!(answered.errcode(), 40_013);
    assert_eq!(without_rid(&answered.errmsg()), "invalid appid");
    assert_eq!(exchange(&sim, &code).await.errcode(), 0);
    // A login code of the other app is merely invalid.
    let login = sim.code("ann").await;
    let answered = ask(&sim, OTHER, &json!({"code": login})).await;
    assert_eq!(answered.errcode(), 40_029);
}

#[tokio::test]
async fn a_given_openid_must_be_the_users() {
    let sim = Sim::start();
    let code = phone_code(&sim, "ann").await;
    let user = sim.admin(Method::GET, "/users/ann", json!({})).await;
    let wrong = json!({"code": code, "openid": "oUnknown"});
    assert_eq!(ask(&sim, MINI, &wrong).await.errcode(), 40_003);
    let right = json!({"code": code, "openid": user["openids"][MINI]});
    assert_eq!(ask(&sim, MINI, &right).await.errcode(), 0);
}

#[tokio::test]
async fn token_kind_method_and_body_are_checked_in_order() {
    let sim = Sim::start();
    let code = phone_code(&sim, "ann").await;
    let body = json!({"code": code});
    assert_eq!(sim.post(PATH, &body).await.errcode(), 41_001);
    let unknown = format!("{PATH}?access_token=unknown");
    assert_eq!(sim.post(&unknown, &body).await.errcode(), 40_014);
    assert_eq!(ask(&sim, OFFICIAL, &body).await.errcode(), 48_001);
    let token = sim.classic(MINI).await.token();
    let path = format!("{PATH}?access_token={token}");
    assert_eq!(sim.get(&path).await.errcode(), 43_002);
    for (body, errcode) in [
        ("", 44_002),
        ("code=1", 47_001),
        ("{}", 40_029),
        (r#"{"code":1}"#, 40_029),
    ] {
        let request = sim.request(Method::POST, &path).body(body);
        assert_eq!(sim.send(request).await.errcode(), errcode, "{body}");
    }
    // A code in the query is none.
    let answered = sim.post(&format!("{path}&code={code}"), &json!({})).await;
    assert_eq!(answered.errcode(), 40_029);
    sim.switch(MINI, json!({"limits": {PATH: {"daily": 0}}})).await;
    assert_eq!(sim.post(&path, &body).await.errcode(), 45_009);
}

#[tokio::test]
async fn a_fault_finds_the_user_of_a_phone_code() {
    let sim = Sim::start();
    let (ann, bob) = (phone_code(&sim, "ann").await, phone_code(&sim, "bob").await);
    let rule = json!({"user": "ann", "effect": {"type": "errcode", "errcode": -1}});
    sim.fault(rule).await;
    assert_eq!(exchange(&sim, &bob).await.errcode(), 0);
    assert_eq!(exchange(&sim, &ann).await.errcode(), -1);
}
