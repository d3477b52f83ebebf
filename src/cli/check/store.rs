//! Whether the store can be used: opened as a command beside a running gateway, and left as it is.

use std::path::Path;

use secrecy::ExposeSecret as _;
use tokio::runtime::Handle;

use super::finding::Finding;
use super::table::{self, Row};
use crate::cli::output;
use crate::clock::Clock;
use crate::config::Config;
use crate::service::records::Setting;
use crate::service::settings::{Purpose, Refused, Settings};
use crate::store::{self, Engine, OpenError, OpenMode, Record as _};

const SUBJECT: &str = "store";

pub(super) async fn look(config: &Config, clock: &Clock) -> Finding {
    let url = &config.store.url;
    let file = url.expose_secret().strip_prefix("sqlite:").map(Path::new);
    if let Some(path) = file
        && !path.exists()
        && !path.ancestors().skip(1).any(Path::is_file)
    {
        // Making it is up to the user that serves, whose file it must be.
        return Finding::ok(
            SUBJECT,
            SUBJECT,
            format!("{} is made on the first start", path.display()),
        );
    }
    let engine = match store::open(url, OpenMode::Command, Path::new(""), clock, Handle::current()).await {
        Ok(engine) => engine,
        Err(error) => return Finding::failure(row(&error), SUBJECT, output::chain(&error)),
    };
    let settings = Settings::new(engine.clone(), clock.clone());
    let finding = match inspect(&*engine, &settings, config).await {
        Ok(()) => Finding::ok(SUBJECT, SUBJECT, "answers, and the master key fits"),
        Err(error) => {
            let row = match error {
                Refused::Purpose { .. } => &table::STORE_DEMO,
                Refused::WrongKey => &table::STORE_WRONG_KEY,
                Refused::Store(_) => &table::STORE_UNUSABLE,
            };
            Finding::failure(row, SUBJECT, output::chain(&error))
        }
    };
    engine.close().await;
    finding
}

async fn inspect(engine: &dyn Engine, settings: &Settings, config: &Config) -> Result<(), Refused> {
    engine.ping().await?;
    // A store that was opened but never served has no settings to read yet.
    engine.prepare(&[Setting::COLLECTION]).await?;
    settings
        .inspect(Purpose::Production, config.store.master_key.as_ref())
        .await
}

fn row(error: &OpenError) -> &'static Row {
    match error {
        OpenError::Address | OpenError::MongoAddress { .. } | OpenError::NoDatabase => &table::STORE_ADDRESS,
        OpenError::NotOurs { .. } => &table::STORE_NOT_OURS,
        OpenError::Damaged { .. } => &table::STORE_DAMAGED,
        OpenError::Newer { .. } => &table::STORE_NEWER,
        OpenError::Unreachable { .. } => &table::STORE_UNREACHABLE,
        OpenError::Rejected { .. } => &table::STORE_REJECTED,
        // A command takes no lock, so it meets none.
        OpenError::Locked { .. }
        | OpenError::ReadOnly { .. }
        | OpenError::Io { .. }
        | OpenError::Sqlite { .. }
        | OpenError::Thread(_)
        | OpenError::Unusable(_) => &table::STORE_UNUSABLE,
    }
}
