//! The authorize page as a person meets it: a page to read, a form to send, the way back.

use reqwest::Method;
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;
use wxgate::simulator::AppSettings;

use super::support::{Answered, MINI, OFFICIAL, SECRET, Sim};

const PATH: &str = "/connect/oauth2/authorize";
const BACK: &str = "http://127.0.0.1:9/back";

/// A link in the order that WeChat insists on.
fn link(app_id: &str, back: &str, rest: &str) -> String {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let (app_id, back) = (encoded(app_id), encoded(back));
    format!("{PATH}?appid={app_id}&redirect_uri={back}&response_type=code&{rest}")
}

fn asking() -> String {
    link(OFFICIAL, BACK, "scope=snsapi_userinfo&state=s1")
}

async fn visitor(sim: &Sim, visitor: Value) {
    sim.admin(Method::POST, "/visitor", visitor).await;
}

fn location(answered: &Answered) -> &str {
    assert_eq!(answered.status, 302, "{}", answered.text);
    answered.header("location").unwrap()
}

/// The code in the address that a page leads back to.
fn code(answered: &Answered) -> String {
    let rest = location(answered).split_once("code=").unwrap().1;
    rest.split(['&', '#']).next().unwrap().to_owned()
}

fn plain(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

/// An attribute of a tag that begins after `<`.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let rest = tag.split_once('>').map_or(tag, |(tag, _)| tag);
    rest.split_once(&format!(" {name}=\""))?.1.split('"').next()
}

/// The query that a browser without scripts sends when a button of the page's only form is pressed.
fn submitted(page: &str, button: &str, choices: &[(&str, &str)]) -> String {
    let form = page.split_once("<form").unwrap().1;
    assert_eq!(attribute(form, "method"), Some("get"));
    let mut fields = Vec::new();
    for tag in form.split('<') {
        let name = attribute(tag, "name").unwrap_or_default().to_owned();
        let chosen = choices.iter().find(|(choice, _)| *choice == name);
        if tag.starts_with("input") && tag.contains("type=\"hidden\"") {
            fields.push((name, plain(attribute(tag, "value").unwrap())));
        } else if tag.starts_with("input") && tag.contains("type=\"checkbox\"") {
            if chosen.is_some_and(|(_, value)| *value == "on") || tag.contains(" checked") {
                fields.push((name, attribute(tag, "value").unwrap().to_owned()));
            }
        } else if tag.starts_with("select") {
            let selected = form.split('<').find(|tag| tag.contains(" selected")).unwrap();
            let value = chosen.map_or(attribute(selected, "value").unwrap(), |(_, value)| *value);
            fields.push((name, plain(value)));
        } else if tag.starts_with("button") && attribute(tag, "value") == Some(button) {
            fields.push((name, button.to_owned()));
        }
    }
    let action = attribute(form, "action").unwrap();
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    format!("{action}?{query}")
}

/// Checks that a page brings nothing to run, and says what it is.
fn check_page(page: &Answered) {
    assert_eq!(page.status, 200);
    assert_eq!(page.content_type, "text/html; charset=utf-8");
    let policy = "default-src 'none'; style-src 'self'; frame-ancestors 'none'";
    assert_eq!(page.header("content-security-policy"), Some(policy));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert!(page.text.contains("<header>模拟 SIMULATED</header>"));
    assert!(page.text.contains("<title>模拟 SIMULATED</title>"));
    for tag in page.text.split('<').skip(1) {
        let tag = tag.split_once('>').unwrap().0.to_lowercase();
        let name = tag.split([' ', '/']).find(|name| !name.is_empty()).unwrap();
        assert!(
            !["script", "style", "iframe", "object", "img"].contains(&name),
            "{tag}"
        );
        // What stands outside quotes are the attributes' names; `&quot;` is none of the quotes.
        for (index, part) in tag.split('"').enumerate() {
            let outside = index % 2 == 0;
            let runs = outside && (part.contains(" on") || part.contains("style="));
            assert!(!runs && !part.contains("javascript:"), "{tag}");
        }
    }
}

#[tokio::test]
async fn a_person_allows_and_comes_back_with_a_code() {
    let sim = Sim::start();
    for user in ["ann", "bob"] {
        sim.admin(Method::POST, "/users", json!({"id": user})).await;
    }
    let page = sim.get(&asking()).await;
    check_page(&page);
    let back = sim.get(&submitted(&page.text, "allow", &[])).await;
    let code = code(&back);
    assert_eq!(location(&back), format!("{BACK}?code={code}&state=s1"));
    assert_eq!(code.len(), 32);
    let openid = async |code: &str| sim.exchange(OFFICIAL, code).await.text_of("openid");
    let ann = sim.admin(Method::GET, "/users/ann", json!({})).await;
    assert_eq!(ann["openids"][OFFICIAL], openid(&code).await);
    let other = submitted(&page.text, "allow", &[("sim_user", "bob")]);
    let other = self::code(&sim.get(&other).await);
    let bob = sim.admin(Method::GET, "/users/bob", json!({})).await;
    assert_eq!(bob["openids"][OFFICIAL], openid(&other).await);
}

#[tokio::test]
async fn a_person_refuses_and_comes_back_with_the_state_alone() {
    let sim = Sim::start();
    let page = sim.get(&asking()).await;
    let back = sim.get(&submitted(&page.text, "refuse", &[])).await;
    assert_eq!(location(&back), format!("{BACK}?state=s1"));
}

#[tokio::test]
async fn a_person_ticks_the_snapshot() {
    let sim = Sim::start();
    let page = sim.get(&asking()).await;
    let back = sim
        .get(&submitted(&page.text, "allow", &[("sim_snapshot", "on")]))
        .await;
    let answered = sim.exchange(OFFICIAL, &code(&back)).await;
    assert_eq!(answered.json()["is_snapshotuser"], 1);
    // It is ticked beforehand where the link asks for it.
    let page = sim.get(&format!("{}&forceSnapShot=true", asking())).await;
    let back = sim.get(&submitted(&page.text, "allow", &[])).await;
    let answered = sim.exchange(OFFICIAL, &code(&back)).await;
    assert_eq!(answered.json()["is_snapshotuser"], 1);
}

#[tokio::test]
async fn pages_bring_a_style_sheet_and_nothing_to_run() {
    let sim = Sim::start();
    let problem = sim.get(PATH).await;
    check_page(&problem);
    check_page(&sim.get(&asking()).await);
    let sheet = problem
        .text
        .split_once("<link rel=\"stylesheet\" href=\"")
        .unwrap()
        .1;
    let sheet = sim.get(sheet.split('"').next().unwrap()).await;
    assert_eq!(
        (sheet.status.as_u16(), sheet.content_type.as_str()),
        (200, "text/css")
    );
    assert!(sheet.text.contains("body {") && !sheet.text.contains("url("));
}

#[tokio::test]
async fn hostile_names_are_text() {
    let hostile = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&amp;";
    let sim = Sim::with(vec![AppSettings::official(hostile, SECRET)]);
    let named = json!({"id": "ann", "nickname": hostile});
    sim.admin(Method::POST, "/users", named).await;
    let back = format!(
        "{BACK}?x=%22%3E{}",
        byte_serialize(b"<b>&'\"").collect::<String>()
    );
    let page = sim
        .get(&link(hostile, &back, "scope=snsapi_userinfo&state=s1"))
        .await;
    check_page(&page);
    let escaped = "&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x \
                   onerror=alert(1)&gt;&amp;amp;";
    // In the account's line, in its hidden field, and as the user's name.
    assert_eq!(page.text.matches(escaped).count(), 3, "{}", page.text);
    assert!(!page.text.contains("<script") && !page.text.contains("<img"));
    // What was escaped comes back whole.
    let back = sim.get(&submitted(&page.text, "allow", &[])).await;
    assert!(location(&back).starts_with(&format!("{BACK}?x=%22%3E")));
    assert!(location(&back).ends_with("&state=s1"));
    // What no app is called is not repeated at all.
    let page = sim.get(&link("<script>", BACK, "scope=snsapi_base")).await;
    check_page(&page);
    assert!(!page.text.contains("&lt;script"));
}

#[tokio::test]
async fn the_base_scope_asks_nobody() {
    let sim = Sim::start();
    visitor(&sim, json!({"decision": "refuse", "snapshot": true})).await;
    let base = link(OFFICIAL, BACK, "scope=snsapi_base&state=s1");
    let answered = sim.exchange(OFFICIAL, &code(&sim.get(&base).await)).await;
    assert_eq!(answered.text_of("scope"), "snsapi_base");
    assert_eq!(answered.json().get("is_snapshotuser"), None);
    // Nobody was there, so the first user was made.
    let users = sim.admin(Method::GET, "/users", json!({})).await;
    assert_eq!(users["users"][0]["id"], "user-1");
    assert_eq!(users["total"], 1);
}

#[tokio::test]
async fn who_comes_and_what_they_do_can_be_set_beforehand() {
    let sim = Sim::start();
    let nobody = json!({"user": null, "decision": "ask", "snapshot": false});
    assert_eq!(sim.admin(Method::GET, "/visitor", json!({})).await, nobody);
    let bob = json!({"user": "bob", "decision": "allow", "snapshot": false});
    sim.code("ann").await;
    assert_eq!(sim.admin(Method::POST, "/visitor", bob.clone()).await, bob);
    assert_eq!(sim.admin(Method::GET, "/visitor", json!({})).await, bob);
    let answered = sim.exchange(OFFICIAL, &code(&sim.get(&asking()).await)).await;
    let user = sim.admin(Method::GET, "/users/bob", json!({})).await;
    assert_eq!(user["openids"][OFFICIAL], answered.text_of("openid"));
    assert_eq!(answered.text_of("scope"), "snsapi_userinfo");
    assert_eq!(answered.json().get("is_snapshotuser"), None);
    // A link can name somebody else, who must exist.
    let ann = sim.get(&format!("{}&sim_user=ann", asking())).await;
    let ann = sim.exchange(OFFICIAL, &code(&ann)).await;
    assert_ne!(ann.text_of("openid"), answered.text_of("openid"));
    check_page(&sim.get(&format!("{}&sim_user=nobody", asking())).await);
    visitor(
        &sim,
        json!({"user": "bob", "decision": "allow", "snapshot": true}),
    )
    .await;
    let snapshot = sim.exchange(OFFICIAL, &code(&sim.get(&asking()).await)).await;
    assert_eq!(snapshot.json()["is_snapshotuser"], 1);
    visitor(&sim, json!({"decision": "refuse"})).await;
    assert_eq!(location(&sim.get(&asking()).await), format!("{BACK}?state=s1"));
    let wrong = json!({"decision": "perhaps"});
    assert_eq!(sim.post("/_sim/visitor", &wrong).await.status, 400);
    sim.admin(Method::POST, "/reset", json!({})).await;
    assert_eq!(sim.admin(Method::GET, "/visitor", json!({})).await, nobody);
}

#[tokio::test]
async fn a_page_that_is_opened_twice_gives_two_codes_that_both_work() {
    let sim = Sim::start();
    let base = link(OFFICIAL, BACK, "scope=snsapi_base");
    let (one, other) = (code(&sim.get(&base).await), code(&sim.get(&base).await));
    assert_ne!(one, other);
    assert_eq!(sim.exchange(OFFICIAL, &one).await.errcode(), 0);
    assert_eq!(sim.exchange(OFFICIAL, &one).await.errcode(), 40_163);
    assert_eq!(sim.exchange(OFFICIAL, &other).await.errcode(), 0);
}

#[tokio::test]
async fn only_a_get_opens_a_page() {
    let sim = Sim::start();
    for path in [asking(), "/connect/simulated.css".to_owned()] {
        assert_eq!(sim.post(&path, &json!({})).await.status, 405);
    }
    assert_eq!(sim.get("/connect/oauth2").await.status, 404);
    assert_eq!(sim.get("/connect/qrconnect").await.status, 404);
    let log = sim
        .admin(
            Method::GET,
            &format!("/calls?path={PATH}&app_id={OFFICIAL}"),
            json!({}),
        )
        .await;
    assert_eq!(log["calls"][0]["status"], 405, "{log}");
    assert_eq!(sim.get(&link(MINI, BACK, "scope=snsapi_base")).await.status, 200);
}
