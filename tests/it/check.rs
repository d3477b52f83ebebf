//! `wxgate check`: each row of its table, by the program itself against a simulator or a store in that state.

mod platform;
mod store;
mod wechat;

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;
use wxgate::cli::{TABLE, document};

use crate::simulator::support::{MINI, OFFICIAL, SECRET, Sim};

const MASTER_KEY: &str = "czNjcmV0czNjcmV0czNjcmV0czNjcmV0czNjcmV0czM=";

/// A configuration to check, in a folder of its own.
struct Checked {
    folder: TempDir,
    text: String,
}

/// What the program said.
struct Said {
    exit: i32,
    json: Value,
    text: String,
}

impl Checked {
    /// One official account at the platform under this address.
    fn official(platform: &str) -> Self {
        Self::new(platform, "official", OFFICIAL)
    }

    fn mini(platform: &str) -> Self {
        Self::new(platform, "mini", MINI)
    }

    fn new(platform: &str, kind: &str, app_id: &str) -> Self {
        let domains = if kind == "official" {
            "js_domains = [\"example.com\"]"
        } else {
            ""
        };
        let text = format!(
            "[platform]\napi_url = \"{platform}\"\nsimulated = true\ntimeout = \"2s\"\nconnect_timeout = \"2s\"\n\
             [store]\nurl = \"sqlite:wxgate.db\"\nmaster_key = \"{MASTER_KEY}\"\n\
             [[apps]]\nname = \"shop\"\nkind = \"{kind}\"\napp_id = \"{app_id}\"\napp_secret = \"{SECRET}\"\n{domains}\n"
        );
        Self {
            folder: tempfile::tempdir().unwrap(),
            text,
        }
    }

    fn with(mut self, old: &str, new: &str) -> Self {
        assert!(self.text.contains(old), "{old}");
        self.text = self.text.replace(old, new);
        self
    }

    fn store(self, url: &str) -> Self {
        self.with("sqlite:wxgate.db", url)
    }

    /// Runs the program twice, for its JSON and its text.
    async fn run(&self) -> Said {
        let file = self.folder.path().join("wxgate.toml");
        fs::write(&file, &self.text).unwrap();
        let run = move || {
            let run = |more: &[&str]| -> Output {
                let mut command = Command::new(env!("CARGO_BIN_EXE_wxgate"));
                command
                    .env_clear()
                    .arg("check")
                    .arg("--config")
                    .arg(&file)
                    .args(more)
                    .output()
                    .unwrap()
            };
            (run(&["--json"]), run(&[]))
        };
        // The simulator lives on this test's runtime, which must not wait.
        let (json, text) = tokio::task::spawn_blocking(run).await.unwrap();
        for output in [&json, &text] {
            for stream in [&output.stdout, &output.stderr] {
                let shown = String::from_utf8_lossy(stream);
                for secret in [SECRET, MASTER_KEY, "pa55word"] {
                    assert!(!shown.contains(secret), "{shown}");
                }
            }
        }
        let stdout = String::from_utf8(json.stdout).unwrap();
        let parsed = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"));
        assert_eq!(json.status.code(), text.status.code());
        Said {
            exit: json.status.code().unwrap(),
            json: parsed,
            text: String::from_utf8(text.stdout).unwrap(),
        }
    }

    /// Expects this failure and no other.
    async fn fails(&self, code: &str) -> Said {
        let said = self.run().await;
        assert_eq!(said.codes("failed"), [code], "{}", said.text);
        assert_eq!(said.exit, 1);
        assert_eq!(said.json["ok"], false);
        assert!(
            said.text.contains("FAIL") && said.text.contains(&format!("\n  {code}: ")),
            "{}",
            said.text
        );
        said
    }

    async fn succeeds(&self) -> Said {
        let said = self.run().await;
        assert_eq!(said.codes("failed"), Vec::<String>::new(), "{}", said.text);
        assert_eq!((said.exit, &said.json["ok"]), (0, &Value::Bool(true)));
        said
    }
}

impl Said {
    fn codes(&self, status: &str) -> Vec<String> {
        let checks = self.json["checks"].as_array().unwrap();
        let of_status = checks.iter().filter(|check| check["status"] == status);
        of_status
            .map(|check| check["code"].as_str().unwrap().to_owned())
            .collect()
    }

    fn failure(&self) -> &Value {
        self.json["checks"]
            .as_array()
            .unwrap()
            .iter()
            .find(|check| check["status"] == "failed")
            .unwrap()
    }
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

#[tokio::test]
async fn all_is_well() {
    let sim = Sim::start();
    let said = Checked::official(&url(sim.address)).succeeds().await;
    assert_eq!(said.codes("ok"), ["config", "store", "platform", "token"]);
    assert_eq!(
        sim.admin(
            reqwest::Method::GET,
            "/calls/count?path=/cgi-bin/stable_token",
            Value::Null
        )
        .await["count"],
        2
    );
    let classic = Checked::official(&url(sim.address))
        .with("simulated = true", "simulated = true\ntoken_mode = \"classic\"");
    classic.succeeds().await;
    assert_eq!(
        sim.admin(
            reqwest::Method::GET,
            "/calls/count?path=/cgi-bin/token",
            Value::Null
        )
        .await["count"],
        2
    );
}

#[tokio::test]
async fn config_invalid() {
    let said = Checked::official("http://127.0.0.1:1")
        .with("[store]", "[auth]\naccess_ttl = \"x\"\nfoo = 1\n[store]")
        .run()
        .await;
    assert_eq!(said.exit, 2);
    assert_eq!(said.codes("failed"), ["config.invalid", "config.invalid"]);
    assert_eq!(said.failure()["subject"], "auth.access_ttl");
    assert!(said.text.contains("auth.foo"), "{}", said.text);
}

#[tokio::test]
async fn config_warning() {
    let sim = Sim::start();
    let checked = Checked::official(&url(sim.address)).with("js_domains = [\"example.com\"]", "");
    let said = checked.succeeds().await;
    assert_eq!(said.codes("warning"), ["config.warning"]);
    assert!(said.text.contains("WARN  apps.0.js_domains"), "{}", said.text);
}

#[test]
fn the_document_is_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/check.md");
    let text = fs::read_to_string(path).unwrap_or_default();
    assert!(
        text == document(),
        "docs/check.md is not the table; it has to be:\n{}",
        document()
    );
}

#[test]
fn every_row_has_a_test() {
    let tests: String = ["", "/platform", "/store", "/wechat"]
        .iter()
        .map(|part| {
            fs::read_to_string(format!("{}/tests/it/check{part}.rs", env!("CARGO_MANIFEST_DIR"))).unwrap()
        })
        .collect();
    let codes: BTreeSet<_> = TABLE.iter().map(|row| row.code).collect();
    assert_eq!(codes.len(), TABLE.len());
    let untested: Vec<_> = codes
        .iter()
        .filter(|code| !tests.contains(&format!("\"{code}\"")))
        .collect();
    assert!(untested.is_empty(), "{untested:?}");
}
