//! Rows about the store.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use tokio::runtime::Handle;
use wxgate::clock::Clock;
use wxgate::service::records::COLLECTIONS;
use wxgate::service::settings::{Purpose, Settings};
use wxgate::store::{self, Engine, OpenMode};

use super::{Checked, MASTER_KEY, url};
use crate::simulator::support::Sim;
use crate::support::mongo::Mongod;

const OTHER_KEY: &str = "b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVyb3Q=";

async fn open(url: &str) -> Arc<dyn Engine> {
    let clock = Clock::system();
    let engine = store::open(
        &url.into(),
        OpenMode::Command,
        Path::new(""),
        &clock,
        Handle::current(),
    )
    .await
    .unwrap();
    engine.prepare(COLLECTIONS).await.unwrap();
    engine
}

/// A store as the gateway leaves it.
async fn served(url: &str, purpose: Purpose, key: Option<&str>) {
    let engine = open(url).await;
    let settings = Settings::new(engine.clone(), Clock::system());
    settings.claim(purpose).await.unwrap();
    settings.sealer(key.map(Into::into).as_ref()).await.unwrap();
    engine.close().await;
}

fn with_file(sim: &Sim) -> (Checked, String) {
    let checked = Checked::official(&url(sim.address));
    let url = format!("sqlite:{}", checked.folder.path().join("wxgate.db").display());
    (checked, url)
}

#[tokio::test]
async fn a_store_in_use_is_looked_at_and_left_alone() {
    let sim = Sim::start();
    let (checked, url) = with_file(&sim);
    served(&url, Purpose::Production, Some(MASTER_KEY)).await;
    // As a gateway that is serving.
    let serving = store::open(
        &url.into(),
        OpenMode::Serve,
        Path::new(""),
        &Clock::system(),
        Handle::current(),
    )
    .await
    .unwrap();
    let said = checked.succeeds().await;
    assert!(said.text.contains("the master key fits"), "{}", said.text);
    serving.close().await;
}

#[tokio::test]
async fn a_store_that_is_not_there_is_not_made() {
    let sim = Sim::start();
    let (checked, _) = with_file(&sim);
    let said = checked.succeeds().await;
    assert!(said.text.contains("is made on the first start"), "{}", said.text);
    assert!(!checked.folder.path().join("wxgate.db").exists());
}

#[tokio::test]
async fn the_stores_own_key_fits_and_may_stay_out_of_the_configuration() {
    let sim = Sim::start();
    let (checked, url) = with_file(&sim);
    served(&url, Purpose::Production, None).await;
    let said = checked
        .with(&format!("master_key = \"{MASTER_KEY}\""), "")
        .succeeds()
        .await;
    assert_eq!(said.codes("warning"), ["config.warning"]);
}

#[tokio::test]
async fn a_key_that_does_not_fit() {
    let sim = Sim::start();
    let (checked, url) = with_file(&sim);
    served(&url, Purpose::Production, Some(OTHER_KEY)).await;
    checked.fails("store.wrong_key").await;
    checked
        .with(&format!("master_key = \"{MASTER_KEY}\""), "")
        .fails("store.wrong_key")
        .await;
}

#[tokio::test]
async fn a_demos_store() {
    let sim = Sim::start();
    let (checked, url) = with_file(&sim);
    served(&url, Purpose::Demo, Some(MASTER_KEY)).await;
    checked.fails("store.demo").await;
}

#[tokio::test]
async fn a_newer_store() {
    let sim = Sim::start();
    let (checked, url) = with_file(&sim);
    served(&url, Purpose::Production, Some(MASTER_KEY)).await;
    let file = Connection::open(checked.folder.path().join("wxgate.db")).unwrap();
    file.pragma_update(None, "user_version", 99).unwrap();
    drop(file);
    checked.fails("store.newer").await;
}

#[tokio::test]
async fn a_damaged_file() {
    let sim = Sim::start();
    let (checked, url) = with_file(&sim);
    served(&url, Purpose::Production, Some(MASTER_KEY)).await;
    let path = checked.folder.path().join("wxgate.db");
    let mut bytes = fs::read(&path).unwrap();
    bytes[100..].fill(0xAA);
    fs::write(&path, bytes).unwrap();
    checked.fails("store.damaged").await;
}

#[tokio::test]
async fn another_programs_file() {
    let sim = Sim::start();
    let (checked, _) = with_file(&sim);
    fs::write(
        checked.folder.path().join("wxgate.db"),
        "name,price\nrope,12\n".repeat(500),
    )
    .unwrap();
    checked.fails("store.not_ours").await;
}

#[tokio::test]
async fn a_path_that_can_be_no_file() {
    let sim = Sim::start();
    let (checked, _) = with_file(&sim);
    fs::write(checked.folder.path().join("file"), "").unwrap();
    checked
        .store("sqlite:file/wxgate.db")
        .fails("store.unusable")
        .await;
}

#[tokio::test]
async fn an_address_without_a_database() {
    let sim = Sim::start();
    let (checked, _) = with_file(&sim);
    checked
        .store("mongodb://user:pa55word@127.0.0.1:1/")
        .fails("store.address")
        .await;
}

#[tokio::test]
async fn no_server() {
    let sim = Sim::start();
    let (checked, _) = with_file(&sim);
    let said = checked
        .store("mongodb://user:pa55word@127.0.0.1:1/wxgate")
        .fails("store.unreachable")
        .await;
    assert!(said.text.contains("127.0.0.1:1"), "{}", said.text);
}

#[tokio::test]
async fn a_server_that_refuses_us() {
    let sim = Sim::start();
    let (checked, _) = with_file(&sim);
    let url = Mongod::standalone().await.url(&Mongod::fresh_database());
    let url = url.replace("mongodb://", "mongodb://nobody:pa55word@");
    checked.store(&url).fails("store.rejected").await;
}

#[tokio::test]
async fn a_server_is_looked_at_as_a_file_is() {
    let sim = Sim::start();
    let url = Mongod::replica_set().await.url(&Mongod::fresh_database());
    let (checked, _) = with_file(&sim);
    let checked = checked.store(&url);
    checked.succeeds().await;
    served(&url, Purpose::Production, Some(OTHER_KEY)).await;
    checked.fails("store.wrong_key").await;

    let url = Mongod::replica_set().await.url(&Mongod::fresh_database());
    served(&url, Purpose::Demo, Some(MASTER_KEY)).await;
    with_file(&sim).0.store(&url).fails("store.demo").await;
}
