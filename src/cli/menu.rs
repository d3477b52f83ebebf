//! `wxgate menu`: puts a menu from a file in the place of an official account's, with the access_token that running
//! gateways share. What a menu may be is `domain::menu`'s matter.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::store::{self, Opened};
use super::{Exit, output, process};
use crate::app;
use crate::config::{App, AppKind, Config};
use crate::domain::ids::AppName;
use crate::domain::menu;
use crate::net;
use crate::service::credentials::{self, Credentials};
use crate::tasks::Tasks;
use crate::telemetry::{self, Output};
use crate::wechat::{self, Client};

/// Menus are smaller.
const MOST: u64 = 256 * 1024;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Put the menu of a file in the place of an official account's menu
    Push(Push),
}

/// The whole menu is checked before WeChat is asked. People see it within minutes; whoever follows anew sees it at once.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Push {
    /// The menu: TOML if the name ends with .toml, else JSON as WeChat documents it (创建接口)
    file: PathBuf,
    /// The official account, by its name in the configuration
    #[arg(long)]
    app: AppName,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Example of a file in TOML:
  [[button]]
  type = \"view\"
  name = \"Shop\"
  url = \"https://shop.example.com/\"

  [[button]]
  name = \"More\"
  sub_button = [
    { type = \"click\", name = \"Help\", key = \"help\" },
    { type = \"scancode_waitmsg\", name = \"Scan\", key = \"scan\" },
  ]";

/// Why a menu was not put there.
enum Failed {
    /// It is none, or none that WeChat takes.
    Problems(Vec<String>),
    /// WeChat refused.
    Refused(i64, String),
    /// Anything else.
    Other(String),
}

/// Why the call was not made, or failed.
#[derive(Debug, thiserror::Error)]
enum Unsent {
    #[error(transparent)]
    Credentials(#[from] credentials::Error),
    #[error(transparent)]
    Platform(#[from] wechat::Error),
}

pub(super) fn push(config: &Config, push: &Push) -> Exit {
    telemetry::init(&config.log, Output::Stderr);
    let app = config.apps.named(push.app.as_str());
    let Some(app) = app.filter(|app| app.kind == AppKind::Official) else {
        output::error(format_args!(
            "there is no official account {} in the configuration",
            push.app
        ));
        return Exit::Usage;
    };
    process::run(async {
        match work(config, app, &push.file).await {
            Ok(buttons) if push.json => output::line(json!({"app": app.name, "buttons": buttons})),
            Ok(_) => output::line(format_args!("{} has this menu now.", app.name)),
            Err(failed) => {
                failed.tell(push);
                return Exit::Failed;
            }
        }
        Exit::Done
    })
}

impl Failed {
    fn tell(&self, push: &Push) {
        let (text, more) = match self {
            Self::Problems(problems) => {
                let text = format!("{} is no menu that WeChat takes:", push.file.display());
                (text, problems.as_slice())
            }
            Self::Refused(_, text) | Self::Other(text) => (text.clone(), &[][..]),
        };
        output::error(text);
        more.iter().for_each(output::note);
        if push.json {
            output::line(match self {
                Self::Problems(problems) => json!({"problems": problems}),
                Self::Refused(errcode, text) => json!({"errcode": errcode, "problems": [text]}),
                Self::Other(text) => json!({"problems": [text]}),
            });
        }
    }
}

/// How many buttons the menu has at the bottom.
async fn work(config: &Config, app: &App, file: &Path) -> Result<usize, Failed> {
    let menu = read(file).map_err(Failed::Other)?;
    let problems = menu::problems(&menu);
    if !problems.is_empty() {
        return Err(Failed::Problems(problems));
    }
    let sent = store::with(config, async |opened| send(config, app, opened, &menu).await);
    match sent.await.map_err(Failed::Other)? {
        Ok(()) => Ok(menu["button"].as_array().map_or(0, Vec::len)),
        Err(Unsent::Platform(error)) if error.errcode().is_some() => {
            let errcode = error.errcode().unwrap_or_default();
            Err(Failed::Refused(errcode, output::chain(&error)))
        }
        Err(error) => Err(Failed::Other(output::chain(&error))),
    }
}

async fn send(
    config: &Config,
    app: &App,
    opened: Opened,
    menu: &Value,
) -> Result<Result<(), Unsent>, String> {
    let Opened {
        engine,
        sealer,
        clock,
        ..
    } = opened;
    let platform = &config.platform;
    let http = net::client(platform.connect_timeout, platform.timeout);
    let http = http.map_err(|error| output::chain(&error))?;
    let client =
        Client::new(http, platform.api_url.clone()).secured(app::secured(&config.apps), clock.clone());
    let tasks = Tasks::new(Handle::current());
    // A token that a gateway has fetched is in the store; one that is fetched here is there for gateways.
    let credentials = Credentials::new(
        &config.apps,
        platform.clone(),
        client.clone(),
        engine,
        sealer,
        clock,
        tasks,
    );
    let call = |held: std::sync::Arc<credentials::Held>| {
        let client = &client;
        async move { client.create_menu(&app.app_id, &held.value, menu).await }
    };
    Ok(credentials.with_token(&app.app_id, call).await)
}

fn read(file: &Path) -> Result<Value, String> {
    let name = file.display();
    let cannot = |error: std::io::Error| format!("{name} cannot be read: {error}");
    let opened = std::fs::File::open(file).map_err(cannot)?;
    let mut text = String::new();
    opened.take(MOST + 1).read_to_string(&mut text).map_err(cannot)?;
    if text.len() as u64 > MOST {
        return Err(format!("{name} is larger than {MOST} bytes"));
    }
    let text = text.trim_start_matches('\u{feff}');
    if file
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("toml"))
    {
        toml::from_str(text).map_err(|error| format!("{name} is no TOML: {}", error.to_string().trim()))
    } else {
        serde_json::from_str(text).map_err(|error| format!("{name} is no JSON: {error}"))
    }
}
