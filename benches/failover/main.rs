//! Measures what callers of two gateways see while the primary of their replica set hands over, dies, or hangs: with
//! the servers' defaults and with the settings that docs/operations.md recommends.
//!
//! `cargo bench --profile dev --bench failover -- [RUNS] [step-down|kill|freeze] [defaults|recommended]`

#![expect(clippy::print_stdout, reason = "it is a command")]
#![expect(clippy::unwrap_used, reason = "what cannot go on ends")]

#[path = "../../tests/it/failover/course.rs"]
mod course;
#[allow(dead_code, unused_imports, unused_macros, reason = "the tests use more of it")]
#[path = "../../tests/it/support/mod.rs"]
mod support;

use std::time::Duration;

use course::{Course, Fault};
use support::mongo::Setup;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let runs = arguments
        .iter()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(3);
    let faults = [
        ("step-down", Fault::StepDown),
        ("kill", Fault::Kill),
        ("freeze", Fault::Freeze),
    ];
    let setups = [("defaults", Setup::Defaults), ("recommended", Setup::Recommended)];
    let any_fault = !faults.iter().any(|(name, _)| has(name));
    let any_setup = !setups.iter().any(|(name, _)| has(name));
    for (settings, setup) in setups.into_iter().filter(|(name, _)| any_setup || has(name)) {
        let mut course = Course::begin(setup).await;
        for (name, fault) in faults.iter().filter(|(name, _)| any_fault || has(name)) {
            for run in 1..=runs {
                let outcome = course.run(*fault, watch(*fault, setup)).await;
                println!("{settings} {name} {run}: {outcome}");
            }
        }
    }
}

/// How long the slow writes that follow may go on.
fn watch(fault: Fault, setup: Setup) -> Duration {
    Duration::from_secs(match (fault, setup) {
        (Fault::StepDown, _) => 10,
        (Fault::Kill, Setup::Defaults) => 25,
        (Fault::Kill, _) => 12,
        (Fault::Freeze, Setup::Defaults) => 50,
        (Fault::Freeze, _) => 30,
    })
}
