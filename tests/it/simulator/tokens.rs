//! `/cgi-bin/token` and `/cgi-bin/stable_token`.

use reqwest::Method;
use serde_json::{Value, json};
use wxgate::simulator::AppSettings;

use super::support::{OFFICIAL, SECRET, Sim, token_path, without_rid};

const LONG_TEXT: &str = "invalid credential, access_token is invalid or not latest, could get access_token by \
                         getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r";

#[tokio::test]
async fn a_token_looks_like_wechats_and_lives_7200_seconds() {
    let sim = Sim::start();
    let answered = sim.classic(OFFICIAL).await;
    let token = answered.token();
    assert_eq!(answered.expires_in(), 7_200);
    assert!((136..=512).contains(&token.len()), "{token}");
    assert!(
        token[..2].bytes().all(|byte| byte.is_ascii_digit()) && &token[2..3] == "_",
        "{token}"
    );
    assert!(
        token
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)),
        "{token}"
    );
}

#[tokio::test]
async fn parameters_of_token_are_checked_in_order() {
    let sim = Sim::start();
    for (query, code, text) in [
        ("", 41_002, "appid missing"),
        ("appid=", 41_002, "appid missing"),
        ("appid=x", 41_004, "appsecret missing"),
        ("appid=x&secret=x", 40_002, "invalid grant_type"),
        (
            "appid=x&secret=x&grant_type=password",
            40_002,
            "invalid grant_type",
        ),
        (
            "appid=x&secret=x&grant_type=client_credential",
            40_013,
            "invalid appid",
        ),
        (
            "appid=wx0000000000000001&secret=x&grant_type=client_credential",
            40_125,
            "invalid appsecret",
        ),
    ] {
        let answered = sim.get(&format!("/cgi-bin/token?{query}")).await;
        assert_eq!(answered.errcode(), code, "{query}");
        assert_eq!(without_rid(&answered.errmsg()), text);
    }
}

#[tokio::test]
async fn parameters_of_stable_token_are_a_json_body() {
    let sim = Sim::start();
    let send = async |body: &'static str| {
        let request = sim.request(Method::POST, "/cgi-bin/stable_token").body(body);
        sim.send(request).await.errcode()
    };
    assert_eq!(send("").await, 44_002);
    assert_eq!(send("appid=x").await, 47_001);
    assert_eq!(send("[]").await, 47_001);
    assert_eq!(send("{}").await, 41_002);
    assert_eq!(send(r#"{"appid":"x"}"#).await, 41_004);
    assert_eq!(send(r#"{"appid":"x","secret":"x"}"#).await, 40_002);
    assert_eq!(
        send(r#"{"appid":"x","secret":"x","grant_type":"client_credential"}"#).await,
        40_013
    );
}

#[tokio::test]
async fn a_replaced_classic_token_works_for_the_overlap_only() {
    let sim = Sim::start();
    let first = sim.classic(OFFICIAL).await.token();
    let second = sim.classic(OFFICIAL).await.token();
    assert_ne!(first, second);
    assert_eq!(sim.try_token(&first).await, 0);
    sim.advance(295).await;
    assert_eq!(sim.try_token(&first).await, 0);
    sim.advance(5).await;
    let answered = sim
        .get(&format!(
            "/cgi-bin/ticket/getticket?access_token={first}&type=jsapi"
        ))
        .await;
    assert_eq!(answered.errcode(), 40_001);
    assert_eq!(without_rid(&answered.errmsg()), LONG_TEXT);
    assert_eq!(sim.try_token(&second).await, 0);
}

#[tokio::test]
async fn a_third_classic_token_ends_the_first_at_once() {
    let sim = Sim::start();
    let first = sim.classic(OFFICIAL).await.token();
    let second = sim.classic(OFFICIAL).await.token();
    sim.classic(OFFICIAL).await;
    assert_eq!(sim.try_token(&first).await, 40_001);
    assert_eq!(sim.try_token(&second).await, 0);
}

#[tokio::test]
async fn an_overlap_of_zero_ends_a_replaced_token_at_once() {
    let mut app = AppSettings::official(OFFICIAL, SECRET);
    app.switches.overlap(0);
    let sim = Sim::with(vec![app]);
    let first = sim.classic(OFFICIAL).await.token();
    sim.classic(OFFICIAL).await;
    assert_eq!(sim.try_token(&first).await, 40_001);
}

#[tokio::test]
async fn expired_and_unknown_tokens_have_codes_of_their_own() {
    let sim = Sim::start();
    let token = sim.classic(OFFICIAL).await.token();
    assert_eq!(sim.try_token("50_unknown").await, 40_014);
    sim.advance(7_195).await;
    assert_eq!(sim.try_token(&token).await, 0);
    sim.advance(5).await;
    assert_eq!(sim.try_token(&token).await, 42_001);
}

#[tokio::test]
async fn a_stable_token_is_the_same_to_everybody_with_what_remains_of_it() {
    let sim = Sim::start();
    let first = sim.stable(OFFICIAL, false).await;
    assert_eq!(first.expires_in(), 7_200);
    sim.advance(1_000).await;
    let again = sim.stable(OFFICIAL, false).await;
    assert_eq!(again.token(), first.token());
    assert!(
        (6_190..=6_200).contains(&again.expires_in()),
        "{}",
        again.expires_in()
    );
}

#[tokio::test]
async fn a_stable_token_rolls_over_in_its_last_five_minutes_and_both_work() {
    let sim = Sim::start();
    let first = sim.stable(OFFICIAL, false).await.token();
    sim.advance(6_890).await;
    assert_eq!(sim.stable(OFFICIAL, false).await.token(), first);
    sim.advance(110).await;
    let next = sim.stable(OFFICIAL, false).await;
    assert_ne!(next.token(), first);
    assert_eq!(next.expires_in(), 7_200);
    sim.advance(295).await;
    assert_eq!(sim.try_token(&first).await, 0);
    assert_eq!(sim.try_token(&next.token()).await, 0);
    sim.advance(5).await;
    assert_eq!(sim.try_token(&first).await, 42_001);
}

#[tokio::test]
async fn stable_and_classic_tokens_do_not_affect_each_other() {
    let sim = Sim::start();
    sim.switch(OFFICIAL, json!({"overlap_seconds": 0})).await;
    let classic = sim.classic(OFFICIAL).await.token();
    let stable = sim.stable(OFFICIAL, false).await.token();
    let forced = sim.stable(OFFICIAL, true).await.token();
    assert_eq!(sim.try_token(&classic).await, 0);
    assert_eq!(sim.try_token(&stable).await, 40_001);
    sim.classic(OFFICIAL).await;
    assert_eq!(sim.try_token(&forced).await, 0);
}

#[tokio::test]
async fn a_forced_refresh_too_soon_answers_the_current_token() {
    let sim = Sim::start();
    let first = sim.stable(OFFICIAL, false).await.token();
    let second = sim.stable(OFFICIAL, true).await.token();
    assert_ne!(first, second);
    assert_eq!(sim.stable(OFFICIAL, true).await.token(), second);
    sim.advance(30).await;
    assert_ne!(sim.stable(OFFICIAL, true).await.token(), second);
}

#[tokio::test]
async fn the_twenty_first_forced_refresh_of_a_day_answers_the_current_token() {
    let sim = Sim::start();
    sim.to_midnight().await;
    let mut last = sim.stable(OFFICIAL, false).await.token();
    for _ in 0..20 {
        let next = sim.stable(OFFICIAL, true).await.token();
        assert_ne!(next, last);
        last = next;
        sim.advance(30).await;
    }
    assert_eq!(sim.stable(OFFICIAL, true).await.token(), last);
}

#[tokio::test]
async fn daily_and_minute_quotas_are_45009_and_45011() {
    let sim = Sim::start();
    sim.to_midnight().await;
    let limits = json!({"/cgi-bin/token": {"daily": 2}, "/cgi-bin/stable_token": {"minute": 2, "daily": 3}});
    sim.switch(OFFICIAL, json!({"limits": limits})).await;
    assert_eq!(sim.classic(OFFICIAL).await.errcode(), 0);
    assert_eq!(sim.classic(OFFICIAL).await.errcode(), 0);
    let answered = sim.classic(OFFICIAL).await;
    assert_eq!(answered.errcode(), 45_009);
    assert_eq!(without_rid(&answered.errmsg()), "reach max api daily quota limit");
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(sim.stable(OFFICIAL, false).await.errcode());
    }
    assert_eq!(codes, [0, 0, 45_011]);
    sim.advance(60).await;
    assert_eq!(sim.stable(OFFICIAL, false).await.errcode(), 0);
    assert_eq!(sim.stable(OFFICIAL, false).await.errcode(), 45_009);
    sim.advance(86_400).await;
    assert_eq!(sim.classic(OFFICIAL).await.errcode(), 0);
    assert_eq!(sim.stable(OFFICIAL, false).await.errcode(), 0);
}

#[tokio::test]
async fn an_address_outside_the_allow_list_is_told_which_it_is() {
    let sim = Sim::start();
    sim.switch(OFFICIAL, json!({"allow_list": ["10.0.0.0/8"]})).await;
    for answered in [sim.classic(OFFICIAL).await, sim.stable(OFFICIAL, false).await] {
        assert_eq!(answered.errcode(), 40_164);
        let text = "invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist";
        assert_eq!(without_rid(&answered.errmsg()), text);
    }
    sim.switch(OFFICIAL, json!({"allow_list": null})).await;
    assert_eq!(sim.classic(OFFICIAL).await.errcode(), 0);
}

#[tokio::test]
async fn a_reset_secret_refuses_the_old_one_and_ends_all_tokens() {
    let sim = Sim::start();
    let (classic, stable) = (
        sim.classic(OFFICIAL).await.token(),
        sim.stable(OFFICIAL, false).await.token(),
    );
    sim.admin(
        Method::PATCH,
        &format!("/apps/{OFFICIAL}"),
        json!({"app_secret": "another"}),
    )
    .await;
    assert_eq!(sim.classic(OFFICIAL).await.errcode(), 40_125);
    assert_eq!(sim.try_token(&classic).await, 40_001);
    assert_eq!(sim.try_token(&stable).await, 40_001);
    assert_eq!(sim.get(&token_path(OFFICIAL, "another")).await.errcode(), 0);
}

#[tokio::test]
async fn a_frozen_secret_is_40243() {
    let sim = Sim::start();
    sim.switch(OFFICIAL, json!({"frozen": true})).await;
    assert_eq!(sim.classic(OFFICIAL).await.errcode(), 40_243);
    assert_eq!(sim.stable(OFFICIAL, false).await.errcode(), 40_243);
}

#[tokio::test]
async fn risk_confirmation_follows_its_script() {
    let sim = Sim::start();
    sim.switch(OFFICIAL, json!({"risk": [89_503, 89_501, 89_507]}))
        .await;
    assert_eq!(sim.classic(OFFICIAL).await.errcode(), 89_503);
    assert_eq!(sim.stable(OFFICIAL, false).await.errcode(), 89_501);
    assert_eq!(sim.classic(OFFICIAL).await.errcode(), 89_507);
    sim.advance(3_590).await;
    assert_eq!(sim.classic(OFFICIAL).await.errcode(), 89_507);
    sim.advance(10).await;
    assert_eq!(sim.classic(OFFICIAL).await.errcode(), 0);
    sim.switch(OFFICIAL, json!({"risk": [89_506]})).await;
    assert_eq!(sim.classic(OFFICIAL).await.errcode(), 89_506);
    sim.advance(86_000).await;
    assert_eq!(sim.classic(OFFICIAL).await.errcode(), 89_506);
    sim.switch(OFFICIAL, json!({"risk": []})).await;
    assert_eq!(sim.classic(OFFICIAL).await.errcode(), 0);
}

#[tokio::test]
async fn killed_tokens_are_40001_and_stable_token_answers_another() {
    let sim = Sim::start();
    let classic = sim.classic(OFFICIAL).await.token();
    let stable = sim.stable(OFFICIAL, false).await.token();
    let kill = async |body: Value| sim.admin(Method::POST, "/tokens/kill", body).await;
    assert_eq!(
        kill(json!({"app_id": OFFICIAL, "kind": "stable"})).await,
        json!({"killed": 1})
    );
    assert_eq!(sim.try_token(&stable).await, 40_001);
    assert_eq!(sim.try_token(&classic).await, 0);
    let next = sim.stable(OFFICIAL, false).await.token();
    assert_ne!(next, stable);
    let still = json!({"app_id": OFFICIAL, "still_served": true});
    assert_eq!(kill(still).await, json!({"killed": 2}));
    assert_eq!(sim.try_token(&classic).await, 40_001);
    assert_eq!(sim.stable(OFFICIAL, false).await.token(), next);
    assert_eq!(sim.try_token(&next).await, 40_001);
    assert_ne!(sim.stable(OFFICIAL, true).await.token(), next);
}
