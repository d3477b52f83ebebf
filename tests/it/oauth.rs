//! H5 pages in WeChat: `/v1/oauth/{app}/authorize`, WeChat's page, the way back, and login type 103.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Builder, SHOP, TestApp};
use crate::support::on_both_stores;
use crate::support::reply::Reply;

on_both_stores!(
    a_reader_comes_back_with_a_code_and_logs_in,
    a_reader_who_allows_it_is_known_by_name,
    a_refusal_comes_back_as_an_error,
    a_snapshot_is_nobodys_login,
    a_state_works_once_for_its_browser,
    sixty_four_callbacks_with_one_state_are_one_exchange,
    a_code_that_wechat_knows_no_more_begins_anew,
    while_wechat_is_away_the_page_is_told,
    the_same_person_in_page_and_mini_program_is_one_user,
    a_one_time_code_works_once_and_for_a_minute,
    a_code_belongs_to_its_app,
    what_does_not_fit_is_refused,
    behind_tls_the_cookie_belongs_to_this_host_alone,
    the_parameters_have_wechats_order,
);

/// The pages' origin.
const PAGE: &str = "https://h5.example.com";
const CALLBACK: &str = "/v1/oauth/shop/callback";
const EXCHANGE: &str = "/sns/oauth2/access_token";

/// A gateway that WeChat's page sends browsers back to.
async fn spawn(app: Builder) -> TestApp {
    let app = app
        .set("cors.origins", PAGE)
        .set("server.public_url", "http://127.0.0.1:3000")
        .spawn()
        .await;
    visitor(&app, json!({"user": "ann"})).await;
    app
}

async fn visitor(app: &TestApp, visitor: Value) {
    app.simulator().admin(Method::POST, "/visitor", visitor).await;
}

/// A browser that follows only where the test wants it to.
#[derive(Default)]
struct Browser {
    cookie: Option<String>,
}

impl Browser {
    async fn get(&mut self, app: &TestApp, target: &str) -> Reply {
        let mut request = app.request(Method::GET, target);
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        let reply = Reply::to(request).await;
        if let Some(set) = reply.header("set-cookie") {
            self.cookie = set.split(';').next().map(str::to_owned);
        }
        reply
    }

    /// To WeChat's page and back to the callback's address, which is not opened yet.
    async fn visit_wechat(&mut self, app: &TestApp, query: &str) -> String {
        let away = self.get(app, &format!("/v1/oauth/shop/authorize?{query}")).await;
        assert_eq!(away.status, 303, "{}", away.text);
        assert_eq!(away.header("cache-control"), Some("no-store"));
        self.at_wechat(app, away.header("location").unwrap()).await
    }

    async fn at_wechat(&self, app: &TestApp, location: &str) -> String {
        let page = app.simulator().open(location).await;
        assert_eq!(page.status, 302, "{}", page.text);
        let back = page.header("location").unwrap();
        back.strip_prefix("http://127.0.0.1:3000").unwrap().to_owned()
    }

    /// Opens the callback and returns where it leads.
    async fn come_back(&mut self, app: &TestApp, target: &str) -> String {
        let reply = self.get(app, target).await;
        assert_eq!(reply.status, 303, "{}", reply.text);
        reply.header("location").unwrap().to_owned()
    }
}

const THERE_AND_BACK: &str = "redirect=https%3A%2F%2Fh5.example.com%2Fgame%3Flevel%3D1";

fn parameter(url: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(url).unwrap();
    let found = url.query_pairs().find(|(given, _)| given == name);
    found.map(|(_, value)| value.into_owned())
}

async fn log_in(app: &TestApp, code: &str) -> Reply {
    app.post_json("/v1/token", &json!({"type": 103, "account": code}))
        .await
}

async fn a_reader_comes_back_with_a_code_and_logs_in(app: Builder) {
    let app = spawn(app).await;
    let mut browser = Browser::default();
    let target = browser.visit_wechat(&app, THERE_AND_BACK).await;
    let location = browser.come_back(&app, &target).await;
    assert!(
        location.starts_with("https://h5.example.com/game?level=1&code="),
        "{location}"
    );
    let login = log_in(&app, &parameter(&location, "code").unwrap()).await.ok();
    assert_eq!(login.json()["user"]["nickname"], Value::Null);
    let again = Browser::default().visit_wechat(&app, THERE_AND_BACK).await;
    assert_ne!(again, target);
    // The openid is in the store, and in no answer.
    let openid = app.simulator().admin(Method::GET, "/users/ann", json!({})).await["openids"][SHOP].clone();
    let openid = openid.as_str().unwrap().to_owned();
    assert!(app.stored().everything().await.contains(&openid));
    assert!(!format!("{location} {}", login.text).contains(&openid));
}

async fn a_reader_who_allows_it_is_known_by_name(app: Builder) {
    let app = spawn(app).await;
    app.simulator()
        .admin(Method::PATCH, "/users/ann", json!({"nickname": "小安"}))
        .await;
    visitor(&app, json!({"user": "ann", "decision": "allow"})).await;
    let mut browser = Browser::default();
    let query = format!("{THERE_AND_BACK}&scope=snsapi_userinfo");
    let target = browser.visit_wechat(&app, &query).await;
    let code = parameter(&browser.come_back(&app, &target).await, "code").unwrap();
    let login = log_in(&app, &code).await.ok();
    assert_eq!(login.json()["user"]["nickname"], "小安");
    // A name of the user's own choice stays.
    let token = login.member("token");
    let patch = app.request(Method::PATCH, "/v1/user").bearer_auth(&token);
    Reply::to(patch.json(&json!({"nickname": "Ann"}))).await.ok();
    let target = browser.visit_wechat(&app, &query).await;
    let code = parameter(&browser.come_back(&app, &target).await, "code").unwrap();
    assert_eq!(log_in(&app, &code).await.ok().json()["user"]["nickname"], "Ann");
}

async fn a_refusal_comes_back_as_an_error(app: Builder) {
    let app = spawn(app).await;
    visitor(&app, json!({"user": "ann", "decision": "refuse"})).await;
    let mut browser = Browser::default();
    let query = format!("{THERE_AND_BACK}&scope=snsapi_userinfo");
    let target = browser.visit_wechat(&app, &query).await;
    let location = browser.come_back(&app, &target).await;
    assert_eq!(parameter(&location, "error").as_deref(), Some("access_denied"));
    assert_eq!(app.simulator().calls(EXCHANGE).await, 0);
}

async fn a_snapshot_is_nobodys_login(app: Builder) {
    let app = spawn(app).await;
    visitor(
        &app,
        json!({"user": "ann", "decision": "allow", "snapshot": true}),
    )
    .await;
    let mut browser = Browser::default();
    let query = format!("{THERE_AND_BACK}&scope=snsapi_userinfo");
    let target = browser.visit_wechat(&app, &query).await;
    let location = browser.come_back(&app, &target).await;
    assert_eq!(parameter(&location, "error").as_deref(), Some("snapshot_user"));
    assert_eq!(app.stored().count("users").await, 0);
}

async fn a_state_works_once_for_its_browser(app: Builder) {
    let app = spawn(app).await;
    let mut browser = Browser::default();
    let target = browser.visit_wechat(&app, THERE_AND_BACK).await;
    // Somebody else's browser, and none.
    for mut stranger in [
        Browser::default(),
        Browser {
            cookie: Some("wxgate-oauth=0123456789abcdef0123456789abcdef".into()),
        },
    ] {
        let refused = stranger.get(&app, &target).await;
        refused.refused(400, 10001, &format!("GET {CALLBACK}"));
    }
    let first = browser.come_back(&app, &target).await;
    // WeChat opens pages twice, and people press the back button: the same browser gets the same answer.
    assert_eq!(browser.come_back(&app, &target).await, first);
    assert_eq!(app.simulator().calls(EXCHANGE).await, 1);
    log_in(&app, &parameter(&first, "code").unwrap()).await.ok();
    // Another code with the same state is somebody's attempt.
    let state = target.split("state=").nth(1).unwrap();
    let forged = browser
        .get(&app, &format!("{CALLBACK}?code=another&state={state}"))
        .await;
    forged.refused(400, 10001, &format!("GET {CALLBACK}"));
    // A state that was changed, or of another account.
    let changed = browser
        .get(&app, &format!("{CALLBACK}?code=c&state=x{state}"))
        .await;
    assert_eq!(changed.status, 400);
    app.advance(11 * 60).await;
    assert_eq!(browser.get(&app, &target).await.status, 400);
}

async fn sixty_four_callbacks_with_one_state_are_one_exchange(app: Builder) {
    let app = spawn(app).await;
    let mut browser = Browser::default();
    let target = browser.visit_wechat(&app, THERE_AND_BACK).await;
    let cookie = browser.cookie.clone().unwrap();
    let calls = (0..64).map(|_| Reply::to(app.request(Method::GET, &target).header("cookie", &cookie)));
    let replies = join_all(calls).await;
    let places: BTreeSet<_> = replies
        .iter()
        .map(|reply| reply.header("location").unwrap_or_default())
        .collect();
    assert_eq!(places.len(), 1, "{places:?}");
    assert_eq!(app.simulator().calls(EXCHANGE).await, 1);
    let code = parameter(places.first().unwrap(), "code").unwrap();
    let logins = join_all((0..8).map(|_| log_in(&app, &code))).await;
    assert_eq!(logins.iter().filter(|login| login.status == 200).count(), 1);
}

async fn a_code_that_wechat_knows_no_more_begins_anew(app: Builder) {
    let app = spawn(app).await;
    let spent = json!({"path": EXCHANGE, "count": 1, "effect": {"type": "errcode", "errcode": 40163}});
    app.simulator().fault(spent).await;
    let mut browser = Browser::default();
    let target = browser.visit_wechat(&app, THERE_AND_BACK).await;
    let location = browser.come_back(&app, &target).await;
    assert!(location.contains("/connect/oauth2/authorize?"), "{location}");
    let target = browser.at_wechat(&app, &location).await;
    let location = browser.come_back(&app, &target).await;
    log_in(&app, &parameter(&location, "code").unwrap()).await.ok();
    // But not for ever.
    let spent = json!({"path": EXCHANGE, "effect": {"type": "errcode", "errcode": 40029}});
    app.simulator().fault(spent).await;
    let target = browser.visit_wechat(&app, THERE_AND_BACK).await;
    let location = browser.come_back(&app, &target).await;
    let target = browser.at_wechat(&app, &location).await;
    let location = browser.come_back(&app, &target).await;
    assert_eq!(parameter(&location, "error").as_deref(), Some("login_expired"));
}

async fn while_wechat_is_away_the_page_is_told(app: Builder) {
    let app = spawn(app).await;
    for (effect, error) in [
        (json!({"type": "reset"}), "temporarily_unavailable"),
        (
            json!({"type": "http_status", "status": 502}),
            "temporarily_unavailable",
        ),
        (
            json!({"type": "errcode", "errcode": -1}),
            "temporarily_unavailable",
        ),
        (json!({"type": "errcode", "errcode": 40125}), "server_error"),
    ] {
        app.simulator()
            .fault(json!({"path": EXCHANGE, "count": 1, "effect": effect}))
            .await;
        let mut browser = Browser::default();
        let target = browser.visit_wechat(&app, THERE_AND_BACK).await;
        let location = browser.come_back(&app, &target).await;
        assert_eq!(parameter(&location, "error").as_deref(), Some(error));
    }
}

async fn the_same_person_in_page_and_mini_program_is_one_user(app: Builder) {
    let app = spawn(app).await;
    for app_id in [SHOP, crate::support::app::GAME] {
        app.simulator()
            .switch(app_id, json!({"open_account": "open1"}))
            .await;
    }
    let mini = app.log_in(&app.code("ann").await).await.ok();
    let mut browser = Browser::default();
    // WeChat tells the unionid with this scope only.
    visitor(&app, json!({"user": "ann", "decision": "allow"})).await;
    let query = format!("{THERE_AND_BACK}&scope=snsapi_userinfo");
    let target = browser.visit_wechat(&app, &query).await;
    let code = parameter(&browser.come_back(&app, &target).await, "code").unwrap();
    let page = log_in(&app, &code).await.ok();
    assert_eq!(page.json()["user"]["id"], mini.json()["user"]["id"]);
}

async fn a_one_time_code_works_once_and_for_a_minute(app: Builder) {
    let app = spawn(app).await;
    let mut browser = Browser::default();
    let target = browser.visit_wechat(&app, THERE_AND_BACK).await;
    let code = parameter(&browser.come_back(&app, &target).await, "code").unwrap();
    log_in(&app, &code).await.ok();
    log_in(&app, &code).await.refused(401, 10004, "POST /v1/token");
    log_in(&app, "nonsense")
        .await
        .refused(401, 10004, "POST /v1/token");
    let target = browser.visit_wechat(&app, THERE_AND_BACK).await;
    let code = parameter(&browser.come_back(&app, &target).await, "code").unwrap();
    // It is not readable in the store.
    assert!(!app.stored().everything().await.contains(&code));
    app.advance(61).await;
    log_in(&app, &code).await.refused(401, 10004, "POST /v1/token");
}

async fn a_code_belongs_to_its_app(app: Builder) {
    let app = spawn(app).await;
    let mut browser = Browser::default();
    for (name, status) in [("game", 401), ("shop", 200)] {
        let target = browser.visit_wechat(&app, THERE_AND_BACK).await;
        let code = parameter(&browser.come_back(&app, &target).await, "code").unwrap();
        let body = json!({"type": 103, "account": code});
        let reply = app.post_json(&format!("/v1/apps/{name}/token"), &body).await;
        assert_eq!(reply.status, status, "{}", reply.text);
    }
    for kind in [100, 101, 102, 103, 200] {
        let body = json!({"type": kind, "account": "a", "secret": "b"});
        let reply = app.post_json("/v1/apps/nosuch/token", &body).await;
        reply.refused(404, 10002, "POST /v1/apps/nosuch/token");
    }
}

/// T9: where a user may be sent back to, against open redirects.
async fn what_does_not_fit_is_refused(app: Builder) {
    let app = spawn(app).await;
    let hostile = [
        "",
        "/",
        "//evil.example",
        "///evil.example",
        "h5.example.com",
        "https:h5.example.com",
        "https:/h5.example.com",
        "https://",
        "https://h5.example.com.evil.example/",
        "https://evil.example/https://h5.example.com",
        "https://evil.example?https://h5.example.com/",
        "https://evil.example#https://h5.example.com/",
        "https://evil.example\\@h5.example.com/",
        "https://h5.example.com@evil.example/",
        "https://user@h5.example.com/",
        "https://user:password@h5.example.com/",
        "https://h5.example.com:444/",
        "https://h5.example.com:80/",
        "http://h5.example.com/",
        "https://H5.example.com.evil.example/",
        "https://xh5.example.com/",
        "https://example.com/",
        "https://sub.h5.example.com/",
        "https://h5.example.com%2eevil.example/",
        "https://h5.example.com%00.evil.example/",
        "https://h5.example.com\t.evil.example/",
        "https://h5.example.com\n/",
        " https://h5.example.com/",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "ftp://h5.example.com/",
        "wss://h5.example.com/",
        "https://127.0.0.1:3000/",
        "http://127.0.0.1:3001/",
        "http://localhost:3000/",
        "https://h5.example.com/?code=1",
        "https://h5.example.com/?error=1",
        "https://h5.example.com/#fragment",
        "https://h5。example。com.evil.example/",
        "https://h5.example.com/\\..\\evil",
    ];
    assert!(hostile.len() >= 30);
    for redirect in hostile {
        let query: String = url::form_urlencoded::byte_serialize(redirect.as_bytes()).collect();
        let reply = app
            .get(&format!("/v1/oauth/shop/authorize?redirect={query}"))
            .await;
        assert_eq!(
            (reply.status, reply.header("location")),
            (400, None),
            "{redirect:?}"
        );
    }
    let twice = format!("/v1/oauth/shop/authorize?{THERE_AND_BACK}&{THERE_AND_BACK}");
    assert_eq!(app.get(&twice).await.status, 400);
    let scope = format!("/v1/oauth/shop/authorize?{THERE_AND_BACK}&scope=snsapi_all");
    assert_eq!(app.get(&scope).await.status, 400);
    for name in ["game", "nosuch"] {
        let path = format!("/v1/oauth/{name}/authorize");
        let reply = app.get(&format!("{path}?{THERE_AND_BACK}")).await;
        reply.refused(404, 10002, &format!("GET {path}"));
    }
    assert_eq!(app.get(CALLBACK).await.status, 400);
}

async fn behind_tls_the_cookie_belongs_to_this_host_alone(app: Builder) {
    let app = app
        .set("server.public_url", "https://wx.example.com/")
        .spawn()
        .await;
    let domains = json!({"oauth_domains": ["wx.example.com"]});
    app.simulator().switch(SHOP, domains).await;
    let mut browser = Browser::default();
    let own = "redirect=https%3A%2F%2Fwx.example.com%2F";
    let away = browser
        .get(&app, &format!("/v1/oauth/shop/authorize?{own}"))
        .await;
    let cookie = away.header("set-cookie").unwrap();
    let (name, attributes) = cookie.split_once(';').unwrap();
    assert!(name.starts_with("__Host-wxgate-oauth="), "{cookie}");
    let attributes: BTreeSet<&str> = attributes.split(';').map(str::trim).collect();
    let expected = ["HttpOnly", "Max-Age=600", "Path=/", "SameSite=Lax", "Secure"];
    assert_eq!(attributes, BTreeSet::from(expected));
    let page = app.simulator().open(away.header("location").unwrap()).await;
    let back = page.header("location").unwrap();
    let target = back.strip_prefix("https://wx.example.com").unwrap().to_owned();
    let location = browser.come_back(&app, &target).await;
    assert!(
        location.starts_with("https://wx.example.com/?code="),
        "{location}"
    );
    // Where there should be TLS, the name that anybody on the way could set is nobody's.
    let plain = browser.cookie.unwrap().replace("__Host-", "");
    let mut browser = Browser { cookie: Some(plain) };
    assert_eq!(browser.get(&app, &target).await.status, 400);
}

async fn the_parameters_have_wechats_order(app: Builder) {
    let app = spawn(app).await;
    let away = app
        .get(&format!("/v1/oauth/shop/authorize?{THERE_AND_BACK}"))
        .await;
    let location = away.header("location").unwrap();
    let url = location
        .strip_suffix("#wechat_redirect")
        .expect("WeChat insists on it");
    let names: Vec<String> = url::Url::parse(url)
        .unwrap()
        .query_pairs()
        .map(|(name, _)| name.into())
        .collect();
    assert_eq!(
        names,
        ["appid", "redirect_uri", "response_type", "scope", "state"]
    );
    let state = parameter(url, "state").unwrap();
    assert!(state.len() <= 128 && state.bytes().all(|byte| byte.is_ascii_alphanumeric()));
}
