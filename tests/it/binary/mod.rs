//! The real binary as an operator runs it: killed, stopped, and searched for secrets in all that it emits.

mod crash;
#[cfg(target_os = "linux")]
mod pictures;
mod process;
mod secrets;
mod shutdown;
