//! What is remembered of pushes: the log of the latest, and the transcript of what users and apps saw of each other.
//! Both are bounded.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::Value;

use super::server::Alarm;
use crate::simulator::clock::Moment;

/// Pushes the log remembers.
pub(crate) const MOST_PUSHES: usize = 2_000;
/// Entries of the transcript, of all users and apps together.
pub(crate) const MOST_ENTRIES: usize = 10_000;
/// Bytes of one text or body that are remembered.
const MOST_BYTES: usize = 8 * 1_024;

/// What came of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// It is still being delivered.
    Pending,
    /// The server took it and has nothing to say.
    Accepted,
    /// The user sees a reply.
    Replied,
    /// The server replied, and the user sees nothing of it.
    Ignored,
    /// No delivery was answered well.
    Failed,
    /// It was not tried, as so many before it failed.
    Lost,
    /// The app has no server.
    Unconfigured,
}

/// One delivery of a push.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Delivery {
    /// The status of the answer, if there was one.
    pub(crate) status: Option<u16>,
    /// How long it took.
    pub(crate) millis: u64,
    /// What it failed by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Alarm>,
}

/// One push and what came of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    /// Its number in the log.
    pub(crate) push_id: String,
    /// The app.
    pub(crate) app_id: String,
    /// The user.
    pub(crate) user: String,
    /// The user, as the app knows them.
    pub(crate) openid: String,
    /// Seconds of the simulator's clock.
    pub(crate) time: i64,
    /// The `MsgId`, as a text, for it is longer than JSON's readers like.
    pub(crate) msg_id: Option<String>,
    /// The body before any encryption.
    pub(crate) body: String,
    /// The push that this one repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) copy_of: Option<String>,
    /// All deliveries so far.
    pub(crate) deliveries: Vec<Delivery>,
    /// What came of it.
    pub(crate) outcome: Outcome,
    /// What the server replied.
    pub(crate) reply: Option<Value>,
    /// Why it failed, or why nobody sees the reply.
    pub(crate) reason: Option<String>,
    /// What WeChat told the user in the server's place.
    pub(crate) system_message: Option<&'static str>,
}

/// The log of pushes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pushes {
    latest: VecDeque<Report>,
    next: u64,
    last_id: u64,
}

impl Pushes {
    /// An id for a message or a job. WeChat: 64 bits, and longer than a JavaScript number can tell apart; ours begin
    /// with the time, so that those after a reset differ.
    pub(crate) fn message_id(&mut self, now: Moment) -> u64 {
        let by_time = u64::try_from(now.0).unwrap_or_default() * 10_000;
        self.last_id = by_time.max(self.last_id + 1);
        self.last_id
    }

    /// Begins to remember a push; its id is made here.
    pub(crate) fn begin(&mut self, mut report: Report) -> Report {
        self.next += 1;
        report.push_id = format!("push-{}", self.next);
        report.body = short(&report.body).to_owned();
        if self.latest.len() >= MOST_PUSHES {
            self.latest.pop_front();
        }
        self.latest.push_back(report.clone());
        report
    }

    /// Remembers what came of a push, if it is still known.
    pub(crate) fn settle(&mut self, report: &Report) {
        if let Some(known) = self
            .latest
            .iter_mut()
            .find(|known| known.push_id == report.push_id)
        {
            *known = report.clone();
        }
    }

    /// One push.
    pub(crate) fn get(&self, push_id: &str) -> Option<&Report> {
        self.latest.iter().find(|known| known.push_id == push_id)
    }

    /// The latest, oldest first.
    pub(crate) fn latest(&self, app_id: Option<&str>, limit: usize) -> Vec<&Report> {
        let of_app = |report: &&Report| app_id.is_none_or(|id| id == report.app_id);
        let mut latest: Vec<_> = self.latest.iter().rev().filter(of_app).take(limit).collect();
        latest.reverse();
        latest
    }
}

/// Who says something in a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// The user sends a message.
    Message,
    /// The user does something, or something happens to them.
    Event,
    /// The app replies to a push.
    Reply,
    /// The app sends a customer-service message.
    CustomerService,
    /// The app sends a template message.
    Template,
    /// The app sends a message that the user subscribed to.
    Subscribe,
    /// WeChat tells the user that the app is out of order.
    System,
}

/// One thing that was said or done.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Entry {
    number: u64,
    /// Seconds of the simulator's clock.
    pub(crate) time: i64,
    /// The app.
    pub(crate) app_id: String,
    /// The user.
    pub(crate) user: String,
    /// Who says it.
    pub(crate) kind: Kind,
    /// The push that it belongs to.
    pub(crate) push_id: Option<String>,
    /// What is said.
    pub(crate) content: Value,
}

/// What users and apps saw of each other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Transcript {
    entries: VecDeque<Entry>,
    next: u64,
}

impl Transcript {
    /// Adds something that was said or done.
    pub(crate) fn add(
        &mut self,
        (app_id, user): (&str, &str),
        kind: Kind,
        push_id: Option<&str>,
        content: Value,
        now: Moment,
    ) {
        self.next += 1;
        if self.entries.len() >= MOST_ENTRIES {
            self.entries.pop_front();
        }
        let content = match content {
            content if content.to_string().len() <= MOST_BYTES => content,
            content => short(&content.to_string()).into(),
        };
        self.entries.push_back(Entry {
            number: self.next,
            time: now.seconds(),
            app_id: app_id.to_owned(),
            user: user.to_owned(),
            kind,
            push_id: push_id.map(str::to_owned),
            content,
        });
    }

    /// The latest of an app and a user, oldest first.
    pub(crate) fn latest(&self, app_id: Option<&str>, user: Option<&str>, limit: usize) -> Vec<&Entry> {
        let wanted = |entry: &&Entry| {
            app_id.is_none_or(|id| id == entry.app_id) && user.is_none_or(|id| id == entry.user)
        };
        let mut latest: Vec<_> = self.entries.iter().rev().filter(wanted).take(limit).collect();
        latest.reverse();
        latest
    }
}

fn short(text: &str) -> &str {
    &text[..text.floor_char_boundary(MOST_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_and_are_longer_than_a_javascript_number() {
        let mut pushes = Pushes::default();
        let now = Moment(1_700_000_000_000);
        let first = pushes.message_id(now);
        assert!(first > 1 << 53);
        assert_eq!(pushes.message_id(now), first + 1);
        assert!(pushes.message_id(now.plus(1)) > first + 1);
    }

    #[test]
    fn the_transcript_forgets_the_oldest() {
        let mut transcript = Transcript::default();
        for number in 0..=MOST_ENTRIES {
            transcript.add(("wx1", "ann"), Kind::Message, None, number.into(), Moment(0));
        }
        let all = transcript.latest(None, None, usize::MAX);
        assert_eq!(all.len(), MOST_ENTRIES);
        assert_eq!(all[0].content, 1);
        let long = "é".repeat(MOST_BYTES);
        transcript.add(("wx1", "bob"), Kind::Message, None, long.into(), Moment(0));
        let kept = transcript.latest(Some("wx1"), Some("bob"), 10);
        assert!(kept[0].content.as_str().unwrap().len() <= MOST_BYTES);
    }
}
