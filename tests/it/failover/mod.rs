//! The primary of a replica set dies under load. The other ways to lose one, and the defaults of the servers, are measured by
//! `benches/failover`; docs/operations.md has the figures.

pub(crate) mod course;

use std::time::Duration;

use self::course::{Course, Fault};
use crate::support::mongo::Setup;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_dies_costs_a_pause_and_nothing_else() {
    let mut course = Course::begin(Setup::Recommended).await;
    let outcome = course.run(Fault::Kill, Duration::from_secs(10)).await;
    eprintln!("{outcome}");
    assert_eq!(
        (outcome.lost, outcome.doubled, outcome.odd),
        (0, 0, 0),
        "{outcome}"
    );
    assert_eq!(outcome.reads.1, 0, "{outcome}");
    assert!(outcome.acknowledged > 100, "{outcome}");
    // On a machine that compiles at the same time an election may take longer than callers wait; it is a 503 then.
    assert!(outcome.gap < Duration::from_secs(9), "{outcome}");
    assert!(outcome.slowest < Duration::from_secs(7), "{outcome}");
}
