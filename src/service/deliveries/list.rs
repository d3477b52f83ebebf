//! A webhook's deliveries for those who look after it. Nothing is changed here.

use super::{Deliveries, course};
use crate::domain::ids::WebhookId;
use crate::service::records::{Delivery, DeliveryState};
use crate::store::{self, Find, Order};

/// How many are read at once.
const PAGE: usize = 200;

impl Deliveries {
    /// A webhook's deliveries, newest event first, behind the one with this id; only those in a certain state if one is
    /// given.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn list(
        &self,
        webhook: &WebhookId,
        state: Option<DeliveryState>,
        after: Option<String>,
        limit: usize,
    ) -> store::Result<Vec<Delivery>> {
        let repo = &self.shared.repo;
        let index = if state == Some(DeliveryState::Dead) {
            Delivery::DEAD
        } else {
            Delivery::BY_WEBHOOK
        };
        let mut find = Find::by(index, [webhook.as_str().into()]);
        find.order = Order::Descending;
        // One that is to be in a certain state may be far away.
        find.limit = if state.is_some() {
            PAGE
        } else {
            limit.clamp(1, PAGE)
        };
        if let Some(id) = after {
            let time = match repo.get(&id).await? {
                Some(last) => Some(last.created_at),
                None => course::time_of(&id),
            };
            find.after = time.map(|time| (time.into(), id));
        }
        let mut all = Vec::new();
        while all.len() < limit {
            let found = repo.find(find.clone()).await?;
            let is_last_page = found.len() < find.limit;
            find.after = found
                .last()
                .map(|last| (last.record.created_at.into(), last.record.id.clone()));
            let found = found.into_iter().map(|found| found.record);
            let wanted = found.filter(|delivery| state.is_none_or(|state| delivery.state == state));
            all.extend(wanted.take(limit - all.len()));
            if is_last_page {
                break;
            }
        }
        Ok(all)
    }
}
