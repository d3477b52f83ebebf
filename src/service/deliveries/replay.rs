//! Deliveries that are made once more because somebody wants it. Who may want that is not decided here.

use futures_util::future::join_all;

use super::{Deliveries, course};
use crate::domain::ids::{EventId, WebhookId};
use crate::domain::time::Timestamp;
use crate::service::records::{Delivery, DeliveryState, PushEvent};
use crate::store::{self, Change, Error, Find};

/// How many are read and written at once.
const PAGE: usize = 100;

/// What is delivered once more.
#[derive(Debug, Clone)]
pub enum Replay {
    /// This event, also if the webhook was never to get it.
    One(EventId),
    /// What was to be delivered of the events that were accepted in this time.
    Range {
        /// The first time.
        from: Timestamp,
        /// The end, excluded.
        until: Timestamp,
        /// Only what was given up.
        only_dead: bool,
    },
}

impl Deliveries {
    /// Has a webhook's deliveries begin anew, and says how many. What is being tried just now and what is to be tried
    /// anyway is made due; what was never made or was dropped stays as it is.
    ///
    /// # Errors
    /// If the store does not answer. Some may have begun then.
    pub async fn replay(&self, webhook: &WebhookId, which: Replay) -> store::Result<u64> {
        let count = match which {
            Replay::One(event) => self.replay_one(webhook, &event).await?,
            Replay::Range {
                from,
                until,
                only_dead,
            } => self.replay_range(webhook, from, until, only_dead).await?,
        };
        if count > 0 {
            self.lane(webhook).wake();
        }
        Ok(count)
    }

    async fn replay_one(&self, id: &WebhookId, event: &EventId) -> store::Result<u64> {
        let Some(webhook) = self.shared.webhooks.find(id).await? else {
            return Ok(0);
        };
        let found = self.shared.events.get(event.as_str()).await?;
        let Some(event) = found.filter(|event| event.app == webhook.app && event.body.is_some()) else {
            return Ok(0);
        };
        match self.shared.repo.insert(&course::fresh(&event, &webhook)).await {
            Ok(()) => Ok(1),
            Err(Error::Duplicate { .. }) => self.renew(&event, id).await,
            Err(error) => Err(error),
        }
    }

    async fn renew(&self, event: &PushEvent, webhook: &WebhookId) -> store::Result<u64> {
        let mut renewed = false;
        let change = |delivery: &mut Delivery| {
            renewed = self.begin_anew(delivery, false);
            if renewed { Change::Save } else { Change::Keep }
        };
        let id = Delivery::id_of(&event.id, webhook);
        self.shared.repo.update(&id, change).await?;
        Ok(renewed.into())
    }

    async fn replay_range(
        &self,
        webhook: &WebhookId,
        from: Timestamp,
        until: Timestamp,
        only_dead: bool,
    ) -> store::Result<u64> {
        let index = if only_dead {
            Delivery::DEAD
        } else {
            Delivery::BY_WEBHOOK
        };
        let mut find = Find::by(index, [webhook.as_str().into()]);
        find.from = Some(from.into());
        find.until = Some(until.into());
        find.limit = PAGE;
        let mut count = 0;
        loop {
            let mut found = self.shared.repo.find(find.clone()).await?;
            let is_last_page = found.len() < PAGE;
            find.after = found
                .last()
                .map(|last| (last.record.created_at.into(), last.record.id.clone()));
            found.retain_mut(|found| self.begin_anew(&mut found.record, only_dead));
            for written in join_all(found.iter().map(|found| self.shared.repo.replace(found))).await {
                count += u64::from(written?);
            }
            if is_last_page {
                return Ok(count);
            }
        }
    }

    /// Says whether there was anything to change.
    fn begin_anew(&self, delivery: &mut Delivery, only_dead: bool) -> bool {
        let now = self.shared.clock.store_now();
        let renews = match delivery.state {
            DeliveryState::Dead => true,
            DeliveryState::Delivered => !only_dead,
            // Whoever is trying it goes on.
            DeliveryState::Waiting => {
                !only_dead && (delivery.owner.is_none() || course::due(delivery) <= Some(now))
            }
            DeliveryState::Dropped => false,
        };
        if renews {
            course::replay(delivery);
        }
        renews
    }
}
