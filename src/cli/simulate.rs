//! `wxgate simulate`: the simulated WeChat alone. What it does is `simulator`'s matter.

use std::net::SocketAddr;

use super::exposure::reachable;
use super::process::{self, Process};
use super::{Exit, exposure, output, secrets};
use crate::config::{self, Config};
use crate::simulator::{AppKind, AppSettings, Settings, Simulator};
use crate::telemetry::{self, Output};

pub(super) fn run(config: &Config, listen: SocketAddr, expose: bool) -> Exit {
    if let Err(exit) = exposure::check("the simulator's address", listen, expose) {
        return exit;
    }
    telemetry::init(&config.log, Output::Stdout);
    process::run(async {
        match simulate(config, listen).await {
            Ok(()) => Exit::Done,
            Err(text) => {
                output::error(text);
                Exit::Failed
            }
        }
    })
}

async fn simulate(config: &Config, listen: SocketAddr) -> Result<(), String> {
    let process = Process::start().map_err(|error| format!("no signals can be received: {error}"))?;
    let made_up = config.apps.iter().next().is_none();
    let mut apps = if made_up {
        vec![
            AppSettings::official(secrets::app_id(), secrets::app_secret()),
            AppSettings::mini(secrets::app_id(), secrets::app_secret()),
        ]
    } else {
        config.apps.iter().map(known).collect()
    };
    for app in &mut apps {
        open_to_callers(app, listen);
    }
    let simulator = bind(Settings {
        listen,
        seed: None,
        apps: apps.clone(),
    })?;
    introduce(simulator.addr(), &apps, made_up);
    let served = simulator.run_until(process.ending()).await;
    process.finish().await;
    served.map_err(|error| format!("the simulator failed: {error}"))
}

/// Takes the simulator's address.
pub(super) fn bind(settings: Settings) -> Result<Simulator, String> {
    let listen = settings.listen;
    Simulator::bind(settings).map_err(|error| format!("the simulator cannot listen on {listen}: {error}"))
}

/// An app's allow list is this machine's loopback; where the simulator is reached over another address, callers
/// come from others too.
pub(super) fn open_to_callers(app: &mut AppSettings, listen: SocketAddr) {
    if !listen.ip().is_loopback() {
        app.switches.allow(None);
    }
}

/// An app of the configuration, as the platform knows it.
fn known(app: &config::App) -> AppSettings {
    let kind = match app.kind {
        config::AppKind::Official => AppKind::Official,
        config::AppKind::Mini => AppKind::Mini,
    };
    AppSettings::new(kind, app.app_id.as_str(), app.app_secret.clone())
}

fn introduce(address: SocketAddr, apps: &[AppSettings], made_up: bool) {
    use secrecy::ExposeSecret as _;
    let url = format!("http://{}", reachable(address));
    output::line(format_args!("Simulated WeChat: {url}    admin: {url}/_sim/"));
    for app in apps {
        let kind = match app.kind {
            AppKind::Official => "official",
            AppKind::Mini => "mini",
        };
        if made_up {
            let secret = app.app_secret.expose_secret();
            output::line(format_args!(
                "  {kind:<8}  app_id {}  app_secret {secret}",
                app.app_id
            ));
        } else {
            // A secret of the configuration may be a real one.
            output::line(format_args!("  {kind:<8}  app_id {}", app.app_id));
        }
    }
    output::line(
        "A gateway uses it with platform.api_url, open_url and mp_url set to this address and platform.simulated = true.",
    );
}
