//! Events on their way to webhooks: real receivers, real stores, a clock that is turned.

mod answers;
mod circuit;
mod guard;
mod instances;
mod office;
mod ordered;
mod replay;
mod sending;
