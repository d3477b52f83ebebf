//! The normalised event: what WeChat pushed, in one form for all receivers. `docs/events.md` describes it to them.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::payload::{Format, Malformed, Payload, text_of};
use super::{data, known};
use crate::domain::ids::{AppId, AppName};

/// Longer names of people, accounts and types are refused.
const MAX_NAME: usize = 128;
/// The last second of the year 9999: what is later is no time in seconds.
const LATEST: i64 = 253_402_300_799;

/// Members of `data` that tell apart what happened to one person within one second.
const TELLING: [&str; 8] = [
    "trace_id",
    "publish_event_info",
    "list",
    "card_id",
    "user_card_code",
    "scan_code_info",
    "content",
    "media_id",
];

/// Message or event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Somebody wrote.
    Message,
    /// Something happened.
    Event,
}

impl Kind {
    /// As it stands in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Event => "event",
        }
    }
}

/// What WeChat pushed, in one form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Our own id of it.
    pub id: String,
    /// The app.
    pub app: AppName,
    /// WeChat's id of the app.
    pub app_id: AppId,
    /// Message or event.
    pub kind: Kind,
    /// Which: `MsgType` of a message, `Event` of an event, in WeChat's spelling.
    pub r#type: String,
    /// Whom it is about.
    pub openid: Option<String>,
    /// The account's original id (原始ID), `gh_…`; empty if WeChat did not say.
    pub account: String,
    /// When WeChat made it, in seconds.
    pub created_at: i64,
    /// When it came, in seconds.
    pub received_at: i64,
    /// WeChat's ids.
    #[serde(default)]
    pub ids: Ids,
    /// `EventKey`, if it says anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Everything else.
    pub data: Map<String, Value>,
    /// What it was made from.
    pub payload: Original,
}

/// WeChat's ids of a push. They have up to 64 bits, so they are texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ids {
    /// `MsgId` of a message; `MsgID` of the message that an event tells of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub msg_id: Option<String>,
    /// `MsgDataId`: the published message to which somebody replied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub msg_data_id: Option<String>,
}

/// What an event was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Original {
    /// XML or JSON.
    pub format: Format,
    /// The decrypted body, untouched.
    pub text: String,
}

impl Event {
    /// Makes an event of a push. Only `MsgType`, and `Event` if that is `event`, must be there.
    ///
    /// # Errors
    /// The member that is missing or cannot be meant.
    pub fn normalise(
        app: &AppName,
        app_id: &AppId,
        id: String,
        received_at: i64,
        payload: Payload,
    ) -> Result<Self, Malformed> {
        let message = name(&payload, "MsgType")?.ok_or(Malformed::Missing("MsgType"))?;
        let (kind, r#type) = if message.eq_ignore_ascii_case("event") {
            let event = name(&payload, "Event")?.ok_or(Malformed::Missing("Event"))?;
            (Kind::Event, known::event(&event).map_or(event, str::to_owned))
        } else {
            (
                Kind::Message,
                known::message(&message).map_or(message, str::to_owned),
            )
        };
        let sender = name(&payload, "FromUserName")?;
        let openid = match name(&payload, "OpenID")? {
            Some(other) if kind == Kind::Event && known::is_about_another(&r#type) => Some(other),
            // The assistant that tells of mass messages is nobody.
            _ => sender.filter(|sender| sender != "mphelper"),
        };
        let created_at = payload.integer("CreateTime");
        let ids = Ids {
            msg_id: id_of(&payload, "MsgId").or_else(|| id_of(&payload, "MsgID")),
            msg_data_id: id_of(&payload, "MsgDataId"),
        };
        let key = payload.text("EventKey").filter(|key| !key.is_empty());
        Ok(Self {
            id,
            app: app.clone(),
            app_id: app_id.clone(),
            kind,
            openid,
            account: name(&payload, "ToUserName")?.unwrap_or_default(),
            created_at: created_at
                .filter(|time| (0..=LATEST).contains(time))
                .unwrap_or(received_at),
            received_at,
            ids,
            key: key.map(std::borrow::Cow::into_owned),
            data: data::normalised(&r#type, &payload.members),
            r#type,
            payload: Original {
                format: payload.format,
                text: payload.text,
            },
        })
    }

    /// The same for WeChat's repetitions of one push, and different for two pushes.
    ///
    /// Messages have an id. Events have none: who, when, what and its key tell them apart, and what else is known to
    /// differ. Timestamp and nonce of the request do not count, as a repetition may have new ones. (消息排重.)
    #[must_use]
    pub fn dedupe_key(&self) -> String {
        let mut key = format!("{}:{}", self.kind.as_str(), self.app_id);
        let mut add = |part: &str| write!(key, ":{}:{part}", part.len()).expect("a String takes any text");
        let id = self.ids.msg_id.as_deref();
        if let (Kind::Message, Some(id)) = (self.kind, id) {
            add(id);
            return key;
        }
        add(self.openid.as_deref().unwrap_or_default());
        add(&self.created_at.to_string());
        add(&self.r#type);
        add(self.key.as_deref().unwrap_or_default());
        add(id.unwrap_or_default());
        for (name, value) in TELLING.iter().filter_map(|name| self.data.get_key_value(*name)) {
            add(name);
            add(&value.to_string());
        }
        key
    }

    /// Whether the answer to the push may carry a reply. A mini program's may only hand a message over to customer
    /// service; see [`super::reply::Reply::for_mini`].
    #[must_use]
    pub fn allows_reply(&self, is_mini: bool) -> bool {
        match self.kind {
            Kind::Message => true,
            Kind::Event => !is_mini && known::is_answered(&self.r#type),
        }
    }

    /// Whether it can be handed over to customer service: messages only.
    #[must_use]
    pub fn allows_transfer(&self) -> bool {
        self.kind == Kind::Message
    }

    /// How many articles WeChat shows in a reply to it. (被动回复用户消息.)
    #[must_use]
    pub fn articles_allowed(&self) -> usize {
        match self.kind {
            Kind::Message => 1,
            Kind::Event => super::reply::MAX_ARTICLES,
        }
    }

    /// What somebody wrote, if this is a text message.
    #[must_use]
    pub fn text_of(&self) -> Option<&str> {
        if self.kind != Kind::Message || self.r#type != "text" {
            return None;
        }
        self.data.get("content").and_then(Value::as_str)
    }
}

/// A member that names somebody or something; nothing if it is absent or empty.
fn name(payload: &Payload, member: &'static str) -> Result<Option<String>, Malformed> {
    let text = payload.text(member).filter(|text| !text.trim().is_empty());
    match text {
        None if matches!(
            payload.members.get(member),
            Some(Value::Object(_) | Value::Array(_) | Value::Bool(_))
        ) =>
        {
            Err(Malformed::Value(member))
        }
        Some(text) if text.len() > MAX_NAME || text.chars().any(char::is_control) => {
            Err(Malformed::Value(member))
        }
        text => Ok(text.map(|text| text.trim().to_owned())),
    }
}

/// A member that is an id. A number with a fraction is none: its last digits are lost.
fn id_of(payload: &Payload, member: &str) -> Option<String> {
    let value = payload.members.get(member).filter(|value| !value.is_f64())?;
    let text = text_of(value)?;
    let text = text.trim();
    (!text.is_empty() && text.len() <= MAX_NAME).then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
