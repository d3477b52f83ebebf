//! The cases of the conformance suite: functions that open a store of the given kind and hold it to its promises.

pub(crate) mod bulk;
pub(crate) mod documents;
pub(crate) mod expiry;
pub(crate) mod finding;
pub(crate) mod preparing;
pub(crate) mod racing;
pub(crate) mod uniqueness;
pub(crate) mod versions;
