//! The body of a push, XML or JSON, read into members. What the members mean is not known here.
//!
//! A body is read the same way whoever sent it, so the rules are strict: what WeChat never sends, and parsers differ
//! about, is refused and not interpreted.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{json, xml};

/// Longer bodies are refused unread. A long text message has a few kilobytes.
pub const MAX_BODY: usize = 64 * 1024;
/// How deep members may be nested, the root counted. WeChat's own go to 5.
pub(super) const MAX_DEPTH: usize = 16;
/// How many elements or members a body may have in all.
pub(super) const MAX_MEMBERS: usize = 2048;

/// Members that decide what happens to a push: two of them would let two readers see two pushes.
const SINGLE: [&str; 12] = [
    "ToUserName",
    "FromUserName",
    "CreateTime",
    "MsgType",
    "Event",
    "EventKey",
    "MsgId",
    "MsgID",
    "MsgDataId",
    "Content",
    "Encrypt",
    "action",
];

/// How a body was written. An answer is written the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// `<xml>…</xml>`
    Xml,
    /// `{…}`
    Json,
}

/// Which rule a body breaks. Nothing of the body is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// More than [`MAX_BODY`] bytes.
    #[error("the body is longer than 64 KiB")]
    TooLong,
    /// Not UTF-8, or said to be something else.
    #[error("the body is not UTF-8")]
    Encoding,
    /// A NUL character, plain or escaped.
    #[error("the body has a NUL character")]
    Nul,
    /// It begins with neither `<` nor `{`.
    #[error("the body is neither XML nor JSON")]
    Format,
    /// Not well-formed, or not complete.
    #[error("the body is not well-formed")]
    Syntax,
    /// A document type, an entity, a processing instruction or a comment.
    #[error("the body has a DOCTYPE, an entity, a processing instruction or a comment")]
    Markup,
    /// An element with an attribute.
    #[error("an element has an attribute")]
    Attribute,
    /// An element with both text and elements.
    #[error("an element has text beside elements")]
    Mixed,
    /// The root element is not `xml`.
    #[error("the root element is not `xml`")]
    Root,
    /// Something follows the end.
    #[error("something follows the end of the body")]
    Trailing,
    /// Nested deeper than allowed.
    #[error("the body is nested too deep")]
    Depth,
    /// More members than allowed, or a longer name.
    #[error("the body has too many members, or too long a name")]
    Size,
    /// A member that can stand only once stands twice.
    #[error("a member is repeated")]
    Repeated,
    /// A member without which the body means nothing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A member whose value cannot be meant.
    #[error("`{0}` has a value that cannot be meant")]
    Value(&'static str),
}

/// A body, read.
///
/// Elements of XML are texts, objects if they have elements, and arrays if they are repeated. JSON is kept as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Payload {
    /// How it was written.
    pub format: Format,
    /// What is in it, under the names WeChat gave.
    pub members: Map<String, Value>,
    /// The body itself, untouched.
    pub text: String,
}

impl Payload {
    /// Reads a body. The first character says what it is: WeChat's content types say little.
    ///
    /// # Errors
    /// The rule that is broken; see [`Malformed`].
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        if body.len() > MAX_BODY {
            return Err(Malformed::TooLong);
        }
        let text = std::str::from_utf8(body).map_err(|_| Malformed::Encoding)?;
        if text.contains('\0') {
            return Err(Malformed::Nul);
        }
        let start = text.strip_prefix('\u{feff}').unwrap_or(text);
        let start = start.trim_start_matches([' ', '\t', '\r', '\n']);
        let (format, members) = match start.as_bytes().first() {
            Some(b'<') => (Format::Xml, xml::members(start)?),
            Some(b'{') => (Format::Json, json::members(start)?),
            _ => return Err(Malformed::Format),
        };
        let text = text.to_owned();
        Ok(Self {
            format,
            members,
            text,
        })
    }

    /// The text of a member, or the digits of a number: WeChat writes numbers either way.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.members.get(name).and_then(text_of)
    }

    /// The whole number that a member is, or that its text stands for.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.members.get(name).and_then(integer_of)
    }

    /// Whether WeChat's cloud hosting only asks if anybody is here. (`CheckContainerPath`; answered like any push.)
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.members.len() == 1
            && self
                .text("action")
                .is_some_and(|action| action == "CheckContainerPath")
    }
}

/// See [`Payload::text`].
pub(super) fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

/// See [`Payload::integer`].
pub(super) fn integer_of(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => number.as_i64(),
        _ => None,
    }
}

/// Whether a member of the root may stand only once.
pub(super) fn is_single(name: &str) -> bool {
    SINGLE.contains(&name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parsed(body: &str) -> Payload {
        Payload::parse(body.as_bytes()).unwrap()
    }

    #[test]
    fn the_first_character_says_what_a_body_is() {
        assert_eq!(parsed("\u{feff} \r\n<xml><A>1</A></xml>\n").format, Format::Xml);
        assert_eq!(parsed("\u{feff}\t{\"A\":1}\n").format, Format::Json);
        for body in [
            "",
            " ",
            "\u{feff}",
            "success",
            "[{}]",
            "\"{}\"",
            "a<xml/>",
            "\u{feff}\u{feff}{}",
        ] {
            assert_eq!(
                Payload::parse(body.as_bytes()),
                Err(Malformed::Format),
                "{body:?}"
            );
        }
        let body = "\u{feff} <xml>\r\n<A><![CDATA[x]]></A></xml> ";
        assert_eq!(parsed(body).text, body, "untouched");
    }

    #[test]
    fn bodies_are_bounded_and_utf8() {
        let longest = format!("<xml><A>{}</A></xml>", "a".repeat(MAX_BODY - 18));
        assert_eq!(longest.len(), MAX_BODY);
        assert!(Payload::parse(longest.as_bytes()).is_ok());
        assert_eq!(
            Payload::parse(format!("{longest} ").as_bytes()),
            Err(Malformed::TooLong)
        );
        assert_eq!(
            Payload::parse(b"<xml><A>\xff</A></xml>"),
            Err(Malformed::Encoding)
        );
        assert_eq!(Payload::parse(b"<xml><A>\0</A></xml>"), Err(Malformed::Nul));
        assert_eq!(Payload::parse(b"{\"A\":\"\\u0000\"}"), Err(Malformed::Nul));
        assert_eq!(Payload::parse(b"{\"\\u0000\":1}"), Err(Malformed::Nul));
    }

    #[test]
    fn numbers_are_read_either_way_and_exactly() {
        let body = parsed(
            r#"{"A":9007199254740993,"B":" 18446744073709551615","C":18446744073709551615,"D":"-5","E":1.5,"F":null}"#,
        );
        assert_eq!(body.text("A").unwrap(), "9007199254740993");
        assert_eq!(body.integer("A"), Some(9_007_199_254_740_993));
        assert_eq!(body.text("C").unwrap(), "18446744073709551615");
        assert_eq!(body.integer("C"), None);
        assert_eq!(body.integer("D"), Some(-5));
        assert_eq!(body.integer("E"), None);
        assert_eq!(body.text("F"), None);
        assert_eq!(body.text("G"), None);
    }

    #[test]
    fn a_probe_is_known_in_both_formats() {
        assert!(parsed(r#"{"action":"CheckContainerPath"}"#).is_probe());
        assert!(parsed("<xml><action>CheckContainerPath</action></xml>").is_probe());
        assert!(!parsed(r#"{"action":"CheckContainerPath","MsgType":"text"}"#).is_probe());
        assert!(!parsed(r#"{"action":"else"}"#).is_probe());
    }

    #[test]
    fn repeated_elements_are_arrays() {
        let body = parsed("<xml><L><a>1</a><a>2</a></L><L/><L>x</L></xml>");
        assert_eq!(json!(body.members), json!({"L": [{"a": ["1", "2"]}, "", "x"]}));
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Payload::parse(&body);
        }

        #[test]
        fn nothing_that_looks_like_xml_makes_it_panic(
            parts in proptest::collection::vec(
                prop::sample::select(vec![
                    "<xml>", "</xml>", "<a>", "</a>", "<a/>", "<![CDATA[", "]]>", "&amp;", "&#0;", "&#x1F600;", "&x;",
                    "<?xml version=\"1.0\"?>", "<?", "?>", "<!--", "-->", "<!DOCTYPE x>", "<", ">", "&", " ", "x", "é",
                    "a='1'", "{", "}", "\"", ":", "[", "]", ",", "\\u0000", "1e999", "\u{feff}",
                ]),
                0..40,
            )
        ) {
            let _ = Payload::parse(parts.concat().as_bytes());
            let _ = Payload::parse(format!("<xml>{}</xml>", parts.concat()).as_bytes());
            let _ = Payload::parse(format!("{{\"a\":{}}}", parts.concat()).as_bytes());
        }

        #[test]
        fn any_json_object_is_kept(members in json_object()) {
            let body = Payload::parse(Value::Object(members.clone()).to_string().as_bytes()).unwrap();
            prop_assert_eq!(body.members, members);
        }
    }

    fn json_object() -> impl Strategy<Value = Map<String, Value>> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            "[^\u{0}]{0,8}".prop_map(Value::from),
        ];
        let value = leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::hash_map("[a-zA-Z]{1,6}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        });
        proptest::collection::hash_map("[a-zA-Z]{1,6}", value, 0..6)
            .prop_map(|members| members.into_iter().collect())
    }
}
