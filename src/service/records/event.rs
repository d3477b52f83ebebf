//! What WeChat pushed: each message and event once, with what is still to be done about it.

use serde::{Deserialize, Serialize};

use super::stored_in;
use crate::domain::ids::{AppName, EventId, WebhookId};
use crate::domain::push::reply::Reply;
use crate::domain::time::Timestamp;
use crate::store::{Collection, Index, Record};

/// A pushed message or event.
///
/// Its id begins with its time, so that the ids of an app are in the order in which they were accepted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PushEvent {
    /// Ours: `webhook-id` and the id in the stream.
    pub id: EventId,
    /// Whose.
    pub app: AppName,
    /// The fingerprint of what tells it from all others, so that a repetition is found.
    pub key: String,
    /// Plain mode only: the fingerprint of the timestamp and nonce that it came with. WeChat makes them for one push,
    /// and its signature there does not cover the body.
    #[serde(default)]
    pub nonce: Option<String>,
    /// Plain mode only: the fingerprint of the body.
    #[serde(default)]
    pub digest: Option<String>,
    /// The person it is about, as the id of an identity.
    #[serde(default)]
    pub subject: Option<String>,
    /// Message or event, and which.
    pub kind: String,
    /// WeChat's `MsgType` or `Event`.
    #[serde(rename = "type")]
    pub type_: String,
    /// The normalised event in JSON, as receivers get it; none once the person was deleted.
    #[serde(default)]
    pub body: Option<String>,
    /// The webhooks that have no delivery of it yet.
    #[serde(default)]
    pub owes: Vec<WebhookId>,
    /// How it was answered.
    #[serde(default)]
    pub answer: Answer,
    /// When somebody has to look after it; none if there is nothing left to do.
    #[serde(default)]
    pub todo_at: Option<Timestamp>,
    /// When it was accepted, while there are webhooks that have no delivery of it: by this those events are found that
    /// others must not overtake.
    #[serde(default)]
    pub owed_at: Option<Timestamp>,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it is forgotten.
    pub expires_at: Timestamp,
}

/// What WeChat's user hears.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Answer {
    /// The webhook that is asked for a reply.
    #[serde(default)]
    pub asked: Option<WebhookId>,
    /// While it is being asked: until when whoever asks has to be heard of again.
    #[serde(default)]
    pub asking_until: Option<Timestamp>,
    /// Whether WeChat has been told that there is no reply, while one was still waited for.
    #[serde(default)]
    pub late: bool,
    /// The reply to the push itself.
    #[serde(default)]
    pub passive: Option<Reply>,
    /// What is still to be sent as customer-service messages, in order.
    #[serde(default)]
    pub later: Vec<Reply>,
    /// How often sending those was tried.
    #[serde(default)]
    pub tries: u32,
}

impl PushEvent {
    /// The one event of a key.
    pub const BY_KEY: &'static Index = &Self::COLLECTION.indexes[0];
    /// The one event of a nonce.
    pub const BY_NONCE: &'static Index = &Self::COLLECTION.indexes[1];
    /// An app's events, in the order of their ids.
    pub const BY_APP: &'static Index = &Self::COLLECTION.indexes[2];
    /// The events of a person.
    pub const BY_SUBJECT: &'static Index = &Self::COLLECTION.indexes[3];
    /// The events with something left to do, by when.
    pub const BY_TODO: &'static Index = &Self::COLLECTION.indexes[4];
    /// The events that some webhook has no delivery of yet, by when they were accepted.
    pub const BY_OWED: &'static Index = &Self::COLLECTION.indexes[5];

    /// Notes what is left to do, and that somebody has to look after it at this time if anything is. To be called whenever
    /// [`Self::owes`] or [`Self::answer`] was changed.
    pub fn note_left(&mut self, at: Timestamp) {
        let owes = !self.owes.is_empty();
        let is_left = owes || self.answer.asking_until.is_some() || !self.answer.later.is_empty();
        self.todo_at = is_left.then_some(at);
        self.owed_at = owes.then_some(self.accepted_at);
    }
}

stored_in!(
    PushEvent,
    Collection {
        name: "events",
        indexes: &[
            Index {
                name: "key",
                fields: &["key"],
                unique: true
            },
            Index {
                name: "nonce",
                fields: &["nonce"],
                unique: true
            },
            Index {
                name: "app",
                fields: &["app"],
                unique: false
            },
            Index {
                name: "subject",
                fields: &["subject"],
                unique: false
            },
            Index {
                name: "todo",
                fields: &["todo_at"],
                unique: false
            },
            Index {
                name: "owed",
                fields: &["owed_at"],
                unique: false
            },
        ],
        expires: Some("expires_at"),
    }
);
