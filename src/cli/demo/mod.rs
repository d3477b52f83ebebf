//! `wxgate demo`: a gateway, a simulated WeChat and one app of each kind, ready to be looked at. The gateway is built
//! as `serve` builds it; only its configuration is made here.
//!
//! The simulated WeChat forgets everything when it ends, the gateway's store does not. Nothing is deleted for that on
//! the next start: the simulator refuses tokens that it does not know as WeChat refuses dead ones, and replacing those
//! is what the gateway does anyway. The kept seed gives users the same openids again, so that the store's users stay
//! who they are.

mod introduction;
mod keepsake;

use std::net::SocketAddr;
use std::path::Path;

use secrecy::SecretString;
use url::Url;

use self::keepsake::Keepsake;
use super::exposure::reachable;
use super::process::{self, Process};
use super::{Exit, exposure, output, simulate};
use crate::app::App;
use crate::config::{self, Apps, Config};
use crate::domain::page_url::JsDomains;
use crate::domain::push::rule::Rule;
use crate::service::settings::Purpose;
use crate::simulator::{AppSettings, Console, PushFormat, PushMode, ServerSettings, Settings};
use crate::telemetry::{self, Output};

/// The names of the demo's apps.
const OFFICIAL: &str = "demo-official";
const MINI: &str = "demo-mini";

pub(super) fn run(config: Config, data: &Path, expose: bool) -> Exit {
    let addresses = [
        ("server.listen", config.server.listen),
        ("simulator.listen", config.simulator.listen),
    ];
    for (key, listen) in addresses {
        if let Err(exit) = exposure::check(key, listen, expose) {
            return exit;
        }
    }
    process::run(async {
        match demo(config, data).await {
            Ok(()) => Exit::Done,
            Err(text) => {
                output::error(text);
                Exit::Failed
            }
        }
    })
}

async fn demo(config: Config, data: &Path) -> Result<(), String> {
    let process = Process::start().map_err(|error| format!("no signals can be received: {error}"))?;
    let served = serve(config, data, &process).await;
    process.finish().await;
    served
}

async fn serve(config: Config, data: &Path, process: &Process) -> Result<(), String> {
    let keepsake = keepsake::load(data)?;
    let simulator = simulate::bind(Settings {
        listen: config.simulator.listen,
        seed: Some(u64::from(keepsake.seed)),
        apps: simulated_apps(&keepsake, config.simulator.listen),
    })?;
    let platform = reachable(simulator.addr());
    let console = simulator.console();
    let config = configure(config, &keepsake, data, platform)?;
    let log = config.log.clone();
    // It answers before the gateway may ask.
    process
        .tasks
        .spawn("simulator", simulator.run_until(process.ending()));
    let app = App::bind(config, Purpose::Demo)
        .await
        .map_err(|error| output::chain(&error))?;
    push_to(&console, &keepsake, reachable(app.addr()));
    output::line(introduction::text(
        reachable(app.addr()),
        platform,
        &keepsake,
        data,
    ));
    telemetry::init(&log, Output::Stdout);
    app.run_until(process.ending())
        .await
        .map_err(|error| format!("serving failed: {error}"))
}

fn simulated_apps(keepsake: &Keepsake, listen: SocketAddr) -> Vec<AppSettings> {
    let mut apps = vec![
        AppSettings::official(&keepsake.official.app_id, keepsake.official.app_secret.as_str()),
        AppSettings::mini(&keepsake.mini.app_id, keepsake.mini.app_secret.as_str()),
    ];
    for app in &mut apps {
        simulate::open_to_callers(app, listen);
    }
    apps
}

/// The simulated platform pushes to the gateway, whose address is known only now. The two know each other's secrets, so
/// nothing is verified.
fn push_to(console: &Console, keepsake: &Keepsake, gateway: SocketAddr) {
    let apps = [
        (OFFICIAL, &keepsake.official, PushFormat::Xml),
        (MINI, &keepsake.mini, PushFormat::Json),
    ];
    for (name, kept, format) in apps {
        let url = format!("http://{gateway}/auth/{name}");
        let server = ServerSettings::new(url, kept.token.as_str())
            .encrypted(PushMode::Safe, kept.aes_key.as_str())
            .format(format);
        console.push_to(&kept.app_id, server);
    }
}

/// The demo's configuration: addresses, limits and the log are the user's, everything else is the demo's own.
fn configure(
    mut config: Config,
    keepsake: &Keepsake,
    data: &Path,
    platform: SocketAddr,
) -> Result<Config, String> {
    let url = Url::parse(&format!("http://{platform}")).map_err(|error| error.to_string())?;
    config.platform.api_url = url.clone();
    config.platform.open_url = url.clone();
    config.platform.mp_url = url;
    config.platform.simulated = true;
    config.store.url = format!("sqlite:{}", data.join("wxgate.db").display()).into();
    config.store.master_key = Some(keepsake.master_key.as_str().into());
    config.jsapi.expose_ticket = true;
    config.server.public_url = None;
    config.warnings.clear();
    let mut domains = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let listen = config.server.listen;
    if !listen.ip().is_unspecified() {
        domains.push(if listen.is_ipv6() {
            format!("[{}]", listen.ip())
        } else {
            listen.ip().to_string()
        });
    }
    let js_domains = JsDomains::parse(&domains).map_err(|bad| format!("{bad:?} cannot be hosts of pages"))?;
    config.apps = Apps::from_list(vec![
        app(
            config::AppKind::Official,
            OFFICIAL,
            &keepsake.official,
            js_domains,
        )?,
        app(config::AppKind::Mini, MINI, &keepsake.mini, JsDomains::default())?,
    ]);
    Ok(config)
}

/// The account says what it was told, so that whoever tries a push sees an answer.
fn replies(kind: config::AppKind) -> Vec<Rule> {
    let echo = serde_json::json!({
        "when": "default",
        "reply": {"type": "text", "content": "You said: {content}"},
    });
    match kind {
        config::AppKind::Official => vec![serde_json::from_value(echo).expect("it is a rule")],
        config::AppKind::Mini => Vec::new(),
    }
}

fn app(
    kind: config::AppKind,
    name: &str,
    kept: &keepsake::App,
    js_domains: JsDomains,
) -> Result<config::App, String> {
    let secret = |text: &str| SecretString::from(text);
    Ok(config::App {
        name: name.parse().map_err(|error| format!("{error}"))?,
        kind,
        app_id: kept
            .app_id
            .parse()
            .map_err(|error| format!("{}: {error}", keepsake::FILE))?,
        app_secret: secret(&kept.app_secret),
        token: Some(secret(&kept.token)),
        aes_key: Some(secret(&kept.aes_key)),
        previous_aes_key: None,
        encryption: config::Encryption::Safe,
        js_domains,
        api_security: None,
        replies: replies(kind),
    })
}
