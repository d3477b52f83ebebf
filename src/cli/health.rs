//! `wxgate health`: asks the running gateway whether it is alive. Whether it is of use is `/readyz`'s matter.

use std::time::Duration;

use super::exposure::reachable;
use super::{Exit, output, process};
use crate::config::Config;
use crate::net;

/// Container health checks are given up on after a few seconds themselves.
const TIMEOUT: Duration = Duration::from_secs(3);

pub(super) fn run(config: &Config) -> Exit {
    process::run(async {
        match ask(config).await {
            Ok(()) => Exit::Done,
            Err(text) => {
                output::error(text);
                Exit::Failed
            }
        }
    })
}

async fn ask(config: &Config) -> Result<(), String> {
    let url = format!("http://{}/healthz", reachable(config.server.listen));
    let client = net::client(TIMEOUT, TIMEOUT).map_err(|error| output::chain(&error))?;
    let answer = client.get(&url).send().await;
    let status = answer
        .map_err(|error| format!("{url} does not answer: {}", output::chain(&error.without_url())))?
        .status();
    if status.is_success() {
        Ok(())
    } else {
        Err(format!("{url} answers {status}"))
    }
}
