//! What runs beside the server, from the first request to the last. What each of them does is its service's matter.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::clock::Clock;
use crate::service::revocations::Revocations;
use crate::service::signing_keys::Keyring;
use crate::state::State;
use crate::store::Engine;
use crate::tasks::Tasks;
use crate::telemetry::Chain;

/// How often the store is asked for its time, which is also how its absence is noticed.
const STORE_CHECK: Duration = Duration::from_secs(5);
/// How often it is looked for deletions that somebody has left half done.
const DELETION_CHECK: Duration = Duration::from_mins(1);

/// A task's name and what it does.
pub(super) type Work = (&'static str, BoxFuture<'static, ()>);

/// What only background work needs.
pub(super) struct Keepers {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) revocations: Arc<Revocations>,
    pub(super) keyring: Keyring,
    pub(super) clock: Clock,
    pub(super) tasks: Tasks,
}

/// All of it.
pub(super) fn all(state: &Arc<State>, keepers: Keepers) -> Vec<Work> {
    let Keepers {
        engine,
        revocations,
        keyring,
        clock,
        tasks,
    } = keepers;
    let credentials = state.credentials.clone();
    let shared_credentials = state.credentials.clone();
    let users = state.users.clone();
    let callers = state.callers.feed().clone();
    let (used, audit) = (state.callers.clone(), state.audit.clone());
    let webhooks = state.webhooks.feed().clone();
    let deliveries = state.deliveries.clone();
    let reply_rules = state.reply_rules.feed().clone();
    let push = state.push.clone();
    let watch = watch_store(engine, state.clone(), clock, tasks.clone());
    let (follower, deleter) = (tasks.clone(), tasks.clone());
    let (callers_follower, use_keeper) = (tasks.clone(), tasks.clone());
    let (webhooks_follower, rules_follower) = (tasks.clone(), tasks.clone());
    vec![
        (
            "keep credentials fresh",
            async move { credentials.keep_fresh().await }.boxed(),
        ),
        (
            "follow credentials",
            async move { shared_credentials.follow().await }.boxed(),
        ),
        (
            "follow ended sessions",
            async move { revocations.follow(follower).await }.boxed(),
        ),
        (
            "follow callers",
            async move { callers.follow(callers_follower).await }.boxed(),
        ),
        (
            "keep callers' last use",
            async move { used.keep_last_use(&use_keeper).await }.boxed(),
        ),
        ("keep the audit", async move { audit.keep().await }.boxed()),
        (
            "deliver to webhooks",
            async move { deliveries.run().await }.boxed(),
        ),
        (
            "follow webhooks",
            async move { webhooks.follow(webhooks_follower).await }.boxed(),
        ),
        (
            "follow rules for replies",
            async move { reply_rules.follow(rules_follower).await }.boxed(),
        ),
        (
            "see to accepted events",
            async move { push.attend().await }.boxed(),
        ),
        (
            "keep signing keys",
            async move { keyring.keep(&tasks).await }.boxed(),
        ),
        (
            "finish deletions",
            async move {
                loop {
                    if let Err(error) = users.finish_deletions().await {
                        tracing::warn!(error = %Chain(&error), "deletions could not be finished");
                    }
                    tokio::select! {
                        () = deleter.stopping() => return,
                        () = tokio::time::sleep(DELETION_CHECK) => {}
                    }
                }
            }
            .boxed(),
        ),
        ("watch the store", watch.boxed()),
    ]
}

/// Measures the store's time now and then, and notes whether the store answers.
async fn watch_store(engine: Arc<dyn Engine>, state: Arc<State>, clock: Clock, tasks: Tasks) {
    loop {
        let asked = clock.now();
        let time = engine.now().await;
        // At once, before anything is waited for: a clock that is turned in between would be taken for the store's.
        if let Ok(time) = &time {
            clock.observe_store(*time, asked, clock.now());
        }
        // The time is read; a store that cannot be written any more is of no use either.
        state
            .health
            .note_store(time.is_ok() && engine.ping().await.is_ok());
        tokio::select! {
            () = tasks.stopping() => return,
            () = tokio::time::sleep(STORE_CHECK) => {}
        }
    }
}
