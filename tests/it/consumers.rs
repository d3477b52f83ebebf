//! Libraries of others at both ends: a WeChat library in Python pushes and reads our replies, the official library of
//! Standard Webhooks in JavaScript verifies our deliveries.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::push::encrypted;
use crate::push::replies::make_webhook;
use crate::support::app::{SHOP, TOKEN, TestApp};
use crate::support::node::node;
use crate::support::pusher::{AES_KEY, Pusher, event, text_message};
use crate::support::python::python;
use crate::support::reply::Reply;

const RULES: &str = r#"[[apps.replies]]
when = "subscribe"
reply = { type = "news", articles = [{ title = "一", url = "https://a.example/1" }, { title = "二", url = "https://a.example/2" }] }
[[apps.replies]]
when = "keyword"
match = "exact"
text = "picture"
reply = { type = "image", media_id = "M-1_x" }
[[apps.replies]]
when = "default"
reply = { type = "text", content = "你说：{content}" }"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wechat_library_pushes_and_reads_our_replies() {
    let app = encrypted(TestApp::builder(), "safe")
        .replies("shop", RULES)
        .spawn()
        .await;
    let task = json!({
        "url": format!("http://{}/auth/shop", app.addr()),
        "token": TOKEN,
        "aes_key": AES_KEY,
        "app_id": SHOP,
        "timestamp": app.now().secs(),
        "messages": [
            text_message("o1", 1, "茶 🍵"),
            text_message("o1", 2, "picture"),
            event("o1", 1_700_000_000, "subscribe", "qrscene_7"),
            event("o1", 1_700_000_001, "unsubscribe", ""),
        ],
    });
    let answers = tokio::task::spawn_blocking(move || ask(&task)).await.unwrap();
    let [text, picture, news, nothing] = answers.as_array().unwrap().as_slice() else {
        panic!("{answers}");
    };
    assert_eq!(text["reply"]["MsgType"], "text");
    assert_eq!(text["reply"]["Content"], "你说：茶 🍵");
    assert_eq!(
        (&text["reply"]["ToUserName"], &text["reply"]["FromUserName"]),
        (&json!("o1"), &json!("gh_1"))
    );
    assert_eq!(picture["reply"]["Image"]["MediaId"], "M-1_x");
    assert_eq!(news["reply"]["ArticleCount"], "2");
    assert_eq!(news["reply"]["Articles"]["item"][1]["Title"], "二");
    assert_eq!(nothing["text"], "success");
}

fn ask(task: &Value) -> Value {
    let mut child = python("wechatpy_platform.py")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(task.to_string().as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A receiver in JavaScript.
struct Program {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Program {
    fn start() -> Self {
        let mut child = node("webhooks.mjs")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node must be installed: deliveries are verified in another language");
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self {
            child,
            input,
            output: BufReader::new(output),
        }
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: it said {line:?}"))
    }

    fn expect(&mut self, secret: &str) {
        writeln!(self.input, "{}", json!({"secret": secret})).unwrap();
        assert_eq!(self.line(), json!({"ready": true}));
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_library_of_standard_webhooks_verifies_deliveries() {
    let app = TestApp::builder()
        .set("push.webhook_private_networks", "true")
        .spawn()
        .await;
    let mut program = Program::start();
    let url = format!("http://127.0.0.1:{}/", program.line()["port"]);
    let webhook = make_webhook(&app, &json!({"url": url})).await;
    let secret = webhook["secret"].as_str().unwrap().to_owned();
    program.expect(&secret);
    let pusher = Pusher::plain();
    assert_eq!(
        pusher.push(&app, &text_message("o1", 1, "茶 🍵")).await.status,
        200
    );
    let delivery = program.line();
    assert_eq!(delivery["event"]["data"]["content"], "茶 🍵", "{delivery}");
    assert_eq!(delivery["id"], delivery["event"]["id"]);

    // While the secret is changed both are good.
    let key = app.caller_key(&["--app", "shop", "--webhooks"]).await;
    let path = format!(
        "/v1/apps/shop/webhooks/{}/secret",
        webhook["id"].as_str().unwrap()
    );
    let rotation = app
        .request(reqwest::Method::POST, &path)
        .bearer_auth(&key)
        .json(&json!({}));
    let rotated = Reply::to(rotation).await.json();
    for (number, secret) in [(2, secret.as_str()), (3, rotated["secret"].as_str().unwrap())] {
        program.expect(secret);
        pusher.push(&app, &text_message("o1", number, "again")).await;
        let delivery = program.line();
        assert_eq!(
            delivery["event"]["ids"]["msg_id"],
            number.to_string(),
            "{delivery}"
        );
    }
}
