//! Which events a webhook wants.

use serde::{Deserialize, Serialize};

use super::event::Event;

/// Which events a webhook wants; all of them if it is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Filters(Vec<String>);

impl Filters {
    /// Whether one of them matches.
    #[must_use]
    pub fn matches(&self, _event: &Event) -> bool {
        self.0.is_empty()
    }
}
