//! What WeChat pushes, and what can be said in answer: bodies, encryption, the normalised event, replies. No I/O, no clock, no
//! randomness. Whether a push is genuine or was seen before is decided elsewhere.

pub mod envelope;
pub mod event;
pub mod filter;
pub mod payload;
pub mod reply;
pub mod rule;
pub mod rules;

mod data;
mod json;
mod known;
mod xml;
