//! The platform's answers: what is an error is recognised by its content, since errors come with status 200, also where
//! a file was asked for. All else is handed on as it comes. (protocol: HTTP status and Content-Type.)

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::OwnedSemaphorePermit;

use super::draft::escaped;
use crate::wechat::{self, Incoming, says_dead_token};

/// An error of the platform's is a small JSON object; a longer one is none.
const LONGEST_ERROR: usize = 64 * 1024;

/// Longer ones are not encrypted, as far as is known: it is done for calls with small answers. (服务端 API 签名加密.)
const LONGEST_SEALED: usize = 4 * 1024 * 1024;

/// The headers of answers that are handed on.
const HANDED_ON: [&str; 9] = [
    "content-type",
    "content-disposition",
    "content-encoding",
    "content-language",
    "cache-control",
    "expires",
    "last-modified",
    "retry-after",
    // How many mini-program codes were made so far. (获取小程序码.)
    "num-used",
];

/// The platform's answer to a call.
pub struct Answer {
    /// Its HTTP status.
    pub status: u16,
    /// Those of its headers that are for the caller.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Body,
    /// The errcode in it, if it is a JSON object that has one.
    pub errcode: Option<i64>,
    /// The platform's number for the request, which its support asks for.
    pub rid: Option<String>,
}

/// An answer's body.
pub enum Body {
    /// All of it.
    Whole(Bytes),
    /// The beginning, and more that is to come.
    Stream(Box<Rest>),
}

/// A body that is still coming.
pub struct Rest {
    first: VecDeque<Bytes>,
    length: Option<u64>,
    incoming: Incoming,
    /// The call is under way until the last of it has come.
    pub(super) place: Option<OwnedSemaphorePermit>,
}

impl Rest {
    /// How long the whole body is, if the platform said so.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// All of it, if it is not longer than so many bytes.
    ///
    /// # Errors
    /// If it is, or does not come.
    pub(super) async fn all(mut self, most: usize) -> wechat::Result<Bytes> {
        let mut all = BytesMut::new();
        while let Some(piece) = self.next().await? {
            all.extend_from_slice(&piece);
            if all.len() > most {
                return Err(wechat::Error::Unusable("it is too long"));
            }
        }
        Ok(all.freeze())
    }

    /// The next piece; nothing at the end.
    ///
    /// # Errors
    /// If no more comes, though it should.
    pub async fn next(&mut self) -> wechat::Result<Option<Bytes>> {
        match self.first.pop_front() {
            Some(piece) => Ok(Some(piece)),
            None => self.incoming.chunk().await,
        }
    }
}

/// What tells an error from everything else.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    errcode: Option<&'a RawValue>,
    #[serde(borrow)]
    errmsg: Option<&'a RawValue>,
}

impl Answer {
    /// Reads as much of an answer as tells whether it is an error.
    pub(super) async fn read(incoming: Incoming) -> wechat::Result<Self> {
        Self::begin(incoming, LONGEST_ERROR).await
    }

    /// Reads an answer in the signed and encrypted mode. `open` is given a look at its headers by their names in small
    /// letters, and its body; what gives nothing is no answer in that mode.
    pub(super) async fn read_sealed(
        incoming: Incoming,
        open: impl Fn(&dyn Fn(&str) -> Option<String>, &[u8]) -> wechat::Result<Option<Vec<u8>>>,
    ) -> wechat::Result<Self> {
        let headers = incoming.headers().clone();
        let answer = Self::begin(incoming, LONGEST_SEALED).await?;
        let Body::Whole(body) = &answer.body else {
            return Ok(answer);
        };
        let header = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
        match open(&header, body)? {
            Some(opened) => Ok(Self::whole(answer.status, answer.headers, opened.into())),
            None => Ok(answer),
        }
    }

    /// Reads an answer as long as it may be an object of at most so many bytes.
    async fn begin(mut incoming: Incoming, most: usize) -> wechat::Result<Self> {
        let length = incoming.length();
        let mut first = VecDeque::new();
        let mut read = 0;
        let mut ended = false;
        while read <= most && first.front().is_none_or(looks_like_json) {
            match incoming.chunk().await? {
                Some(piece) if piece.is_empty() => {}
                Some(piece) => {
                    read += piece.len();
                    first.push_back(piece);
                }
                None => {
                    ended = true;
                    break;
                }
            }
        }
        let status = incoming.status();
        let headers = handed_on(incoming.headers());
        if !ended {
            let rest = Rest {
                first,
                length,
                incoming,
                place: None,
            };
            let body = Body::Stream(Box::new(rest));
            return Ok(Self {
                status,
                headers,
                body,
                errcode: None,
                rid: None,
            });
        }
        Ok(Self::whole(status, headers, joined(first)))
    }

    /// An answer that is all there.
    pub(super) fn whole(status: u16, headers: HeaderMap, body: Bytes) -> Self {
        let (errcode, rid) = told(&body);
        Self {
            status,
            headers,
            body: Body::Whole(body),
            errcode,
            rid,
        }
    }

    /// A JSON object of our own in the place of the platform's.
    pub(super) fn of_ours(body: &serde_json::Value) -> Self {
        let mut headers = HeaderMap::new();
        // As the platform's own are. (protocol: HTTP status and Content-Type.)
        let json = HeaderValue::from_static("application/json; encoding=utf-8");
        headers.insert(CONTENT_TYPE, json);
        Self::whole(200, headers, body.to_string().into())
    }

    /// The same without the call's credential. What answers in the platform's place (a proxy's error page, a portal) may
    /// repeat the address that was asked for.
    pub(super) async fn without(self, credential: &SecretString) -> wechat::Result<Self> {
        let is_page = self
            .headers
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        if self.status == 200 && !is_page {
            return Ok(self);
        }
        let body = match self.body {
            Body::Whole(body) => body,
            Body::Stream(rest) => rest.all(LONGEST_ERROR).await?,
        };
        let text = String::from_utf8_lossy(&body);
        let raw = credential.expose_secret();
        let escaped = escaped(raw).to_string();
        let body = if text.contains(raw) || text.contains(&escaped) {
            text.replace(raw, "***").replace(&escaped, "***").into()
        } else {
            body
        };
        Ok(Self::whole(self.status, self.headers, body))
    }

    /// Whether the access_token in the call is dead. (返回码 40001, 40014, 42001.)
    #[must_use]
    pub fn is_dead_token(&self) -> bool {
        self.errcode.is_some_and(says_dead_token)
    }

    /// Whether the platform is in trouble, and not the call wrong.
    pub(super) fn is_trouble(&self) -> bool {
        self.status >= 500 || self.errcode == Some(-1)
    }
}

fn handed_on(headers: &HeaderMap) -> HeaderMap {
    let known = HANDED_ON.iter().map(|name| HeaderName::from_static(name));
    let found = known.filter_map(|name| Some((name.clone(), headers.get(&name)?.clone())));
    found.collect()
}

fn joined(mut pieces: VecDeque<Bytes>) -> Bytes {
    if pieces.len() == 1 {
        return pieces.pop_front().unwrap_or_default();
    }
    let mut all = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
    for piece in &pieces {
        all.extend_from_slice(piece);
    }
    all.freeze()
}

fn looks_like_json(piece: &Bytes) -> bool {
    let text = piece.strip_prefix(b"\xef\xbb\xbf").unwrap_or(piece);
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    first.is_none_or(|byte| *byte == b'{')
}

/// The errcode and the request's number, if this is a JSON object that has them.
fn told(body: &[u8]) -> (Option<i64>, Option<String>) {
    if body.len() > LONGEST_ERROR {
        return (None, None);
    }
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let Ok(told) = serde_json::from_slice::<Told<'_>>(body) else {
        return (None, None);
    };
    // A number, or a number in a text.
    let errcode = told
        .errcode
        .and_then(|raw| raw.get().trim_matches('"').parse().ok());
    let rid = told.errmsg.and_then(|raw| rid_in(raw.get()));
    (errcode, rid)
}

/// `… rid: 61725984-6126f6f9-040f19c4`. (返回码说明; openapi/rid/get.)
fn rid_in(errmsg: &str) -> Option<String> {
    let (_, after) = errmsg.rsplit_once("rid: ")?;
    let rid: String = after
        .chars()
        .take_while(|c| c.is_ascii_hexdigit() || *c == '-')
        .take(64)
        .collect();
    (!rid.is_empty()).then_some(rid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_recognised_by_its_content() {
        let error = r#"{"errcode":40001,"errmsg":"invalid credential rid: 61725984-6126f6f9-040f19c4"}"#;
        let rid = Some("61725984-6126f6f9-040f19c4".to_owned());
        assert_eq!(told(error.as_bytes()), (Some(40001), rid));
        assert_eq!(told(br#"{"errcode":"42001"}"#).0, Some(42001));
        assert_eq!(told("\u{feff}{\"errcode\":-1}".as_bytes()).0, Some(-1));
        assert_eq!(told(br#"{"errmsg":"ok","errcode":0,"x":[1.0e400]}"#).0, Some(0));
        for other in [
            &b"[1]"[..],
            b"{}",
            b"",
            b"\x89PNG",
            b"{\"errcode\":",
            b"{\"errcode\":1.5}",
            b"40001",
        ] {
            assert_eq!(told(other).0, None, "{other:?}");
        }
    }

    #[test]
    fn only_what_may_be_an_object_is_waited_for() {
        for json in ["{", "  {", "\u{feff}{", "\n", ""] {
            assert!(looks_like_json(&Bytes::from(json)), "{json:?}");
        }
        for other in ["[", "x", "<html>", "\u{89}PNG"] {
            assert!(!looks_like_json(&Bytes::from(other)), "{other:?}");
        }
    }
}
