//! `[push]`: what is done with what WeChat pushes. The keys of each app are in `apps`.

use std::time::Duration;

use super::problem::Problem;
use super::reader::Reader;
use super::sections::{DAY, SECOND};

/// From the first attempt of a delivery to its last, with the random part of each pause.
const LONGEST_DELIVERY: Duration = Duration::from_hours(30);

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
    pub(super) fn read(reader: &mut Reader<'_>, warnings: &mut Vec<Problem>) -> Self {
        let push = Self {
            timestamp_window: reader.duration("push.timestamp_window", Duration::ZERO, DAY),
            retention: reader.duration("push.retention", Duration::from_hours(1), 3650 * DAY),
            webhook_private_networks: reader.boolean("push.webhook_private_networks"),
            reply_timeout: reader.duration("push.reply_timeout", SECOND, Duration::from_secs(15)),
        };
        if push.retention < LONGEST_DELIVERY {
            let text = "is shorter than a delivery may be tried again, 30 hours: some are forgotten before";
            warnings.push(Problem::new("push.retention", text));
        }
        if push.timestamp_window.is_zero() {
            let text =
                "is off: a captured push is believed for ever, as far as push.retention does not remember it";
            warnings.push(Problem::new("push.timestamp_window", text));
        }
        push
    }
}
