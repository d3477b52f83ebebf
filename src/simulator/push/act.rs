//! What a user does becomes a push: the members, what the app may answer, and what changes between the two. The
//! messages and events themselves are in files of their own.

use serde_json::{Map, Value};

use super::conversation::Action;
use super::settings::{Hazards, PushFormat};
use super::{events, messages};
use crate::simulator::clock::Moment;
use crate::simulator::random::Random;
use crate::simulator::settings::AppKind;

/// Who acts towards whom, and when.
pub(crate) struct Scene<'a> {
    /// What the app is.
    pub(crate) kind: AppKind,
    /// The app.
    pub(crate) app_id: &'a str,
    /// The account's own id.
    pub(crate) account: &'a str,
    /// The user.
    pub(crate) openid: &'a str,
    /// Whether the user follows the account, if that was ever decided.
    pub(crate) follows: Option<bool>,
    /// The format of the app's pushes.
    pub(crate) format: PushFormat,
    /// When it happens.
    pub(crate) at: Moment,
    /// The id of a message or a job, if one is made.
    pub(crate) id: u64,
    /// What else is made up.
    pub(crate) random: &'a mut Random,
}

/// What a user does.
pub(crate) enum Doing<'a> {
    /// Sends a message.
    Message(&'a Map<String, Value>),
    /// Does something that is an event.
    Event(&'a Map<String, Value>),
    /// These members, whatever they are.
    Raw(&'a Map<String, Value>),
    /// This body, whatever it is.
    Text(&'a str),
}

/// A push before it is written.
#[derive(Debug)]
pub(crate) struct Act {
    /// The members in order; none if the body is a text of its own.
    pub(crate) members: Map<String, Value>,
    /// What the app may answer.
    pub(crate) replies: Replies,
    /// What changes.
    pub(crate) effect: Effect,
    /// What the transcript shows.
    pub(crate) shown: Value,
}

/// What changes between user and app.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Effect {
    /// The user follows now, or does not any more.
    pub(crate) follows: Option<bool>,
    /// What lets the app send messages.
    pub(crate) action: Option<Action>,
}

/// What the app may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replies {
    /// Anything, but one article only.
    ToMessage,
    /// Anything.
    ToEvent,
    /// Nothing; a reply is read and then forgotten.
    None,
}

impl Scene<'_> {
    /// The members that begin every push.
    pub(super) fn head(&self, given: &Map<String, Value>) -> Result<Map<String, Value>, String> {
        let mut members = Map::new();
        members.insert("ToUserName".into(), self.account.into());
        members.insert("FromUserName".into(), self.openid.into());
        let time = given.get("create_time").cloned();
        let time = time.unwrap_or_else(|| self.at.seconds().into());
        if !time.is_i64() && !time.is_u64() && !time.is_string() {
            return Err("create_time is a whole number or a text".into());
        }
        members.insert("CreateTime".into(), time);
        Ok(members)
    }

    /// The `MsgId`. WeChat: 64 bits, and beyond what a JavaScript number holds.
    pub(super) fn message_id(&self, given: &Map<String, Value>) -> Result<Value, String> {
        match given.get("msg_id") {
            None => Ok(self.id.into()),
            Some(id) if id.is_u64() || id.is_string() => Ok(id.clone()),
            Some(_) => Err("msg_id is a whole number or a text".into()),
        }
    }

    /// The push of what a user does, or why there is none.
    pub(crate) fn act(&mut self, doing: &Doing<'_>) -> Result<Act, String> {
        match doing {
            Doing::Message(given) => messages::act(given, self),
            Doing::Event(given) => events::act(given, self),
            Doing::Raw(given) => self.raw(given),
            Doing::Text(text) => Ok(Act {
                members: Map::new(),
                replies: Replies::ToEvent,
                effect: Effect::default(),
                shown: (*text).into(),
            }),
        }
    }

    /// Members as they are; those of the head stand there unless others are given, or null.
    fn raw(&self, given: &Map<String, Value>) -> Result<Act, String> {
        let mut members = self.head(&Map::new())?;
        members.extend(given.clone());
        members.retain(|_, value| !value.is_null());
        let is_event = members.get("MsgType").is_some_and(|kind| kind == "event");
        let event = members.get("Event").and_then(Value::as_str).unwrap_or_default();
        let replies = if is_event {
            events::replies(event, self.kind)
        } else {
            Replies::ToMessage
        };
        let effect = Effect {
            follows: (self.kind == AppKind::Official && !is_event).then_some(true),
            action: (!is_event).then_some(Action::Message),
        };
        Ok(Act {
            shown: members.clone().into(),
            members,
            replies,
            effect,
        })
    }
}

impl Hazards {
    /// Makes members harder to read.
    pub(crate) fn spoil(self, members: &mut Map<String, Value>, format: PushFormat) {
        if self.extra_members {
            members.insert("SimulatedExtra".into(), "unknown".into());
            let inner = Map::from_iter([("Inner".to_owned(), Value::from(1))]);
            members.insert("SimulatedNest".into(), inner.into());
        }
        if format == PushFormat::Json {
            members.values_mut().for_each(|value| self.respell(value));
        }
    }

    fn respell(self, value: &mut Value) {
        match value {
            Value::Number(number) if self.numbers_as_text => *value = number.to_string().into(),
            Value::Array(values) => {
                for value in values.iter_mut() {
                    self.respell(value);
                }
                if self.single_list_as_object && values.len() == 1 {
                    *value = values.remove(0);
                }
            }
            Value::Object(members) => members.values_mut().for_each(|value| self.respell(value)),
            _ => {}
        }
    }
}
