//! The end of an account, looked for in everything that the process has: afterwards no text of the user's is in the
//! store nor in the most talkative log, and what a death leaves half done is finished by the next start.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use wxgate::clock::Clock;
use wxgate::service::records::COLLECTIONS;

use crate::avatars::files::encode;
use crate::avatars::form;
use crate::codes::SECRET as CODES_SECRET;
use crate::support::eventually;
use crate::support::mongo::Mongod;
use crate::support::process::{MINI, Stage, TOKEN, read_all};
use crate::support::pusher::{Pusher, text_message};
use crate::support::receiver::Receiver;
use crate::support::reply::Reply;
use crate::support::stored::Stored;

const PHONE: &str = "13812345678";
const EMAIL: &str = "canary.mail@example.com";
const NAME: &str = "canary-name";
const NICKNAME: &str = "canary nickname";
const ROOM: &str = "canary room";
const DEVICE: &str = "canary-device/1.0";
const MESSAGE: &str = "canary message";
const PASSWORD: &str = "canary horse battery";

struct Tour {
    stage: Stage,
    stored: Stored,
    receiver: Receiver,
}

impl Tour {
    async fn new(mongo: bool) -> Self {
        let receiver = Receiver::start().await;
        let extra = format!(
            "[push]\nwebhook_private_networks = true\n[log]\nlevel = \"trace\"\nrequests = \"all\"\n[codes]\nurl = \"{}\"\nsecret = \"{CODES_SECRET}\"\n",
            receiver.url()
        );
        let (url, database) = if mongo {
            let database = Mongod::fresh_database();
            (Mongod::standalone().await.url(&database), database)
        } else {
            ("sqlite:erasure.db".to_owned(), String::new())
        };
        let stage = Stage::new(&url, &extra);
        let switches = json!({"switches": {"open_account": "open1"}});
        stage
            .admin(Method::PATCH, &format!("/apps/{MINI}"), switches)
            .await;
        let stored = if mongo {
            Stored::Mongo { url, database }
        } else {
            Stored::Sqlite(stage.path("erasure.db"))
        };
        Self {
            stage,
            stored,
            receiver,
        }
    }

    async fn send(&self, method: Method, path: &str, token: &str, body: &Value) -> Reply {
        let request = self.stage.client.request(method, self.stage.url(path));
        let request = request.header("user-agent", DEVICE).bearer_auth(token);
        Reply::to(request.json(body)).await
    }

    async fn log_in(&self, user: &str) -> (String, String) {
        let (code, openid) = self.stage.code(user).await;
        let body = json!({"type": 100, "account": code});
        let login = self.send(Method::POST, "/v1/token", "", &body).await.ok();
        (login.member("token"), openid)
    }

    async fn link(&self, token: &str, target: (&str, &str)) {
        let body = json!({target.0: target.1, "purpose": "link"});
        let sent = self.send(Method::POST, "/v1/codes", "", &body).await;
        assert_eq!(sent.status, 204, "{}", sent.text);
        let code = self.receiver.take_one().json()["code"]
            .as_str()
            .unwrap()
            .to_owned();
        let body = json!({target.0: target.1, "code": code});
        self.send(Method::POST, "/v1/user/identities", token, &body)
            .await
            .ok();
    }

    /// The user writes to the mini program, and a program of the company's that is down is to hear of it.
    async fn write(&self, openid: &str) {
        let rights = ["--app", "game", "--webhooks", "--json"];
        let mut command = self.stage.command(&["caller", "create", "--name", "crm"]);
        let made = command
            .args(rights)
            .stdout(std::process::Stdio::piped())
            .output()
            .unwrap();
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        let key = made["key"].as_str().unwrap();
        let webhook = json!({"url": "http://127.0.0.1:9/"});
        eventually("the key is known", async || {
            let made = self
                .send(Method::POST, "/v1/apps/game/webhooks", key, &webhook)
                .await;
            made.status == 201
        })
        .await;
        let pusher = Pusher {
            path: "/auth/game".to_owned(),
            token: TOKEN.to_owned(),
            app_id: MINI.to_owned(),
            key: None,
        };
        let now = Clock::system().now().secs().to_string();
        let (query, body) = pusher.written(&now, &text_message(openid, 1, MESSAGE));
        let push = self
            .stage
            .client
            .post(self.stage.url(&format!("/auth/game?{query}")));
        assert_eq!(Reply::to(push.body(body)).await.text, "success");
        eventually("its delivery was tried", async || {
            let deliveries = self.stored.texts("deliveries").await;
            deliveries.iter().any(|delivery| delivery.contains("attempts"))
        })
        .await;
    }

    /// Every byte of the store.
    async fn everything(&self) -> String {
        let mut all = String::new();
        for collection in COLLECTIONS {
            all.push_str(&self.stored.texts(collection.name).await.join("\n"));
        }
        if let Stored::Sqlite(_) = self.stored {
            for (path, bytes) in read_all(self.stage.folder.path()) {
                if path.to_string_lossy().contains("erasure.db") {
                    all.push_str(&String::from_utf8_lossy(&bytes));
                }
            }
        }
        all
    }

    fn log(&self) -> String {
        let path: PathBuf = self.stage.path("out.log");
        String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
    }
}

async fn nothing_is_left(mongo: bool) {
    let tour = Tour::new(mongo).await;
    let _gateway = tour.stage.start().await;
    let (token, openid) = tour.log_in("ann").await;
    tour.log_in("ann").await;
    let nickname = json!({"nickname": NICKNAME});
    tour.send(Method::PATCH, "/v1/user", &token, &nickname).await.ok();
    tour.link(&token, ("phone", PHONE)).await;
    tour.link(&token, ("email", EMAIL)).await;
    let room = tour
        .send(Method::POST, "/v1/rooms", &token, &json!({"name": ROOM}))
        .await;
    assert!(room.status < 300, "{}", room.text);
    let password = json!({"new": PASSWORD});
    let set = tour
        .send(Method::POST, "/v1/user/password", &token, &password)
        .await;
    assert_eq!(set.status, 204, "{}", set.text);
    tour.write(&openid).await;
    let picture = encode(&image::DynamicImage::new_rgb8(300, 300), image::ImageFormat::Png);
    let upload = tour.stage.client.post(tour.stage.url("/v1/user/avatar"));
    let upload = upload
        .bearer_auth(&token)
        .header(
            "content-type",
            "multipart/form-data; boundary=\"------a boundary\"",
        )
        .body(form(&[("avatar", "canary.png", "image/png", &picture)]));
    let url = Reply::to(upload).await.ok().member("url");
    let picture = url
        .rsplit('/')
        .next()
        .unwrap()
        .split('.')
        .next()
        .unwrap()
        .to_owned();
    // Somebody with a name of their own, who fails to log in as well.
    let body = json!({"username": NAME, "password": PASSWORD});
    let named = tour
        .send(Method::POST, "/v1/users", "", &body)
        .await
        .member("token");
    for account in [NAME, EMAIL] {
        let wrong = json!({"type": 101, "account": account, "secret": "canary wrong password"});
        let refused = tour.send(Method::POST, "/v1/token", "", &wrong).await;
        assert_eq!(refused.status, 401, "{}", refused.text);
    }
    let wrong = json!({"type": 102, "account": PHONE, "secret": "000000"});
    tour.send(Method::POST, "/v1/token", "", &wrong).await;

    let identities = tour.stored.texts("identities").await.join("\n");
    let unionid = identities.split("unionid::").nth(1).expect("a unionid was told");
    let unionid: String = unionid
        .chars()
        .take_while(|character| character.is_ascii_alphanumeric() || "-_".contains(*character))
        .collect();
    assert!(unionid.len() > 10 && openid.len() > 10, "{unionid} {openid}");
    let texts = [
        PHONE, EMAIL, NAME, NICKNAME, ROOM, DEVICE, MESSAGE, &openid, &unionid, &picture,
    ];
    let before = tour.everything().await;
    for text in texts {
        assert!(before.contains(text), "{text} was not in the store");
    }
    for token in [&token, &named] {
        let gone = tour.send(Method::DELETE, "/v1/user", token, &json!({})).await;
        assert_eq!(gone.status, 204, "{}", gone.text);
    }
    eventually("the store forgets", async || {
        let left = tour.everything().await;
        texts.iter().all(|text| !left.contains(text))
    })
    .await;
    let log = tour.log();
    assert!(log.lines().count() > 100, "the log is empty");
    for text in texts.iter().chain(&[PASSWORD, "canary wrong password"]) {
        let line = log.lines().find(|line| line.contains(text));
        assert_eq!(line, None, "the log has {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_text_of_a_deleted_user_is_left_on_sqlite() {
    nothing_is_left(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_text_of_a_deleted_user_is_left_on_mongodb() {
    nothing_is_left(true).await;
}

/// SIGKILL while an account is being deleted: afterwards the user is there as before, or nothing is.
async fn killed_in_between(mongo: bool) {
    let tour = Tour::new(mongo).await;
    let mut gateway = tour.stage.start().await;
    for round in 0..8 {
        let user = format!("user{round}");
        let (token, openid) = tour.log_in(&user).await;
        for _ in 0..3 {
            tour.log_in(&user).await;
            let room = json!({"name": format!("{openid} {round}")});
            tour.send(Method::POST, "/v1/rooms", &token, &room).await;
        }
        let request = tour.stage.client.delete(tour.stage.url("/v1/user"));
        let deletion = request.bearer_auth(&token).send();
        let killer = async {
            tokio::time::sleep(Duration::from_millis(rand::random_range(0..12))).await;
            gateway.0.kill().unwrap();
            gateway.0.wait().unwrap();
        };
        let (answer, ()) = tokio::join!(deletion, killer);
        gateway = tour.stage.start().await;
        eventually("deletions are finished", async || {
            let users = tour.stored.texts("users").await;
            users.iter().all(|user| !user.contains("deleted_at"))
        })
        .await;
        let shown = tour.send(Method::GET, "/v1/user", &token, &json!({})).await;
        if shown.status == 200 {
            assert!(answer.is_err(), "a deletion that was answered is undone");
            assert_eq!(shown.json()["identities"].as_array().unwrap().len(), 2);
        } else {
            assert_eq!(shown.status, 401, "{}", shown.text);
            for collection in COLLECTIONS {
                let texts = tour.stored.texts(collection.name).await;
                let left = texts.iter().find(|text| text.contains(&openid));
                assert_eq!(left, None, "{}", collection.name);
            }
        }
    }
    // Which of them were in time is chance; the last one is not.
    let (token, _) = tour.log_in("last").await;
    let last = tour.send(Method::DELETE, "/v1/user", &token, &json!({})).await;
    assert_eq!(last.status, 204, "{}", last.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_that_was_killed_is_finished_on_sqlite() {
    killed_in_between(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_that_was_killed_is_finished_on_mongodb() {
    killed_in_between(true).await;
}
