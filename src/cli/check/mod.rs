//! `wxgate check`: looks at everything the gateway depends on, and says about each problem what to do. It starts
//! nothing and repairs nothing.

mod apps;
mod finding;
mod platform;
mod report;
mod store;
pub(super) mod table;

use self::finding::Finding;
use super::{Exit, output, process};
use crate::clock::Clock;
use crate::config::{Config, Invalid};
use crate::net;
use crate::telemetry::{self, Output};
use crate::wechat::Client;

pub(super) fn run(config: Result<Config, Invalid>, json: bool) -> Exit {
    let (findings, failed) = match config {
        Err(invalid) => (invalid.0.iter().map(Finding::invalid).collect(), Exit::Usage),
        Ok(config) => {
            telemetry::init(&config.log, Output::Stderr);
            let mut findings = Vec::new();
            process::run(async {
                findings = look(&config).await;
                Exit::Done
            });
            (findings, Exit::Failed)
        }
    };
    let ok = !findings.is_empty() && findings.iter().all(|finding| !finding.failed());
    output::line(if json {
        report::json(ok, &findings)
    } else {
        report::text(ok, &findings)
    });
    if ok { Exit::Done } else { failed }
}

async fn look(config: &Config) -> Vec<Finding> {
    let mut findings = vec![Finding::ok("config", "configuration", "is valid")];
    findings.extend(config.warnings.iter().map(Finding::warning));
    let clock = Clock::system();
    findings.push(store::look(config, &clock).await);
    let http = match net::client(config.platform.connect_timeout, config.platform.timeout) {
        Ok(http) => http,
        Err(error) => {
            findings.push(Finding::failure(
                &table::PLATFORM_TLS,
                "WeChat",
                output::chain(&error),
            ));
            return findings;
        }
    };
    let client = Client::new(http, config.platform.api_url.clone());
    let platform = platform::look(config, &client, &clock).await;
    // A host that is not WeChat's, as far as we know, must not see AppSecrets; one that is not there cannot.
    let go_on = platform.code == table::CLOCK_OFF.code || !platform.failed();
    findings.push(platform);
    if go_on {
        findings.extend(apps::look(config, &client).await);
    }
    findings
}
