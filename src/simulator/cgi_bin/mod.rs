//! `/cgi-bin`: credentials, customer-service messages and questions about the network so far.

pub(crate) mod callback;
pub(crate) mod message;
pub(crate) mod stable_token;
pub(crate) mod ticket;
pub(crate) mod token;
