//! The authorize page and `/sns/oauth2`, `/sns/userinfo`, `/sns/auth`.

use std::collections::HashMap;

use reqwest::Method;
use serde_json::{Value, json};
use wxgate::simulator::AppSettings;

use super::support::{Answered, MINI, OFFICIAL, SECRET, Sim};

const BACK: &str = "http%3A%2F%2F127.0.0.1%2Fback%3Fa%3D1";

fn authorize(scope: &str, rest: &str) -> String {
    format!(
        "/connect/oauth2/authorize?appid={OFFICIAL}&redirect_uri={BACK}&response_type=code&scope={scope}{rest}"
    )
}

/// Where the page sends the browser, with its parameters.
async fn sent_back(sim: &Sim, path: &str) -> HashMap<String, String> {
    let response = sim.request(Method::GET, path).send().await.unwrap();
    assert_eq!(response.status(), 302, "{path}");
    let location = response.headers()["location"].to_str().unwrap();
    let url = url::Url::parse(location).unwrap();
    assert_eq!(url.path(), "/back", "{location}");
    url.query_pairs().into_owned().collect()
}

async fn exchange(sim: &Sim, code: &str) -> Answered {
    sim.get(&format!(
        "/sns/oauth2/access_token?appid={OFFICIAL}&secret={SECRET}&code={code}&grant_type=authorization_code"
    ))
    .await
}

async fn code(sim: &Sim, more: Value) -> String {
    let mut body = json!({"app_id": OFFICIAL, "user": "ann", "kind": "oauth"});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let made = sim.admin(Method::POST, "/codes", body).await;
    made["code"].as_str().unwrap().to_owned()
}

async fn user_info(sim: &Sim, token: &str, openid: &str) -> Answered {
    sim.get(&format!(
        "/sns/userinfo?access_token={token}&openid={openid}&lang=zh_CN"
    ))
    .await
}

async fn sns_auth(sim: &Sim, token: &str, openid: &str) -> i64 {
    sim.get(&format!("/sns/auth?access_token={token}&openid={openid}"))
        .await
        .errcode()
}

#[tokio::test]
async fn base_scope_comes_back_at_once_with_code_and_state() {
    let sim = Sim::start();
    let back = sent_back(&sim, &authorize("snsapi_base", "&state=Abc1")).await;
    assert_eq!((back["a"].as_str(), back["state"].as_str()), ("1", "Abc1"));
    let token = exchange(&sim, &back["code"]).await;
    let names: Vec<String> = token.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        names,
        ["access_token", "expires_in", "refresh_token", "openid", "scope"]
    );
    assert_eq!(token.text_of("scope"), "snsapi_base");
    assert_eq!(token.content_type, "text/plain");
    assert!(
        !sent_back(&sim, &authorize("snsapi_base", ""))
            .await
            .contains_key("state")
    );
}

#[tokio::test]
async fn the_asking_page_works_without_scripts() {
    let sim = Sim::start();
    for id in ["ann", "bob"] {
        sim.admin(Method::POST, "/users", json!({"id": id, "nickname": "<b>"}))
            .await;
    }
    let path = authorize("snsapi_userinfo", "&state=x");
    let response = sim.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let policy = response.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let page = response.text().await.unwrap();
    for part in [
        "模拟 SIMULATED",
        "Allow",
        "拒绝",
        "value=\"ann\" selected",
        "&lt;b&gt;",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<script") && !page.contains("style=") && !page.contains("<b>"));
    // What the form sends.
    let back = sent_back(&sim, &format!("{path}&sim_user=bob&sim_decision=allow")).await;
    let bob = sim.admin(Method::GET, "/users/bob", json!({})).await;
    let token = exchange(&sim, &back["code"]).await;
    assert_eq!(bob["openids"][OFFICIAL], token.text_of("openid"));
    let back = sent_back(&sim, &format!("{path}&sim_user=bob&sim_decision=refuse")).await;
    assert!(!back.contains_key("code"));
    assert_eq!(back["state"], "x");
}

#[tokio::test]
async fn a_visitor_set_beforehand_is_not_asked() {
    let sim = Sim::start();
    let visitor = json!({"user": "ann", "decision": "allow"});
    sim.admin(Method::POST, "/visitor", visitor).await;
    let back = sent_back(&sim, &authorize("snsapi_userinfo", "")).await;
    let ann = sim.admin(Method::GET, "/users/ann", json!({})).await;
    let token = exchange(&sim, &back["code"]).await;
    assert_eq!(ann["openids"][OFFICIAL], token.text_of("openid"));
    sim.admin(Method::POST, "/visitor", json!({"decision": "refuse"}))
        .await;
    let back = sent_back(&sim, &authorize("snsapi_userinfo", "")).await;
    assert!(!back.contains_key("code"));
}

#[tokio::test]
async fn wrong_links_are_pages_with_wechats_number() {
    let sim = Sim::start();
    let long = format!("&state={}", "a".repeat(129));
    let elsewhere = "https%3A%2F%2Fh5.example.com%2F";
    let link = |app: &str, back: &str, rest: &str| {
        format!("/connect/oauth2/authorize?appid={app}&redirect_uri={back}&{rest}")
    };
    for (path, shown) in [
        (
            link(OFFICIAL, elsewhere, "response_type=code&scope=snsapi_base"),
            "10003",
        ),
        (
            link("wx404", BACK, "response_type=code&scope=snsapi_base"),
            "10016",
        ),
        (link(MINI, BACK, "response_type=code&scope=snsapi_base"), "10016"),
        (authorize("snsapi_login", ""), "10005"),
        (authorize("snsapi_base", &long), "10013"),
        (authorize("snsapi_base", "&state=a-b"), "10013"),
        (
            link(OFFICIAL, BACK, "response_type=token&scope=snsapi_base"),
            "该链接无法访问",
        ),
        (
            link(OFFICIAL, BACK, "scope=snsapi_base&response_type=code"),
            "该链接无法访问",
        ),
        ("/connect/oauth2/authorize".to_owned(), "10012"),
    ] {
        let page = sim.get(&path).await;
        assert_eq!(page.content_type, "text/html; charset=utf-8");
        assert!(page.text.contains(shown), "{path}: {}", page.text);
    }
}

#[tokio::test]
async fn the_host_must_be_exactly_the_consoles() {
    let sim = Sim::start();
    sim.switch(OFFICIAL, json!({"oauth_domains": ["h5.example.com"]}))
        .await;
    for (host, status) in [
        ("h5.example.com", 302),
        ("a.h5.example.com", 200),
        ("example.com", 200),
    ] {
        let path = format!(
            "/connect/oauth2/authorize?appid={OFFICIAL}&redirect_uri=https%3A%2F%2F{host}%2F&response_type=code\
             &scope=snsapi_base"
        );
        let response = sim.request(Method::GET, &path).send().await.unwrap();
        assert_eq!(response.status(), status, "{host}");
    }
}

#[tokio::test]
async fn a_code_works_once_for_five_minutes_at_its_own_app() {
    let sim = Sim::with(vec![
        AppSettings::official(OFFICIAL, SECRET),
        AppSettings::official("wx-other", SECRET),
        AppSettings::mini(MINI, SECRET),
    ]);
    let used = code(&sim, json!({})).await;
    assert_eq!(exchange(&sim, &used).await.errcode(), 0);
    assert_eq!(exchange(&sim, &used).await.errcode(), 40163);
    let late = code(&sim, json!({})).await;
    for (app, secret, errcode) in [
        ("wx-other", SECRET, 40029),
        (MINI, SECRET, 40013),
        ("wx404", SECRET, 40013),
        (OFFICIAL, "wrong", 40125),
    ] {
        let path = format!(
            "/sns/oauth2/access_token?appid={app}&secret={secret}&code={late}&grant_type=authorization_code"
        );
        assert_eq!(sim.get(&path).await.errcode(), errcode, "{app}");
    }
    // A code of the authorize page is no login code, and the other way round.
    assert_eq!(sim.log_in(MINI, &late).await.errcode(), 40029);
    assert_eq!(exchange(&sim, &sim.code("ann").await).await.errcode(), 40029);
    sim.advance(300).await;
    assert_eq!(exchange(&sim, &late).await.errcode(), 40029);
    let missing = format!("/sns/oauth2/access_token?appid={OFFICIAL}&secret={SECRET}");
    assert_eq!(sim.get(&missing).await.errcode(), 41008);
    sim.admin(Method::PATCH, "/users/ann", json!({"high_risk": true}))
        .await;
    assert_eq!(
        exchange(&sim, &code(&sim, json!({})).await).await.errcode(),
        40226
    );
}

#[tokio::test]
async fn user_info_needs_its_scope_and_its_own_token() {
    let sim = Sim::start();
    sim.switch(OFFICIAL, json!({"open_account": "open1"})).await;
    sim.admin(Method::POST, "/users", json!({"id": "ann", "nickname": "小安"}))
        .await;
    let base = exchange(&sim, &code(&sim, json!({})).await).await;
    let openid = base.text_of("openid");
    assert!(base.json().get("unionid").is_none());
    assert_eq!(user_info(&sim, &base.token(), &openid).await.errcode(), 48001);
    let full = exchange(&sim, &code(&sim, json!({"scope": "snsapi_userinfo"})).await).await;
    let shown = user_info(&sim, &full.token(), &openid).await;
    assert_eq!(shown.text_of("nickname"), "小安");
    assert_eq!(shown.text_of("unionid"), full.text_of("unionid"));
    assert_eq!(user_info(&sim, &full.token(), "oOther").await.errcode(), 40003);
    assert_eq!(user_info(&sim, "unknown", &openid).await.errcode(), 40014);
    // The app's own token and a web page's do not work in each other's place.
    let own = sim.classic(OFFICIAL).await.token();
    assert_eq!(user_info(&sim, &own, &openid).await.errcode(), 40001);
    assert_eq!(sim.try_token(&full.token()).await, 40014);
    assert_eq!(sns_auth(&sim, &full.token(), &openid).await, 0);
    assert_eq!(sns_auth(&sim, &full.token(), "oOther").await, 40003);
    sim.advance(7200).await;
    assert_eq!(sns_auth(&sim, &full.token(), &openid).await, 42001);
}

#[tokio::test]
async fn a_refresh_token_lives_thirty_days() {
    let sim = Sim::start();
    let token = exchange(&sim, &code(&sim, json!({})).await).await;
    let refresh_token = token.text_of("refresh_token");
    let refresh = async |app: &str, refresh_token: &str| {
        let query = format!("appid={app}&grant_type=refresh_token&refresh_token={refresh_token}");
        sim.get(&format!("/sns/oauth2/refresh_token?{query}")).await
    };
    assert_eq!(refresh(OFFICIAL, &refresh_token).await.token(), token.token());
    sim.advance(7200).await;
    let next = refresh(OFFICIAL, &refresh_token).await;
    assert_ne!(next.token(), token.token());
    assert_eq!(next.text_of("refresh_token"), refresh_token);
    assert_eq!(sns_auth(&sim, &next.token(), &token.text_of("openid")).await, 0);
    assert_eq!(refresh(OFFICIAL, "unknown").await.errcode(), 40030);
    assert_eq!(refresh(OFFICIAL, "").await.errcode(), 41003);
    assert_eq!(refresh("", &refresh_token).await.errcode(), 41002);
    assert_eq!(refresh(MINI, &refresh_token).await.errcode(), 40030);
    sim.advance(30 * 86_400).await;
    assert_eq!(refresh(OFFICIAL, &refresh_token).await.errcode(), 42002);
}

#[tokio::test]
async fn the_user_of_a_snapshot_page_is_a_virtual_one() {
    let sim = Sim::start();
    sim.switch(OFFICIAL, json!({"open_account": "open1"})).await;
    let ann = sim.admin(Method::POST, "/users", json!({"id": "ann"})).await;
    let snapshot = json!({"scope": "snsapi_userinfo", "snapshot": true});
    let token = exchange(&sim, &code(&sim, snapshot).await).await;
    assert_eq!(token.json()["is_snapshotuser"], 1);
    assert!(token.json().get("unionid").is_none());
    let openid = token.text_of("openid");
    assert_ne!(ann["openids"][OFFICIAL], openid);
    assert_eq!(
        user_info(&sim, &token.token(), &openid).await.text_of("nickname"),
        "微信用户"
    );
    let forced = authorize(
        "snsapi_userinfo",
        "&forceSnapShot=true&sim_user=ann&sim_decision=allow",
    );
    let back = sent_back(&sim, &forced).await;
    assert_eq!(exchange(&sim, &back["code"]).await.json()["is_snapshotuser"], 1);
}
