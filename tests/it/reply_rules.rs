//! Rules for replies: how they are made over HTTP and in the configuration, and which of them holds.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use wxgate::config::Config;
use wxgate::domain::push::event::Event;
use wxgate::domain::push::reply::Reply;
use wxgate::domain::push::rule::Rule;
use wxgate::service::reply_rules::{Matched, ReplyRules};

use crate::support::app::{Builder, StoreKind, TestApp};
use crate::support::on_both_stores;
use crate::support::services::Services;
use crate::webhooks::{call, event, manager};

on_both_stores!(
    a_rule_is_made_shown_replaced_and_deleted,
    the_stores_rules_are_tried_before_the_configurations,
);

const ROUTE: &str = "/v1/apps/shop/replies";

fn rule(when: &Value, content: &str) -> Value {
    let mut rule = when.clone();
    rule["reply"] = json!({"type": "text", "content": content});
    rule
}

async fn make(app: &TestApp, key: &str, rule: &Value) -> Value {
    let reply = call(app, Method::POST, ROUTE, key, rule).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    reply.json()
}

fn path(rule: &Value) -> String {
    format!("{ROUTE}/{}", rule["id"].as_str().unwrap())
}

fn texts(listed: &Value) -> Vec<&str> {
    let rules = listed.as_array().unwrap();
    rules
        .iter()
        .map(|rule| rule["reply"]["content"].as_str().unwrap())
        .collect()
}

async fn a_rule_is_made_shown_replaced_and_deleted(app: Builder) {
    let app = app.spawn().await;
    let key = manager(&app).await;
    let listed = call(&app, Method::GET, ROUTE, &key, &json!({})).await.ok();
    assert_eq!(listed.text, r#"{"replies":[],"configured":[]}"#);
    let when =
        json!({"when": "keyword", "match": "contains", "texts": ["价格", "price"], "ignore_case": true});
    let made = make(&app, &key, &rule(&when, "one")).await;
    let mut expected = rule(&when, "one");
    for name in ["id", "created_at", "changed_at"] {
        expected[name] = made[name].clone();
    }
    expected["position"] = json!(0);
    assert_eq!(made, expected);
    assert!(made["id"].as_str().unwrap().starts_with("rul_"));
    let path = path(&made);
    assert_eq!(
        call(&app, Method::GET, &path, &key, &json!({})).await.ok().json(),
        made
    );

    app.turn(1);
    let mut other = rule(&json!({"when": "scan", "scene": "7"}), "two");
    other["position"] = json!(-5);
    let replaced = call(&app, Method::PUT, &path, &key, &other).await.ok().json();
    assert_eq!(
        json!([
            replaced["id"],
            replaced["created_at"],
            replaced["position"],
            replaced["when"],
            replaced["scene"],
            replaced["reply"]["content"]
        ]),
        json!([made["id"], made["created_at"], -5, "scan", "7", "two"])
    );
    assert!(replaced["changed_at"].as_i64() > made["changed_at"].as_i64());
    assert!(
        replaced.get("texts").is_none() && replaced.get("match").is_none(),
        "{replaced}"
    );

    // Smaller positions first, then the older.
    make(&app, &key, &rule(&json!({"when": "subscribe"}), "three")).await;
    let mut first = rule(&json!({"when": "click"}), "four");
    first["position"] = json!(-6);
    make(&app, &key, &first).await;
    make(&app, &key, &rule(&json!({"when": "default"}), "five")).await;
    let listed = call(&app, Method::GET, ROUTE, &key, &json!({})).await.ok().json();
    assert_eq!(texts(&listed["replies"]), ["four", "two", "three", "five"]);

    let gone = call(&app, Method::DELETE, &path, &key, &json!({})).await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    let put = rule(&json!({"when": "default"}), "six");
    for (method, body) in [
        (Method::GET, &json!({})),
        (Method::PUT, &put),
        (Method::DELETE, &json!({})),
    ] {
        let reply = call(&app, method.clone(), &path, &key, body).await;
        reply.refused(404, 10002, &format!("{method} {path}"));
    }
    let listed = call(&app, Method::GET, ROUTE, &key, &json!({})).await.ok().json();
    assert_eq!(texts(&listed["replies"]), ["four", "three", "five"]);
}

const CONFIGURED: &str = r#"
[[apps]]
name = "shop"
kind = "official"
app_id = "wx00000000000000a0"
app_secret = "s3cret"

[[apps.replies]]
when = "subscribe"
reply = { type = "text", content = "welcome" }

[[apps.replies]]
when = "keyword"
match = "regex"
texts = ['^\d{6}$', "(?i)^code"]
reply = { type = "text", content = "a code" }

[[apps.replies]]
when = "default"
reply = { type = "text", content = "configured default" }

[[apps]]
name = "game"
kind = "mini"
app_id = "wx00000000000000b0"
app_secret = "s3cret"

[[apps.replies]]
when = "default"
reply = { type = "text", content = "of the game" }
"#;

fn load(file: &str) -> Result<Config, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wxgate.toml");
    std::fs::write(&path, file).unwrap();
    let loaded = Config::from_layers(Some(&path), folder.path(), std::iter::empty());
    loaded.map_err(|invalid| invalid.0.iter().map(ToString::to_string).collect())
}

/// What is said to an event: the text, with a mark if it is the default.
fn said(rules: &ReplyRules, event: &Event) -> String {
    match rules.reply_to(&event.app, event) {
        Matched::Rule(Reply::Text { content }) => content,
        Matched::Default(Reply::Text { content }) => format!("default: {content}"),
        _ => String::new(),
    }
}

async fn the_stores_rules_are_tried_before_the_configurations(app: Builder) {
    let mut app = app.spawn().await;
    let configured = load(CONFIGURED).unwrap();
    app.stop().await;
    app.reconfigure(|config| config.apps = configured.apps);
    app.start().await;
    let key = manager(&app).await;
    let rules = Services::beside(&app).await.reply_rules;
    let wrote = |text: &str| event("shop", "message", "text", text);
    let followed = event("shop", "event", "subscribe", "");
    assert_eq!(said(&rules, &followed), "welcome");
    assert_eq!(said(&rules, &wrote("123456")), "a code");
    assert_eq!(said(&rules, &wrote("CODE 1")), "a code");
    assert_eq!(said(&rules, &wrote("hello")), "default: configured default");
    assert_eq!(
        said(&rules, &event("game", "message", "image", "")),
        "default: of the game"
    );
    assert_eq!(said(&rules, &event("other", "message", "text", "")), "");
    let listed = call(&app, Method::GET, ROUTE, &key, &json!({})).await.ok().json();
    assert_eq!(
        texts(&listed["configured"]),
        ["welcome", "a code", "configured default"]
    );
    assert_eq!(listed["configured"][1]["texts"], json!(["^\\d{6}$", "(?i)^code"]));

    // A campaign's welcome takes the place of the usual one, and gives it back.
    let campaign = make(&app, &key, &rule(&json!({"when": "subscribe"}), "campaign")).await;
    make(&app, &key, &rule(&json!({"when": "default"}), "stored default")).await;
    let news = async || {
        rules.feed().load().await.unwrap();
    };
    news().await;
    assert_eq!(said(&rules, &followed), "campaign");
    assert_eq!(
        said(&rules, &wrote("123456")),
        "a code",
        "a rule for this very thing is before any default"
    );
    assert_eq!(said(&rules, &wrote("hello")), "default: stored default");
    assert_eq!(
        said(&rules, &event("game", "message", "image", "")),
        "default: of the game"
    );
    call(&app, Method::DELETE, &path(&campaign), &key, &json!({})).await;
    news().await;
    assert_eq!(said(&rules, &followed), "welcome");
}

#[test]
fn what_is_wrong_with_configured_rules_is_told_with_its_path() {
    let wrong = r#"
        [[apps]]
        name = "shop"
        kind = "mini"
        app_id = "wx1"
        app_secret = "s3cret"
        replies = [
            { when = "default", reply = { type = "text", content = "fine" } },
            { when = "never", reply = { type = "text", content = "a" } },
            { when = "default" },
            { when = "keyword", reply = { type = "text", content = "a" } },
            { when = "keyword", match = "regex", text = "(", reply = { type = "text", content = "a" } },
            { when = "click", scene = "1", reply = { type = "text", content = "a" } },
            { when = "scan", scene = 1, reply = { type = "text", content = "a" } },
            { when = "default", reply = { type = "text" } },
            { when = "default", reply = { type = "letter" } },
            { when = "default", reply = { type = "voice", media_id = "a" } },
            { when = "default", colour = "red", reply = { type = "text", content = "a" } },
        ]

        [[apps]]
        name = "game"
        kind = "mini"
        app_id = "wx2"
        app_secret = "s3cret"
        replies = "none"
    "#;
    let told = load(wrong).unwrap_err();
    insta::assert_snapshot!(told.join("\n"), @r#"
    apps.0.replies.1 is no rule: unknown variant `never`, expected one of `subscribe`, `keyword`, `click`, `scan`, `default`
    apps.0.replies.2 is no rule: missing field `reply`
    apps.0.replies.3 is no rule: a keyword rule has either `text`, or `texts` with at least one
    apps.0.replies.4 is no rule: `(` is not a regular expression that can be used here: its syntax is wrong
    apps.0.replies.5 is no rule: `scene` has no meaning with this `when`
    apps.0.replies.6 is no rule: invalid type: integer `1`, expected a string
    apps.0.replies.7 is no rule: missing field `content`
    apps.0.replies.8 is no rule: unknown variant `letter`, expected one of `text`, `image`, `voice`, `video`, `music`, `news`, `transfer_customer_service`
    apps.0.replies.9 is no rule: a mini program's `reply` has the type text, image or transfer_customer_service
    apps.1.replies must be a list of tables: [[apps.1.replies]]
    apps.0.replies.10.colour is not a key of wxgate
    "#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_rule_is_refused() {
    let app = TestApp::builder().spawn().await;
    let key = manager(&app).await;
    let asked = format!("POST {ROUTE}");
    let made = make(&app, &key, &rule(&json!({"when": "default"}), "kept")).await;
    let (put, replaced) = (format!("PUT {}", path(&made)), path(&made));
    for body in [
        json!({}),
        json!({"when": "default"}),
        json!({"reply": {"type": "text", "content": "a"}}),
        rule(&json!({"when": "never"}), "a"),
        rule(&json!({"when": ["default"]}), "a"),
        rule(&json!({"when": "default", "text": "a"}), "a"),
        rule(&json!({"when": "default", "ignorecase": true}), "a"),
        rule(&json!({"when": "default", "id": "rul_1"}), "a"),
        rule(&json!({"when": "keyword"}), "a"),
        rule(&json!({"when": "keyword", "text": "a", "texts": ["b"]}), "a"),
        rule(&json!({"when": "keyword", "texts": []}), "a"),
        rule(&json!({"when": "keyword", "text": {"$ne": ""}}), "a"),
        rule(&json!({"when": "keyword", "match": "regex", "text": "["}), "a"),
        rule(
            &json!({"when": "keyword", "match": "regex", "text": "(\\w{9}){9999}"}),
            "a",
        ),
        rule(&json!({"when": "click", "key": "k".repeat(129)}), "a"),
        rule(&json!({"when": "default", "position": "1"}), "a"),
        rule(&json!({"when": "default", "position": 1.5}), "a"),
        rule(&json!({"when": "default", "position": 1_000_001}), "a"),
        rule(&json!({"when": "default", "position": i64::MIN}), "a"),
        rule(&json!({"when": "default", "position": u64::MAX}), "a"),
        json!({"when": "default", "reply": "hello"}),
        json!({"when": "default", "reply": {"type": "text"}}),
        json!({"when": "default", "reply": {"type": "text", "content": ""}}),
        json!({"when": "default", "reply": {"type": "text", "content": "a", "media_id": "b"}}),
        json!({"when": "default", "reply": {"type": "letter", "content": "a"}}),
        json!([]),
    ] {
        let reply = call(&app, Method::POST, ROUTE, &key, &body).await;
        assert_eq!(reply.status, 400, "{body}: {}", reply.text);
        reply.refused(400, 10001, &asked);
        let reply = call(&app, Method::PUT, &replaced, &key, &body).await;
        assert_eq!(reply.status, 400, "{body}: {}", reply.text);
        reply.refused(400, 10001, &put);
    }
    let listed = call(&app, Method::GET, ROUTE, &key, &json!({})).await.ok().json();
    assert_eq!(texts(&listed["replies"]), ["kept"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_has_so_many_rules_at_most() {
    let app = TestApp::builder().spawn().await;
    let key = manager(&app).await;
    let expression = rule(&json!({"when": "keyword", "match": "regex", "text": "a"}), "a");
    let plain = rule(&json!({"when": "keyword", "text": "a"}), "a");
    let asked = format!("POST {ROUTE}");
    let mut last = json!({});
    for _ in 0..50 {
        last = make(&app, &key, &expression).await;
    }
    let reply = call(&app, Method::POST, ROUTE, &key, &expression).await;
    reply.refused(409, 10011, &asked);
    // One may take its own place, and not another's.
    call(&app, Method::PUT, &path(&last), &key, &expression)
        .await
        .ok();
    let other = make(&app, &key, &plain).await;
    let reply = call(&app, Method::PUT, &path(&other), &key, &expression).await;
    reply.refused(409, 10011, &format!("PUT {}", path(&other)));
    for _ in 51..500 {
        make(&app, &key, &plain).await;
    }
    let reply = call(&app, Method::POST, ROUTE, &key, &plain).await;
    reply.refused(409, 10011, &asked);
    assert_eq!(app.stored().count("reply_rules").await, 500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_instances_hear_of_rules_within_two_seconds() {
    let one = TestApp::builder().store(StoreKind::Mongo).spawn().await;
    let two = TestApp::builder().store(StoreKind::MongoAt(one.store_url()));
    let two = two.platform(one.simulator()).spawn().await;
    let key = manager(&one).await;
    make(&one, &key, &rule(&json!({"when": "default"}), "hello")).await;
    let began = Instant::now();
    while !call(&two, Method::GET, ROUTE, &key, &json!({}))
        .await
        .text
        .contains("hello")
    {
        assert!(began.elapsed() < Duration::from_secs(2));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn the_rules_of_the_documentation_are_rules() {
    let page = include_str!("../../docs/replies.md");
    let block = |language: &str| {
        let (_, rest) = page.split_once(&format!("```{language}\n")).unwrap();
        rest.split_once("```").unwrap().0
    };
    let app = "kind = \"official\"\napp_id = \"wx1\"\napp_secret = \"s3cret\"";
    let config = load(&block("toml").replace("# …", app)).unwrap();
    assert_eq!(config.apps.named("shop").unwrap().replies.len(), 3);
    let (_, body) = block("sh").split_once("-d '").unwrap();
    let body = body.split_once('\'').unwrap().0;
    let rule: Rule = serde_json::from_str(body).unwrap();
    assert_eq!(rule.check(false), Ok(()));
}
