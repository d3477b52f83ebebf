//! Links into a mini program.

use reqwest::Method;
use serde_json::{Value, json};

use super::support::{Answered, MINI, Sim};

const SCHEME: &str = "/wxa/generatescheme";
const URL: &str = "/wxa/generate_urllink";
const SHORT: &str = "/wxa/genwxashortlink";

async fn ask(sim: &Sim, path: &str, body: &Value) -> Answered {
    let token = sim.stable(MINI, false).await.token();
    sim.post(&format!("{path}?access_token={token}"), body).await
}

async fn now(sim: &Sim) -> i64 {
    let clock = sim.admin(Method::GET, "/clock", json!({})).await;
    clock["now"].as_i64().expect("a number")
}

#[tokio::test]
async fn a_scheme_says_where_it_leads_until_its_end() {
    let sim = Sim::start();
    let begun = now(&sim).await;
    let body = json!({
        "jump_wxa": {"path": "/pages/x", "query": "a=1&b=%E4", "env_version": "trial"},
        "is_expire": true, "expire_type": 1, "expire_interval": 2,
    });
    let made = ask(&sim, SCHEME, &body).await;
    assert_eq!(made.members(), ["errcode", "errmsg", "openlink"]);
    let link = made.text_of("openlink");
    assert!(link.starts_with("weixin://dl/business/?t="), "{link}");
    assert_ne!(ask(&sim, SCHEME, &body).await.text_of("openlink"), link);
    let query = json!({"scheme": link, "query_type": 0});
    let found = ask(&sim, "/wxa/queryscheme", &query).await;
    let info = &found.json()["scheme_info"];
    let created = info["create_time"].as_i64().expect("a number");
    assert!((begun..begun + 10).contains(&created), "{created}");
    let expected = json!({"errcode": 0, "errmsg": "ok", "scheme_info": {
        "appid": MINI, "path": "/pages/x", "query": "a=1&b=%E4", "create_time": created,
        "expire_time": created + 2 * 86_400, "env_version": "trial",
    }});
    assert_eq!(found.text, expected.to_string());
    let other = json!({"url_link": link});
    assert_eq!(ask(&sim, "/wxa/query_urllink", &other).await.errcode(), 85_403);
    sim.advance(2 * 86_400).await;
    assert_eq!(ask(&sim, "/wxa/queryscheme", &query).await.errcode(), 85_403);
    let unknown = json!({"scheme": "weixin://dl/business/?t=unknown"});
    assert_eq!(ask(&sim, "/wxa/queryscheme", &unknown).await.errcode(), 85_403);
    assert_eq!(ask(&sim, "/wxa/queryscheme", &json!({})).await.errcode(), 40_097);
    let other = json!({"scheme": link, "query_type": 2});
    assert_eq!(ask(&sim, "/wxa/queryscheme", &other).await.errcode(), 40_097);
}

#[tokio::test]
async fn a_link_of_the_web_counts_its_opens() {
    let sim = Sim::start();
    sim.to_midnight().await;
    let cloud = json!({"env": "prod", "domain": "", "path": "/jump", "query": "a=1", "resource_appid": ""});
    let body = json!({"path": "/pages/x", "query": "a=1", "cloud_base": cloud});
    let link = ask(&sim, URL, &body).await.text_of("url_link");
    assert!(link.starts_with("https://wxaurl.cn/"), "{link}");
    let info = ask(&sim, "/wxa/query_urllink", &json!({"url_link": link}))
        .await
        .json()["url_link_info"]
        .clone();
    assert_eq!(info["cloud_base"], cloud);
    let life =
        info["expire_time"].as_i64().expect("a number") - info["create_time"].as_i64().expect("a number");
    assert_eq!(life, 30 * 86_400);
    let opened = sim
        .admin(Method::POST, "/links/open", json!({"link": link}))
        .await;
    assert_eq!(
        opened,
        json!({"app_id": MINI, "path": "/pages/x", "query": "a=1", "scene": 1_194, "env_version": "release"})
    );
    let quota = ask(
        &sim,
        "/wxa/query_urllink",
        &json!({"url_link": link, "query_type": 1}),
    )
    .await;
    assert_eq!(
        quota.text,
        r#"{"errcode":0,"errmsg":"ok","quota_info":{"remain_visit_quota":2999999}}"#
    );
}

#[tokio::test]
async fn what_a_link_cannot_be_says_why() {
    let sim = Sim::start();
    sim.switch(MINI, json!({"pages": ["pages/x"]})).await;
    let time = now(&sim).await;
    for (body, errcode) in [
        (json!({"path": "/pages/other"}), 40_165),
        (json!({"path": "/pages/x?a=1"}), 40_165),
        (json!({"query": "a=中"}), 40_212),
        (json!({"query": "a".repeat(1_025)}), 40_212),
        (json!({"env_version": "beta"}), 85_402),
        (json!({"expire_type": 1, "expire_interval": 31}), 85_401),
        (json!({"expire_type": 1, "expire_interval": 0}), 85_401),
        (json!({"expire_type": 0, "expire_time": time + 30}), 85_401),
        (
            json!({"expire_type": 0, "expire_time": time + 31 * 86_400}),
            85_401,
        ),
        (json!({"expire_type": 2}), 40_097),
        (json!({"cloud_base": {}}), 85_088),
        (json!({"path": "pages/x", "query": "q".repeat(1_024)}), 0),
        (json!({"expire_type": 0, "expire_time": time + 3_600}), 0),
        (json!({"is_expire": false}), 0),
    ] {
        assert_eq!(ask(&sim, URL, &body).await.errcode(), errcode, "{body}");
    }
    let wrong = json!({"jump_wxa": "pages/x"});
    assert_eq!(ask(&sim, SCHEME, &wrong).await.errcode(), 40_097);
    assert_eq!(
        ask(&sim, SCHEME, &json!({"jump_wxa": {"query": " "}}))
            .await
            .errcode(),
        40_212
    );
    sim.to_midnight().await;
    sim.switch(MINI, json!({"limits": {SCHEME: {"daily": 1}}})).await;
    assert_eq!(ask(&sim, SCHEME, &json!({"is_expire": true})).await.errcode(), 0);
    assert_eq!(
        ask(&sim, SCHEME, &json!({"is_expire": true})).await.errcode(),
        44_993
    );
}

#[tokio::test]
async fn short_links_have_a_title_and_few_are_permanent() {
    let sim = Sim::start();
    sim.switch(MINI, json!({"pages": ["pages/x"], "most_permanent_links": 1}))
        .await;
    let make = async |body: &Value| ask(&sim, SHORT, body).await;
    let long = "一二三四五六七八九十一二三四五六七八九十多余";
    let short = make(&json!({"page_url": "pages/x?a=1", "page_title": long})).await;
    let link = short.text_of("link");
    let cut = "#小程序://一二三四五六七八九十一二三四五六七八九十/";
    assert!(link.starts_with(cut), "{link}");
    let opened = sim
        .admin(Method::POST, "/links/open", json!({"link": link}))
        .await;
    assert_eq!(
        (&opened["query"], &opened["scene"]),
        (&json!("a=1"), &json!(1_179))
    );
    for (body, errcode) in [
        (json!({"page_title": "t"}), 40_066),
        (json!({"page_url": "pages/other", "page_title": "t"}), 40_066),
        (json!({"page_url": "pages/x"}), 40_225),
        (
            json!({"page_url": "pages/x", "page_title": "t", "is_permanent": true}),
            0,
        ),
        (
            json!({"page_url": "pages/x", "page_title": "t", "is_permanent": true}),
            85_400,
        ),
        (json!({"page_url": "pages/x", "page_title": "t"}), 0),
    ] {
        assert_eq!(make(&body).await.errcode(), errcode, "{body}");
    }
    sim.advance(31 * 86_400).await;
    let request = sim
        .request(Method::POST, "/_sim/links/open")
        .json(&json!({"link": link}));
    assert_eq!(sim.send(request).await.status, 404);
}
