//! What the platform makes of an answer to a push: accepted, shown to the user, forgotten, or no good (被动回复用户消息).

use serde_json::{Map, Value};

use super::act::Replies;
use super::crypto::{AesKey, signature};
use super::read;
use super::replies::checked;
use super::server::Alarm;
use super::settings::{PushFormat, PushMode};
use crate::simulator::settings::AppKind;

/// What an answer is held against.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    /// What the app is.
    pub(crate) kind: AppKind,
    /// The app.
    pub(crate) app_id: String,
    /// The account's own id.
    pub(crate) account: String,
    /// Who the push is from.
    pub(crate) sender: String,
    /// How the app's pushes are encrypted.
    pub(crate) mode: PushMode,
    /// The format of the app's pushes.
    pub(crate) format: PushFormat,
    /// The app's token.
    pub(crate) token: String,
    /// The key that this delivery was encrypted with. Our own choice: a reply must be, too.
    pub(crate) key: Option<AesKey>,
    /// What may be answered.
    pub(crate) replies: Replies,
    /// The media that exist; `None` takes any.
    pub(crate) media: Option<Vec<String>>,
}

/// What an answer comes to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    /// Nothing to show, and no reason to push again.
    Accepted,
    /// The user sees this.
    Replied(Value),
    /// A reply that the user does not see, and why.
    Ignored(Value, &'static str),
    /// No good.
    Failed(Alarm, String),
}

/// Judges an answer that arrived in time.
pub(crate) fn evaluate(ground: &Ground, status: u16, body: &[u8]) -> Verdict {
    if !(200..300).contains(&status) {
        return Verdict::Failed(Alarm::Status, format!("status {status}"));
    }
    if is_receipt(body) {
        return Verdict::Accepted;
    }
    judge(ground, body).unwrap_or_else(|problem| Verdict::Failed(Alarm::Answer, problem))
}

/// WeChat: an empty answer or exactly `success` says that there is no reply.
fn is_receipt(body: &[u8]) -> bool {
    body.is_empty() || body == b"success"
}

fn judge(ground: &Ground, body: &[u8]) -> Result<Verdict, String> {
    let text = std::str::from_utf8(body).map_err(|_| "it is no UTF-8")?;
    let outer = read_as(ground, text)?;
    let encrypted = outer.contains_key("Encrypt");
    let members = match (ground.mode, encrypted) {
        (PushMode::Safe, false) => return Err("it is not encrypted".into()),
        (PushMode::Plain, true) => return Err("it is encrypted".into()),
        (_, false) => outer,
        (_, true) => {
            let inner = decrypt(ground, &outer)?;
            if is_receipt(inner.as_bytes()) {
                return Ok(Verdict::Accepted);
            }
            read_as(ground, &inner)?
        }
    };
    let reply = checked(ground, &members)?;
    if ground.replies == Replies::None {
        return Ok(Verdict::Ignored(reply, "this event has no reply"));
    }
    let articles = reply["articles"].as_array().map_or(0, Vec::len);
    // WeChat: more than one article to a message, more than eight to an event, and nothing is shown.
    let most = if ground.replies == Replies::ToMessage {
        1
    } else {
        8
    };
    if articles > most {
        return Ok(Verdict::Ignored(reply, "there are too many articles"));
    }
    Ok(Verdict::Replied(reply))
}

/// WeChat: a reply is in the app's format. A mini program's in XML is taken for JSON too.
fn read_as(ground: &Ground, text: &str) -> Result<Map<String, Value>, String> {
    let json = text.starts_with('{');
    match ground.format {
        PushFormat::Xml if json => Err("it is JSON, and the format is XML".into()),
        PushFormat::Json if !json && ground.kind == AppKind::Official => {
            Err("it is no JSON, and the format is JSON".into())
        }
        PushFormat::Xml | PushFormat::Json => read::members(text),
    }
}

fn decrypt(ground: &Ground, outer: &Map<String, Value>) -> Result<String, String> {
    let member = |name: &str| {
        let value = outer.get(name).map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        value.ok_or_else(|| format!("{name} is missing"))
    };
    let (encrypted, timestamp, nonce) = (member("Encrypt")?, member("TimeStamp")?, member("Nonce")?);
    if timestamp.is_empty() || !timestamp.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("TimeStamp is no number".into());
    }
    if member("MsgSignature")? != signature(&[&ground.token, &timestamp, &nonce, &encrypted]) {
        return Err("MsgSignature is wrong".into());
    }
    let key = ground.key.as_ref().ok_or("the app has no key")?;
    let (inner, app_id) = key.decrypt(&encrypted)?;
    if app_id != ground.app_id {
        return Err("the app_id in it is another".into());
    }
    Ok(inner)
}
