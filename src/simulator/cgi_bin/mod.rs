//! `/cgi-bin`: credentials so far.

pub(crate) mod stable_token;
pub(crate) mod ticket;
pub(crate) mod token;
