//! `wxgate keys`: the keys that sign tokens. How they follow each other is `service::signing_keys`' matter.

use serde_json::json;

use super::store::{self, Opened};
use super::{Exit, output, process};
use crate::config::Config;
use crate::service::signing_keys::{Keyring, Rotation};
use crate::telemetry::{self, Output};

/// Makes the next key now. While one waits to begin, no other is made.
pub(super) fn rotate(config: &Config, json: bool) -> Exit {
    telemetry::init(&config.log, Output::Stderr);
    process::run(async {
        let rotated = store::with(
            config,
            async |Opened {
                       engine,
                       sealer,
                       clock,
                       ..
                   }| {
                let keyring = Keyring::open(engine, clock, sealer, &config.auth).await;
                let rotated = match keyring {
                    Ok(keyring) => keyring.rotate().await,
                    Err(error) => Err(error),
                };
                rotated.map_err(|error| output::chain(&error))
            },
        );
        match rotated.await {
            Ok(Rotation::Begun(next)) if json => {
                output::line(json!({"kid": next.kid, "signs_at": next.signs_at.secs()}));
                Exit::Done
            }
            Ok(Rotation::Begun(next)) => {
                output::line(format_args!(
                    "The new key {} is published now and signs from {} on.",
                    next.kid,
                    output::time(next.signs_at)
                ));
                Exit::Done
            }
            Ok(Rotation::UnderWay(next)) => {
                output::error(format_args!(
                    "no key was made: the key {} is published already and signs from {} on",
                    next.kid,
                    output::time(next.signs_at)
                ));
                Exit::Failed
            }
            Err(text) => {
                output::error(text);
                Exit::Failed
            }
        }
    })
}
