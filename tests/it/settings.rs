//! Stores that must not be used: they are left as they are.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use tempfile::TempDir;
use tokio::runtime::Handle;
use wxgate::app::{App, StartError};
use wxgate::clock::Clock;
use wxgate::config::Config;
use wxgate::service::records::Setting;
use wxgate::service::settings::{Purpose, Refused, Settings};
use wxgate::store::{self, Engine, OpenMode, Record as _};

const KEY: &str = "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U=";

async fn settings(folder: &TempDir) -> (Settings, Arc<dyn Engine>) {
    let url = format!("sqlite:{}", folder.path().join("a.db").display());
    let (clock, runtime) = (Clock::system(), Handle::current());
    let engine = store::open(&url.into(), OpenMode::Serve, Path::new(""), &clock, runtime).await;
    let engine = engine.unwrap();
    engine.prepare(&[Setting::COLLECTION]).await.unwrap();
    (Settings::new(engine.clone(), clock), engine)
}

/// The first column of all rows.
fn rows(folder: &TempDir, sql: &str) -> Vec<String> {
    let connection = Connection::open(folder.path().join("a.db")).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    let found = statement.query_map([], |row| row.get(0)).unwrap();
    found.map(Result::unwrap).collect()
}

#[tokio::test]
async fn a_store_sealed_with_a_configured_key_gets_no_key_of_its_own() {
    let folder = TempDir::new().unwrap();
    let (settings, engine) = settings(&folder).await;
    settings.sealer(Some(&KEY.into())).await.unwrap();
    let refused = settings.sealer(None).await.map(drop);
    assert!(matches!(refused, Err(Refused::WrongKey)), "{refused:?}");
    settings.sealer(Some(&KEY.into())).await.unwrap();
    engine.close().await;
    assert_eq!(rows(&folder, "SELECT id FROM settings"), ["seal_check"]);
}

#[tokio::test]
async fn a_demos_store_is_not_touched() {
    let folder = TempDir::new().unwrap();
    let (settings, engine) = settings(&folder).await;
    settings.claim(Purpose::Demo).await.unwrap();
    engine.close().await;
    let schema = "SELECT name FROM sqlite_schema ORDER BY name";
    let before = rows(&folder, schema);
    let env = [
        ("WXGATE__STORE__URL", "sqlite:a.db"),
        ("WXGATE__SERVER__LISTEN", "127.0.0.1:0"),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = Config::from_layers(None, folder.path(), env.into_iter()).unwrap();
    let started = App::bind(config, Purpose::Production).await.map(drop);
    assert!(
        matches!(started, Err(StartError::Refused(Refused::Purpose { .. }))),
        "{started:?}"
    );
    assert_eq!(rows(&folder, schema), before);
}
