//! What other instances have published: heard of within a second, by asking the store for changes each half second. Nothing is
//! fetched from the platform here.

use std::sync::Arc;
use std::time::Duration;

use super::{Credentials, Shared};
use crate::domain::time::Timestamp;
use crate::service::records::Credential;
use crate::store::{self, Find};
use crate::telemetry::Chain;

/// How often the store is asked.
const INTERVAL: Duration = Duration::from_millis(500);
/// A write may become visible long after the time it carries, and the instances' ideas of the store's time differ a
/// little: so far back is looked each time.
const OVERLAP: Duration = Duration::from_secs(30);
/// How many records are read at once.
const PAGE: usize = 1000;

impl Credentials {
    /// Takes over what other instances publish, until the process stops.
    pub async fn follow(&self) {
        let shared = &self.shared;
        let mut heard = shared.clock.store_now();
        loop {
            tokio::select! {
                () = shared.tasks.stopping() => return,
                () = tokio::time::sleep(INTERVAL) => {}
            }
            let asked = shared.clock.store_now();
            match shared.catch_up(heard - OVERLAP).await {
                Ok(()) => heard = asked,
                // That the store does not answer is logged by the one who watches it.
                Err(error) => tracing::debug!(error = %Chain(&error), "no news of credentials"),
            }
        }
    }
}

impl Shared {
    async fn catch_up(self: &Arc<Self>, from: Timestamp) -> store::Result<()> {
        let mut find = Find::by(Credential::BY_CHANGE, []);
        find.from = Some(from.into());
        find.limit = PAGE;
        loop {
            let page = self.repo.find_page(find.clone()).await?;
            for found in &page.found {
                self.hear_of(&found.record);
            }
            if page.next.is_none() {
                return Ok(());
            }
            find.after = page.next;
        }
    }

    fn hear_of(&self, record: &Credential) {
        // There may be records of apps that are configured no more, or not here.
        let Some(slot) = self.slots.values().find(|slot| slot.id() == record.id) else {
            return;
        };
        // What the overlap brings again is not opened again.
        if slot
            .latest()
            .is_some_and(|held| held.age_rank() >= (record.generation, record.age.last_seen))
        {
            return;
        }
        match self.published(&record.id, record) {
            Ok(Some(held)) => slot.take(&Arc::new(held)),
            Ok(None) => {}
            Err(error) => {
                tracing::debug!(credential = record.id, error = %Chain(&error), "a credential cannot be opened");
            }
        }
    }
}
