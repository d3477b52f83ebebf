//! `/cgi-bin`: credentials, messages, questions about the network and the older mini-program codes so far.

pub(crate) mod callback;
pub(crate) mod message;
pub(crate) mod stable_token;
pub(crate) mod ticket;
pub(crate) mod token;
pub(crate) mod wxaapp;
