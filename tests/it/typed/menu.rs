//! `wxgate menu push`: a menu from a file, with the token that gateways share.

use std::process::Output;

use serde_json::{Value, json};

use super::{answered, before, key, last, ok};
use crate::support::app::TestApp;
use crate::support::upstream::Upstream;

const TOML: &str = r#"
[[button]]
type = "view"
name = "商店"
url = "https://shop.example.com/"

[[button]]
name = "More"
sub_button = [{ type = "click", name = "Help", key = "help" }]
"#;

async fn push(app: &TestApp, upstream: &Upstream, name: &str, menu: &str, more: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, menu).unwrap();
    let mut arguments = vec!["menu", "push", file.to_str().unwrap()];
    arguments.extend(more);
    let mut command = app.command(&arguments);
    command.env("WXGATE__PLATFORM__API_URL", upstream.url());
    tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap()
}

fn told(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_menu_is_put_there_with_the_token_that_gateways_share() {
    let upstream = Upstream::start();
    let app = before(&upstream).await;
    // The gateway has a token when it has made a call.
    upstream.react([answered(&ok()), answered(&ok())]);
    let message = json!({"touser": "o1", "msgtype": "text", "text": {"content": "a"}});
    super::ask(&app, &key(&app).await, "shop/messages/custom", &message)
        .await
        .ok();
    let (tokens, token) = (upstream.tokens(), upstream.last().target);
    let done = push(&app, &upstream, "menu.toml", TOML, &["--app", "shop", "--json"]).await;
    assert!(done.status.success(), "{done:?}");
    assert_eq!(told(&done), json!({"app": "shop", "buttons": 2}));
    let menu = json!({"button": [
        {"type": "view", "name": "商店", "url": "https://shop.example.com/"},
        {"name": "More", "sub_button": [{"type": "click", "name": "Help", "key": "help"}]},
    ]});
    assert_eq!(last(&upstream), ("/cgi-bin/menu/create".to_owned(), menu.clone()));
    assert_eq!(upstream.tokens(), tokens, "it had no token of its own to fetch");
    let query = |target: &str| target.split_once('?').unwrap().1.to_owned();
    assert_eq!(query(&upstream.last().target), query(&token));

    upstream.react([answered(&json!({"errcode": 45_064, "errmsg": "not linked"}))]);
    let refused = push(
        &app,
        &upstream,
        "menu.json",
        &menu.to_string(),
        &["--app", "shop", "--json"],
    )
    .await;
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(told(&refused)["errcode"], 45_064);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_menu_that_wechat_would_not_take_is_not_sent() {
    let upstream = Upstream::start();
    let app = before(&upstream).await;
    let menu = json!({"button": [{"type": "click", "name": "seventeen bytes!!"}]}).to_string();
    let bad = push(&app, &upstream, "menu.json", &menu, &["--app", "shop", "--json"]).await;
    assert_eq!(bad.status.code(), Some(1));
    let problems = [
        "button.0.name has 17 bytes; WeChat takes 16",
        "button.0.key is missing",
    ];
    assert_eq!(told(&bad), json!({"problems": problems}));
    let text = push(&app, &upstream, "menu.json", &menu, &["--app", "shop"]).await;
    assert!(text.stdout.is_empty(), "{text:?}");
    let lines = String::from_utf8(text.stderr).unwrap();
    assert!(problems.iter().all(|problem| lines.contains(problem)), "{lines}");
    for (name, file, app_name, code) in [
        ("menu.json", "{", "shop", 1),
        ("menu.toml", "button = ", "shop", 1),
        ("menu.json", menu.as_str(), "game", 2),
        ("menu.json", menu.as_str(), "none", 2),
    ] {
        let failed = push(&app, &upstream, name, file, &["--app", app_name]).await;
        assert_eq!(failed.status.code(), Some(code), "{failed:?}");
    }
    let nothing = upstream.seen();
    assert!(nothing.is_empty(), "{nothing:?}");
}
