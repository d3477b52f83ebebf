//! The real binary as an operator runs it: killed, stopped, and searched for secrets in all that it emits.

mod crash;
mod erasure;
#[cfg(target_os = "linux")]
mod pictures;
mod push_crash;
#[cfg(target_os = "linux")]
mod relayed;
mod rotation;
mod secrets;
mod shutdown;
mod tokens;
