//! The calls the platform received: exact counts of all, and a log of the latest. Secrets and tokens are
//! masked when the log is read.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use serde::Serialize;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::call::Call;
use super::clock::Moment;
use super::faults::{Delivery, Plan};

/// Calls the log remembers.
pub(crate) const MOST: usize = 2_000;
/// Paths that are counted; calls of further ones are counted together as `*`.
const MOST_PATHS: usize = 1_000;
/// Bytes of a query and of a body that the log remembers.
const MOST_BYTES: usize = 2_048;
/// Characters of a request id.
pub(crate) const RID_LENGTH: usize = 26;
const MASKED: [&str; 5] = [
    "secret",
    "appsecret",
    "access_token",
    "refresh_token",
    "session_key",
];

/// All received calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct Calls {
    counts: BTreeMap<String, BTreeMap<String, u64>>,
    latest: VecDeque<Entry>,
    next: u64,
}

#[derive(Debug, Clone)]
struct Entry {
    id: u64,
    at: Moment,
    method: String,
    path: String,
    query: String,
    body: Vec<u8>,
    app_id: Option<String>,
    status: Option<u16>,
    errcode: Option<i32>,
    fault: Option<String>,
    refusal: Option<Refused>,
}

/// What is told of a refused call that its request id is asked about.
#[derive(Debug, Clone)]
struct Refused {
    rid: String,
    response: String,
    cost_ms: u64,
    address: IpAddr,
}

/// A logged call as the admin API shows it.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    id: u64,
    /// Seconds of the simulator's clock.
    time: i64,
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    body: Option<Value>,
    app_id: Option<String>,
    /// Absent when no answer was sent.
    status: Option<u16>,
    errcode: Option<i32>,
    fault: Option<String>,
}

impl Calls {
    /// Counts a call when it arrives, before any delay.
    pub(crate) fn count(&mut self, path: &str, app_id: Option<&str>) {
        let full = self.counts.len() >= MOST_PATHS && !self.counts.contains_key(path);
        let path = if full || path.len() > MOST_BYTES {
            "*"
        } else {
            path
        };
        let app_id = app_id.unwrap_or_default();
        if let Some(count) = self.counts.get_mut(path).and_then(|apps| apps.get_mut(app_id)) {
            *count += 1;
        } else {
            *self
                .counts
                .entry(path.to_owned())
                .or_default()
                .entry(app_id.to_owned())
                .or_default() += 1;
        }
    }

    /// How many calls arrived, of one path or all, of one app or all.
    pub(crate) fn counted(&self, path: Option<&str>, app_id: Option<&str>) -> u64 {
        self.counts
            .iter()
            .filter(|(counted, _)| path.is_none_or(|path| path == counted.as_str()))
            .flat_map(|(_, apps)| apps)
            .filter(|(counted, _)| app_id.is_none_or(|app_id| app_id == counted.as_str()))
            .map(|(_, count)| count)
            .sum()
    }

    /// Logs a call that has been decided.
    pub(crate) fn log(&mut self, call: &Call, plan: &Plan, delivery: &Delivery, now: Moment) {
        if self.latest.len() >= MOST {
            self.latest.pop_front();
        }
        self.next += 1;
        let (status, errcode) = delivery.outcome();
        self.latest.push_back(Entry {
            id: self.next,
            at: now,
            method: call.method.as_str().chars().take(16).collect(),
            path: call.path.chars().take(512).collect(),
            query: if call.query.len() <= MOST_BYTES {
                call.query.clone()
            } else {
                String::new()
            },
            body: noted(call),
            app_id: plan.app_id.clone(),
            status,
            errcode,
            fault: plan.fault_id().map(str::to_owned),
            refusal: refusal(call, plan, delivery),
        });
    }

    /// The latest calls, oldest first, of one path or all, at most so many.
    pub(crate) fn latest(&self, path: Option<&str>, app_id: Option<&str>, limit: usize) -> Vec<Shown> {
        let mut shown: Vec<Shown> = self
            .latest
            .iter()
            .rev()
            .filter(|entry| path.is_none_or(|path| path == entry.path))
            .filter(|entry| app_id.is_none_or(|app_id| entry.app_id.as_deref() == Some(app_id)))
            .take(limit)
            .map(Entry::show)
            .collect();
        shown.reverse();
        shown
    }

    /// The call that was refused with this request id, and the app it was made for.
    pub(crate) fn refused(&self, rid: &str) -> Option<(Option<&str>, Value)> {
        let mut latest = self.latest.iter().rev();
        let found =
            latest.find_map(|entry| Some((entry, entry.refusal.as_ref().filter(|known| known.rid == rid)?)));
        let (entry, refused) = found?;
        let request = json!({
            "invoke_time": entry.at.seconds(),
            "cost_in_ms": refused.cost_ms,
            "request_url": shortened(&entry.query),
            "request_body": String::from_utf8_lossy(&entry.body),
            "response_body": refused.response,
            "client_ip": refused.address,
        });
        Some((entry.app_id.as_deref(), request))
    }

    /// Forgets all calls and counts.
    pub(crate) fn clear(&mut self) {
        self.counts.clear();
        self.latest.clear();
    }
}

/// A query with the beginning of its token alone. WeChat: `access_token=50_Im7xxxx`.
fn shortened(query: &str) -> String {
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, value)) if MASKED.contains(&name) => {
            let begin: String = value.chars().take(6).collect();
            format!("{name}={begin}xxxx")
        }
        _ => pair.to_owned(),
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// What is remembered of an answer that has a request id.
fn refusal(call: &Call, plan: &Plan, delivery: &Delivery) -> Option<Refused> {
    let response = delivery.reply()?.body.head();
    let response = &response[..response.len().min(MOST_BYTES)];
    let text = String::from_utf8_lossy(response);
    let (_, rid) = text.split_once(" rid: ")?;
    Some(Refused {
        rid: rid.chars().take(RID_LENGTH).collect(),
        cost_ms: plan.wait_before + plan.wait_after + 1,
        address: call.address,
        response: text.into_owned(),
    })
}

/// What the log remembers of a body.
fn noted(call: &Call) -> Vec<u8> {
    let form = call.form.as_ref().map(|form| form.noted().to_string());
    let body = form.as_ref().map_or(call.body.as_ref(), |form| form.as_bytes());
    if body.len() <= MOST_BYTES {
        body.to_vec()
    } else {
        Vec::new()
    }
}

impl Entry {
    fn show(&self) -> Shown {
        let mut query = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(self.query.as_bytes()) {
            let value = if MASKED.contains(&name.as_ref()) {
                "***".into()
            } else {
                value.into_owned()
            };
            query.entry(name.into_owned()).or_insert(value);
        }
        let body = serde_json::from_slice::<Map<String, Value>>(&self.body)
            .ok()
            .map(|mut body| {
                for (_, value) in body
                    .iter_mut()
                    .filter(|(name, _)| MASKED.contains(&name.as_str()))
                {
                    *value = Value::from("***");
                }
                Value::Object(body)
            });
        Shown {
            id: self.id,
            time: self.at.seconds(),
            method: self.method.clone(),
            path: self.path.clone(),
            query,
            body,
            app_id: self.app_id.clone(),
            status: self.status,
            errcode: self.errcode,
            fault: self.fault.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_stay_exact_and_bounded() {
        let mut calls = Calls::default();
        for number in 0..MOST_PATHS + 5 {
            calls.count(&format!("/{number}"), Some("wx1"));
        }
        calls.count("/0", None);
        assert_eq!(calls.counted(Some("/0"), None), 2);
        assert_eq!(calls.counted(Some("/0"), Some("wx1")), 1);
        assert_eq!(calls.counted(Some("*"), None), 5);
        assert_eq!(calls.counted(None, None), 1_006);
    }
}
