//! `/sns/oauth2/access_token`, `/sns/oauth2/refresh_token`, `/sns/userinfo`, `/sns/auth`.

use reqwest::Method;
use serde_json::{Value, json};
use wxgate::simulator::AppSettings;

use super::support::{Answered, MINI, OFFICIAL, SECRET, Sim, exchange_path, without_rid};

const OTHER: &str = "wx0000000000000003";
const DAY: u32 = 86_400;

/// A page that a user has granted something.
struct Page {
    sim: Sim,
    token: String,
    refresh: String,
    openid: String,
}

impl Page {
    async fn granted(scope: &str) -> Self {
        let sim = Sim::start();
        let code = sim.web_code("ann", scope).await;
        let answered = sim.exchange(OFFICIAL, &code).await;
        Self {
            sim,
            token: answered.token(),
            refresh: answered.text_of("refresh_token"),
            openid: answered.text_of("openid"),
        }
    }

    async fn call(&self, path: &str) -> Answered {
        self.with(path, &self.token, &self.openid).await
    }

    async fn with(&self, path: &str, token: &str, openid: &str) -> Answered {
        self.sim
            .get(&format!("/sns/{path}?access_token={token}&openid={openid}"))
            .await
    }

    async fn refresh(&self, app_id: &str, refresh: &str) -> Answered {
        let path = "/sns/oauth2/refresh_token?grant_type=refresh_token";
        self.sim
            .get(&format!("{path}&appid={app_id}&refresh_token={refresh}"))
            .await
    }
}

fn refused(answered: &Answered) -> (i64, String) {
    let errmsg = answered.errmsg();
    (answered.errcode(), without_rid(&errmsg).to_owned())
}

#[tokio::test]
async fn a_code_is_answered_with_two_tokens_and_the_openid() {
    let sim = Sim::start();
    // The unionid is no matter of this scope, even where there is one.
    sim.switch(OFFICIAL, json!({"open_account": "open"})).await;
    let wanted = json!({"app_id": OFFICIAL, "user": "ann", "kind": "oauth"});
    let made = sim.admin(Method::POST, "/codes", wanted).await;
    let answered = sim.exchange(OFFICIAL, made["code"].as_str().unwrap()).await;
    assert_eq!(
        answered.members(),
        ["access_token", "expires_in", "refresh_token", "openid", "scope"]
    );
    assert_eq!(answered.expires_in(), 7_200);
    assert_eq!(answered.text_of("scope"), "snsapi_base");
    assert_eq!(answered.json()["openid"], made["openid"]);
    assert_eq!(answered.content_type, "text/plain");
    assert_ne!(answered.token(), answered.text_of("refresh_token"));
}

#[tokio::test]
async fn the_unionid_comes_with_userinfo_and_is_the_mini_programs() {
    let sim = Sim::start();
    let code = sim.web_code("ann", "snsapi_userinfo").await;
    let unbound = sim.exchange(OFFICIAL, &code).await;
    assert_eq!(unbound.json().get("unionid"), None);
    for app_id in [OFFICIAL, MINI] {
        sim.switch(app_id, json!({"open_account": "open"})).await;
    }
    let code = sim.web_code("ann", "snsapi_userinfo").await;
    let page = sim.exchange(OFFICIAL, &code).await;
    assert_eq!(page.text_of("scope"), "snsapi_userinfo");
    let mini = sim.log_in(MINI, &sim.code("ann").await).await;
    assert_eq!(page.text_of("unionid"), mini.text_of("unionid"));
    assert_ne!(page.text_of("openid"), mini.text_of("openid"));
    let (token, openid) = (page.token(), page.text_of("openid"));
    let shown = sim
        .get(&format!("/sns/userinfo?access_token={token}&openid={openid}"))
        .await;
    assert_eq!(shown.text_of("unionid"), mini.text_of("unionid"));
}

#[tokio::test]
async fn the_parameters_of_an_exchange_are_checked_in_order() {
    let sim = Sim::start();
    let code = sim.web_code("ann", "snsapi_base").await;
    let path = "/sns/oauth2/access_token";
    for (query, errcode, text) in [
        (String::new(), 41_002, "appid missing,"),
        (format!("appid={OFFICIAL}"), 41_004, "appsecret missing,"),
        (format!("appid={OFFICIAL}&secret=x"), 41_008, "missing code,"),
        (
            format!("appid={OFFICIAL}&secret=x&code={code}"),
            40_002,
            "invalid grant_type,",
        ),
    ] {
        let answered = sim.get(&format!("{path}?{query}")).await;
        assert_eq!(refused(&answered), (errcode, text.to_owned()), "{query}");
    }
    let answered = sim.exchange("wxunknown", &code).await;
    assert_eq!(refused(&answered), (40_013, "invalid appid,".into()));
    let answered = sim.get(&exchange_path(OFFICIAL, "wrong", &code)).await;
    assert_eq!(refused(&answered), (40_125, "invalid appsecret,".into()));
    let answered = sim
        .post(&exchange_path(OFFICIAL, SECRET, &code), &json!({}))
        .await;
    assert_eq!(answered.errcode(), 43_001);
    // None of it has used the code up.
    assert_eq!(sim.exchange(OFFICIAL, &code).await.errcode(), 0);
}

#[tokio::test]
async fn a_code_works_once_and_for_five_minutes() {
    let sim = Sim::start();
    let (early, late) = (
        sim.web_code("ann", "snsapi_base").await,
        sim.web_code("bob", "snsapi_base").await,
    );
    sim.advance(295).await;
    assert_eq!(sim.exchange(OFFICIAL, &early).await.errcode(), 0);
    let again = sim.exchange(OFFICIAL, &early).await;
    assert_eq!(refused(&again), (40_163, "code been used,".into()));
    sim.advance(5).await;
    let answered = sim.exchange(OFFICIAL, &late).await;
    assert_eq!(refused(&answered), (40_029, "invalid code,".into()));
}

#[tokio::test]
async fn a_code_works_for_its_own_app_and_purpose_only() {
    let sim = Sim::with(vec![
        AppSettings::official(OFFICIAL, SECRET),
        AppSettings::official(OTHER, SECRET),
        AppSettings::mini(MINI, SECRET),
    ]);
    let code = sim.web_code("ann", "snsapi_base").await;
    assert_eq!(sim.exchange(OTHER, &code).await.errcode(), 40_029);
    assert_eq!(sim.log_in(OFFICIAL, &code).await.errcode(), 40_013);
    let login = sim.code("ann").await;
    assert_eq!(sim.exchange(OFFICIAL, &login).await.errcode(), 40_029);
    assert_eq!(sim.exchange(MINI, &login).await.errcode(), 40_013);
    assert_eq!(sim.exchange(OFFICIAL, &code).await.errcode(), 0);
    assert_eq!(sim.log_in(MINI, &login).await.errcode(), 0);
}

#[tokio::test]
async fn a_high_risk_user_is_40226_and_there_is_no_allow_list() {
    let sim = Sim::start();
    sim.switch(OFFICIAL, json!({"allow_list": []})).await;
    let code = sim.web_code("ann", "snsapi_base").await;
    sim.admin(Method::PATCH, "/users/ann", json!({"high_risk": true}))
        .await;
    assert_eq!(sim.exchange(OFFICIAL, &code).await.errcode(), 40_226);
    sim.admin(Method::PATCH, "/users/ann", json!({"high_risk": false}))
        .await;
    assert_eq!(sim.exchange(OFFICIAL, &code).await.errcode(), 0);
}

#[tokio::test]
async fn every_path_can_be_limited() {
    let page = Page::granted("snsapi_userinfo").await;
    page.sim.to_midnight().await;
    let refresh = page.refresh(OFFICIAL, &page.refresh).await;
    let page = Page {
        token: refresh.token(),
        ..page
    };
    let none = json!({"daily": 0});
    let minute = json!({"minute": 0});
    page.sim
        .switch(
            OFFICIAL,
            json!({"limits": {
                "/sns/oauth2/access_token": minute, "/sns/oauth2/refresh_token": none,
                "/sns/userinfo": none, "/sns/auth": minute,
            }}),
        )
        .await;
    let code = page.sim.web_code("ann", "snsapi_base").await;
    assert_eq!(page.sim.exchange(OFFICIAL, &code).await.errcode(), 45_011);
    assert_eq!(page.refresh(OFFICIAL, &page.refresh).await.errcode(), 45_009);
    assert_eq!(page.call("userinfo").await.errcode(), 45_009);
    assert_eq!(page.call("auth").await.errcode(), 45_011);
}

#[tokio::test]
async fn a_refresh_extends_a_token_that_works() {
    let page = Page::granted("snsapi_userinfo").await;
    page.sim.advance(7_000).await;
    let answered = page.refresh(OFFICIAL, &page.refresh).await;
    assert_eq!(
        answered.members(),
        ["access_token", "expires_in", "refresh_token", "openid", "scope"]
    );
    assert_eq!(answered.token(), page.token);
    assert_eq!(answered.expires_in(), 7_200);
    assert_eq!(answered.text_of("refresh_token"), page.refresh);
    assert_eq!(answered.text_of("openid"), page.openid);
    assert_eq!(answered.text_of("scope"), "snsapi_userinfo");
    page.sim.advance(7_000).await;
    assert_eq!(page.call("auth").await.errcode(), 0);
    page.sim.advance(200).await;
    assert_eq!(page.call("auth").await.errcode(), 42_001);
}

#[tokio::test]
async fn a_refresh_replaces_a_token_that_has_expired() {
    let page = Page::granted("snsapi_userinfo").await;
    page.sim.advance(7_200).await;
    let answered = page.call("userinfo").await;
    assert_eq!(refused(&answered), (42_001, "access_token expired,".into()));
    let next = page.refresh(OFFICIAL, &page.refresh).await.token();
    assert_ne!(next, page.token);
    assert_eq!(page.with("userinfo", &next, &page.openid).await.errcode(), 0);
    assert_eq!(page.call("userinfo").await.errcode(), 42_001);
}

#[tokio::test]
async fn a_refresh_token_lives_thirty_days_and_is_never_extended() {
    let page = Page::granted("snsapi_base").await;
    for _ in 0..29 {
        page.sim.advance(DAY).await;
        let answered = page.refresh(OFFICIAL, &page.refresh).await;
        assert_eq!(answered.text_of("refresh_token"), page.refresh);
    }
    page.sim.advance(DAY).await;
    let answered = page.refresh(OFFICIAL, &page.refresh).await;
    assert_eq!(refused(&answered), (42_002, "refresh_token expired,".into()));
}

#[tokio::test]
async fn what_cannot_be_refreshed_says_why() {
    let page = Page::granted("snsapi_base").await;
    let path = "/sns/oauth2/refresh_token";
    for (query, errcode, text) in [
        (String::new(), 41_002, "appid missing,"),
        (format!("appid={OFFICIAL}"), 41_003, "refresh_token missing,"),
        (
            format!("appid={OFFICIAL}&refresh_token={}", page.refresh),
            40_002,
            "invalid grant_type,",
        ),
    ] {
        let answered = page.sim.get(&format!("{path}?{query}")).await;
        assert_eq!(refused(&answered), (errcode, text.to_owned()), "{query}");
    }
    for (app_id, token) in [
        (OFFICIAL, "unknown"),
        (OFFICIAL, &page.token),
        (MINI, &page.refresh),
    ] {
        let answered = page.refresh(app_id, token).await;
        assert_eq!(refused(&answered), (40_030, "invalid refresh_token,".into()));
    }
    assert_eq!(page.refresh("wxunknown", &page.refresh).await.errcode(), 40_013);
    // It is no access token either.
    assert_eq!(
        page.with("auth", &page.refresh, &page.openid).await.errcode(),
        40_014
    );
}

#[tokio::test]
async fn userinfo_shows_the_name_and_picture_of_now() {
    let page = Page::granted("snsapi_userinfo").await;
    let named = json!({"nickname": "小安/🙂", "avatar_url": "https://thirdwx.qlogo.cn/mmopen/a/132"});
    page.sim.admin(Method::PATCH, "/users/ann", named).await;
    let answered = page.call("userinfo").await;
    let openid = &page.openid;
    let expected = json!({
        "openid": openid, "nickname": "小安/🙂", "sex": 0, "province": "", "city": "", "country": "",
        "headimgurl": "https://thirdwx.qlogo.cn/mmopen/a/132", "privilege": [],
    });
    assert_eq!(answered.text, expected.to_string());
}

#[tokio::test]
async fn userinfo_is_48001_with_the_base_scope() {
    let page = Page::granted("snsapi_base").await;
    let answered = page.call("userinfo").await;
    assert_eq!(refused(&answered), (48_001, "api unauthorized,".into()));
    assert_eq!(page.call("auth").await.text, r#"{"errcode":0,"errmsg":"ok"}"#);
}

#[tokio::test]
async fn tokens_and_openids_are_checked_in_order() {
    let page = Page::granted("snsapi_userinfo").await;
    let stranger = page.sim.web_code("bob", "snsapi_base").await;
    let stranger = page.sim.exchange(OFFICIAL, &stranger).await.text_of("openid");
    for path in ["userinfo", "auth"] {
        for (token, openid, errcode, text) in [
            ("", "", 41_001, "access_token missing,"),
            ("unknown", "", 40_014, "invalid access_token,"),
            (page.token.as_str(), "", 41_009, "missing openid,"),
            (&page.token, "oUnknown", 40_003, "invalid openid,"),
            (&page.token, &stranger, 40_003, "invalid openid,"),
        ] {
            let answered = page.with(path, token, openid).await;
            assert_eq!(refused(&answered), (errcode, text.to_owned()), "{path} {openid}");
        }
        let target = format!("/sns/{path}?access_token={}&openid={}", page.token, page.openid);
        assert_eq!(page.sim.post(&target, &json!({})).await.errcode(), 43_001);
    }
}

#[tokio::test]
async fn a_pages_token_and_an_apps_token_are_not_interchangeable() {
    let page = Page::granted("snsapi_userinfo").await;
    assert_eq!(page.sim.try_token(&page.token).await, 40_014);
    let token = page.sim.classic(OFFICIAL).await.token();
    for path in ["userinfo", "auth"] {
        let answered = page.with(path, &token, &page.openid).await;
        assert_eq!(answered.errcode(), 40_001);
    }
    // Nor does the end of the app's tokens touch the page's.
    page.sim
        .admin(Method::POST, "/tokens/kill", json!({"app_id": OFFICIAL}))
        .await;
    assert_eq!(page.call("auth").await.errcode(), 0);
}

#[tokio::test]
async fn the_user_of_a_snapshot_is_virtual() {
    let sim = Sim::start();
    sim.switch(OFFICIAL, json!({"open_account": "open"})).await;
    let wanted = json!({
        "app_id": OFFICIAL, "user": "ann", "kind": "oauth", "scope": "snsapi_userinfo", "snapshot": true,
    });
    let made = sim.admin(Method::POST, "/codes", wanted).await;
    let answered = sim.exchange(OFFICIAL, made["code"].as_str().unwrap()).await;
    let body = answered.json();
    assert_eq!(body["is_snapshotuser"], 1);
    assert_eq!(body.get("unionid"), None);
    assert_eq!(body["openid"], made["openid"]);
    let user = sim.admin(Method::GET, "/users/ann", json!({})).await;
    assert_ne!(body["openid"], user["openids"][OFFICIAL]);
    let (token, openid) = (answered.token(), answered.text_of("openid"));
    let shown = sim
        .get(&format!("/sns/userinfo?access_token={token}&openid={openid}"))
        .await
        .json();
    assert_eq!(
        (&shown["nickname"], &shown["headimgurl"]),
        (&json!("微信用户"), &json!(""))
    );
    assert_eq!(shown.get("unionid"), None);
}

#[tokio::test]
async fn codes_that_no_page_gives_are_not_made() {
    let sim = Sim::start();
    for wanted in [
        json!({"app_id": OFFICIAL, "kind": "oauth", "snapshot": true}),
        json!({"app_id": OFFICIAL, "kind": "oauth", "scope": "snsapi_login"}),
        json!({"app_id": OFFICIAL, "kind": "phone"}),
        json!({"app_id": MINI, "kind": "oauth"}),
        json!({"app_id": MINI, "scope": "snsapi_base"}),
        json!({"app_id": MINI, "kind": "plugin"}),
    ] {
        let answered = sim.post("/_sim/codes", &wanted).await;
        assert_eq!(answered.status, 400, "{wanted}");
    }
    let users: Value = sim.admin(Method::GET, "/users", json!({})).await;
    assert_eq!(users["total"], 0);
}
