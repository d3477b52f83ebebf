//! The QR codes that one account made: what stands in them, and how long they can be scanned.

use std::collections::{HashMap, VecDeque};

use serde_json::{Map, Value};

use crate::simulator::clock::Moment;
use crate::simulator::random::Random;

/// WeChat: permanent codes of one account.
pub(crate) const MOST_PERMANENT: usize = 100_000;
/// Codes with an end that are remembered of one account.
const MOST_TEMPORARY: usize = 10_000;

/// What an account wants to be told when a code is scanned.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Scene {
    /// A `scene_id`.
    Number(u32),
    /// A `scene_str`.
    Text(String),
}

/// A QR code.
#[derive(Debug, Clone)]
pub(crate) struct QrCode {
    /// What it names it by.
    pub(crate) ticket: String,
    /// What is told of it.
    pub(crate) scene: Scene,
    /// The text in the picture.
    pub(crate) url: String,
    until: Option<Moment>,
}

/// The QR codes of one account.
#[derive(Debug, Clone, Default)]
pub(crate) struct QrCodes {
    by_ticket: HashMap<String, QrCode>,
    temporary: VecDeque<String>,
    permanent: HashMap<Scene, String>,
}

impl QrCodes {
    /// Makes a code that can be scanned until then, or for ever; `None` if there are too many of the latter, of which
    /// one scene has one (our own choice).
    pub(crate) fn make(
        &mut self,
        scene: Scene,
        until: Option<Moment>,
        random: &mut Random,
    ) -> Option<&QrCode> {
        if until.is_none() {
            if let Some(ticket) = self.permanent.get(&scene) {
                return self.by_ticket.get(ticket);
            }
            if self.permanent.len() >= MOST_PERMANENT {
                return None;
            }
        } else if self.temporary.len() >= MOST_TEMPORARY
            && let Some(oldest) = self.temporary.pop_front()
        {
            self.by_ticket.remove(&oldest);
        }
        // WeChat: tickets have signs that must be encoded in a URL.
        let ticket = format!("gQ{}==", random.word(92).replace('-', "+").replace('_', "/"));
        match until {
            Some(_) => self.temporary.push_back(ticket.clone()),
            None => {
                self.permanent.insert(scene.clone(), ticket.clone());
            }
        }
        let code = QrCode {
            ticket: ticket.clone(),
            scene,
            url: format!("http://weixin.qq.com/q/{}", random.word(20)),
            until,
        };
        Some(self.by_ticket.entry(ticket).or_insert(code))
    }

    /// The code of a ticket, if it can still be scanned.
    pub(crate) fn find(&self, ticket: &str, now: Moment) -> Option<&QrCode> {
        let code = self.by_ticket.get(ticket)?;
        code.until.is_none_or(|until| until > now).then_some(code)
    }

    /// A user's event with what is in the code that it names by its ticket. An event that names none is as it was, and
    /// so is one with a scene of its own.
    pub(crate) fn scanned(
        &self,
        event: &Map<String, Value>,
        now: Moment,
    ) -> Result<Map<String, Value>, String> {
        let mut event = event.clone();
        let ticket = event.get("ticket").and_then(Value::as_str).unwrap_or_default();
        if event.contains_key("scene") || !self.by_ticket.contains_key(ticket) {
            return Ok(event);
        }
        let code = self.find(ticket, now);
        let scene = match &code.ok_or("the QR code of this ticket has expired")?.scene {
            Scene::Number(number) => number.to_string(),
            Scene::Text(text) => text.clone(),
        };
        event.insert("scene".into(), scene.into());
        Ok(event)
    }

    /// What is known of a scan: the code's own scene, or one that looks like what was told.
    pub(crate) fn scene_of(&self, told: &str, ticket: &str) -> Scene {
        let made = self.by_ticket.get(ticket).map(|code| code.scene.clone());
        made.unwrap_or_else(|| match told.parse() {
            Ok(number) => Scene::Number(number),
            Err(_) => Scene::Text(told.to_owned()),
        })
    }
}
