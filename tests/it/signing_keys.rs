//! How signing keys follow each other: by command, by age, in several instances, and after a change of the algorithm.
//! When exactly a key signs is tested beside the rules, in `service::signing_keys`.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use jsonwebtoken::Header;
use serde_json::{Value, json};
use wxgate::config::Algorithm;

use crate::support::app::{Builder, StoreKind, TestApp};
use crate::support::mongo::Mongod;
use crate::support::platform::Platform;
use crate::support::program::text;
use crate::support::reply::Reply;
use crate::support::stored::Stored;
use crate::support::{eventually, on_both_stores};

on_both_stores!(
    a_new_key_is_published_signs_ten_minutes_later_and_replaces_the_old_one,
    a_key_that_is_past_its_life_is_replaced_once,
    without_a_lifetime_a_key_grows_old,
    of_two_commands_at_once_one_makes_the_key,
    each_algorithm_has_keys_of_its_own,
);

const HOUR: u64 = 3_600;

pub(crate) async fn log_in(app: &TestApp) -> String {
    app.log_in(&app.code("ann").await).await.ok().member("token")
}

/// The name of the key that signed a token.
pub(crate) fn kid(token: &str) -> String {
    let header = BASE64.decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

/// `wxgate keys rotate` beside the gateway; returns when it publishes the new key.
pub(crate) async fn rotate(app: &TestApp) -> String {
    let output = command(app, &["keys", "rotate", "--json"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let kid = said["kid"].as_str().unwrap().to_owned();
    eventually("the new key is published", async || {
        published(app).await.contains(&kid)
    })
    .await;
    kid
}

async fn command(app: &TestApp, arguments: &[&str]) -> std::process::Output {
    let mut command = app.command(arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

async fn key_set(app: &TestApp) -> Reply {
    app.get("/.well-known/jwks.json").await.ok()
}

async fn published(app: &TestApp) -> Vec<String> {
    let body = key_set(app).await.json();
    let keys = body["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

async fn verify(app: &TestApp, token: &str) -> bool {
    let body = json!({"token": token});
    let reply = app.post_json("/v1/token/verify", &body).await.ok();
    reply.json()["result"].as_bool().unwrap()
}

async fn a_new_key_is_published_signs_ten_minutes_later_and_replaces_the_old_one(app: Builder) {
    let mut app = app.spawn().await;
    let first = kid(&log_in(&app).await);
    assert_eq!(
        published(&app).await,
        [first.as_str()],
        "the first key signs at once"
    );
    let second = rotate(&app).await;
    assert_eq!(published(&app).await, [first.as_str(), second.as_str()]);
    assert_eq!(kid(&log_in(&app).await), first);
    app.restart().await;
    assert_eq!(published(&app).await, [first.as_str(), second.as_str()]);
    // Half a minute is left for a slow machine.
    app.advance(570).await;
    let last = log_in(&app).await;
    assert_eq!(kid(&last), first);
    app.advance(60).await;
    let new = log_in(&app).await;
    assert_eq!(kid(&new), second);
    assert!(verify(&app, &last).await && verify(&app, &new).await);

    app.advance(2 * HOUR - 90).await;
    assert!(verify(&app, &last).await, "it was issued less than two hours ago");
    assert_eq!(published(&app).await, [first.as_str(), second.as_str()]);
    app.advance(120).await;
    assert!(!verify(&app, &last).await);
    assert_eq!(published(&app).await, [second.as_str()]);
    // Its record stays for instances with a longer auth.access_ttl, and is removed at last.
    assert_eq!(app.stored().count("signing_keys").await, 2);
    app.advance(46 * HOUR).await;
    eventually("the old key's record is removed", async || {
        app.stored().count("signing_keys").await == 1
    })
    .await;
    app.restart().await;
    assert_eq!(published(&app).await, [second.as_str()]);
}

async fn a_key_that_is_past_its_life_is_replaced_once(app: Builder) {
    let app = app.set("auth.key_lifetime", "24h").spawn().await;
    let mut kids = published(&app).await;
    for _ in 0..3 {
        app.advance(24 * HOUR - 30).await;
        assert_eq!(kid(&log_in(&app).await), *kids.last().unwrap());
        app.advance(30).await;
        eventually("the next key is published", async || {
            published(&app).await.len() == 2
        })
        .await;
        let now = published(&app).await;
        assert_eq!(now[0], *kids.last().unwrap());
        assert_eq!(kid(&log_in(&app).await), now[0]);
        app.advance(620).await;
        assert_eq!(kid(&log_in(&app).await), now[1]);
        kids.push(now[1].clone());
        // The one before has gone when the next is due.
        app.advance(3 * HOUR).await;
        assert_eq!(published(&app).await, now[1..]);
    }
}

async fn without_a_lifetime_a_key_grows_old(app: Builder) {
    let app = app.set("auth.key_lifetime", "0s").spawn().await;
    let before = published(&app).await;
    app.advance(24 * HOUR * 3_000).await;
    // Long enough for the gateway to look at its keys.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(published(&app).await, before);
    assert_eq!(kid(&log_in(&app).await), before[0]);
}

async fn of_two_commands_at_once_one_makes_the_key(app: Builder) {
    let app = app.spawn().await;
    let (one, two) = tokio::join!(
        command(&app, &["keys", "rotate", "--json"]),
        command(&app, &["keys", "rotate", "--json"])
    );
    let mut codes = [one.status.code(), two.status.code()];
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(1)], "{one:?} {two:?}");
    let (made, refused) = if one.status.success() {
        (one, two)
    } else {
        (two, one)
    };
    let said: Value = serde_json::from_slice(&made.stdout).unwrap();
    let kid = said["kid"].as_str().unwrap();
    let signs_at = said["signs_at"].as_i64().unwrap();
    assert!((560..=600).contains(&(signs_at - app.now().secs())), "{said}");
    assert_eq!(said.as_object().unwrap().len(), 2);
    let again = command(&app, &["keys", "rotate"]).await;
    assert_eq!(again.status.code(), Some(1));
    for output in [refused, again] {
        assert!(output.stdout.is_empty());
        let told = text(&output.stderr);
        let expected = format!("wxgate: no key was made: the key {kid} is published already and signs from ");
        assert!(told.lines().any(|line| line.starts_with(&expected)), "{told}");
    }
    assert_eq!(app.stored().count("signing_keys").await, 2);
    eventually("the key is published", async || published(&app).await.len() == 2).await;
}

async fn each_algorithm_has_keys_of_its_own(app: Builder) {
    let mut app = app.spawn().await;
    let (public, keys) = (log_in(&app).await, published(&app).await);
    app.stop().await;
    app.reconfigure(|config| config.auth.algorithm = Algorithm::Hs256);
    app.start().await;
    assert!(!verify(&app, &public).await);
    assert_eq!(key_set(&app).await.text, r#"{"keys":[]}"#);
    let secret = log_in(&app).await;
    assert!(verify(&app, &secret).await);
    app.stop().await;
    app.reconfigure(|config| config.auth.algorithm = Algorithm::EdDsa);
    app.start().await;
    assert!(!verify(&app, &secret).await);
    assert!(verify(&app, &public).await);
    assert_eq!(published(&app).await, keys);
}

/// A token that says it is good for years is worth nothing once its key has gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_has_gone_verifies_nothing() {
    let mut app = TestApp::builder().spawn().await;
    let token = log_in(&app).await;
    let mut claims: Value =
        serde_json::from_slice(&BASE64.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap();
    claims["exp"] = json!(claims["exp"].as_i64().unwrap() + 100_000_000);
    app.stop().await;
    let keys = app.signing_keys().await.load_full();
    let key = keys.newest();
    let mut header = Header::new(key.algorithm);
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some(key.kid.clone());
    let forged = jsonwebtoken::encode(&header, &claims, &key.encoding).unwrap();
    app.start().await;
    assert!(verify(&app, &forged).await, "as long as the key is in use");
    rotate(&app).await;
    app.advance(2 * HOUR + 700).await;
    assert!(!verify(&app, &forged).await);
    assert!(verify(&app, &log_in(&app).await).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_on_one_server_have_the_same_keys() {
    let url = Mongod::standalone().await.url(&Mongod::fresh_database());
    let platform = Platform::start(Builder::at_the_platform());
    let gateway = || {
        TestApp::builder()
            .store(StoreKind::MongoAt(url.clone()))
            .platform(&platform)
            .set("auth.key_lifetime", "24h")
            .spawn()
    };
    // Both make the first key, and one wins.
    let (one, two) = tokio::join!(gateway(), gateway());
    let old = log_in(&one).await;
    assert_eq!(kid(&old), kid(&log_in(&two).await));
    assert!(verify(&two, &old).await);
    let next = rotate(&one).await;
    eventually("the other publishes it too", async || {
        published(&two).await == published(&one).await
    })
    .await;
    // The clock of one is a few seconds ahead, so that it begins to sign with the new key before the other does.
    one.advance(620).await;
    two.turn(616);
    let new = log_in(&one).await;
    assert_eq!(kid(&new), next);
    for app in [&one, &two] {
        assert!(verify(app, &old).await && verify(app, &new).await);
    }
    two.turn(4);
    assert_eq!(kid(&log_in(&two).await), next);
    // Both find that the key has become too old, and one wins.
    one.advance(24 * HOUR).await;
    two.turn(24 * HOUR);
    eventually("both publish the next key", async || {
        let (one, two) = (published(&one).await, published(&two).await);
        one == two && one.len() == 2 && one[0] == next
    })
    .await;
    assert_eq!(one.stored().count("signing_keys").await, 3);
}

/// The emergency of docs/operations.md: the new key alone is left in the store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_deleted_by_hand_goes_at_once() {
    let app = TestApp::builder().spawn().await;
    let old = log_in(&app).await;
    let next = rotate(&app).await;
    let Stored::Sqlite(file) = app.stored() else {
        panic!("it is a file")
    };
    let deleted = rusqlite::Connection::open(file)
        .unwrap()
        .execute("DELETE FROM signing_keys WHERE id = 'eddsa-1'", []);
    assert_eq!(deleted, Ok(1));
    eventually("the deleted key is not published", async || {
        published(&app).await == [next.as_str()]
    })
    .await;
    assert!(!verify(&app, &old).await);
    let new = log_in(&app).await;
    assert_eq!(kid(&new), next, "it does not wait for ten minutes");
    assert!(verify(&app, &new).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_known_keys_serve_on_while_the_store_is_away() {
    let mongod = Mongod::start_private().await;
    let url = mongod.url(&Mongod::fresh_database());
    let app = TestApp::builder().store(StoreKind::MongoAt(url)).spawn().await;
    let (token, keys) = (log_in(&app).await, published(&app).await);
    mongod.stop();
    let unknown = {
        let header = BASE64.encode(r#"{"typ":"at+jwt","alg":"EdDSA","kid":"0123456789abcdef"}"#);
        format!("{header}.{}", token.split_once('.').unwrap().1)
    };
    let all = async {
        for _ in 0..50 {
            assert!(verify(&app, &token).await);
            assert!(!verify(&app, &unknown).await, "nor is the store asked for a name");
            assert_eq!(published(&app).await, keys);
        }
    };
    let quick = tokio::time::timeout(Duration::from_secs(4), all).await;
    quick.expect("it does not wait for the store");
    mongod.cont();
    rotate(&app).await;
    assert_eq!(published(&app).await.len(), 2);
    mongod.kill();
    assert!(verify(&app, &token).await);
    assert_eq!(published(&app).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_set_may_be_kept_for_half_the_time_that_keys_are_published_ahead() {
    let app = TestApp::builder().spawn().await;
    let get = async |tag: &str| {
        let request = app.request(reqwest::Method::GET, "/.well-known/jwks.json");
        Reply::to(request.header("if-none-match", tag)).await
    };
    let reply = key_set(&app).await;
    assert_eq!(reply.header("cache-control"), Some("public, max-age=300"));
    let tag = reply.header("etag").unwrap().to_owned();
    for known in [tag.as_str(), &format!("W/{tag}"), &format!("\"a\", {tag}"), "*"] {
        let same = get(known).await;
        assert_eq!((same.status, same.text.as_str()), (304, ""), "{known}");
        assert_eq!(same.header("etag"), Some(tag.as_str()));
        assert_eq!(same.header("cache-control"), Some("public, max-age=300"));
    }
    assert_eq!(get("\"other\"").await.status, 200);
    rotate(&app).await;
    let changed = get(&tag).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), Some(tag.as_str()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_is_told_to_people_and_prepares_an_empty_store() {
    let mut app = TestApp::builder().spawn().await;
    app.stop().await;
    let folder = tempfile::tempdir().unwrap();
    let empty = format!("sqlite:{}", folder.path().join("empty.db").display());
    let mut command = app.command(&["keys", "rotate"]);
    let output = command.env("WXGATE__STORE__URL", &empty).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains(" is published now and signs from 2"), "{said}");
    // The log is elsewhere.
    assert!(text(&output.stderr).contains("a new signing key is published"));
    let kid = said.split(' ').nth(3).unwrap();
    app.reconfigure(|config| config.store.url = empty.into());
    app.start().await;
    assert_eq!(published(&app).await[1..], [kid]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_is_not_possible_says_why() {
    let mut app = TestApp::builder().spawn().await;
    app.stop().await;
    let run = |arguments: &[&str], name: &str, value: &str| {
        let output = app.command(arguments).env(name, value).output().unwrap();
        assert!(output.stdout.is_empty(), "{output:?}");
        (output.status.code(), text(&output.stderr))
    };
    let rotate = ["keys", "rotate", "--json"];
    let (code, told) = run(&rotate, "WXGATE__AUTH__KEY_LIFETIME", "59m");
    assert_eq!(code, Some(2));
    assert!(
        told.contains("auth.key_lifetime must be \"0s\" (never) or at least \"1h\""),
        "{told}"
    );
    let (code, told) = run(&rotate, "WXGATE__STORE__URL", "sqlite:/dev/null/wxgate.db");
    assert_eq!(code, Some(1), "{told}");
    let key = "b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVyb3Q=";
    let (code, told) = run(&rotate, "WXGATE__STORE__MASTER_KEY", key);
    assert_eq!(code, Some(1));
    assert!(told.contains("store.master_key is not the key"), "{told}");
    assert_eq!(run(&["keys"], "A", "b").0, Some(2));
    assert_eq!(run(&["keys", "turn"], "A", "b").0, Some(2));
    assert_eq!(app.stored().count("signing_keys").await, 1);
}
