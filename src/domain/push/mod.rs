//! What WeChat pushes, and what can be said in answer: bodies, encryption, the normalised event, replies. No I/O, no clock, no
//! randomness.

pub mod event;
pub mod filter;
pub mod reply;
pub mod rule;
pub mod rules;
