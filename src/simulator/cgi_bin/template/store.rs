//! The templates of one account, its industries, and what it sent lately under a key of its own.

use std::collections::HashMap;

use crate::simulator::clock::Moment;
use crate::simulator::errcode;
use crate::simulator::random::Random;
use crate::simulator::reply::{Refusal, refuse};

/// Templates of one account (the number is unconfirmed).
const MOST_TEMPLATES: usize = 25;
/// Seconds for which the same `client_msg_id` is the same message (unconfirmed).
const SAME_MESSAGE: u32 = 600;
/// Keys that are remembered.
const MOST_KEYS: usize = 10_000;

/// A template (模板).
#[derive(Debug, Clone)]
pub(crate) struct Template {
    /// What it is named by.
    pub(crate) id: String,
    /// Its title.
    pub(crate) title: String,
    /// The text with places for data.
    pub(crate) content: String,
}

/// What an account has for template messages.
#[derive(Debug, Clone, Default)]
pub(crate) struct Templates {
    all: Vec<Template>,
    industries: Option<(usize, usize)>,
    set_in: Option<String>,
    sent: HashMap<String, (u64, Moment)>,
}

impl Templates {
    /// Adds a template from the library. WeChat: 45026.
    pub(crate) fn add(
        &mut self,
        short: &str,
        keywords: &[&str],
        random: &mut Random,
    ) -> Result<&Template, Refusal> {
        if self.all.len() >= MOST_TEMPLATES {
            return refuse(errcode::TEMPLATE_COUNT);
        }
        let content = if keywords.is_empty() {
            "{{first.DATA}}\n{{keyword1.DATA}}\n{{keyword2.DATA}}\n{{remark.DATA}}".to_owned()
        } else {
            let places = keywords.iter().enumerate();
            let places = places.map(|(at, name)| format!("{name}:{{{{thing{}.DATA}}}}\n", at + 1));
            places.collect()
        };
        self.all.push(Template {
            id: random.word(43),
            title: format!("模板 {short}"),
            content,
        });
        self.all.last().ok_or_else(|| Refusal::of(errcode::SYSTEM_ERROR))
    }

    /// Removes a template; `false` if there is none.
    pub(crate) fn remove(&mut self, id: &str) -> bool {
        let before = self.all.len();
        self.all.retain(|template| template.id != id);
        self.all.len() < before
    }

    /// Whether the account has a template.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.all.iter().any(|template| template.id == id)
    }

    /// All templates.
    pub(crate) fn all(&self) -> &[Template] {
        &self.all
    }

    /// Sets the industries. WeChat: 43100 for a second time in a month.
    pub(crate) fn set_industries(&mut self, industries: (usize, usize), now: Moment) -> Result<(), Refusal> {
        let month = now.month();
        if self.set_in.as_ref() == Some(&month) {
            return refuse(errcode::INDUSTRY_TOO_OFTEN);
        }
        (self.industries, self.set_in) = (Some(industries), Some(month));
        Ok(())
    }

    /// The industries; those of a new account are our own choice.
    pub(crate) fn industries(&self) -> (usize, usize) {
        self.industries.unwrap_or((1, 41))
    }

    /// The message that was sent under this key lately, if one was.
    pub(crate) fn sent_as(&self, key: &str, now: Moment) -> Option<u64> {
        let (msgid, at) = self.sent.get(key)?;
        (at.plus(SAME_MESSAGE) > now).then_some(*msgid)
    }

    /// Remembers the key of a message.
    pub(crate) fn remember(&mut self, key: &str, msgid: u64, now: Moment) {
        if self.sent.len() >= MOST_KEYS {
            self.sent.retain(|_, (_, at)| at.plus(SAME_MESSAGE) > now);
        }
        if self.sent.len() < MOST_KEYS {
            self.sent.insert(key.to_owned(), (msgid, now));
        }
    }
}
