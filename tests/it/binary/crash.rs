//! SIGKILL at random moments under login load: no login that was answered with 200 is lost, on either store.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use mongodb::bson::{Document, doc};
use serde_json::{Value, json};

use crate::support::mongo::Mongod;
use crate::support::process::{MINI, Stage};

const KILLS: usize = 20;
const CLIENTS: usize = 8;

/// What the clients were promised: openid → (user, sessions).
type Journal = Mutex<HashMap<String, (String, Vec<String>)>>;

#[tokio::test]
async fn no_answered_login_is_lost_on_sqlite() {
    let stage = Stage::new("sqlite:crash.db", "");
    let journal = kill_under_load(&stage).await;
    // The gateway is dead; its last writes are in the log that opening the file replays.
    let database = rusqlite::Connection::open(stage.path("crash.db")).unwrap();
    let fields = |table: &str, id: &str| -> Option<Value> {
        let sql = format!("SELECT fields FROM {table} WHERE id = ?1");
        let text: Option<String> = database.query_row(&sql, [id], |row| row.get(0)).ok();
        text.map(|text| serde_json::from_str(&text).unwrap())
    };
    for (openid, (user, sessions)) in &journal {
        let identity = fields("identities", &format!("wechat:{MINI}:{openid}")).expect("an identity is lost");
        assert_eq!(identity["user"], *user, "{openid}");
        assert!(fields("users", user).is_some(), "the user of {openid} is lost");
        for session in sessions {
            assert_eq!(
                fields("sessions", session).expect("a session is lost")["user"],
                *user
            );
        }
    }
    let count = |table| {
        database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
            row.get::<_, i64>(0)
        })
    };
    assert!(
        count("users").unwrap() <= count("identities").unwrap(),
        "a user was made twice"
    );
    let check: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
}

#[tokio::test]
async fn no_answered_login_is_lost_on_mongodb() {
    let mongod = Mongod::standalone().await;
    let name = Mongod::fresh_database();
    let url = mongod.url(&name);
    let stage = Stage::new(&url, "");
    let journal = kill_under_load(&stage).await;
    let database = mongodb::Client::with_uri_str(&url).await.unwrap().database(&name);
    let find = async |collection: &str, id: String| -> Option<Document> {
        database
            .collection::<Document>(collection)
            .find_one(doc! {"_id": id})
            .await
            .unwrap()
    };
    for (openid, (user, sessions)) in &journal {
        let identity = find("identities", format!("wechat:{MINI}:{openid}"))
            .await
            .expect("an identity is lost");
        assert_eq!(identity.get_str("user").unwrap(), user, "{openid}");
        assert!(
            find("users", user.clone()).await.is_some(),
            "the user of {openid} is lost"
        );
        for session in sessions {
            let session = find("sessions", session.clone())
                .await
                .expect("a session is lost");
            assert_eq!(session.get_str("user").unwrap(), user);
        }
    }
}

/// Starts the gateway again and again, logs users in from several clients, and kills it while they do.
async fn kill_under_load(stage: &Stage) -> HashMap<String, (String, Vec<String>)> {
    let journal = Journal::default();
    let number = AtomicUsize::new(0);
    for kill in 0..KILLS {
        let mut gateway = stage.start().await;
        let dead = AtomicBool::new(false);
        let clients = (0..CLIENTS).map(|_| log_in_until_dead(stage, &journal, &number, &dead));
        let killer = async {
            tokio::time::sleep(Duration::from_millis(rand::random_range(5..400))).await;
            // SIGKILL: nothing of the process runs after it.
            gateway.0.kill().unwrap();
            gateway.0.wait().unwrap();
            dead.store(true, Ordering::SeqCst);
        };
        tokio::join!(join_all(clients), killer);
        assert!(
            kill + 1 < KILLS || number.load(Ordering::SeqCst) > KILLS,
            "hardly any login was tried"
        );
    }
    let journal = journal.into_inner().unwrap();
    assert!(
        journal.len() > 2 * KILLS,
        "only {} users were logged in",
        journal.len()
    );
    journal
}

async fn log_in_until_dead(stage: &Stage, journal: &Journal, number: &AtomicUsize, dead: &AtomicBool) {
    while !dead.load(Ordering::SeqCst) {
        // Most users are new; every third comes back.
        let number = number.fetch_add(1, Ordering::SeqCst);
        let user = format!("user-{}", if number % 3 == 2 { number / 2 } else { number });
        let (code, openid) = stage.code(&user).await;
        let body = json!({"type": 100, "account": code});
        let Ok(response) = stage.client.post(stage.url("/v1/token")).json(&body).send().await else {
            continue;
        };
        let status = response.status();
        // An answer that broke off was no answer.
        let Ok(answer) = response.json::<Value>().await else {
            continue;
        };
        assert_eq!(status, 200, "{answer}");
        let id = answer["user"]["id"].as_str().unwrap().to_owned();
        let session = claim(answer["token"].as_str().unwrap(), "sid");
        let mut journal = journal.lock().unwrap();
        let (known, sessions) = journal.entry(openid).or_insert_with(|| (id.clone(), Vec::new()));
        assert_eq!(*known, id, "a user changed");
        sessions.push(session);
    }
}

fn claim(token: &str, name: &str) -> String {
    let payload = BASE64_URL_SAFE_NO_PAD
        .decode(token.split('.').nth(1).unwrap())
        .unwrap();
    serde_json::from_slice::<Value>(&payload).unwrap()[name]
        .as_str()
        .unwrap()
        .to_owned()
}
