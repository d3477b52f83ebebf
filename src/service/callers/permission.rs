//! What a caller may do. Whether its key is good is not asked here.

use super::{Caller, Grant};
use crate::domain::ids::AppName;

impl Caller {
    /// Whether it may use this app.
    #[must_use]
    pub fn may_use(&self, app: &AppName) -> bool {
        self.apps.contains(app)
    }

    /// Whether it was given this beside its calls.
    #[must_use]
    pub fn has(&self, grant: Grant) -> bool {
        self.grants.contains(&grant)
    }

    /// Whether it may make this call of WeChat's API. The path is decoded and has no query.
    #[must_use]
    pub fn allows(&self, method: &str, path: &str) -> bool {
        self.allow.iter().any(|pattern| pattern.matches(method, path))
    }

    /// Whether it may make this call because a pattern without wildcards says so.
    #[must_use]
    pub fn names(&self, method: &str, path: &str) -> bool {
        self.allow.iter().any(|pattern| pattern.names(method, path))
    }
}
