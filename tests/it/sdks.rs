//! SDKs of others through WeChat's own paths at the gateway: only the host and the secret are changed. Before each call
//! WeChat forgets the access_token, and no SDK is to notice.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Builder, GAME, SHOP, TestApp};
use crate::support::node::sdk;
use crate::support::platform::{CLASSIC_TOKEN, Platform, SECRET, STABLE_TOKEN};
use crate::support::python::python;
use crate::support::recorder::Recorder;

/// The steps of every script, each with a call of its own.
const STEPS: [&str; 10] = [
    "menu_created",
    "menu",
    "user",
    "template",
    "template_message",
    "ticket",
    "media",
    "downloaded",
    "customer_service",
    "subscribe",
];

/// A picture of one dot, and more bytes behind it than fit into one packet, among them such as are taken for ends of
/// lines and texts.
fn picture() -> Vec<u8> {
    let dot =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let mut bytes = BASE64_STANDARD.decode(dot).unwrap();
    bytes.extend((0..200_000_u32).map(|number| number.to_le_bytes()[usize::from(number % 3 == 0)]));
    bytes
}

/// A gateway whose talk with WeChat on one side and with an SDK on the other is recorded.
struct Stage {
    app: TestApp,
    upstream: Recorder,
    sdk: Recorder,
    task: Value,
}

impl Stage {
    async fn set() -> Self {
        let platform = Platform::start(Builder::at_the_platform());
        let upstream = Recorder::start(platform.addr).await;
        let app = TestApp::builder()
            .platform(&platform)
            .api_url(upstream.url())
            .spawn()
            .await;
        let sdk = Recorder::start(app.addr()).await;
        let follower = platform.follower(SHOP, "ann").await;
        let template = json!({"app_id": GAME, "template_id": "T-1", "keys": ["thing1"]});
        platform
            .admin(Method::POST, "/subscriptions/templates", template)
            .await;
        let grant = json!({"app_id": GAME, "user": "ann", "template_id": "T-1"});
        let granted = platform.admin(Method::POST, "/subscriptions", grant).await;
        let allow = ["--allow", "* /cgi-bin/**", "* /wxa/**"];
        let key = app
            .caller_key(&[&["--app", "shop", "game"], &allow[..]].concat())
            .await;
        let task = json!({
            "gateway": sdk.url(),
            "simulator": format!("http://{}", platform.addr),
            "key": key,
            "official": {"app_id": SHOP, "openid": follower},
            "mini": {"app_id": GAME, "openid": granted["openid"], "template": "T-1"},
            "picture": BASE64_STANDARD.encode(picture()),
        });
        Self {
            app,
            upstream,
            sdk,
            task,
        }
    }

    /// Runs the script, and says how often it asked for a token by GET and by POST.
    async fn run(&self, command: Command) -> (usize, usize) {
        let task = self.task.clone();
        let told = tokio::task::spawn_blocking(move || run(command, &task))
            .await
            .unwrap();
        self.all_went_well(&told).await;
        let asked = self.sdk.asked();
        let count = |call: String| asked.matches(&call).count();
        (
            count(format!("GET {CLASSIC_TOKEN}?")),
            count(format!("POST {STABLE_TOKEN} ")),
        )
    }

    async fn all_went_well(&self, told: &Value) {
        let names: BTreeSet<_> = told.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, STEPS.into());
        for fine in [
            "menu_created",
            "template_message",
            "customer_service",
            "subscribe",
        ] {
            assert_eq!(told[fine], 0, "{fine}: {told}");
        }
        assert_eq!(told["menu"], "今日歌曲");
        assert_eq!(told["user"], self.task["official"]["openid"]);
        for text in ["template", "ticket", "media"] {
            assert!(told[text].as_str().is_some_and(|text| text.len() > 10), "{told}");
        }
        assert_eq!(
            told["downloaded"], self.task["picture"],
            "the bytes that were sent"
        );
        let messages = self.app.simulator().messages(SHOP, "ann").await;
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0]["text"]["content"], "茶 🍵");
        self.no_sdk_noticed();
    }

    /// What was on the wire.
    fn no_sdk_noticed(&self) {
        // WeChat did refuse, once for each step but the first of each app, which fetched a token itself or found
        // the one of the start.
        let refused = errcodes(&self.upstream.answered());
        let dead = refused
            .iter()
            .filter(|code| [40001, 40014, 42001].contains(*code))
            .count();
        assert!(dead >= STEPS.len() - 2, "{refused:?}");
        let seen = errcodes(&self.sdk.answered());
        assert!(seen.len() >= 4 && seen.iter().all(|code| *code == 0), "{seen:?}");
        let upstream = self.upstream.asked();
        let talk = self.sdk.asked() + &self.sdk.answered();
        assert!(
            upstream.contains(SECRET) && !talk.contains(SECRET),
            "the AppSecret"
        );
        let raw = tokens(&upstream);
        assert!(raw.len() >= STEPS.len() - 2, "{}", raw.len());
        for token in &raw {
            assert!(!talk.contains(token.as_str()), "an access_token of WeChat's");
        }
        let own = tokens(&self.sdk.asked());
        assert_eq!(own.len(), 2, "one for each app");
        assert!(own.iter().all(|token| token.starts_with("wxa_")));
        assert!(!upstream.contains("wxa_") && !upstream.contains("wxk_"));
    }
}

fn run(mut command: Command, task: &Value) -> Value {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node and python3 must be installed: SDKs are clients of the tests");
    let mut input = child.stdin.take().unwrap();
    // A script that does not even begin says by itself why.
    let written = input.write_all(task.to_string().as_bytes());
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success() && written.is_ok(),
        "the script failed; it says why above"
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Every `errcode` in a text.
fn errcodes(text: &str) -> Vec<i64> {
    let parts = text.split("\"errcode\":").skip(1);
    let number = |part: &str| {
        let digits = part.trim_start();
        let end = digits
            .find(|c: char| c != '-' && !c.is_ascii_digit())
            .unwrap_or(digits.len());
        digits[..end].parse().unwrap()
    };
    parts.map(number).collect()
}

/// Every `access_token` in the addresses of a text.
fn tokens(text: &str) -> BTreeSet<String> {
    let parts = text.split("access_token=").skip(1);
    let token = |part: &str| {
        let end = part.find(['&', ' ', '\r']).unwrap_or(part.len());
        percent_encoding::percent_decode_str(&part[..end])
            .decode_utf8()
            .unwrap()
            .into_owned()
    };
    parts.map(token).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wechatpy_notices_nothing() {
    let stage = Stage::set().await;
    assert_eq!(stage.run(python("wechatpy_client.py")).await, (2, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn co_wechat_api_notices_nothing() {
    let stage = Stage::set().await;
    assert_eq!(stage.run(sdk("co_wechat_api.mjs")).await, (2, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_easywechat_notices_nothing() {
    let stage = Stage::set().await;
    assert_eq!(stage.run(sdk("easywechat.mjs")).await, (1, 1));
}
