//! Writes what is pushed: members as XML or as JSON, and the envelopes around what is encrypted. What stands in them is
//! decided elsewhere.
//!
//! Members are a JSON object in the order in which they are sent. In XML a text is a CDATA section, a number is bare, an
//! object is an element with children, and a list is its element repeated.

use serde_json::{Map, Value};

use super::settings::PushFormat;

/// The members as the whole body.
///
/// The documents' samples have line breaks between the elements of XML, which `blanks` asks for.
pub(crate) fn payload(members: &Map<String, Value>, format: PushFormat, blanks: bool) -> String {
    match format {
        PushFormat::Xml => {
            let gap = if blanks { "\n" } else { "" };
            let mut text = format!("<xml>{gap}");
            for (name, value) in members {
                element(&mut text, name, value);
                text.push_str(gap);
            }
            text + "</xml>"
        }
        PushFormat::Json => Value::Object(members.clone()).to_string(),
    }
}

/// WeChat: in safe mode nothing but the account's id and the encrypted text.
pub(crate) fn envelope(account: &str, encrypted: &str, format: PushFormat) -> String {
    let mut members = Map::new();
    members.insert("ToUserName".into(), account.into());
    members.insert("Encrypt".into(), encrypted.into());
    payload(&members, format, false)
}

/// WeChat: in compatible mode the members with the encrypted text beside them.
pub(crate) fn beside(plain: &str, encrypted: &str, format: PushFormat) -> String {
    let (end, more) = match format {
        PushFormat::Xml => ("</xml>", format!("<Encrypt>{}</Encrypt>", cdata(encrypted))),
        PushFormat::Json => ("}", format!(r#","Encrypt":"{encrypted}""#)),
    };
    // A text that a test made up need not end as a body does.
    let at = plain.rfind(end).unwrap_or(plain.len());
    format!("{}{more}{}", &plain[..at], &plain[at..])
}

fn element(text: &mut String, name: &str, value: &Value) {
    let inner = match value {
        Value::Array(values) => {
            for value in values {
                element(text, name, value);
            }
            return;
        }
        Value::Object(members) => {
            let mut inner = String::new();
            for (name, value) in members {
                element(&mut inner, name, value);
            }
            inner
        }
        Value::String(value) => cdata(value),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Null => String::new(),
    };
    text.extend(["<", name, ">", &inner, "</", name, ">"]);
}

/// A text may hold what ends a CDATA section; then it takes two of them.
fn cdata(text: &str) -> String {
    format!("<![CDATA[{}]]>", text.replace("]]>", "]]]]><![CDATA[>"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn xml(members: &Value) -> String {
        payload(members.as_object().unwrap(), PushFormat::Xml, false)
    }

    #[test]
    fn texts_are_cdata_and_numbers_are_bare() {
        let written = xml(&json!({"A": "x", "B": 18_446_744_073_709_551_615_u64, "C": "", "D": 23.134_521}));
        assert_eq!(
            written,
            "<xml><A><![CDATA[x]]></A><B>18446744073709551615</B><C><![CDATA[]]></C><D>23.134521</D></xml>"
        );
    }

    #[test]
    fn objects_nest_and_lists_repeat() {
        let written = xml(&json!({"P": {"List": [{"T": "1"}, {"T": "2"}]}}));
        assert_eq!(
            written,
            "<xml><P><List><T><![CDATA[1]]></T></List><List><T><![CDATA[2]]></T></List></P></xml>"
        );
    }

    #[test]
    fn the_end_of_cdata_within_a_text_is_split() {
        let written = xml(&json!({"C": "a]]>b"}));
        assert_eq!(written, "<xml><C><![CDATA[a]]]]><![CDATA[>b]]></C></xml>");
    }

    #[test]
    fn the_encrypted_text_stands_beside_or_alone() {
        assert_eq!(
            beside("<xml><A>1</A></xml>", "E+/=", PushFormat::Xml),
            "<xml><A>1</A><Encrypt><![CDATA[E+/=]]></Encrypt></xml>"
        );
        assert_eq!(
            beside(r#"{"A":1}"#, "E+/=", PushFormat::Json),
            r#"{"A":1,"Encrypt":"E+/="}"#
        );
        assert_eq!(
            envelope("gh_1", "E+/=", PushFormat::Json),
            r#"{"ToUserName":"gh_1","Encrypt":"E+/="}"#
        );
    }
}
