//! `/sns/jscode2session`.

use reqwest::Method;
use serde_json::json;
use wxgate::simulator::AppSettings;

use super::support::{MINI, OFFICIAL, SECRET, Sim, login_path, without_rid};

const OTHER: &str = "wx0000000000000003";

#[tokio::test]
async fn a_code_is_answered_with_openid_and_session_key_alone() {
    let sim = Sim::start();
    let made = sim.admin(Method::POST, "/codes", json!({"app_id": MINI})).await;
    let answered = sim.log_in(MINI, made["code"].as_str().unwrap()).await;
    let body = answered.json();
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["session_key", "openid"]);
    assert_eq!(body["openid"], made["openid"]);
    assert_eq!(answered.text_of("session_key").len(), 24);
}

#[tokio::test]
async fn parameters_are_checked_in_order() {
    let sim = Sim::start();
    let code = sim.code("ann").await;
    for (query, errcode, text) in [
        (String::new(), 41_002, "appid missing,"),
        (format!("appid={MINI}"), 41_004, "appsecret missing,"),
        (format!("appid={MINI}&secret=x"), 41_008, "missing code,"),
        (
            format!("appid={MINI}&secret=x&js_code={code}"),
            40_002,
            "invalid grant_type,",
        ),
    ] {
        let answered = sim.get(&format!("/sns/jscode2session?{query}")).await;
        assert_eq!(answered.errcode(), errcode, "{query}");
        assert_eq!(without_rid(&answered.errmsg()), text);
    }
    assert_eq!(sim.log_in("wxunknown", &code).await.errcode(), 40_013);
    assert_eq!(sim.log_in(OFFICIAL, &code).await.errcode(), 40_013);
    let wrong = login_path(MINI, &code).replace(SECRET, "x");
    assert_eq!(sim.get(&wrong).await.errcode(), 40_125);
    assert_eq!(sim.log_in(MINI, &code).await.errcode(), 0);
}

#[tokio::test]
async fn a_code_works_once() {
    let sim = Sim::start();
    let code = sim.code("ann").await;
    assert_eq!(sim.log_in(MINI, &code).await.errcode(), 0);
    let answered = sim.log_in(MINI, &code).await;
    assert_eq!(answered.errcode(), 40_163);
    assert_eq!(without_rid(&answered.errmsg()), "code been used,");
}

#[tokio::test]
async fn a_code_works_for_five_minutes() {
    let sim = Sim::start();
    let (early, late) = (sim.code("ann").await, sim.code("bob").await);
    sim.advance(295).await;
    assert_eq!(sim.log_in(MINI, &early).await.errcode(), 0);
    sim.advance(5).await;
    assert_eq!(sim.log_in(MINI, &late).await.errcode(), 40_029);
}

#[tokio::test]
async fn a_code_works_at_its_own_app_only() {
    let sim = Sim::with(vec![
        AppSettings::mini(MINI, SECRET),
        AppSettings::mini(OTHER, SECRET),
    ]);
    let code = sim.code("ann").await;
    assert_eq!(sim.log_in(OTHER, &code).await.errcode(), 40_029);
    assert_eq!(sim.log_in(MINI, &code).await.errcode(), 0);
}

#[tokio::test]
async fn an_openid_is_stable_per_user_and_app() {
    let sim = Sim::start();
    let mut openids = Vec::new();
    for user in ["ann", "ann", "bob"] {
        openids.push(sim.log_in(MINI, &sim.code(user).await).await.text_of("openid"));
    }
    assert_eq!(openids[0], openids[1]);
    assert_ne!(openids[0], openids[2]);
}

#[tokio::test]
async fn apps_bound_to_one_open_platform_account_share_the_unionid() {
    let mut apps = [AppSettings::mini(MINI, SECRET), AppSettings::mini(OTHER, SECRET)];
    for app in &mut apps {
        app.switches.bind_to("open");
    }
    let sim = Sim::with(apps.to_vec());
    let here = sim.log_in(MINI, &sim.code("ann").await).await;
    let made = sim
        .admin(Method::POST, "/codes", json!({"app_id": OTHER, "user": "ann"}))
        .await;
    let there = sim.log_in(OTHER, made["code"].as_str().unwrap()).await;
    assert_eq!(here.text_of("unionid"), there.text_of("unionid"));
    assert_ne!(here.text_of("openid"), there.text_of("openid"));
}

#[tokio::test]
async fn a_high_risk_user_is_40226() {
    let sim = Sim::start();
    let code = sim.code("ann").await;
    sim.admin(Method::PATCH, "/users/ann", json!({"high_risk": true}))
        .await;
    let answered = sim.log_in(MINI, &code).await;
    assert_eq!(answered.errcode(), 40_226);
    assert_eq!(without_rid(&answered.errmsg()), "code blocked,");
    sim.admin(Method::PATCH, "/users/ann", json!({"high_risk": false}))
        .await;
    assert_eq!(sim.log_in(MINI, &code).await.errcode(), 0);
}

#[tokio::test]
async fn the_hundred_and_first_login_of_a_user_in_a_minute_is_45011() {
    let sim = Sim::start();
    sim.to_midnight().await;
    for _ in 0..100 {
        assert_eq!(sim.log_in(MINI, &sim.code("ann").await).await.errcode(), 0);
    }
    let code = sim.code("ann").await;
    assert_eq!(sim.log_in(MINI, &code).await.errcode(), 45_011);
    assert_eq!(sim.log_in(MINI, &sim.code("bob").await).await.errcode(), 0);
    sim.advance(60).await;
    assert_eq!(sim.log_in(MINI, &code).await.errcode(), 0);
}

#[tokio::test]
async fn there_is_no_allow_list_for_logins() {
    let sim = Sim::start();
    sim.switch(MINI, json!({"allow_list": []})).await;
    assert_eq!(sim.classic(MINI).await.errcode(), 40_164);
    assert_eq!(sim.log_in(MINI, &sim.code("ann").await).await.errcode(), 0);
}

#[tokio::test]
async fn slashes_can_be_escaped() {
    let sim = Sim::start();
    sim.switch(MINI, json!({"escape_slashes": true})).await;
    // A session key has a slash more often than not; one of these surely has.
    let mut escaped = 0;
    for _ in 0..50 {
        let answered = sim.log_in(MINI, &sim.code("ann").await).await;
        let slashes = answered.text_of("session_key").matches('/').count();
        assert_eq!(answered.text.matches("\\/").count(), slashes);
        escaped += slashes;
    }
    assert!(escaped > 0);
}
