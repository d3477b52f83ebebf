//! The deliveries of a webhook that have not ended: the first of them, and changes to all of them. When something is
//! changed is not decided here.

use futures_util::future::join_all;

use super::course;
use crate::clock::Clock;
use crate::domain::ids::WebhookId;
use crate::domain::time::Timestamp;
use crate::service::records::{Delivery, DeliveryState};
use crate::store::{self, Find, Repo, Versioned};

/// How many are changed at once.
const PAGE: usize = 200;

pub(super) struct Queue {
    repo: Repo<Delivery>,
    clock: Clock,
    webhook: WebhookId,
}

impl Queue {
    pub(super) fn new(repo: Repo<Delivery>, clock: Clock, webhook: WebhookId) -> Self {
        Self { repo, clock, webhook }
    }

    /// The first so many, those that are due before those that are not.
    pub(super) async fn first(&self, limit: usize) -> store::Result<Vec<Versioned<Delivery>>> {
        let mut find = self.all();
        find.limit = limit;
        self.repo.find_readable(find).await
    }

    /// Makes everything due that waits for its next attempt.
    pub(super) async fn hasten(&self) -> store::Result<()> {
        let now = self.clock.store_now();
        let waits = move |delivery: &mut Delivery| {
            let waits = delivery.owner.is_none() && course::due(delivery) > Some(now);
            if waits {
                course::hasten(delivery);
            }
            waits
        };
        // Ordered deliveries keep their places; only the first of them can have been tried.
        let first = self.first(1).await?;
        self.change(first, waits).await?;
        self.change_all(Some(now), waits).await
    }

    /// Puts everything in the order of the events.
    pub(super) async fn put_in_order(&self) -> store::Result<()> {
        self.change_all(None, course::put_in_order).await
    }

    /// Ends everything.
    pub(super) async fn drop_all(&self) -> store::Result<()> {
        let drop = |delivery: &mut Delivery| {
            course::end(delivery, DeliveryState::Dropped);
            true
        };
        self.change_all(None, drop).await
    }

    /// Goes through all, or those with a later time than this, and writes those that the closure has changed. What others
    /// change meanwhile is left as it is.
    async fn change_all(
        &self,
        from: Option<Timestamp>,
        change: impl Fn(&mut Delivery) -> bool,
    ) -> store::Result<()> {
        let mut find = self.all();
        find.from = from.map(Into::into);
        find.limit = PAGE;
        loop {
            let page = self.repo.find_page(find.clone()).await?;
            self.change(page.found, &change).await?;
            find.after = page.next;
            if find.after.is_none() {
                return Ok(());
            }
        }
    }

    async fn change(
        &self,
        mut found: Vec<Versioned<Delivery>>,
        change: impl Fn(&mut Delivery) -> bool,
    ) -> store::Result<()> {
        found.retain_mut(|found| change(&mut found.record));
        let writes = join_all(found.iter().map(|found| self.repo.replace(found)));
        writes
            .await
            .into_iter()
            .try_for_each(|written| written.map(|_| ()))
    }

    fn all(&self) -> Find {
        Find::by(Delivery::BY_DUE, [self.webhook.as_str().into()])
    }
}
