//! What the tests stand on: servers they need and helpers they share. No test of the product is here.

pub(crate) mod mongo;
pub(crate) mod program;
