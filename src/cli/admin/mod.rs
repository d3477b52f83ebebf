//! `wxgate admin`: makes, lists and changes administrators in the store, beside running gateways. What an
//! administrator is, is the service's matter.

mod password;

use std::sync::Arc;

use clap::{Args, Subcommand};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::store::{self, Opened};
use super::{Exit, output, process};
use crate::config::Config;
use crate::domain::contact::Email;
use crate::service::administrators::{Administrators, Created, Error, FactorChange};
use crate::service::fingerprint::Fingerprints;
use crate::service::limits::Failures;
use crate::service::password_check::PasswordCheck;
use crate::service::passwords::Passwords;
use crate::service::records::Administrator;
use crate::service::revocations::Revocations;
use crate::service::sessions::Ending;
use crate::tasks::Tasks;
use crate::telemetry::{self, Output};

#[derive(Debug, Subcommand)]
pub(super) enum Admin {
    /// Make an administrator; the password is asked for twice, or read as one line of standard input
    Create(Create),
    /// List the administrators
    List(List),
    /// Give an administrator another password, which ends its sessions
    Password(Password),
    /// Let an administrator who was disabled log in again
    Enable(Named),
    /// Let an administrator log in no more, and end its sessions
    Disable(Named),
}

#[derive(Debug, Args)]
pub(super) struct Create {
    #[command(flatten)]
    named: Named,
    /// Make a second factor too, and print what an authenticator app reads it from. It is shown this once
    #[arg(long)]
    totp: bool,
}

#[derive(Debug, Args)]
pub(super) struct Password {
    #[command(flatten)]
    named: Named,
    /// Make a new second factor too, and print what an authenticator app reads it from. It is shown this once
    #[arg(long, conflicts_with = "no_totp")]
    totp: bool,
    /// Remove the second factor
    #[arg(long)]
    no_totp: bool,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// The e-mail address that the administrator logs in with
    #[arg(long, value_name = "ADDRESS")]
    email: Email,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

/// What a command prints: as JSON, or as lines.
struct Told {
    json: Value,
    lines: Vec<String>,
}

pub(super) fn run(config: &Config, command: &Admin) -> Exit {
    telemetry::init(&config.log, Output::Stderr);
    let password = match command {
        Admin::Create(_) | Admin::Password(_) => password::read(),
        Admin::List(_) | Admin::Disable(_) | Admin::Enable(_) => Ok(SecretString::default()),
    };
    let password = match password {
        Ok(password) => password,
        Err(text) => {
            output::error(text);
            return Exit::Usage;
        }
    };
    process::run(async {
        match work(config, command, password).await {
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

async fn work(config: &Config, command: &Admin, password: SecretString) -> Result<Told, String> {
    let carry_out = async |opened| {
        let administrators = administrators(config, opened).await?;
        let done = carry_out(&administrators, command, password).await;
        done.map_err(|error| output::chain(&error))
    };
    store::with(config, carry_out).await
}

async fn administrators(config: &Config, opened: Opened) -> Result<Administrators, String> {
    let Opened {
        engine,
        settings,
        sealer,
        clock,
    } = opened;
    let key = settings.secret(Fingerprints::KEY, &sealer).await;
    let key = key.map_err(|error| output::chain(&error))?;
    let passwords = Passwords::new(&config.auth.argon2).map_err(|error| output::chain(&error))?;
    let passwords = Arc::new(passwords);
    let limits = config.auth.limits.clone();
    let failures = Failures::new(engine.clone(), Fingerprints::new(&key), limits, clock.clone());
    let tasks = Tasks::new(Handle::current());
    // Gateways learn from the store which sessions this ends.
    let revocations = Arc::new(Revocations::new(engine.clone(), clock.clone()));
    let ending = Ending::new(engine.clone(), revocations, config.auth.access_ttl, clock.clone());
    Ok(Administrators::new(
        &engine,
        passwords.clone(),
        PasswordCheck::new(passwords, failures, tasks),
        sealer,
        ending,
        clock,
    ))
}

async fn carry_out(
    administrators: &Administrators,
    command: &Admin,
    password: SecretString,
) -> Result<Told, Error> {
    match command {
        Admin::Create(Create { named, totp }) => {
            let created = administrators.create(&named.email, password, *totp).await?;
            Ok(told_with_factor(&created, "is an administrator"))
        }
        Admin::Password(Password { named, totp, no_totp }) => {
            let factor = match (totp, no_totp) {
                (true, _) => FactorChange::Renew,
                (false, true) => FactorChange::Remove,
                (false, false) => FactorChange::Keep,
            };
            let changed = administrators.set_password(&named.email, password, factor);
            let changed = changed.await?;
            if changed.administrator.disabled {
                let email = &changed.administrator.email;
                output::note(format!(
                    "{email} is still disabled; `wxgate admin enable --email {email}` lets it log in again"
                ));
            }
            let what = "has another password; all its sessions have ended";
            Ok(told_with_factor(&changed, what))
        }
        Admin::Enable(named) => {
            let changed = administrators.enable(&named.email).await?;
            Ok(told(&changed, "is enabled"))
        }
        Admin::Disable(named) => {
            let changed = administrators.disable(&named.email).await?;
            Ok(told(&changed, "is disabled; all its sessions have ended"))
        }
        Admin::List(_) => {
            let all = administrators.list().await?;
            let mut lines: Vec<_> = all.iter().map(line).collect();
            if lines.is_empty() {
                lines.push("there are no administrators; `wxgate admin create` makes one".to_owned());
            }
            let json = all.iter().map(describe).collect();
            Ok(Told { json, lines })
        }
    }
}

impl Admin {
    fn wants_json(&self) -> bool {
        match self {
            Self::Create(create) => create.named.json,
            Self::List(list) => list.json,
            Self::Password(password) => password.named.json,
            Self::Enable(named) | Self::Disable(named) => named.json,
        }
    }
}

/// With the second factor, if there is a new one.
fn told_with_factor(created: &Created, what: &str) -> Told {
    let mut told = told(&created.administrator, what);
    if let Some(url) = &created.totp_url {
        let url = url.expose_secret();
        told.json["totp_url"] = url.into();
        told.lines
            .push("The second factor, for an authenticator app; it is not shown again:".to_owned());
        told.lines.push(url.to_owned());
    }
    told
}

fn told(administrator: &Administrator, what: &str) -> Told {
    Told {
        json: describe(administrator),
        lines: vec![format!("{} {what}", administrator.email)],
    }
}

fn describe(administrator: &Administrator) -> Value {
    json!({
        "id": administrator.id,
        "email": administrator.email,
        "totp": administrator.totp.is_some(),
        "disabled": administrator.disabled,
        "created_at": administrator.created_at.secs(),
    })
}

fn line(administrator: &Administrator) -> String {
    let mut line = administrator.email.clone();
    if administrator.totp.is_some() {
        line.push_str("  second factor");
    }
    if administrator.disabled {
        line.push_str("  disabled");
    }
    line
}
