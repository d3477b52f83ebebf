//! How many deliveries are on their way at once over all webhooks, and who gets the next place. How many of one webhook's
//! are is the matter of its lane.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Deliveries of this process.
const PLACES: usize = 512;

/// The places of all webhooks.
pub(super) struct Places(Arc<Semaphore>);

/// A place, until it is dropped.
pub(super) struct Place {
    _of_all: OwnedSemaphorePermit,
    /// Its lane's own.
    _of_lane: Option<OwnedSemaphorePermit>,
}

impl Default for Places {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(PLACES)))
    }
}

impl Places {
    /// The one place of a lane that has no other; lanes come in turn.
    pub(super) async fn one(&self, of_lane: Option<OwnedSemaphorePermit>) -> Place {
        let place = self.0.clone().acquire_owned().await;
        Place {
            _of_all: place.expect("the places are never closed"),
            _of_lane: of_lane,
        }
    }

    /// One more for a lane that has `used` already. It gets it only if more than that are free, so that receivers that
    /// are slow share the places evenly, and leave as many as each of them has to whoever comes next.
    pub(super) fn another(&self, used: usize, of_lane: OwnedSemaphorePermit) -> Option<Place> {
        if used >= self.0.available_permits() {
            return None;
        }
        Some(Place {
            _of_all: self.0.clone().try_acquire_owned().ok()?,
            _of_lane: Some(of_lane),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn greedy_lanes_share_evenly_and_leave_some() {
        let places = Places::default();
        let mut taken: Vec<Vec<Place>> = (0..31).map(|_| Vec::new()).collect();
        let slots = Arc::new(Semaphore::new(10_000));
        let slot = || slots.clone().try_acquire_owned().unwrap();
        for _ in 0..64 {
            for own in &mut taken {
                own.extend(places.another(own.len(), slot()));
            }
        }
        assert!(taken.iter().all(|own| own.len() == 16), "an even share");
        assert!(
            places.another(0, slot()).is_some(),
            "a new one is not kept waiting"
        );
        assert_eq!(slots.available_permits(), 10_000 - 31 * 16);
        // Alone a lane has as many as it wants.
        taken.truncate(1);
        for _ in 0..48 {
            let used = taken[0].len();
            taken[0].extend(places.another(used, slot()));
        }
        assert_eq!(taken[0].len(), 64);
        taken.clear();
        assert_eq!(slots.available_permits(), 10_000);
        let all: Vec<_> = std::iter::from_fn(|| places.another(0, slot())).collect();
        assert_eq!(all.len(), PLACES);
        let one = places.one(None);
        tokio::pin!(one);
        assert!(futures_util::poll!(&mut one).is_pending());
        drop(all);
        assert!(futures_util::poll!(&mut one).is_ready());
    }
}
