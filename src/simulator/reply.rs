//! What a platform call is answered with: success bodies, refusals, and the request id that ends every
//! error text. How the bytes travel, and what faults do to them, is `wire`'s matter.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::clock::Moment;
use super::content::Content;
use super::errcode;
use super::random::Random;

/// What an endpoint comes to: a success body or a refusal.
pub(crate) type Answer = Result<Success, Refusal>;

/// A call that the platform refuses with an errcode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The errcode.
    pub(crate) code: i32,
    /// The text without its request id.
    pub(crate) text: Cow<'static, str>,
}

impl Refusal {
    /// The refusal with the code's own text.
    pub(crate) fn of(code: i32) -> Self {
        Self {
            code,
            text: Cow::Borrowed(errcode::text(code)),
        }
    }

    /// A refusal whose text depends on the call.
    pub(crate) fn with_text(code: i32, text: String) -> Self {
        Self {
            code,
            text: Cow::Owned(text),
        }
    }
}

/// The refusal with the code's own text, in the place of an answer.
pub(crate) fn refuse<T>(code: i32) -> Result<T, Refusal> {
    Err(Refusal::of(code))
}

/// The body of a success: a JSON object or a file.
#[derive(Debug)]
pub(crate) struct Success {
    body: Content,
    file: Option<Cow<'static, str>>,
    headers: Vec<(&'static str, String)>,
}

impl Success {
    /// A body as the platform's documents show it. `body` serializes to an object.
    pub(crate) fn json(body: &impl Serialize) -> Self {
        // The bodies are plain structs of texts and numbers, which serde_json cannot fail to write.
        Self::of(serde_json::to_vec(body).unwrap_or_else(|_| b"{}".to_vec()))
    }

    /// `{"errcode":0,"errmsg":"ok"}`, for calls that answer nothing else.
    pub(crate) fn ok() -> Self {
        Self::of(br#"{"errcode":0,"errmsg":"ok"}"#.to_vec())
    }

    /// A file of this content type.
    pub(crate) fn file(content_type: impl Into<Cow<'static, str>>, content: impl Into<Content>) -> Self {
        Self {
            file: Some(content_type.into()),
            ..Self::of(content)
        }
    }

    /// The same with a header that only this answer has.
    pub(crate) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    fn of(body: impl Into<Content>) -> Self {
        Self {
            body: body.into(),
            file: None,
            headers: Vec::new(),
        }
    }
}

/// How error texts end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrorStyle {
    /// ` rid: …`, after a comma under /sns.
    #[default]
    Rid,
    /// Older answers of /sns: `, hints: [ req_id: … ]`. Other paths as with [`Self::Rid`].
    Hints,
    /// The oldest answers: the text alone.
    Bare,
}

/// How an app's answers are written: the details that field reports disagree about.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Style {
    /// How error texts end.
    pub(crate) errors: ErrorStyle,
    /// Success bodies that have no errcode get one.
    pub(crate) always_errcode: bool,
    /// Slashes are written as `\/`.
    pub(crate) escape_slashes: bool,
}

/// A finished HTTP answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    /// The HTTP status. WeChat: 200 even for errors.
    pub(crate) status: u16,
    /// The content type.
    pub(crate) content_type: Cow<'static, str>,
    /// Where it redirects to, if it does.
    pub(crate) location: Option<String>,
    /// Further headers.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The body.
    pub(crate) body: Content,
    /// The errcode in the body, for the call log.
    pub(crate) errcode: Option<i32>,
}

/// The content type of a path's answers. WeChat: /sns answers have long been `text/plain`.
fn content_type(path: &str) -> Cow<'static, str> {
    Cow::Borrowed(if path.starts_with("/sns/") {
        "text/plain"
    } else {
        "application/json; encoding=utf-8"
    })
}

impl Reply {
    /// Writes an endpoint's answer the way `style` asks for.
    pub(crate) fn write(answer: Answer, path: &str, style: Style, random: &mut Random, now: Moment) -> Self {
        let (success, errcode) = match answer {
            Ok(success) => (success, 0),
            Err(refusal) => (
                Success::of(error_body(&refusal, path, style.errors, random, now)),
                refusal.code,
            ),
        };
        let Success {
            mut body,
            file,
            headers,
        } = success;
        if style.always_errcode && errcode == 0 && file.is_none() {
            body = with_errcode(body.head()).into();
        }
        if style.escape_slashes && file.is_none() {
            // A slash stands in JSON only inside strings, so every one may be escaped.
            let text = String::from_utf8_lossy(body.head()).replace('/', "\\/");
            body = text.into_bytes().into();
        }
        Self {
            status: 200,
            content_type: file.unwrap_or_else(|| content_type(path)),
            location: None,
            headers,
            body,
            errcode: Some(errcode),
        }
    }

    /// A file, as other hosts than the API's send it.
    pub(crate) fn file(content_type: impl Into<Cow<'static, str>>, content: impl Into<Content>) -> Self {
        Self {
            status: 200,
            content_type: content_type.into(),
            location: None,
            headers: Vec::new(),
            body: content.into(),
            errcode: None,
        }
    }

    /// An HTML page, as proxies before the platform send them.
    pub(crate) fn page(status: u16, title: &str) -> Self {
        let body = format!(
            "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
             <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
        );
        Self {
            status,
            content_type: Cow::Borrowed("text/html"),
            location: None,
            headers: Vec::new(),
            body: body.into_bytes().into(),
            errcode: None,
        }
    }
}

/// Puts `errcode` and `errmsg` in front of a body that has none.
fn with_errcode(body: &[u8]) -> Vec<u8> {
    // Some answers have `errmsg` first.
    let begins = |text: &[u8]| body.starts_with(text);
    if begins(br#"{"errcode":"#) || begins(br#"{"errmsg":"#) || body.len() <= 2 {
        return body.to_vec();
    }
    let mut longer = br#"{"errcode":0,"errmsg":"ok","#.to_vec();
    longer.extend_from_slice(&body[1..]);
    longer
}

fn error_body(refusal: &Refusal, path: &str, style: ErrorStyle, random: &mut Random, now: Moment) -> Content {
    #[derive(Serialize)]
    struct ErrorBody<'a> {
        errcode: i32,
        errmsg: &'a str,
    }
    let text = &refusal.text;
    let sns = path.starts_with("/sns/");
    let errmsg = match style {
        ErrorStyle::Bare => text.to_string(),
        ErrorStyle::Hints if sns => format!("{text}, hints: [ req_id: {} ]", random.word(17)),
        ErrorStyle::Rid | ErrorStyle::Hints => {
            let comma = if sns { "," } else { "" };
            format!("{text}{comma} rid: {}", random.request_id(now))
        }
    };
    Success::json(&ErrorBody {
        errcode: refusal.code,
        errmsg: &errmsg,
    })
    .body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(answer: Answer, path: &str, style: Style) -> String {
        let reply = Reply::write(
            answer,
            path,
            style,
            &mut Random::seeded(1),
            Moment(1_632_000_000_000),
        );
        String::from_utf8(reply.body.head().to_vec()).unwrap()
    }

    #[test]
    fn error_texts_end_with_a_request_id_that_begins_with_the_time() {
        let body = written(Err(Refusal::of(40_013)), "/cgi-bin/token", Style::default());
        assert!(
            body.starts_with(r#"{"errcode":40013,"errmsg":"invalid appid rid: 61465800-"#),
            "{body}"
        );
        let body = written(Err(Refusal::of(40_029)), "/sns/jscode2session", Style::default());
        assert!(
            body.starts_with(r#"{"errcode":40029,"errmsg":"invalid code, rid: 61465800-"#),
            "{body}"
        );
    }

    #[test]
    fn older_error_texts_can_be_had() {
        let hints = Style {
            errors: ErrorStyle::Hints,
            ..Style::default()
        };
        let body = written(Err(Refusal::of(40_029)), "/sns/jscode2session", hints);
        assert!(body.contains("invalid code, hints: [ req_id: "), "{body}");
        let bare = Style {
            errors: ErrorStyle::Bare,
            ..Style::default()
        };
        let body = written(Err(Refusal::of(40_013)), "/cgi-bin/token", bare);
        assert_eq!(body, r#"{"errcode":40013,"errmsg":"invalid appid"}"#);
    }

    #[test]
    fn an_errcode_is_added_once_and_slashes_are_escaped_on_request() {
        let style = Style {
            always_errcode: true,
            escape_slashes: true,
            ..Style::default()
        };
        let body = serde_json::json!({"key": "a/b"});
        assert_eq!(
            written(Ok(Success::json(&body)), "/cgi-bin/token", style),
            r#"{"errcode":0,"errmsg":"ok","key":"a\/b"}"#
        );
        assert_eq!(
            written(Ok(Success::ok()), "/wxa/checksession", style),
            r#"{"errcode":0,"errmsg":"ok"}"#
        );
    }
}
