//! Reads the XML of a push into members, and writes text into XML. There are no document types, entities, attributes or comments here: WeChat
//! sends none, and they are what attacks on XML are made of.

use std::borrow::Cow;

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;
use serde_json::{Map, Value};

use super::payload::{MAX_DEPTH, MAX_MEMBERS, Malformed, is_single};

/// Longer names of elements are refused.
const MAX_NAME: usize = 128;

/// What is in `<xml>…</xml>`.
pub(super) fn members(text: &str) -> Result<Map<String, Value>, Malformed> {
    let mut reader = Reader::from_str(text);
    let mut tree = Tree::default();
    let mut at_start = true;
    loop {
        match reader.read_event().map_err(|_| Malformed::Syntax)? {
            Event::Start(tag) => tree.open(&tag)?,
            Event::Empty(tag) => {
                tree.open(&tag)?;
                tree.close()?;
            }
            Event::End(_) => tree.close()?,
            Event::Text(text) => tree.bare(&text)?,
            // What stands in CDATA is text whatever it looks like, blanks included.
            Event::CData(text) => tree.text(&text)?,
            Event::GeneralRef(reference) => tree.text(&resolved(&reference)?.to_string())?,
            Event::Decl(declaration) if at_start => {
                let encoding = declaration
                    .encoding()
                    .transpose()
                    .map_err(|_| Malformed::Syntax)?;
                if encoding.is_some_and(|name| !name.eq_ignore_ascii_case("utf-8")) {
                    return Err(Malformed::Encoding);
                }
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {
                return Err(Malformed::Markup);
            }
            Event::Eof => return tree.done.ok_or(Malformed::Syntax),
        }
        at_start = false;
    }
}

/// The character that `&…;` stands for: one of the five that XML itself names, or one by number.
fn resolved(reference: &BytesRef<'_>) -> Result<char, Malformed> {
    let named = match &**reference {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    };
    if let Some(character) = named {
        return Ok(character);
    }
    match reference.resolve_char_ref() {
        Ok(Some('\0')) => Err(Malformed::Nul),
        Ok(Some(character)) => Ok(character),
        Ok(None) => Err(Malformed::Markup),
        Err(_) => Err(Malformed::Syntax),
    }
}

/// The elements that are open, and the root once it is closed.
#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    done: Option<Map<String, Value>>,
    count: usize,
}

/// An element that is open.
#[derive(Default)]
struct Element {
    name: String,
    text: String,
    members: Map<String, Value>,
}

impl Tree {
    fn open(&mut self, tag: &BytesStart<'_>) -> Result<(), Malformed> {
        self.count += 1;
        let name = tag.name().into_inner();
        if self.done.is_some() {
            return Err(Malformed::Trailing);
        }
        if self.open.is_empty() && name != "xml" {
            return Err(Malformed::Root);
        }
        if self.open.len() == MAX_DEPTH {
            return Err(Malformed::Depth);
        }
        if self.count > MAX_MEMBERS || name.len() > MAX_NAME {
            return Err(Malformed::Size);
        }
        if !is_name(name) {
            return Err(Malformed::Syntax);
        }
        if !tag.attributes_raw().trim().is_empty() {
            return Err(Malformed::Attribute);
        }
        self.open.push(Element {
            name: name.to_owned(),
            ..Element::default()
        });
        Ok(())
    }

    /// The reader has seen to it that what is closed is what was opened last.
    fn close(&mut self) -> Result<(), Malformed> {
        let closed = self.open.pop().ok_or(Malformed::Syntax)?;
        let is_root = self.open.is_empty();
        let has_text = !is_blank(&closed.text);
        if has_text && (is_root || !closed.members.is_empty()) {
            return Err(Malformed::Mixed);
        }
        let is_top = self.open.len() == 1;
        let Some(parent) = self.open.last_mut() else {
            self.done = Some(closed.members);
            return Ok(());
        };
        let value = if closed.members.is_empty() {
            Value::String(closed.text)
        } else {
            Value::Object(closed.members)
        };
        match parent.members.get_mut(&closed.name) {
            None => {
                parent.members.insert(closed.name, value);
            }
            Some(_) if is_top && is_single(&closed.name) => return Err(Malformed::Repeated),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
        Ok(())
    }

    /// Text between tags; outside of the root only blanks.
    fn bare(&mut self, text: &str) -> Result<(), Malformed> {
        if self.open.is_empty() && is_blank(text) {
            return Ok(());
        }
        self.text(text)
    }

    fn text(&mut self, text: &str) -> Result<(), Malformed> {
        let outside = if self.done.is_some() {
            Malformed::Trailing
        } else {
            Malformed::Syntax
        };
        self.open.last_mut().ok_or(outside)?.text.push_str(text);
        Ok(())
    }
}

fn is_blank(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

/// WeChat's names have letters, digits and `_`; other scripts are let pass, as XML does.
fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    let is_first = |character: char| character == '_' || character.is_alphabetic();
    characters.next().is_some_and(is_first)
        && characters.all(|character| character.is_alphanumeric() || matches!(character, '_' | '-' | '.'))
}

/// `text` as a CDATA section. Characters that XML forbids are left out, as no reader would take them.
pub(super) fn cdata(text: &str) -> String {
    let mut text = allowed(text);
    if text.contains("]]>") {
        text = text.replace("]]>", "]]]]><![CDATA[>").into();
    }
    ["<![CDATA[", &text, "]]>"].concat()
}

/// `text` without the characters that XML forbids.
pub(super) fn allowed(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_allowed) {
        return text.into();
    }
    text.chars().filter(|&character| is_allowed(character)).collect()
}

/// Whether XML 1.0 allows a character. (Section 2.2.)
pub(super) fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_is_kept_as_it_stands() {
        let read = members(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xml>\n <A><![CDATA[ <b>&amp;]]]]><![CDATA[> ]]></A>\n\
             <B>a&lt;&#98;&#x1F600;&quot;</B><C> </C><D/><E><F>\u{1}1</F>\n</E></xml>\n",
        );
        let expected = json!({
            "A": " <b>&amp;]]> ", "B": "a<b\u{1f600}\"", "C": " ", "D": "", "E": {"F": "\u{1}1"}
        });
        assert_eq!(json!(read.unwrap()), expected);
        assert_eq!(members("<xml/>"), Ok(Map::new()));
    }

    #[test]
    fn depth_and_numbers_of_elements_are_bounded() {
        let nested = |depth: usize| {
            format!(
                "<xml>{}{}</xml>",
                "<a>".repeat(depth - 1),
                "</a>".repeat(depth - 1)
            )
        };
        assert!(members(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(members(&nested(MAX_DEPTH + 1)), Err(Malformed::Depth));
        let wide = |count: usize| format!("<xml>{}</xml>", "<a/>".repeat(count - 1));
        assert!(members(&wide(MAX_MEMBERS)).is_ok());
        assert_eq!(members(&wide(MAX_MEMBERS + 1)), Err(Malformed::Size));
    }
}
