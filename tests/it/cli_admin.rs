//! `wxgate admin` as an operator uses it: before the gateway ever ran and beside it, on both stores.

use std::io::Write as _;
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::app::Builder;
use crate::support::mongo::Mongod;
use crate::support::on_both_stores;
use crate::support::program::{Serving, run, text, wxgate};
use crate::support::services::Services;

on_both_stores!(beside_a_running_gateway, an_administrator_is_let_in_again);

const PASSWORD: &str = "correct horse battery";

/// Runs `wxgate admin` with this on standard input.
fn admin(folder: &TempDir, store: &str, arguments: &[&str], input: &str) -> Output {
    let arguments: Vec<_> = ["admin"].iter().chain(arguments).copied().collect();
    let mut child = wxgate(folder, &arguments)
        .env("WXGATE__STORE__URL", store)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that refuses its arguments reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

#[track_caller]
fn done(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[track_caller]
fn refused(output: &Output, code: i32, part: &str) {
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert!(output.stdout.is_empty());
    assert!(told.contains(part), "{told}");
}

/// From an empty store on.
fn whole_life(store: &str) {
    let folder = tempfile::tempdir().unwrap();
    let admin = |arguments: &[&str], input: &str| admin(&folder, store, arguments, input);
    let listed = || -> Value {
        let listed = done(&admin(&["list", "--json"], ""));
        serde_json::from_str(&listed).unwrap()
    };
    assert_eq!(listed(), json!([]));
    assert!(done(&admin(&["list"], "")).starts_with("there are no administrators"));

    let line = format!("{PASSWORD}\n");
    let created = done(&admin(&["create", "--email", "Ann@Example.com"], &line));
    assert_eq!(created, "ann@example.com is an administrator\n");
    let created = done(&admin(
        &["create", "--email", "bob@example.com", "--totp", "--json"],
        PASSWORD,
    ));
    let created: Value = serde_json::from_str(&created).unwrap();
    let url = created["totp_url"].as_str().unwrap();
    assert!(
        url.starts_with("otpauth://totp/wxgate:bob%40example.com?secret="),
        "{url}"
    );
    assert_eq!(created["email"], "bob@example.com");

    let again = admin(&["create", "--email", "ann@example.com"], &line);
    refused(
        &again,
        1,
        "wxgate: there is an administrator with this e-mail address already",
    );
    let unknown = admin(&["disable", "--email", "joe@example.com"], "");
    refused(
        &unknown,
        1,
        "wxgate: there is no administrator with this e-mail address",
    );
    done(&admin(
        &["password", "--email", "ann@example.com"],
        "another horse battery\n",
    ));
    done(&admin(&["disable", "--email", "bob@example.com"], ""));
    let found = listed();
    let told = found.as_array().unwrap().iter().map(|one| {
        (
            one["email"].as_str().unwrap(),
            one["totp"].as_bool().unwrap(),
            one["disabled"].as_bool().unwrap(),
        )
    });
    let told: Vec<_> = told.collect();
    assert_eq!(
        told,
        [("ann@example.com", false, false), ("bob@example.com", true, true)]
    );
    assert_eq!(
        done(&admin(&["list"], "")),
        "ann@example.com\nbob@example.com  second factor  disabled\n"
    );
}

/// Locked out in every way, and let in again.
async fn an_administrator_is_let_in_again(app: Builder) {
    let app = app.set("auth.limits.account_failures", "2").spawn().await;
    let store = app.store_url();
    let run = async |arguments: &'static [&'static str], input: &'static str| {
        let store = store.clone();
        let work = move || admin(&tempfile::tempdir().unwrap(), &store, arguments, input);
        tokio::task::spawn_blocking(work).await.unwrap()
    };
    let services = Services::beside(&app).await;
    let ann = "ann@example.com".parse().unwrap();
    let log_in = async |password: &str| {
        let logged_in = services.administrators.log_in(&ann, password.into(), None, None);
        logged_in.await.is_ok()
    };
    let fail = async || {
        for _ in 0..2 {
            assert!(!log_in("wrong password").await);
        }
    };
    done(&run(&["create", "--totp", "--email", "ann@example.com"], PASSWORD).await);
    assert!(!log_in(PASSWORD).await, "the second factor is missing");
    let output = run(&["password", "--no-totp", "--email", "ann@example.com"], PASSWORD).await;
    done(&output);
    assert!(output.stderr.is_empty());
    assert!(log_in(PASSWORD).await);
    fail().await;
    assert!(!log_in(PASSWORD).await, "it has failed too often");
    done(&run(&["password", "--email", "ann@example.com"], PASSWORD).await);
    assert!(log_in(PASSWORD).await);

    done(&run(&["disable", "--email", "ann@example.com"], "").await);
    let output = run(&["password", "--json", "--email", "ann@example.com"], PASSWORD).await;
    let told: Value = serde_json::from_str(&done(&output)).unwrap();
    assert_eq!((&told["disabled"], &told["totp"]), (&json!(true), &json!(false)));
    assert!(text(&output.stderr).contains("still disabled"));
    fail().await;
    let enabled = done(&run(&["enable", "--email", "ann@example.com"], "").await);
    assert_eq!(enabled, "ann@example.com is enabled\n");
    assert!(log_in(PASSWORD).await);

    let output = run(&["password", "--totp", "--email", "ann@example.com"], PASSWORD).await;
    assert!(done(&output).contains("otpauth://totp/wxgate:ann%40example.com?secret="));
    assert!(!log_in(PASSWORD).await);
    let both = ["password", "--totp", "--no-totp", "--email", "ann@example.com"];
    assert_eq!(
        run(Box::leak(Box::new(both)), PASSWORD).await.status.code(),
        Some(2)
    );
    refused(
        &run(&["enable", "--email", "joe@example.com"], "").await,
        1,
        "wxgate: there is no administrator with this e-mail address",
    );
}

#[test]
fn an_empty_file_is_prepared() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new/wxgate.db");
    whole_life(&format!("sqlite:{}", file.display()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_database_is_prepared() {
    let url = Mongod::standalone().await.url(&Mongod::fresh_database());
    tokio::task::spawn_blocking(move || whole_life(&url))
        .await
        .unwrap();
}

#[test]
fn wrong_passwords_and_wrong_usage_are_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("wxgate.db").display());
    let create = |input: &str| admin(&folder, &store, &["create", "--email", "ann@example.com"], input);
    refused(&create(""), 2, "standard input, which is empty");
    refused(&create("short\n"), 2, "at least 8 characters");
    refused(&create("Password\n"), 2, "most common");
    refused(
        &create("correct horse battery\ncorrect horse battery\n"),
        2,
        "exactly one line",
    );
    refused(&create(&"x".repeat(129)), 2, "at most 128 characters");
    // Nothing was opened for that.
    assert!(!folder.path().join("wxgate.db").exists());
    for wrong in [
        &["admin"][..],
        &["admin", "create"],
        &["admin", "create", "--email", "ann"],
        &["admin", "create", "--email", "ann@example.com", "--password", "x"],
    ] {
        assert_eq!(run(&folder, wrong).status.code(), Some(2), "{wrong:?}");
    }
    let help = run(&folder, &["admin", "--help"]);
    for command in ["create", "list", "password", "disable", "enable"] {
        assert!(text(&help.stdout).contains(command), "{command}");
    }
}

async fn beside_a_running_gateway(app: Builder) {
    let app = app.spawn().await;
    let store = app.store_url();
    let tasks = ["create", "password", "disable"].map(|command| {
        let store = store.clone();
        async move {
            let work = move || {
                let folder = tempfile::tempdir().unwrap();
                let arguments = [command, "--email", "ann@example.com"];
                done(&admin(
                    &folder,
                    &store,
                    &arguments,
                    &format!("{PASSWORD} {command}\n"),
                ));
            };
            tokio::task::spawn_blocking(work).await.unwrap();
        }
    });
    let services = Services::beside(&app).await;
    let ann = "ann@example.com".parse().unwrap();
    let mut expected = [Some("create"), Some("password"), None].into_iter();
    for task in tasks {
        task.await;
        let right = expected.next().unwrap();
        for word in ["create", "password", "disable"] {
            let password = format!("{PASSWORD} {word}").into();
            let logged_in = services.administrators.log_in(&ann, password, None, None).await;
            assert_eq!(logged_in.is_ok(), right == Some(word), "{word} after {right:?}");
        }
    }
    assert_eq!(app.get("/healthz").await.status, 200);
}

#[test]
fn a_demos_store_takes_administrators_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Serving::start(wxgate(&folder, &["demo"]));
    demo.read_until("Ctrl-C");
    let store = "sqlite:data/demo/wxgate.db";
    let output = admin(
        &folder,
        store,
        &["create", "--email", "ann@example.com"],
        PASSWORD,
    );
    // Its secrets are under the demo's own master key, without which nothing is changed.
    refused(&output, 1, "master_key");
}
