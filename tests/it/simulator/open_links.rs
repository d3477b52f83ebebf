//! Which links to the authorize page are served, and what they lead back to.

use serde_json::json;
use url::form_urlencoded::byte_serialize;

use super::support::{MINI, OFFICIAL, Sim};

const PATH: &str = "/connect/oauth2/authorize";
const BACK: &str = "redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2F";

/// Where a silent link leads, or `None` and the page about what is wrong with it.
async fn open(sim: &Sim, query: &str) -> Result<String, String> {
    let answered = sim.get(&format!("{PATH}?{query}")).await;
    if let Some(location) = answered.header("location") {
        assert_eq!(answered.status, 302);
        return Ok(location.to_owned());
    }
    assert_eq!(answered.status, 200);
    Err(answered.text)
}

async fn lead_back(sim: &Sim, back: &str, rest: &str) -> Result<String, String> {
    let back: String = byte_serialize(back.as_bytes()).collect();
    let query = format!("appid={OFFICIAL}&redirect_uri={back}&response_type=code&scope=snsapi_base{rest}");
    open(sim, &query).await
}

/// The address with its code, whose letters nobody can foresee, replaced.
fn without_code(location: &str) -> String {
    let (before, rest) = location.split_once("code=").unwrap();
    assert!(
        rest.as_bytes()[..32]
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
    );
    format!("{before}code=C{}", &rest[32..])
}

#[tokio::test]
async fn a_link_that_wechat_would_not_serve_says_why() {
    let sim = Sim::start();
    let fine = format!("appid={OFFICIAL}&{BACK}&response_type=code&scope=snsapi_base&state=s");
    assert!(open(&sim, &fine).await.is_ok());
    for (query, expected) in [
        (fine.replace("appid=wx0000000000000001", "appid="), "10012"),
        (fine.replace(BACK, "redirect_uri="), "10011"),
        (fine.replace("&scope=snsapi_base", ""), "10010"),
        (fine.replace("snsapi_base", "snsapi_login"), "10005"),
        (fine.replace(OFFICIAL, "wxunknown"), "10016"),
        (fine.replace(OFFICIAL, MINI), "10016"),
        (fine.replace("state=s", "state=a-b"), "10013"),
        (fine.replace("state=s", "state=%E4%B8%AD"), "10013"),
        (
            fine.replace("state=s", &format!("state={}", "s".repeat(129))),
            "10013",
        ),
        (
            fine.replace("response_type=code", "response_type=token"),
            "该链接无法访问",
        ),
        (
            format!("{BACK}&appid={OFFICIAL}&response_type=code&scope=snsapi_base"),
            "该链接无法访问",
        ),
        (
            format!("appid={OFFICIAL}&{BACK}&response_type=code&state=s&scope=snsapi_base"),
            "该链接无法访问",
        ),
        (
            format!("appid={OFFICIAL}&{BACK}&response_type=code&forcePopup=true&scope=snsapi_base"),
            "该链接无法访问",
        ),
    ] {
        let page = open(&sim, &query).await.unwrap_err();
        assert!(page.contains(expected), "{query}: {page}");
    }
    let longest = fine.replace("state=s", &format!("state={}", "s".repeat(128)));
    assert!(open(&sim, &longest).await.is_ok());
    sim.switch(OFFICIAL, json!({"verified": false})).await;
    let page = open(&sim, &fine).await.unwrap_err();
    assert!(page.contains("10005"), "{page}");
}

#[tokio::test]
async fn the_host_must_be_exactly_the_consoles() {
    let sim = Sim::start();
    let back = "https://h5.example.com/";
    assert!(lead_back(&sim, back, "").await.unwrap_err().contains("10003"));
    sim.switch(OFFICIAL, json!({"oauth_domains": ["H5.example.com"]}))
        .await;
    for fine in [
        back,
        "https://H5.EXAMPLE.com/a",
        "http://h5.example.com:8080/",
        "http://localhost:3000/",
        "http://[::1]/",
    ] {
        assert!(lead_back(&sim, fine, "").await.is_ok(), "{fine}");
    }
    for foreign in [
        "https://example.com/",
        "https://www.h5.example.com/",
        "https://h5.example.com.evil.example/",
        "https://evil.example/?https://h5.example.com/",
        "https://h5.example.com@evil.example/",
        "https://h5.example.com\\@evil.example.evil/",
        "ftp://h5.example.com/",
        "javascript:alert(1)",
        "//h5.example.com/",
        "/relative",
        "http://128.0.0.1/",
    ] {
        let led = lead_back(&sim, foreign, "").await;
        match led {
            Err(page) => assert!(page.contains("10003"), "{foreign}: {page}"),
            // A backslash ends the host, as it does in browsers.
            Ok(location) => assert!(location.starts_with("https://h5.example.com/"), "{location}"),
        }
    }
    for wrong in [vec!["a".repeat(254)], vec!["a".to_owned(); 21]] {
        let path = format!("/_sim/apps/{OFFICIAL}");
        let request = sim
            .request(reqwest::Method::PATCH, &path)
            .json(&json!({"switches": {"oauth_domains": wrong}}));
        assert_eq!(sim.send(request).await.status, 400);
    }
}

#[tokio::test]
async fn code_and_state_stand_after_the_query_and_before_the_fragment() {
    let sim = Sim::start();
    for (back, expected) in [
        ("http://127.0.0.1:9", "http://127.0.0.1:9/?code=C&state=s"),
        ("http://127.0.0.1:9/a?", "http://127.0.0.1:9/a?code=C&state=s"),
        (
            "http://127.0.0.1:9/a?x=%E4%B8%AD&y#/route?z=1",
            "http://127.0.0.1:9/a?x=%E4%B8%AD&y&code=C&state=s#/route?z=1",
        ),
    ] {
        let location = lead_back(&sim, back, "&state=s").await.unwrap();
        assert_eq!(without_code(&location), expected);
    }
    let location = lead_back(&sim, "http://127.0.0.1:9/", "").await.unwrap();
    assert_eq!(without_code(&location), "http://127.0.0.1:9/?code=C");
}

#[tokio::test]
async fn a_state_can_be_handed_back_as_it_is() {
    let sim = Sim::start();
    sim.switch(OFFICIAL, json!({"any_state": true})).await;
    let location = lead_back(
        &sim,
        "http://127.0.0.1:9/",
        "&state=a%3D1%26code%3Dx%2B%2F%0D%0Ab",
    )
    .await
    .unwrap();
    assert_eq!(
        without_code(&location),
        "http://127.0.0.1:9/?code=C&state=a=1&code=x+/b"
    );
    let long = format!("&state={}", "-".repeat(129));
    assert!(lead_back(&sim, "http://127.0.0.1:9/", &long).await.is_err());
}
