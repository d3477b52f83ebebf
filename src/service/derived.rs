//! What follows from the records of a feed and is asked more often than they change: made anew after each change, and
//! read without waiting for anybody.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::feed::{Fed, Feed};

/// Something that was made of a feed's records.
pub(super) struct Derived<T>(ArcSwapOption<Made<T>>);

struct Made<T> {
    revision: u64,
    value: Arc<T>,
}

impl<T> Default for Derived<T> {
    fn default() -> Self {
        Self(ArcSwapOption::empty())
    }
}

impl<T> Derived<T> {
    /// What follows from the records as they are known now.
    pub(super) fn of<R: Fed>(&self, feed: &Feed<R>, derive: impl FnOnce(Vec<Arc<R>>) -> T) -> Arc<T> {
        if let Some(made) = &*self.0.load()
            && made.revision == feed.revision()
        {
            return made.value.clone();
        }
        // Several may do this at once. Whichever stays, its revision tells whether it is the latest.
        let (revision, records) = feed.all();
        let value = Arc::new(derive(records));
        let made = Made {
            revision,
            value: value.clone(),
        };
        self.0.store(Some(Arc::new(made)));
        value
    }
}
