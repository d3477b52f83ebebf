//! Reads what an app's server answers: XML or JSON into members, all texts. What they mean is decided elsewhere.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Map, Value};

/// How deep elements may lie in each other; a reply has four levels.
const DEEPEST: usize = 8;

/// The members of a reply, or what is wrong with it.
pub(crate) fn members(text: &str) -> Result<Map<String, Value>, String> {
    if text.starts_with('{') {
        return serde_json::from_str(text).map_err(|error| format!("no JSON object: {error}"));
    }
    xml(text)
}

struct Open {
    name: String,
    text: String,
    members: Map<String, Value>,
}

/// WeChat: nothing may stand before `<xml>`, no declaration either.
fn xml(text: &str) -> Result<Map<String, Value>, String> {
    if !text.starts_with("<xml>") {
        return Err("it does not begin with <xml>".into());
    }
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Open> = Vec::new();
    loop {
        let event = reader.read_event().map_err(|error| format!("no XML: {error}"))?;
        match event {
            Event::Start(start) => {
                if open.len() >= DEEPEST {
                    return Err("its elements lie too deep".into());
                }
                open.push(Open {
                    name: (*start.name().as_ref()).to_owned(),
                    text: String::new(),
                    members: Map::new(),
                });
            }
            Event::Empty(start) => {
                let name = (*start.name().as_ref()).to_owned();
                let parent = open.last_mut().ok_or("it has two roots")?;
                add(&mut parent.members, name, Value::String(String::new()));
            }
            Event::End(_) => {
                let closed = open.pop().ok_or("an element ends that never began")?;
                let Some(parent) = open.last_mut() else {
                    return rest(&mut reader).map(|()| closed.members);
                };
                let value = if closed.members.is_empty() {
                    Value::String(closed.text)
                } else {
                    Value::Object(closed.members)
                };
                add(&mut parent.members, closed.name, value);
            }
            Event::Text(more) => push(&mut open, &more)?,
            Event::CData(more) => push(&mut open, &more)?,
            Event::GeneralRef(name) => {
                let character = match name.resolve_char_ref() {
                    Ok(Some(character)) => Some(character),
                    _ => predefined(&name),
                };
                let character = character.ok_or_else(|| format!("&{}; is no character", &*name))?;
                push(&mut open, character.encode_utf8(&mut [0; 4]))?;
            }
            Event::Comment(_) => {}
            Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {
                return Err("a reply has neither declarations nor instructions".into());
            }
            Event::Eof => return Err("it ends too early".into()),
        }
    }
}

fn push(open: &mut [Open], text: &str) -> Result<(), String> {
    let last = open.last_mut().ok_or("a text stands outside of <xml>")?;
    last.text.push_str(text);
    Ok(())
}

/// Nothing but blanks may follow the root.
fn rest(reader: &mut Reader<&[u8]>) -> Result<(), String> {
    match reader.read_event() {
        Ok(Event::Eof) => Ok(()),
        Ok(Event::Text(text)) if text.trim().is_empty() => rest(reader),
        _ => Err("something follows </xml>".into()),
    }
}

/// A name that comes again makes a list.
fn add(members: &mut Map<String, Value>, name: String, value: Value) {
    match members.get_mut(&name) {
        None => {
            members.insert(name, value);
        }
        Some(Value::Array(values)) => values.push(value),
        Some(one) => {
            let first = one.take();
            *one = Value::Array(vec![first, value]);
        }
    }
}

fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "apos" => '\'',
        "quot" => '"',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn elements_become_members() {
        let text = "<xml>\n<A><![CDATA[x]]]]><![CDATA[>y]]></A><N>12</N><E/>\
                    <L><item><T>1</T></item><item><T>a&amp;&#98;</T></item></L></xml>\n";
        let read = Value::Object(members(text).unwrap());
        assert_eq!(
            read,
            json!({"A": "x]]>y", "N": "12", "E": "", "L": {"item": [{"T": "1"}, {"T": "a&b"}]}})
        );
    }

    #[test]
    fn what_is_no_reply_is_told() {
        for text in [
            " <xml></xml>",
            "<?xml version=\"1.0\"?><xml></xml>",
            "<xml><A></xml>",
            "<xml><A>&nbsp;</A></xml>",
            "<xml></xml><xml></xml>",
            "<xml><!DOCTYPE a></xml>",
            "<xml>",
            "{1}",
            "hello",
        ] {
            assert!(members(text).is_err(), "{text}");
        }
        assert!(members(&format!("<xml>{}", "<a>".repeat(1_000))).is_err());
    }
}
