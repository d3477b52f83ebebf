//! The command line: what can be asked for, and who does it. No command's own work is in this file.

mod admin;
mod caller;
mod check;
mod demo;
mod exposure;
mod health;
mod keys;
mod menu;
mod output;
mod process;
mod secrets;
mod serve;
mod simulate;
mod store;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, Invalid};

pub use check::table::{Row, TABLE, document};

/// One gateway between WeChat and your own programs: messages and events, logins, JS-SDK signatures, tokens.
///
/// Without a command it serves, as `wxgate serve` does. To look around without a WeChat account, run `wxgate demo`.
#[derive(Debug, Parser)]
#[command(name = "wxgate", version, after_help = EXAMPLES)]
pub struct Cli {
    /// The configuration file; without it, config.toml in the working directory if there is one
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

const EXAMPLES: &str = "\
Examples:
  wxgate demo                              gateway and simulated WeChat, nothing to configure
  wxgate check --config /etc/wxgate.toml   is the configuration right, do store and WeChat answer?
  wxgate serve --config /etc/wxgate.toml   serve
  WXGATE__SERVER__LISTEN=0.0.0.0:3000 wxgate
                                           any key of the configuration can come from the environment

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.
Every key of the configuration is documented in the config.toml that comes with wxgate.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway (what happens without a command)
    Serve,
    /// Run the gateway with a simulated WeChat beside it; nothing has to be configured
    Demo(Demo),
    /// Run the simulated WeChat alone, as the upstream of tests
    Simulate(Simulate),
    /// Check configuration, store and WeChat, and say what to do about each problem
    Check(Check),
    /// Ask the running gateway whether it is alive, for container health checks
    Health,
    /// The keys that sign tokens
    #[command(subcommand)]
    Keys(Keys),
    /// The menus of official accounts
    #[command(subcommand)]
    Menu(menu::Command),
    /// Make, list and change administrators, while the gateway runs or before it ever did
    #[command(subcommand)]
    Admin(admin::Admin),
    /// Make, list and revoke the keys of your own services, while the gateway runs or before it ever did
    #[command(subcommand)]
    Caller(caller::Command),
}

/// Every secret is made up on the first start and kept in the data folder. `wxgate serve` refuses a demo's store.
#[derive(Debug, Args)]
struct Demo {
    /// Allow listening on an address that others can reach. A demo guards nothing: its secrets are printed
    #[arg(long)]
    expose: bool,
    /// The folder for the demo's store and secrets
    #[arg(long, value_name = "DIR", default_value = "data/demo")]
    data: PathBuf,
}

/// The apps are those of the configuration; if it has none, one official account and one mini program are made up
/// and printed.
#[derive(Debug, Args)]
struct Simulate {
    /// Allow listening on an address that others can reach. Whoever reaches the simulator rules it
    #[arg(long)]
    expose: bool,
    /// The address to listen on, instead of simulator.listen
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
}

/// Fetches one access token per app from WeChat, as the running gateway would. Writes nothing but what a first start
/// would make.
#[derive(Debug, Args)]
struct Check {
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Keys {
    /// Make the next key now. It signs ten minutes later, so that programs that verify tokens know it by then
    Rotate(Rotate),
}

/// Runs beside serving gateways, which publish the key within two seconds. While a new key waits to begin, no other is
/// made, and the exit code is 1.
#[derive(Debug, Args)]
struct Rotate {
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    Done,
    Failed,
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
        })
    }
}

impl Cli {
    /// Runs the command to its end.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let config = Config::load(self.config.as_deref());
        let exit = match (self.command.unwrap_or(Command::Serve), config) {
            (Command::Check(check), config) => check::run(config, check.json),
            (_, Err(invalid)) => refuse(&invalid),
            (Command::Serve, Ok(config)) => serve::run(config),
            (Command::Demo(demo), Ok(config)) => demo::run(config, &demo.data, demo.expose),
            (Command::Simulate(simulate), Ok(config)) => {
                let listen = simulate.listen.unwrap_or(config.simulator.listen);
                simulate::run(&config, listen, simulate.expose)
            }
            (Command::Health, Ok(config)) => health::run(&config),
            (Command::Keys(Keys::Rotate(rotate)), Ok(config)) => keys::rotate(&config, rotate.json),
            (Command::Menu(menu::Command::Push(push)), Ok(config)) => menu::push(&config, &push),
            (Command::Admin(command), Ok(config)) => admin::run(&config, &command),
            (Command::Caller(command), Ok(config)) => caller::run(&config, &command),
        };
        exit.into()
    }
}

fn refuse(invalid: &Invalid) -> Exit {
    output::error("the configuration is not valid:");
    for problem in &invalid.0 {
        output::note(problem);
    }
    Exit::Usage
}
