//! `wxgate serve`: the gateway, until a signal ends it. How it is built is `app`'s matter.

use super::process::{self, Process};
use super::{Exit, output};
use crate::app::App;
use crate::config::Config;
use crate::service::settings::Purpose;
use crate::telemetry::{self, Output};

pub(super) fn run(config: Config) -> Exit {
    telemetry::init(&config.log, Output::Stdout);
    process::run(async {
        match serve(config).await {
            Ok(()) => Exit::Done,
            Err(text) => {
                output::error(text);
                Exit::Failed
            }
        }
    })
}

async fn serve(config: Config) -> Result<(), String> {
    let process = Process::start().map_err(|error| format!("no signals can be received: {error}"))?;
    for warning in &config.warnings {
        tracing::warn!(config.key = %warning.path, "configuration: {warning}");
    }
    let served = async {
        let app = App::bind(config, Purpose::Production)
            .await
            .map_err(|error| output::chain(&error))?;
        app.run_until(process.ending())
            .await
            .map_err(|error| format!("serving failed: {error}"))
    }
    .await;
    process.finish().await;
    served
}
