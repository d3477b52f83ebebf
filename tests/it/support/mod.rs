//! What the tests stand on: servers they need and helpers they share. No test of the product is here.

pub(crate) mod app;
pub(crate) mod builder;
pub(crate) mod fleet;
pub(crate) mod mongo;
pub(crate) mod node;
pub(crate) mod platform;
pub(crate) mod process;
pub(crate) mod program;
pub(crate) mod pusher;
pub(crate) mod python;
pub(crate) mod receiver;
pub(crate) mod recorder;
pub(crate) mod reply;
pub(crate) mod services;
pub(crate) mod stored;
pub(crate) mod upstream;

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long something that must happen may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `holds` does; a test that waits in vain fails with `what`.
pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "in vain: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Makes of each `async fn case(app: Builder)` the tests `case::sqlite` and `case::mongo`.
macro_rules! on_both_stores {
    ($($case:ident),+ $(,)?) => {$(
        mod $case {
            use crate::support::app::{StoreKind, TestApp};

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$case(TestApp::builder().store(StoreKind::Sqlite)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn mongo() {
                super::$case(TestApp::builder().store(StoreKind::Mongo)).await;
            }
        }
    )+};
}

/// As `on_both_stores`, and on a replica set of MongoDB as well.
macro_rules! on_all_stores {
    ($($case:ident),+ $(,)?) => {$(
        mod $case {
            use crate::support::app::{StoreKind, TestApp};

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$case(TestApp::builder().store(StoreKind::Sqlite)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn mongo() {
                super::$case(TestApp::builder().store(StoreKind::Mongo)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn replica_set() {
                super::$case(TestApp::builder().store(StoreKind::MongoReplicaSet)).await;
            }
        }
    )+};
}

pub(crate) use {on_all_stores, on_both_stores};
