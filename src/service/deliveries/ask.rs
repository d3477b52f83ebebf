//! Asking a webhook for a reply while somebody waits: a delivery that is not repeated, and that gives up at once where many wait
//! already or the receiver takes nothing.

use std::sync::Arc;
use std::time::Duration;

use super::failure::Failure;
use super::lane::Lane;
use super::shared::Verdict;
use crate::domain::ids::EventId;
use crate::service::circuit::Pass;
use crate::service::records::Webhook;

/// How many of a webhook's answers are waited for at once. Each of them costs a connection, and signs of life in the store.
pub(super) const WAITING: usize = 64;

impl Lane {
    /// Sends an event once, and gives what the receiver says to it.
    pub(super) async fn ask(
        self: &Arc<Self>,
        webhook: &Webhook,
        event: &EventId,
        body: &str,
        limit: Duration,
    ) -> Result<Vec<u8>, Failure> {
        let _place = self.asking.try_acquire().map_err(|_| Failure::Busy)?;
        let pass = self.circuit().pass(self.shared.clock.store_now());
        if matches!(pass, Pass::Wait(_)) {
            return Err(Failure::Busy);
        }
        let answer = self.shared.sender.ask(webhook, event, body, limit).await;
        if pass == Pass::One {
            self.circuit().tried();
        }
        self.shared.counters.note(answer.as_ref().err().copied());
        let now = self.shared.clock.store_now();
        let verdict = match &answer {
            Ok(_) => Verdict::Good(now),
            // It was not asked.
            Err(Failure::Forbidden(_) | Failure::Unusable | Failure::Busy) => Verdict::Unknown,
            Err(failure) => Verdict::Bad(now, *failure),
        };
        self.judge(verdict).await;
        answer
    }
}
