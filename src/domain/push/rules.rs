//! Finds the reply to an event among an app's rules, prepared once and asked often. Where rules come from, and in which
//! order, is not decided here.

use std::collections::BTreeSet;

use regex::RegexSet;

use super::event::{Event, Kind};
use super::reply::Reply;
use super::rule::{BadRule, Keyword, Matching, Rule, When};

/// Keywords are looked for in this much of a text, in bytes. WeChat's clients let people write less than that.
const READ: usize = 4096;
/// What stands before the scene when somebody begins to follow by a QR code. (接收事件推送, 2.)
const BY_QR_CODE: &str = "qrscene_";

/// An app's rules, ready to be asked.
#[derive(Debug, Default)]
pub struct Rules {
    rules: Vec<Prepared>,
    default: Option<Reply>,
}

/// What the rules say to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'a> {
    /// A rule for this very thing.
    Rule(&'a Reply),
    /// The rule for everything else that people write or send.
    Default(&'a Reply),
    /// Nothing.
    None,
}

#[derive(Debug)]
struct Prepared {
    test: Test,
    reply: Reply,
}

#[derive(Debug)]
enum Test {
    Subscribe,
    Exact { texts: BTreeSet<String>, fold: bool },
    Contains { texts: Vec<String>, fold: bool },
    Expression(RegexSet),
    Click(Option<String>),
    Scan(Option<String>),
}

impl Rules {
    /// Prepares rules that are tried in this order; of the default ones the first counts, wherever it stands.
    #[must_use]
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Self {
        let mut prepared = Self::default();
        for Rule { when, reply } in rules {
            match test(when) {
                Ok(Some(test)) => prepared.rules.push(Prepared { test, reply }),
                Ok(None) => {
                    prepared.default.get_or_insert(reply);
                }
                // It was checked when it was made; a later version may see it otherwise, and the others hold all the same.
                Err(_) => {}
            }
        }
        prepared
    }

    /// What they say to an event.
    #[must_use]
    pub fn find(&self, event: &Event) -> Found<'_> {
        let written = Written::of(event);
        let holds = |rule: &&Prepared| rule.test.holds(event, written.as_ref());
        match (self.rules.iter().find(holds), &self.default) {
            (Some(rule), _) => Found::Rule(&rule.reply),
            // People want to be answered; most events are no more than news of them.
            (None, Some(reply)) if event.kind == Kind::Message => Found::Default(reply),
            _ => Found::None,
        }
    }
}

/// How a rule is tested; nothing for the default, which is not.
fn test(when: When) -> Result<Option<Test>, BadRule> {
    Ok(Some(match when {
        When::Default => return Ok(None),
        When::Subscribe => Test::Subscribe,
        When::Click(key) => Test::Click(key),
        When::Scan(scene) => Test::Scan(scene),
        When::Keyword(keyword) => keyword_test(keyword)?,
    }))
}

fn keyword_test(keyword: Keyword) -> Result<Test, BadRule> {
    let fold = keyword.ignore_case;
    let texts = |keyword: Keyword| {
        let texts = keyword.texts.into_iter();
        texts.map(move |text| if fold { text.to_lowercase() } else { text })
    };
    Ok(match keyword.matching {
        Matching::Regex => Test::Expression(keyword.expressions()?),
        Matching::Contains => Test::Contains {
            texts: texts(keyword).collect(),
            fold,
        },
        Matching::Exact => Test::Exact {
            texts: texts(keyword).map(|text| text.trim().to_owned()).collect(),
            fold,
        },
    })
}

/// What somebody wrote, without the blanks around it, and the same in lower case.
struct Written<'a> {
    text: &'a str,
    lower: String,
}

impl<'a> Written<'a> {
    fn of(event: &'a Event) -> Option<Self> {
        if event.kind != Kind::Message || event.r#type != "text" {
            return None;
        }
        let text = event.data.get("content")?.as_str()?.trim();
        let text = &text[..text.floor_char_boundary(READ)];
        Some(Self {
            text,
            lower: text.to_lowercase(),
        })
    }

    fn folded(&self, fold: bool) -> &str {
        if fold { &self.lower } else { self.text }
    }
}

impl Test {
    fn holds(&self, event: &Event, written: Option<&Written<'_>>) -> bool {
        let key = event.key.as_deref().unwrap_or_default();
        let is = |name: &str| event.kind == Kind::Event && event.r#type.eq_ignore_ascii_case(name);
        match self {
            Self::Subscribe => is("subscribe"),
            Self::Click(wanted) => is("CLICK") && wanted.as_deref().is_none_or(|wanted| wanted == key),
            Self::Scan(wanted) => {
                let scene = match key.strip_prefix(BY_QR_CODE) {
                    Some(scene) if is("subscribe") => scene,
                    _ if is("SCAN") => key,
                    _ => return false,
                };
                wanted.as_deref().is_none_or(|wanted| wanted == scene)
            }
            Self::Exact { texts, fold } => {
                written.is_some_and(|written| texts.contains(written.folded(*fold)))
            }
            Self::Contains { texts, fold } => {
                let contained = |written: &Written<'_>| {
                    let written = written.folded(*fold);
                    texts.iter().any(|text| written.contains(text.as_str()))
                };
                written.is_some_and(contained)
            }
            Self::Expression(expressions) => {
                written.is_some_and(|written| expressions.is_match(written.text))
            }
        }
    }
}
