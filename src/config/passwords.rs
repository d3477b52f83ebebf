//! `[auth.argon2]` and `[auth.limits]`: what a password costs to check, and how often it may be wrong.

use std::time::Duration;

use super::reader::Reader;
use super::sections::{DAY, SECOND, size};

/// Memory times iterations of the weakest parameters that OWASP still recommends (7 MiB, 5 iterations).
const LEAST_WORK: u64 = 7168 * 5;

/// `[auth.argon2]`: how passwords are hashed.
#[derive(Debug, Clone)]
pub struct Argon2 {
    /// KiB for each hash.
    pub memory: u32,
    /// Passes over that memory.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
    /// Hashes at once; 0 is one per core.
    pub concurrent: usize,
    /// How many may wait for their turn.
    pub queue: usize,
}

/// `[auth.limits]`: how often somebody may fail to prove who they are.
#[derive(Debug, Clone)]
pub struct FailureLimits {
    /// Per account.
    pub account_failures: u32,
    /// Per client address.
    pub address_failures: u32,
    /// Counted from the first failure on.
    pub window: Duration,
}

impl Argon2 {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let argon2 = Self {
            memory: number(reader, "auth.argon2.memory", 7168, 4 * 1024 * 1024),
            iterations: number(reader, "auth.argon2.iterations", 1, 100),
            parallelism: number(reader, "auth.argon2.parallelism", 1, 16),
            concurrent: size(reader, "auth.argon2.concurrent", 0, 1024),
            queue: size(reader, "auth.argon2.queue", 0, 100_000),
        };
        if u64::from(argon2.memory) * u64::from(argon2.iterations) < LEAST_WORK {
            let text = format!(
                "is too little for {} iterations: memory times iterations must be at least {LEAST_WORK}",
                argon2.iterations
            );
            reader.problem("auth.argon2.memory", text);
        }
        argon2
    }
}

impl FailureLimits {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            account_failures: number(reader, "auth.limits.account_failures", 1, 1_000_000),
            address_failures: number(reader, "auth.limits.address_failures", 1, 1_000_000),
            window: reader.duration("auth.limits.window", SECOND, DAY),
        }
    }
}

fn number(reader: &mut Reader<'_>, path: &str, least: i64, most: i64) -> u32 {
    u32::try_from(reader.integer(path, least, most)).unwrap_or(u32::MAX)
}
