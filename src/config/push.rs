//! `[push]`: what is done with what WeChat pushes. The keys of each app are in `apps`.

use std::time::Duration;

use super::reader::Reader;
use super::sections::{DAY, SECOND};

/// `[push]`: what is done with what WeChat pushes.
#[derive(Debug, Clone)]
pub struct Push {
    /// How far a push's timestamp may be from our clock; zero means any distance.
    pub timestamp_window: Duration,
    /// How long events and their deliveries are kept.
    pub retention: Duration,
    /// Whether webhooks may be on loopback and in private networks.
    pub webhook_private_networks: bool,
    /// How long a webhook that is asked for a reply may take. What comes later than WeChat waits is sent as a
    /// customer-service message.
    pub reply_timeout: Duration,
}

impl Push {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            timestamp_window: reader.duration("push.timestamp_window", Duration::ZERO, DAY),
            retention: reader.duration("push.retention", Duration::from_hours(1), 3650 * DAY),
            webhook_private_networks: reader.boolean("push.webhook_private_networks"),
            reply_timeout: reader.duration("push.reply_timeout", SECOND, Duration::from_secs(60)),
        }
    }
}
