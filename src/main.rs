//! The program: reads the command line and runs what it asks for. Everything else is in the library.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    wxgate::cli::Cli::parse().run()
}
