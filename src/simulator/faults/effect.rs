//! What a fault rule does to a call, and what is then delivered. The bytes and delays themselves are
//! `wire`'s matter.

use std::borrow::Cow;

use actix_web::http::header::HeaderValue;
use serde::{Deserialize, Serialize};

use crate::simulator::call::Call;
use crate::simulator::clock::Moment;
use crate::simulator::random::Random;
use crate::simulator::reply::{Refusal, Reply, Style};

/// Longest hang and latency, in seconds.
const LONGEST_SECONDS: u64 = 3_600;

/// Something that goes wrong.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Effect {
    /// An errcode with its standard text, or another one.
    Errcode {
        /// The errcode.
        errcode: i32,
        /// The text without a request id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        errmsg: Option<String>,
    },
    /// The call, or with `after` the answer, takes longer.
    Latency {
        /// By this many milliseconds.
        ms: u64,
    },
    /// Nothing is answered until the client leaves; then, or in the end, the connection is closed.
    Hang {
        /// The end, in seconds.
        #[serde(default = "ten_minutes")]
        seconds: u64,
    },
    /// The connection is closed without an answer.
    Reset {},
    /// The connection is closed after half of the body.
    TruncatedBody {},
    /// An HTML page with this status.
    HttpStatus {
        /// The status.
        status: u16,
    },
    /// The right body with another content type.
    WrongContentType {
        /// The content type.
        #[serde(default = "html")]
        content_type: String,
    },
    /// The right body, a few bytes at a time.
    SlowBody {
        /// Bytes at a time.
        #[serde(default = "one")]
        bytes: usize,
        /// Milliseconds between them.
        ms: u64,
    },
    /// Exactly this body.
    RawBody {
        /// The body.
        body: String,
        /// The status.
        #[serde(default = "ok")]
        status: u16,
        /// The content type.
        #[serde(default = "json")]
        content_type: String,
    },
    /// Bytes that are no text.
    Garbage {},
    /// A redirect.
    Redirect {
        /// Where to.
        location: String,
    },
}

fn ten_minutes() -> u64 {
    600
}
fn one() -> usize {
    1
}
fn ok() -> u16 {
    200
}
fn html() -> String {
    "text/html".into()
}
fn json() -> String {
    "application/json; encoding=utf-8".into()
}

/// What is sent in the end.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// The whole answer.
    Whole(Reply),
    /// A redirect to this address.
    Redirect(String),
    /// Half of the answer, then the end of the connection.
    Half(Reply),
    /// The answer in pieces.
    Drip {
        /// The answer.
        reply: Reply,
        /// Bytes at a time.
        bytes: usize,
        /// Milliseconds between them.
        ms: u64,
    },
    /// Nothing for this many seconds, then the end of the connection.
    Hang(u64),
    /// The end of the connection.
    Reset,
}

impl Delivery {
    /// The answer that the client sees, be it not all of it.
    pub(crate) fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Whole(reply) | Self::Half(reply) | Self::Drip { reply, .. } => Some(reply),
            Self::Redirect(_) | Self::Hang(_) | Self::Reset => None,
        }
    }

    /// The HTTP status and the errcode the client sees, for the call log.
    pub(crate) fn outcome(&self) -> (Option<u16>, Option<i32>) {
        match self {
            Self::Whole(reply) | Self::Half(reply) | Self::Drip { reply, .. } => {
                (Some(reply.status), reply.errcode)
            }
            Self::Redirect(_) => (Some(302), None),
            Self::Hang(_) | Self::Reset => (None, None),
        }
    }
}

impl Effect {
    /// What is wrong with the effect, in words for whoever wrote it.
    pub(crate) fn problem(&self) -> Option<String> {
        let header = |text: &str| text.len() <= 2_000 && HeaderValue::from_str(text).is_ok();
        let fine = match self {
            Self::Latency { ms } => *ms <= LONGEST_SECONDS * 1_000,
            Self::Hang { seconds } => *seconds <= LONGEST_SECONDS,
            Self::SlowBody { bytes, ms } => *bytes > 0 && *ms <= 60_000,
            Self::HttpStatus { status } => (200..600).contains(status),
            Self::RawBody {
                status, content_type, ..
            } => (200..600).contains(status) && header(content_type),
            Self::WrongContentType { content_type } => header(content_type),
            Self::Redirect { location } => header(location),
            Self::Errcode { errmsg, .. } => errmsg.as_ref().is_none_or(|text| text.len() <= 2_000),
            Self::Reset {} | Self::TruncatedBody {} | Self::Garbage {} => true,
        };
        (!fine).then(|| {
            "effect out of bounds: times up to an hour, status 200 to 599, bytes at least 1, header values \
             of printable ASCII"
                .into()
        })
    }

    /// Whether the platform's own answer is part of what is sent.
    pub(super) fn needs_answer(&self) -> bool {
        match self {
            Self::Latency { .. }
            | Self::TruncatedBody {}
            | Self::WrongContentType { .. }
            | Self::SlowBody { .. } => true,
            Self::Errcode { .. }
            | Self::Hang { .. }
            | Self::Reset {}
            | Self::HttpStatus { .. }
            | Self::RawBody { .. }
            | Self::Garbage {}
            | Self::Redirect { .. } => false,
        }
    }

    /// What is sent, given the platform's own answer if there is one.
    pub(super) fn deliver(
        &self,
        reply: Option<Reply>,
        call: &Call,
        style: Style,
        random: &mut Random,
        now: Moment,
    ) -> Delivery {
        match (self, reply) {
            (Self::Errcode { errcode, errmsg }, _) => {
                let refusal = match errmsg {
                    Some(text) => Refusal::with_text(*errcode, text.clone()),
                    None => Refusal::of(*errcode),
                };
                Delivery::Whole(Reply::write(Err(refusal), &call.path, style, random, now))
            }
            (Self::HttpStatus { status }, _) => {
                let reason = actix_web::http::StatusCode::from_u16(*status).ok();
                let reason = reason
                    .and_then(|status| status.canonical_reason())
                    .unwrap_or("Unknown");
                Delivery::Whole(Reply::page(*status, &format!("{status} {reason}")))
            }
            (
                Self::RawBody {
                    body,
                    status,
                    content_type,
                },
                _,
            ) => Delivery::Whole(made_up(*status, content_type, body.clone().into_bytes())),
            (Self::Garbage {}, _) => Delivery::Whole(made_up(200, &json(), random.garbage(64))),
            (Self::Redirect { location }, _) => Delivery::Redirect(location.clone()),
            (Self::Hang { seconds }, _) => Delivery::Hang(*seconds),
            (Self::TruncatedBody {}, Some(reply)) => Delivery::Half(reply),
            (Self::SlowBody { bytes, ms }, Some(reply)) => Delivery::Drip {
                reply,
                bytes: *bytes,
                ms: *ms,
            },
            (Self::WrongContentType { content_type }, Some(reply)) => Delivery::Whole(Reply {
                content_type: Cow::Owned(content_type.clone()),
                ..reply
            }),
            (Self::Latency { .. }, Some(reply)) => Delivery::Whole(reply),
            // The last four cannot happen: these effects make the platform serve the call.
            (
                Self::Reset {}
                | Self::TruncatedBody {}
                | Self::SlowBody { .. }
                | Self::WrongContentType { .. }
                | Self::Latency { .. },
                _,
            ) => Delivery::Reset,
        }
    }
}

fn made_up(status: u16, content_type: &str, body: Vec<u8>) -> Reply {
    let errcode = serde_json::from_slice::<serde_json::Value>(&body).ok();
    let errcode = errcode.and_then(|body| i32::try_from(body.get("errcode")?.as_i64()?).ok());
    Reply {
        status,
        content_type: Cow::Owned(content_type.to_owned()),
        location: None,
        headers: Vec::new(),
        body: body.into(),
        errcode,
    }
}
