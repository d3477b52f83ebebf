//! `[gateway]`: the company's services call WeChat's API through us. What they may call is in their keys.

use std::collections::BTreeSet;
use std::time::Duration;

use super::reader::Reader;
use super::sections::{DAY, SECOND};

/// Paths of our own begin so; WeChat's begin with none of these.
const OURS: [&str; 12] = [
    "api", "auth", "avatars", "demo", "docs", "h5", "healthz", "jsapi", "metrics", "readyz", "user", "v1",
];

/// `[gateway]`: the company's services call WeChat's API through us.
#[derive(Debug, Clone)]
pub struct Gateway {
    /// The first segments of WeChat's own paths that are served at the root, for SDKs that know no others.
    pub prefixes: BTreeSet<String>,
    /// How many calls of one app may be under way at once, in each process.
    pub concurrency: usize,
    /// How long WeChat may take to begin its answer, and then be silent in the middle of it.
    pub timeout: Duration,
    /// How long a whole call may take, its body and its answer included.
    pub transfer_timeout: Duration,
    /// The largest body, in bytes.
    pub body: u64,
    /// How long it is kept who changed what.
    pub audit_retention: Duration,
}

impl Gateway {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            prefixes: prefixes(reader),
            concurrency: usize::try_from(reader.integer("gateway.concurrency", 1, 10_000)).unwrap_or(1),
            timeout: reader.duration(
                "gateway.timeout",
                Duration::from_millis(100),
                Duration::from_mins(10),
            ),
            transfer_timeout: reader.duration("gateway.transfer_timeout", SECOND, DAY),
            body: u64::try_from(reader.integer("gateway.body", 0, 1 << 40)).unwrap_or(0),
            audit_retention: reader.duration("gateway.audit_retention", DAY, 3650 * DAY),
        }
    }
}

fn prefixes(reader: &mut Reader<'_>) -> BTreeSet<String> {
    const PATH: &str = "gateway.prefixes";
    let all = reader.list(PATH);
    for prefix in &all {
        let named = prefix
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if prefix.is_empty() || !named {
            reader.problem(
                PATH,
                format!("{prefix:?} is not one segment of letters, digits and -"),
            );
        } else if OURS.contains(&prefix.as_str()) {
            reader.problem(PATH, format!("{prefix:?} is a path of our own"));
        }
    }
    all.into_iter().collect()
}
