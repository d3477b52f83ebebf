//! Mini-program codes: the picture is WeChat's, and made once.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::ask;
use crate::support::app::{GAME, TestApp};

const PATH: &str = "/wxa/getwxacodeunlimit";

async fn picture(app: &TestApp, key: &str, code: &Value) -> (u16, String, Vec<u8>) {
    let request = app.request(Method::POST, "/v1/apps/game/codes/wxacode");
    let response = request.bearer_auth(key).json(code).send().await.unwrap();
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    let status = response.status().as_u16();
    (status, kind, response.bytes().await.unwrap().to_vec())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_drawn_once() {
    let app = TestApp::builder().spawn().await;
    let key = app
        .caller_key(&["--app", "game", "--allow", &format!("POST {PATH}")])
        .await;
    let code = json!({"scene": "id=1", "width": 300, "check_path": false});
    let made = join_all((0..12).map(|_| picture(&app, &key, &code))).await;
    let (status, kind, bytes) = &made[0];
    assert_eq!(*status, 200);
    assert!(kind.starts_with("image/"), "{kind}");
    assert!(image::load_from_memory(bytes).is_ok(), "{kind}");
    assert!(made.iter().all(|other| other == &made[0]));
    assert_eq!(app.simulator().calls_of(GAME, PATH).await, 1);

    // The same parameters in another order are the same code; others are another one.
    let again = json!({"width": 300, "check_path": false, "scene": "id=1"});
    assert_eq!(picture(&app, &key, &again).await, made[0]);
    assert_eq!(app.simulator().calls_of(GAME, PATH).await, 1);
    let other = json!({"scene": "id=2", "width": 300, "check_path": false});
    assert_ne!(picture(&app, &key, &other).await.2, *bytes);
    assert_eq!(app.simulator().calls_of(GAME, PATH).await, 2);

    app.advance(3601).await;
    assert_eq!(picture(&app, &key, &code).await.0, 200);
    assert_eq!(app.simulator().calls_of(GAME, PATH).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_not_kept() {
    let app = TestApp::builder().spawn().await;
    let key = app
        .caller_key(&["--app", "game", "--allow", &format!("POST {PATH}")])
        .await;
    let code = json!({"scene": "id=1"});
    let fault = json!({"path": PATH, "count": 1, "effect": {"type": "errcode", "errcode": 41_030}});
    app.simulator().fault(fault).await;
    let refused = ask(&app, &key, "game/codes/wxacode", &code).await;
    let refused = refused.refused(502, 10_007, "POST /v1/apps/game/codes/wxacode");
    assert_eq!(refused["errcode"], 41_030);
    assert_eq!(picture(&app, &key, &code).await.0, 200);
}
