//! Finds the reply to an event among an app's rules, prepared once and asked often. Where rules come from, and in which
//! order, is not decided here.

use std::collections::BTreeSet;

use regex::RegexSet;

use super::event::{Event, Kind};
use super::reply::Reply;
use super::rule::{BadRule, Keyword, Matching, Rule, When};

/// Keywords are looked for in this much of a text, in bytes. WeChat's clients let people write less than that.
const READ: usize = 4096;
/// Regular expressions in so much of it: the worst of them look at each of its characters thousands of times.
const READ_BY_EXPRESSIONS: usize = 1024;
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
        let text = event.text_of()?.trim();
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
                let end = |text: &str| text.floor_char_boundary(READ_BY_EXPRESSIONS);
                written.is_some_and(|written| expressions.is_match(&written.text[..end(written.text)]))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn rules(rules: &[(Value, &str)]) -> Rules {
        Rules::new(rules.iter().map(|(when, content)| {
            let mut rule = when.clone();
            rule["reply"] = json!({"type": "text", "content": content});
            serde_json::from_value(rule).unwrap()
        }))
    }

    fn event(kind: &str, name: &str, key: Option<&str>, data: &Value) -> Event {
        serde_json::from_value(json!({
            "id": "evt_1", "app": "shop", "app_id": "wx1", "kind": kind, "type": name, "openid": "o1",
            "account": "gh_1", "created_at": 1, "received_at": 1, "ids": {}, "key": key, "data": data,
            "payload": {"format": "xml", "text": ""},
        }))
        .unwrap()
    }

    fn written(text: &str) -> Event {
        event("message", "text", None, &json!({"content": text}))
    }

    fn happened(name: &str, key: &str) -> Event {
        event("event", name, Some(key), &json!({}))
    }

    /// What is said to an event: the text, with a mark if it is the default.
    fn said(rules: &Rules, event: &Event) -> String {
        match rules.find(event) {
            Found::Rule(Reply::Text { content }) => content.clone(),
            Found::Default(Reply::Text { content }) => format!("default: {content}"),
            _ => String::new(),
        }
    }

    #[test]
    fn keywords_are_compared_as_they_are_meant() {
        let keyword = |matching: &str, text: &str, ignore_case: bool| {
            let when =
                json!({"when": "keyword", "match": matching, "text": text, "ignore_case": ignore_case});
            rules(&[(when, "yes")])
        };
        for (matching, text, ignore_case, given, holds) in [
            ("exact", "价格", false, "价格", true),
            ("exact", "价格", false, " \u{3000}价格\n", true),
            ("exact", "价格 ", false, "价格", true),
            ("exact", "价格", false, "价格表", false),
            ("exact", "Price", false, "price", false),
            ("exact", "Price", true, "pRICE", true),
            ("exact", "ÄRGER", true, "ärger", true),
            ("contains", "价格", false, "什么价格？", true),
            ("contains", "price", false, "the PRICE is", false),
            ("contains", "PRICE", true, "the price is", true),
            ("contains", "a.c", false, "abc", false),
            ("regex", r"^\d{6}$", false, " 123456 ", true),
            ("regex", r"^\d{6}$", false, "1234567", false),
            ("regex", "^hi", true, "HI there", true),
            ("regex", "^hi", false, "HI there", false),
            ("regex", "(a+)+$", false, &"a".repeat(100_000), true),
            (
                "contains",
                "end",
                false,
                &format!("{}end", "中".repeat(READ)),
                false,
            ),
            ("exact", "a", false, "", false),
        ] {
            let found = said(&keyword(matching, text, ignore_case), &written(given));
            let shown: String = given.chars().take(20).collect();
            assert_eq!(found == "yes", holds, "{matching} {text}: {shown}");
        }
    }

    #[test]
    fn keywords_are_for_texts_only() {
        let rules = rules(&[(json!({"when": "keyword", "match": "regex", "text": ""}), "any")]);
        assert_eq!(said(&rules, &written("x")), "any");
        for event in [
            event("message", "image", None, &json!({"content": "x"})),
            event("event", "text", None, &json!({"content": "x"})),
            event("message", "text", None, &json!({"content": 1})),
            event("message", "text", None, &json!({})),
        ] {
            assert_eq!(said(&rules, &event), "");
        }
    }

    #[test]
    fn one_of_several_texts_is_enough() {
        for matching in ["exact", "contains", "regex"] {
            let when = json!({"when": "keyword", "match": matching, "texts": ["价格", "price"]});
            let rules = rules(&[(when, "yes")]);
            assert_eq!(said(&rules, &written("price")), "yes", "{matching}");
            assert_eq!(said(&rules, &written("价格")), "yes", "{matching}");
            assert_eq!(said(&rules, &written("prize")), "", "{matching}");
        }
    }

    #[test]
    fn buttons_and_qr_codes_are_known_by_their_keys() {
        let rules = rules(&[
            (json!({"when": "click", "key": "A"}), "button A"),
            (json!({"when": "click"}), "a button"),
            (json!({"when": "scan", "scene": "1"}), "code 1"),
            (json!({"when": "subscribe"}), "welcome"),
            (json!({"when": "scan"}), "a code"),
        ]);
        for (name, key, expected) in [
            ("CLICK", "A", "button A"),
            ("click", "A", "button A"),
            ("CLICK", "a", "a button"),
            ("CLICK", "", "a button"),
            ("VIEW", "A", ""),
            ("scancode_push", "1", ""),
            ("SCAN", "1", "code 1"),
            ("SCAN", "2", "a code"),
            ("SCAN", "qrscene_1", "a code"),
            ("subscribe", "qrscene_1", "code 1"),
            // The rule for everybody who begins to follow stands before the one for any code.
            ("subscribe", "qrscene_2", "welcome"),
            ("subscribe", "", "welcome"),
            ("subscribe", "1", "welcome"),
            ("unsubscribe", "", ""),
        ] {
            assert_eq!(said(&rules, &happened(name, key)), expected, "{name} {key}");
        }
    }

    #[test]
    fn the_first_rule_counts_and_the_default_is_last_wherever_it_stands() {
        let rules = rules(&[
            (json!({"when": "default"}), "first default"),
            (
                json!({"when": "keyword", "match": "contains", "text": "a"}),
                "first",
            ),
            (
                json!({"when": "keyword", "match": "contains", "text": "ab"}),
                "second",
            ),
            (json!({"when": "default"}), "second default"),
        ]);
        assert_eq!(said(&rules, &written("ab")), "first");
        assert_eq!(said(&rules, &written("x")), "default: first default");
        let picture = event("message", "image", None, &json!({}));
        assert_eq!(said(&rules, &picture), "default: first default");
        // Nobody who presses a button, moves or goes away has said anything.
        for name in ["CLICK", "LOCATION", "unsubscribe", "TEMPLATESENDJOBFINISH"] {
            assert_eq!(said(&rules, &happened(name, "")), "", "{name}");
        }
    }

    #[test]
    fn a_rule_that_cannot_be_used_does_not_keep_others_from_it() {
        let rules = rules(&[
            (
                json!({"when": "keyword", "match": "regex", "text": "("}),
                "broken",
            ),
            (json!({"when": "keyword", "text": "a"}), "whole"),
        ]);
        assert_eq!(said(&rules, &written("a")), "whole");
        assert_eq!(said(&Rules::default(), &written("a")), "");
    }
}
