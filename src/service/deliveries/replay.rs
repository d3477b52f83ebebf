//! Deliveries that are made once more because somebody wants it. Who may want that is not decided here.

use futures_util::future::join_all;

use super::{Deliveries, Place, course};
use crate::domain::ids::{EventId, WebhookId};
use crate::domain::time::Timestamp;
use crate::service::records::{Delivery, DeliveryState, PushEvent};
use crate::store::{self, Change, Error, Find};

/// How many are read and written at once.
const PAGE: usize = 200;
/// So many pages are looked through for one request.
const PAGES: usize = 50;

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
        /// Behind this place only.
        after: Option<Place>,
    },
}

/// What came of a replay.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replayed {
    /// So many begin anew.
    pub count: u64,
    /// Behind this there may be more; nothing if all were looked at.
    pub next: Option<Place>,
}

impl Deliveries {
    /// Has a webhook's deliveries begin anew, at most ten thousand at once, and says how many. What is being tried just now and what is to be tried
    /// anyway is made due; what was never made or was dropped stays as it is.
    ///
    /// # Errors
    /// If the store does not answer. Some may have begun then.
    pub async fn replay(&self, webhook: &WebhookId, which: Replay) -> store::Result<Replayed> {
        let replayed = match which {
            Replay::One(event) => Replayed {
                count: self.replay_one(webhook, &event).await?,
                next: None,
            },
            Replay::Range {
                from,
                until,
                only_dead,
                after,
            } => {
                let index = if only_dead {
                    Delivery::DEAD
                } else {
                    Delivery::BY_WEBHOOK
                };
                let mut find = Find::by(index, [webhook.as_str().into()]);
                find.from = Some(from.into());
                find.until = Some(until.into());
                find.after = after.map(|place| place.of(webhook));
                self.replay_range(find, only_dead).await?
            }
        };
        if replayed.count > 0 {
            self.lane(webhook).wake();
        }
        Ok(replayed)
    }

    async fn replay_one(&self, id: &WebhookId, event: &EventId) -> store::Result<u64> {
        let Some(webhook) = self.shared.webhooks.find(id).await? else {
            return Ok(0);
        };
        let found = self.shared.events.get(event).await?;
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

    async fn replay_range(&self, mut find: Find, only_dead: bool) -> store::Result<Replayed> {
        find.limit = PAGE;
        let mut count = 0;
        for _ in 0..PAGES {
            let page = self.shared.repo.find_page(find.clone()).await?;
            let mut found = page.found;
            found.retain_mut(|found| self.begin_anew(&mut found.record, only_dead));
            for written in join_all(found.iter().map(|found| self.shared.repo.replace(found))).await {
                count += u64::from(written?);
            }
            find.after = page.next;
            if find.after.is_none() {
                break;
            }
        }
        Ok(Replayed {
            count,
            next: find.after.as_ref().and_then(Place::from_store),
        })
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
