//! The store of a command that works beside running gateways. What it does there is the command's own matter.

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::output;
use crate::clock::Clock;
use crate::config::Config;
use crate::service::records::{COLLECTIONS, Setting};
use crate::service::seal::Sealer;
use crate::service::settings::Settings;
use crate::store::{self, Engine, OpenMode, Record as _};

/// A store that is prepared as a gateway prepares it, be it empty.
pub(super) struct Opened {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) settings: Settings,
    pub(super) sealer: Sealer,
    pub(super) clock: Clock,
}

/// Opens the store, lets `work` use it, and closes it. An error is one line for the operator.
pub(super) async fn with<T>(
    config: &Config,
    work: impl AsyncFnOnce(Opened) -> Result<T, String>,
) -> Result<T, String> {
    let clock = Clock::system();
    let url = &config.store.url;
    let engine = store::open(url, OpenMode::Command, Path::new(""), &clock, Handle::current())
        .await
        .map_err(|error| output::chain(&error))?;
    let result = match prepare(&engine, &clock, config).await {
        Ok((settings, sealer)) => {
            let opened = Opened {
                engine: engine.clone(),
                settings,
                sealer,
                clock,
            };
            work(opened).await
        }
        Err(text) => Err(text),
    };
    engine.close().await;
    result
}

/// In the order in which a gateway does it: a store that is somebody else's is left as it is.
async fn prepare(
    engine: &Arc<dyn Engine>,
    clock: &Clock,
    config: &Config,
) -> Result<(Settings, Sealer), String> {
    let prepare = async |collections| {
        let prepared = engine.prepare(collections).await;
        prepared.map_err(|error| output::chain(&error))
    };
    prepare(&[Setting::COLLECTION]).await?;
    let settings = Settings::new(engine.clone(), clock.clone());
    settings
        .claim_if_new()
        .await
        .map_err(|error| output::chain(&error))?;
    prepare(COLLECTIONS).await?;
    let sealer = settings.sealer(config.store.master_key.as_ref()).await;
    let sealer = sealer.map_err(|error| output::chain(&error))?;
    Ok((settings, sealer))
}
