//! A webhook's deliveries for those who look after it, and places in lists of them. Nothing is changed here.

use std::fmt;
use std::str::FromStr;

use super::Deliveries;
use crate::domain::ids::{EventId, WebhookId};
use crate::domain::time::Timestamp;
use crate::service::records::{Delivery, DeliveryState};
use crate::store::{self, Find, Key, Order};

/// How many are read at once.
const PAGE: usize = 200;
/// So many pages are looked through for one part of a list: what is in a certain state may be far away.
const PAGES: usize = 20;

/// A place in a list of one webhook's deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The time by which the list is sorted.
    time: Timestamp,
    event: EventId,
}

/// A part of a webhook's deliveries.
#[derive(Debug, Clone)]
pub struct Listed {
    /// In order; perhaps fewer than there could be, or none.
    pub deliveries: Vec<Delivery>,
    /// Where the next part begins; nothing at the end.
    pub next: Option<Place>,
}

impl Deliveries {
    /// A webhook's deliveries, newest event first, behind this place; only those in a certain state if one is given. Those
    /// that wait come in the order in which they are due.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn list(
        &self,
        webhook: &WebhookId,
        state: Option<DeliveryState>,
        after: Option<Place>,
        limit: usize,
    ) -> store::Result<Listed> {
        // Whether others are found as well, which are left out.
        let (index, is_mixed) = match state {
            Some(DeliveryState::Dead) => (Delivery::DEAD, false),
            Some(DeliveryState::Waiting) => (Delivery::BY_DUE, false),
            Some(DeliveryState::Delivered | DeliveryState::Dropped) => (Delivery::BY_WEBHOOK, true),
            None => (Delivery::BY_WEBHOOK, false),
        };
        let mut find = Find::by(index, [webhook.as_str().into()]);
        if state != Some(DeliveryState::Waiting) {
            find.order = Order::Descending;
        }
        find.after = after.map(|place| place.of(webhook));
        let mut deliveries = Vec::new();
        for _ in 0..PAGES {
            find.limit = if is_mixed { PAGE } else { limit - deliveries.len() };
            let page = self.shared.repo.find_page(find.clone()).await?;
            find.after = page.next;
            for delivery in page.found.into_iter().map(|found| found.record) {
                if state.is_some_and(|state| delivery.state != state) {
                    continue;
                }
                if deliveries.len() == limit {
                    // One more than is wanted: it is the first of the next part.
                    let last: Option<&Delivery> = deliveries.last();
                    return Ok(Listed {
                        next: last.map(Place::by_event),
                        deliveries,
                    });
                }
                deliveries.push(delivery);
            }
            if find.after.is_none() || deliveries.len() == limit {
                break;
            }
        }
        Ok(Listed {
            deliveries,
            next: find.after.as_ref().and_then(Place::from_store),
        })
    }
}

impl Place {
    /// The place of a delivery in the list of all.
    fn by_event(delivery: &Delivery) -> Self {
        Self {
            time: delivery.created_at,
            event: delivery.event.clone(),
        }
    }

    /// As the store says it.
    pub(super) fn from_store((key, id): &(Key, String)) -> Option<Self> {
        let (Key::Int(millis), Some((event, _))) = (key, id.split_once(':')) else {
            return None;
        };
        Some(Self {
            time: Timestamp::from_millis(*millis),
            event: event.parse().ok()?,
        })
    }

    /// As the store wants it.
    pub(super) fn of(self, webhook: &WebhookId) -> (Key, String) {
        (self.time.into(), Delivery::id_of(&self.event, webhook))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.time, self.event)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (millis, event) = text.split_once('.').ok_or(())?;
        Ok(Self {
            time: Timestamp::from_millis(millis.parse().map_err(drop)?),
            event: event.parse().map_err(drop)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_and_read() {
        let id = "evt_1700000000000aaaaaaaaaaaaaaaa:whk_a".to_owned();
        let stored = (Key::Int(1_700_000_000_001), id);
        let place = Place::from_store(&stored).unwrap();
        let text = place.to_string();
        assert_eq!(text, "1700000000001.evt_1700000000000aaaaaaaaaaaaaaaa");
        assert_eq!(text.parse(), Ok(place.clone()));
        assert_eq!(place.of(&"whk_a".parse().unwrap()), stored);
        for wrong in ["", "evt_1", "x.evt_1", "1.", "1.evt_1:whk_a"] {
            assert_eq!(wrong.parse::<Place>(), Err(()), "{wrong}");
        }
    }
}
