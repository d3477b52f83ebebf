//! Facts about the store itself.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::stored_in;
use crate::store::{Collection, Record};

/// A fact about the store itself.
#[derive(Clone, Serialize, Deserialize)]
pub struct Setting {
    /// Its name.
    pub id: String,
    /// Its value.
    pub value: String,
}

/// The value may be the master key.
impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setting")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

stored_in!(
    Setting,
    Collection {
        name: "settings",
        indexes: &[],
        expires: None
    }
);
