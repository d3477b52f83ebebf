//! `wxgate caller`: makes, lists and revokes the keys of the company's own services in the store, beside running
//! gateways. What a caller is, is the service's matter.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::{Args, Subcommand};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::store::{self, Opened};
use super::{Exit, output, process};
use crate::config::{Apps, Config};
use crate::domain::call_pattern::CallPattern;
use crate::domain::ids::AppName;
use crate::domain::time::Timestamp;
use crate::service::callers::{CallerName, Callers, Error, NewCaller, Rate};
use crate::service::records::{Caller, Grant};
use crate::telemetry::{self, Output};

/// The longest life of a key that has an end.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a caller and print its key, which is shown this once
    Create(Create),
    /// List the callers, also those whose keys are no good any more
    List(List),
    /// End a caller's key for good; running gateways refuse it within two seconds
    Revoke(Revoke),
}

/// A caller may do what its options say and nothing else. Running gateways know its key within two seconds.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(super) struct Create {
    /// What you call it: 1 to 64 characters
    #[arg(long)]
    name: CallerName,
    /// An app that it may use, by its name in the configuration; several can be given
    #[arg(long = "app", value_name = "APP", num_args = 1.., required_unless_present = "metrics")]
    apps: Vec<AppName>,
    /// Calls of WeChat's API that it may make. METHOD may be *; in PATH * is one segment, ** any number; several can be
    /// given
    #[arg(long, value_name = "METHOD PATH", num_args = 1.., requires = "apps")]
    allow: Vec<CallPattern>,
    /// It may have the access_token itself
    #[arg(long, requires = "apps")]
    raw_token: bool,
    /// It may have the session_keys of mini programs' users
    #[arg(long, requires = "apps")]
    session_key: bool,
    /// It may manage webhooks and rules for replies
    #[arg(long, requires = "apps")]
    webhooks: bool,
    /// It may follow the stream of events
    #[arg(long, requires = "apps")]
    events: bool,
    /// It may read /metrics from any address; needs no --app
    #[arg(long)]
    metrics: bool,
    /// How many requests a second each gateway process takes from it; without it any number
    #[arg(long, value_name = "N/s")]
    rate: Option<Rate>,
    /// How long its key is good for, such as 90d; without it until it is revoked
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    expires: Option<Duration>,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  wxgate caller create --name orders --app shop --allow 'POST /cgi-bin/message/**' --rate 20/s
  wxgate caller create --name crm --app shop --app game --webhooks --events --expires 90d
  wxgate caller create --name prometheus --metrics";

#[derive(Debug, Args)]
pub(super) struct List {
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// The caller's id: clr_…
    id: String,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

/// What a command prints: as JSON, or as lines.
struct Told {
    json: Value,
    lines: Vec<String>,
}

pub(super) fn run(config: &Config, command: &Command) -> Exit {
    telemetry::init(&config.log, Output::Stderr);
    if let Command::Create(create) = command
        && let Err(text) = create.look_for_apps(&config.apps)
    {
        output::error(text);
        return Exit::Usage;
    }
    process::run(async {
        match work(config, command).await {
            Ok(told) if command.wants_json() => output::line(told.json),
            Ok(told) => told.lines.iter().for_each(output::line),
            Err(text) => {
                output::error(text);
                return Exit::Failed;
            }
        }
        Exit::Done
    })
}

async fn work(config: &Config, command: &Command) -> Result<Told, String> {
    store::with(config, async |Opened { engine, clock, .. }| {
        let callers = Callers::new(&engine, clock.clone());
        let done = carry_out(&callers, command, clock.store_now()).await;
        done.map_err(|error| output::chain(&error))
    })
    .await
}

async fn carry_out(callers: &Callers, command: &Command, now: Timestamp) -> Result<Told, Error> {
    match command {
        Command::Create(create) => {
            let (caller, key) = callers.create(create.wanted()).await?;
            Ok(told_with_key(&caller, &key))
        }
        Command::List(_) => {
            callers.feed().load().await?;
            let (mut json, mut lines) = (Vec::new(), Vec::new());
            for caller in callers.list() {
                let last_used_at = callers.last_used_at(&caller.id).await?;
                json.push(describe(&caller, last_used_at));
                lines.push(line(&caller, last_used_at, now));
            }
            if lines.is_empty() {
                lines.push("there are no callers; `wxgate caller create` makes one".to_owned());
            }
            Ok(Told {
                json: json.into(),
                lines,
            })
        }
        Command::Revoke(Revoke { id, .. }) => {
            // What is no id is nobody's.
            let id = id.parse().map_err(|_| Error::Unknown)?;
            let caller = callers.revoke(&id).await?;
            let last_used_at = callers.last_used_at(&id).await?;
            Ok(Told {
                json: describe(&caller, last_used_at),
                lines: vec![format!("{} ({}) is revoked", caller.id, caller.name)],
            })
        }
    }
}

impl Command {
    fn wants_json(&self) -> bool {
        match self {
            Self::Create(create) => create.json,
            Self::List(list) => list.json,
            Self::Revoke(revoke) => revoke.json,
        }
    }
}

impl Create {
    /// A slip in a name would make a key that is good for nothing.
    fn look_for_apps(&self, apps: &Apps) -> Result<(), String> {
        let Some(unknown) = self.apps.iter().find(|app| apps.named(app.as_str()).is_none()) else {
            return Ok(());
        };
        let names: Vec<_> = apps.iter().map(|app| app.name.as_str()).collect();
        Err(match names.as_slice() {
            [] => format!("there is no app {unknown}: the configuration has no apps"),
            names => format!(
                "there is no app {unknown}; the configuration has {}",
                names.join(", ")
            ),
        })
    }

    fn wanted(&self) -> NewCaller {
        let grants = [
            (self.raw_token, Grant::RawToken),
            (self.session_key, Grant::SessionKey),
            (self.webhooks, Grant::Webhooks),
            (self.events, Grant::Events),
            (self.metrics, Grant::Metrics),
        ];
        let grants: BTreeSet<_> = grants
            .into_iter()
            .filter_map(|(wanted, grant)| wanted.then_some(grant))
            .collect();
        if grants.is_empty() && self.allow.is_empty() {
            output::note("without --allow and other options this key is good for nothing");
        }
        NewCaller {
            name: self.name.clone(),
            apps: self.apps.iter().cloned().collect(),
            allow: self.allow.clone(),
            grants,
            rate: self.rate,
            lifetime: self.expires,
        }
    }
}

fn lifetime(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(duration) if duration.is_zero() => Err("a key lives longer than no time".to_owned()),
        Ok(duration) if duration > LONGEST => Err("this is more than 100 years".to_owned()),
        Ok(duration) => Ok(duration),
        Err(_) => Err("a duration is written 90d, 12h or 30m".to_owned()),
    }
}

fn told_with_key(caller: &Caller, key: &SecretString) -> Told {
    let (mut described, key) = (describe(caller, None), key.expose_secret());
    described["key"] = key.into();
    Told {
        json: described,
        lines: vec![
            format!("{} ({}) is a caller", caller.id, caller.name),
            "Its key, which is not shown again:".to_owned(),
            key.to_owned(),
        ],
    }
}

fn describe(caller: &Caller, last_used_at: Option<Timestamp>) -> Value {
    json!({
        "id": caller.id,
        "name": caller.name,
        "apps": caller.apps,
        "allow": caller.allow,
        "grants": caller.grants,
        "rate": caller.rate,
        "created_at": caller.created_at.secs(),
        "expires_at": caller.ends_at.map(Timestamp::secs),
        "revoked_at": caller.revoked_at.map(Timestamp::secs),
        "last_used_at": last_used_at.map(Timestamp::secs),
    })
}

/// What it is and may do, as far as there is something to say.
fn line(caller: &Caller, last_used_at: Option<Timestamp>, now: Timestamp) -> String {
    let apps: Vec<_> = caller.apps.iter().map(AppName::as_str).collect();
    let parts = [caller.id.to_string(), caller.name.clone(), apps.join(",")];
    let calls = caller.allow.iter().map(|pattern| format!("'{pattern}'"));
    let grants = caller.grants.iter().map(|grant| grant.option().to_owned());
    let rate = caller.rate.map(|rate| format!("{rate}/s"));
    let end = match (caller.revoked_at, caller.ends_at) {
        (Some(_), _) => Some("revoked".to_owned()),
        (None, Some(end)) if end <= now => Some("expired".to_owned()),
        (None, Some(end)) => Some(format!("until {}", output::time(end))),
        (None, None) => None,
    };
    let used = last_used_at.map(|time| format!("last used {}", output::time(time)));
    let parts = parts
        .into_iter()
        .chain(calls)
        .chain(grants)
        .chain(rate)
        .chain(end)
        .chain(used);
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    parts.join("  ")
}
