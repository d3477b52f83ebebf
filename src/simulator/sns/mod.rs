//! `/sns`: the mini-program login so far.

pub(crate) mod jscode2session;
