//! What every platform call has in common on the wire.

use reqwest::Method;
use serde_json::json;

use super::support::{MINI, OFFICIAL, SECRET, Sim, login_path, token_path, without_rid};

#[tokio::test]
async fn errors_are_status_200_with_errcode_and_a_request_id_that_carries_the_time() {
    let sim = Sim::start();
    sim.advance(1_000_000).await;
    let now = sim.admin(Method::GET, "/clock", json!({})).await["now"]
        .as_i64()
        .unwrap();
    let answered = sim.get(&token_path("wxunknown", SECRET)).await;
    assert_eq!(answered.status, 200);
    assert_eq!(answered.content_type, "application/json; encoding=utf-8");
    let errmsg = answered.errmsg();
    assert_eq!(without_rid(&errmsg), "invalid appid");
    let time = i64::from_str_radix(&errmsg.split_once("rid: ").unwrap().1[..8], 16).unwrap();
    assert!((now..now + 10).contains(&time), "{time} is not {now}");
    assert!(
        answered.text.starts_with(r#"{"errcode":40013,"errmsg":"#),
        "{}",
        answered.text
    );
}

#[tokio::test]
async fn sns_answers_are_plain_text_and_have_a_comma_before_the_request_id() {
    let sim = Sim::start();
    let answered = sim.log_in(MINI, "unknown").await;
    assert_eq!(answered.content_type, "text/plain");
    assert_eq!(without_rid(&answered.errmsg()), "invalid code,");
}

#[tokio::test]
async fn sns_errors_can_have_the_older_hints_instead() {
    let sim = Sim::start();
    sim.switch(MINI, json!({"error_style": "hints"})).await;
    let errmsg = sim.log_in(MINI, "unknown").await.errmsg();
    assert!(
        errmsg.starts_with("invalid code, hints: [ req_id: ") && errmsg.ends_with(" ]"),
        "{errmsg}"
    );
    sim.switch(MINI, json!({"error_style": "bare"})).await;
    assert_eq!(sim.log_in(MINI, "unknown").await.errmsg(), "invalid code");
}

#[tokio::test]
async fn wrong_methods_are_43001_and_43002() {
    let sim = Sim::start();
    let answered = sim.post(&token_path(OFFICIAL, SECRET), &json!({})).await;
    assert_eq!(answered.errcode(), 43_001);
    assert_eq!(without_rid(&answered.errmsg()), "require GET method");
    let answered = sim.get("/cgi-bin/stable_token").await;
    assert_eq!(answered.errcode(), 43_002);
    assert_eq!(without_rid(&answered.errmsg()), "require POST method");
}

#[tokio::test]
async fn jscode2session_by_post_misses_its_appid() {
    let sim = Sim::start();
    let answered = sim
        .post(&login_path(MINI, &sim.code("ann").await), &json!({}))
        .await;
    assert_eq!(answered.errcode(), 41_002);
    assert_eq!(without_rid(&answered.errmsg()), "appid missing,");
}

#[tokio::test]
async fn the_token_is_checked_before_method_and_fields() {
    let sim = Sim::start();
    let answered = sim.post("/cgi-bin/ticket/getticket", &json!({})).await;
    assert_eq!(answered.errcode(), 41_001);
    assert_eq!(without_rid(&answered.errmsg()), "access_token missing");
    let mini = sim.classic(MINI).await.token();
    let path = format!("/cgi-bin/ticket/getticket?access_token={mini}");
    assert_eq!(sim.post(&path, &json!({})).await.errcode(), 48_001);
    let official = sim.classic(OFFICIAL).await.token();
    let path = format!("/cgi-bin/ticket/getticket?access_token={official}");
    assert_eq!(sim.post(&path, &json!({})).await.errcode(), 43_001);
    assert_eq!(sim.get(&path).await.errcode(), 40_097);
    sim.switch(
        OFFICIAL,
        json!({"limits": {"/cgi-bin/ticket/getticket": {"daily": 0}}}),
    )
    .await;
    assert_eq!(sim.post(&path, &json!({})).await.errcode(), 45_009);
}

#[tokio::test]
async fn unknown_paths_are_an_html_page_with_status_404() {
    let sim = Sim::start();
    for path in ["/", "/cgi-bin/unknown", "/cgi-bin/token/"] {
        let answered = sim.get(path).await;
        assert_eq!(
            (answered.status.as_u16(), answered.content_type.as_str()),
            (404, "text/html"),
            "{path}"
        );
        assert!(answered.text.contains("<h1>404 Not Found</h1>"));
    }
}

#[tokio::test]
async fn parameters_are_decoded_and_the_first_of_repeated_ones_counts() {
    let sim = Sim::start();
    let escaped = OFFICIAL.replace('w', "%77").replace('0', "%30");
    let path = format!("{}&appid=other&secret=other", token_path(&escaped, SECRET));
    assert_eq!(sim.get(&path).await.errcode(), 0);
    let path = format!(
        "/cgi-bin/token?appid=other&{}",
        &token_path(OFFICIAL, SECRET)[15..]
    );
    assert_eq!(sim.get(&path).await.errcode(), 40_013);
}

#[tokio::test]
async fn success_has_no_errcode_unless_switched_on() {
    let sim = Sim::start();
    assert!(sim.classic(OFFICIAL).await.json().get("errcode").is_none());
    assert!(sim.stable(OFFICIAL, false).await.json().get("errcode").is_none());
    sim.switch(OFFICIAL, json!({"always_errcode": true})).await;
    let body = sim.classic(OFFICIAL).await.json();
    assert_eq!((&body["errcode"], &body["errmsg"]), (&json!(0), &json!("ok")));
    assert!(body["access_token"].is_string());
}

#[tokio::test]
async fn text_beyond_ascii_is_raw_utf8() {
    let sim = Sim::start();
    sim.fault(json!({"effect": {"type": "errcode", "errcode": -1, "errmsg": "系统繁忙/🙂"}}))
        .await;
    let text = sim.classic(OFFICIAL).await.text;
    assert!(
        text.starts_with(r#"{"errcode":-1,"errmsg":"系统繁忙/🙂 rid: "#),
        "{text}"
    );
}
