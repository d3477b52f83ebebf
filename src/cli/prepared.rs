//! The store as commands use it that write into it: opened beside a running gateway, or made ready for the first one.

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::output;
use crate::clock::Clock;
use crate::config::Config;
use crate::service::records::{COLLECTIONS, Setting};
use crate::service::seal::Sealer;
use crate::service::settings::{Purpose, Settings};
use crate::store::{self, Engine, OpenMode, Record as _};

/// A store that is ready.
pub(super) struct Prepared {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) settings: Settings,
    pub(super) sealer: Sealer,
    pub(super) clock: Clock,
}

impl Prepared {
    /// Opens the store of the configuration. An empty one gets what a first start of the gateway would give it.
    ///
    /// # Errors
    /// One line that says why not.
    pub(super) async fn open(config: &Config) -> Result<Self, String> {
        let clock = Clock::system();
        let url = &config.store.url;
        let engine = store::open(url, OpenMode::Command, Path::new(""), &clock, Handle::current())
            .await
            .map_err(|error| output::chain(&error))?;
        match prepare(&engine, &clock, config).await {
            Ok((settings, sealer)) => Ok(Self {
                engine,
                settings,
                sealer,
                clock,
            }),
            Err(text) => {
                engine.close().await;
                Err(text)
            }
        }
    }
}

async fn prepare(
    engine: &Arc<dyn Engine>,
    clock: &Clock,
    config: &Config,
) -> Result<(Settings, Sealer), String> {
    let cannot = |error: store::Error| format!("the store cannot be prepared: {}", output::chain(&error));
    // A store that is somebody else's is left as it is but for this one, which it has already.
    engine.prepare(&[Setting::COLLECTION]).await.map_err(cannot)?;
    let settings = Settings::new(engine.clone(), clock.clone());
    let refused = |error| output::chain(&error);
    settings.claim(Purpose::Production).await.map_err(refused)?;
    engine.prepare(COLLECTIONS).await.map_err(cannot)?;
    let master_key = config.store.master_key.as_ref();
    let sealer = settings.sealer(master_key).await.map_err(refused)?;
    Ok((settings, sealer))
}
