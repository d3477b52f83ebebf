//! An app's templates of subscribe messages (订阅消息), and how many messages each user has agreed to. What a message may
//! say is `value_rules`' matter.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::errcode;
use super::reply::Refusal;
use super::value_rules::Key;

/// WeChat: templates of one app.
const MOST_TEMPLATES: usize = 25;
/// Agreements that are remembered, of all users and templates.
const MOST_AGREEMENTS: usize = 100_000;

/// Whether one agreement is good for one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Term {
    /// For one (一次性订阅).
    Once,
    /// For any number, until it is taken back (长期订阅).
    Long,
}

impl Term {
    /// WeChat's number for it.
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::Once => 2,
            Self::Long => 3,
        }
    }
}

/// A template of the app's own.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    /// Its id.
    pub(crate) id: String,
    /// Its title.
    pub(crate) title: String,
    /// Whether one agreement is good for one message.
    pub(crate) term: Term,
    /// What it consists of.
    pub(crate) keywords: Vec<Keyword>,
}

/// One line of a template.
#[derive(Debug, Clone)]
pub(crate) struct Keyword {
    /// The member of a message's `data`, and what may stand there.
    pub(crate) key: Key,
    /// What the line is called.
    pub(crate) name: String,
    /// A value as it may be.
    pub(crate) example: String,
}

/// Templates and agreements.
#[derive(Debug, Clone, Default)]
pub(crate) struct Subscriptions {
    templates: Vec<Template>,
    credits: HashMap<(usize, String), u32>,
}

impl Subscriptions {
    /// The app's templates in the order they were added.
    pub(crate) fn templates(&self) -> &[Template] {
        &self.templates
    }

    /// A template by its id. WeChat: 40037 for an unknown one.
    pub(crate) fn template(&self, id: &str) -> Result<&Template, Refusal> {
        let found = self.templates.iter().find(|template| template.id == id);
        found.ok_or_else(|| Refusal::of(errcode::INVALID_TEMPLATE))
    }

    /// Adds a template. WeChat: 200012 for too many, 200022 for one that is there already.
    pub(crate) fn add(&mut self, template: Template) -> Result<(), Refusal> {
        let codes = |template: &Template| -> Vec<String> {
            let codes = template.keywords.iter().map(|keyword| keyword.key.code.clone());
            codes.collect()
        };
        let same = |known: &Template| known.title == template.title && codes(known) == codes(&template);
        if self.templates.iter().any(same) {
            return Err(Refusal::of(errcode::LIBRARY_TWICE));
        }
        if self.templates.len() >= MOST_TEMPLATES {
            return Err(Refusal::of(errcode::LIBRARY_FULL));
        }
        self.templates.push(template);
        Ok(())
    }

    /// Removes a template; `false` if there is none.
    pub(crate) fn remove(&mut self, id: &str) -> bool {
        let before = self.templates.len();
        self.templates.retain(|template| template.id != id);
        self.templates.len() < before
    }

    /// How many messages the user still agrees to.
    pub(crate) fn credits(&self, user: usize, template_id: &str) -> u32 {
        let key = (user, template_id.to_owned());
        self.credits.get(&key).copied().unwrap_or_default()
    }

    /// The user agrees to so many messages more. WeChat: agreements add up and do not expire.
    pub(crate) fn grant(&mut self, user: usize, template_id: &str, credits: u32) {
        let key = (user, template_id.to_owned());
        if self.credits.len() < MOST_AGREEMENTS || self.credits.contains_key(&key) {
            let left = self.credits.entry(key).or_default();
            *left = left.saturating_add(credits);
        }
    }

    /// Takes one message out of what the user agrees to. WeChat: 43101 if there is nothing left.
    pub(crate) fn take(&mut self, user: usize, template_id: &str) -> Result<(), Refusal> {
        let term = self.template(template_id)?.term;
        let refused = || Refusal::of(errcode::SUBSCRIPTION_REFUSED);
        let left = self.credits.get_mut(&(user, template_id.to_owned()));
        let left = left.filter(|left| **left > 0).ok_or_else(refused)?;
        *left -= u32::from(term == Term::Once);
        Ok(())
    }

    /// Hears an event that a user makes: what they answer in the popup is an agreement, what they turn off is none any
    /// more.
    pub(crate) fn hear(&mut self, user: usize, event: &Map<String, Value>) {
        let word = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
        let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
        let items = event.get("list").and_then(Value::as_array);
        for item in items.into_iter().flatten() {
            let (id, status) = (word(item, "template_id"), word(item, "status"));
            match (kind, status.as_str()) {
                ("subscription_popup" | "subscribe_msg_popup_event", "accept") => self.grant(user, &id, 1),
                ("subscription_change" | "subscribe_msg_change_event", "reject") => {
                    self.credits.remove(&(user, id));
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(id: &str, term: Term) -> Template {
        Template {
            id: id.into(),
            title: id.into(),
            term,
            keywords: Vec::new(),
        }
    }

    fn code(result: Result<(), Refusal>) -> Option<i32> {
        result.err().map(|refusal| refusal.code)
    }

    #[test]
    fn agreements_add_up_and_each_is_good_for_one_message() {
        let mut all = Subscriptions::default();
        all.add(template("t", Term::Once)).unwrap();
        assert_eq!(code(all.take(1, "t")), Some(43_101));
        all.grant(1, "t", 1);
        all.grant(1, "t", 1);
        assert_eq!(code(all.take(1, "t")), None);
        assert_eq!(code(all.take(2, "t")), Some(43_101));
        assert_eq!(code(all.take(1, "t")), None);
        assert_eq!(code(all.take(1, "t")), Some(43_101));
        assert_eq!(code(all.take(1, "other")), Some(40_037));
    }

    #[test]
    fn a_long_agreement_is_good_for_any_number() {
        let mut all = Subscriptions::default();
        all.add(template("t", Term::Long)).unwrap();
        all.grant(1, "t", 1);
        for _ in 0..5 {
            assert_eq!(code(all.take(1, "t")), None);
        }
    }

    #[test]
    fn an_app_has_twenty_five_templates_and_none_twice() {
        let mut all = Subscriptions::default();
        for number in 0..25 {
            assert_eq!(code(all.add(template(&number.to_string(), Term::Once))), None);
        }
        assert_eq!(code(all.add(template("0", Term::Once))), Some(200_022));
        assert_eq!(code(all.add(template("25", Term::Once))), Some(200_012));
        assert!(all.remove("0") && !all.remove("0"));
        assert_eq!(code(all.add(template("25", Term::Once))), None);
    }
}
