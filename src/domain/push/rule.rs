//! A rule for replies: when which reply is given, and how that is written in the configuration and in JSON. Which of
//! several rules holds is [`super::rules`]' matter, and what the reply becomes on its way is [`super::reply`]'s.

use regex::{RegexSet, RegexSetBuilder};
use serde::{Deserialize, Serialize};

use super::reply::{self, Reply};

/// How many texts a rule may list.
pub const MOST_TEXTS: usize = 20;
/// How long each may be, in bytes.
pub const LONGEST_TEXT: usize = 256;
/// The longest key of a menu's button, in bytes. (自定义菜单.)
pub const LONGEST_KEY: usize = 128;
/// The longest scene of a QR code, in bytes. (生成带参数的二维码: `scene_str`.)
pub const LONGEST_SCENE: usize = 64;
/// How much memory the expressions of one rule may take, in bytes. `\w` alone takes 50 KiB, `[0-9A-Za-z]{4,64}` less.
const MOST_MEMORY: usize = 512 * 1024;

/// The members that a rule has when it is written.
pub const MEMBERS: [&str; 8] = [
    "when",
    "match",
    "text",
    "texts",
    "ignore_case",
    "key",
    "scene",
    "reply",
];

/// When which reply is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Flat", into = "Flat")]
pub struct Rule {
    /// What it waits for.
    pub when: When,
    /// What is answered.
    pub reply: Reply,
}

/// What a rule waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// Somebody begins to follow the account, whether by a QR code or not.
    Subscribe,
    /// Somebody writes a text.
    Keyword(Keyword),
    /// Somebody presses a button of the menu: the one with this key, or any.
    Click(Option<String>),
    /// Somebody scans a QR code of the account, follower or not: the one with this scene, or any.
    Scan(Option<String>),
    /// Somebody writes or sends anything, and no other rule holds.
    Default,
}

/// Which texts a rule waits for: one of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyword {
    /// How the texts are meant.
    pub matching: Matching,
    /// At least one.
    pub texts: Vec<String>,
    /// Whether `a` is `A`.
    pub ignore_case: bool,
}

/// How the texts of a rule are meant. What was written is compared without the blanks around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Matching {
    /// It is what was written.
    Exact,
    /// It is somewhere in what was written.
    Contains,
    /// It is a regular expression for something in what was written.
    Regex,
}

/// Why a rule is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    /// A member that its `when` has no use for.
    #[error("`{0}` has no meaning with this `when`")]
    Superfluous(&'static str),
    /// Not exactly one of `text` and `texts`, or none in it.
    #[error("a keyword rule has either `text`, or `texts` with at least one")]
    Texts,
    /// More than [`MOST_TEXTS`].
    #[error("`texts` has more than {MOST_TEXTS} texts")]
    TooMany,
    /// A member that is empty or too long.
    #[error("`{0}` must have 1 to {1} bytes, and not only blanks")]
    Length(&'static str, usize),
    /// An expression that cannot be used.
    #[error("`{0}` is not a regular expression that can be used here: {1}")]
    Expression(String, &'static str),
    /// A reply that WeChat would not take.
    #[error("`reply`: {0}")]
    Reply(#[from] reply::Malformed),
    /// A reply that mini programs do not have.
    #[error("a mini program's `reply` has the type text, image or transfer_customer_service")]
    NotForMini,
    /// What happened cannot be handed over.
    #[error("reply: only messages can be handed over to customer service")]
    NotForEvents,
}

/// The form of a rule: flat, so that it reads well in TOML and JSON alike.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Flat {
    when: Word,
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    matching: Option<Matching>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    texts: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ignore_case: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scene: Option<String>,
    reply: Reply,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Subscribe,
    Keyword,
    Click,
    Scan,
    Default,
}

impl TryFrom<Flat> for Rule {
    type Error = BadRule;

    fn try_from(flat: Flat) -> Result<Self, BadRule> {
        let superfluous = [
            ("match", flat.matching.is_some(), Word::Keyword),
            ("text", flat.text.is_some(), Word::Keyword),
            ("texts", flat.texts.is_some(), Word::Keyword),
            ("ignore_case", flat.ignore_case.is_some(), Word::Keyword),
            ("key", flat.key.is_some(), Word::Click),
            ("scene", flat.scene.is_some(), Word::Scan),
        ];
        let found = superfluous
            .iter()
            .find(|(_, given, word)| *given && *word != flat.when);
        if let Some((name, ..)) = found {
            return Err(BadRule::Superfluous(name));
        }
        let when = match flat.when {
            Word::Subscribe => When::Subscribe,
            Word::Keyword => When::Keyword(Keyword {
                matching: flat.matching.unwrap_or(Matching::Exact),
                texts: match (flat.text, flat.texts) {
                    (Some(text), None) => vec![text],
                    (None, Some(texts)) if !texts.is_empty() => texts,
                    _ => return Err(BadRule::Texts),
                },
                ignore_case: flat.ignore_case.unwrap_or_default(),
            }),
            Word::Click => When::Click(flat.key),
            Word::Scan => When::Scan(flat.scene),
            Word::Default => When::Default,
        };
        Ok(Self {
            when,
            reply: flat.reply,
        })
    }
}

impl From<Rule> for Flat {
    fn from(rule: Rule) -> Self {
        let mut flat = Self {
            when: Word::Default,
            matching: None,
            text: None,
            texts: None,
            ignore_case: None,
            key: None,
            scene: None,
            reply: rule.reply,
        };
        match rule.when {
            When::Subscribe => flat.when = Word::Subscribe,
            When::Keyword(mut keyword) => {
                flat.when = Word::Keyword;
                flat.matching = Some(keyword.matching);
                flat.ignore_case = keyword.ignore_case.then_some(true);
                if keyword.texts.len() == 1 {
                    flat.text = keyword.texts.pop();
                } else {
                    flat.texts = Some(keyword.texts);
                }
            }
            When::Click(key) => (flat.when, flat.key) = (Word::Click, key),
            When::Scan(scene) => (flat.when, flat.scene) = (Word::Scan, scene),
            When::Default => {}
        }
        flat
    }
}

impl Rule {
    /// Whether a mini program, or an official account, can use it. Rules from the store are not asked again: one that a
    /// later version refuses is passed over there, so that the others hold.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, for_mini: bool) -> Result<(), BadRule> {
        match &self.when {
            When::Subscribe | When::Default => {}
            When::Keyword(keyword) => keyword.check()?,
            When::Click(key) => bounded("key", key.as_deref(), LONGEST_KEY)?,
            When::Scan(scene) => bounded("scene", scene.as_deref(), LONGEST_SCENE)?,
        }
        self.reply.check()?;
        let is_for_messages = matches!(self.when, When::Keyword(_) | When::Default);
        if self.reply.for_mini() && !is_for_messages {
            return Err(BadRule::NotForEvents);
        }
        if for_mini && !self.reply.for_mini() && !self.reply.for_mini_later() {
            return Err(BadRule::NotForMini);
        }
        Ok(())
    }

    /// Whether it has regular expressions, which cost more than anything else.
    #[must_use]
    pub fn is_expression(&self) -> bool {
        matches!(&self.when, When::Keyword(keyword) if keyword.matching == Matching::Regex)
    }
}

impl Keyword {
    fn check(&self) -> Result<(), BadRule> {
        if self.texts.len() > MOST_TEXTS {
            return Err(BadRule::TooMany);
        }
        for text in &self.texts {
            bounded("text", Some(text), LONGEST_TEXT)?;
        }
        if self.matching == Matching::Regex {
            self.expressions()?;
        }
        Ok(())
    }

    /// Its texts as regular expressions. The time they take grows with their size and with the text, not faster, and both
    /// are bounded: the worst that can be written takes some milliseconds.
    pub(super) fn expressions(&self) -> Result<RegexSet, BadRule> {
        let build = |texts: &[String]| {
            RegexSetBuilder::new(texts)
                .case_insensitive(self.ignore_case)
                .size_limit(MOST_MEMORY)
                .dfa_size_limit(MOST_MEMORY / 2)
                .nest_limit(32)
                .build()
        };
        build(&self.texts).map_err(|error| {
            let is_bad = |text: &&String| build(std::slice::from_ref(*text)).is_err();
            let culprit = self.texts.iter().find(is_bad).unwrap_or(&self.texts[0]);
            let why = match error {
                regex::Error::CompiledTooBig(_) => "it would take too much memory",
                _ => "its syntax is wrong",
            };
            BadRule::Expression(culprit.clone(), why)
        })
    }
}

fn bounded(name: &'static str, text: Option<&str>, most: usize) -> Result<(), BadRule> {
    let fits = |text: &str| text.len() <= most && !text.trim().is_empty();
    if text.is_none_or(fits) {
        Ok(())
    } else {
        Err(BadRule::Length(name, most))
    }
}

#[cfg(test)]
mod tests;
