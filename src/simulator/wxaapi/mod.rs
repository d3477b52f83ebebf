//! `/wxaapi`: templates of subscribe messages so far.

pub(crate) mod library;
pub(crate) mod newtmpl;
