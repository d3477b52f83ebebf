//! The access tokens of all apps and the life of each: issued, replaced, killed, expired. Secrets, quotas
//! and addresses are checked before anything here is asked.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::clock::Moment;
use super::errcode;
use super::random::Random;
use super::reply::Refusal;

/// Seconds that a new token lives, unless an app's settings say otherwise.
pub(crate) const LIFETIME: u32 = 7_200;
/// WeChat: in its last five minutes a stable token is followed by a new one, and both live five minutes.
const ROLLOVER: u32 = 300;
/// WeChat: `force_refresh` works 20 times a day, 30 seconds apart.
const FORCED_A_DAY: u32 = 20;
const FORCED_APART: u32 = 30;
/// Tokens remembered in all; the oldest dead ones are forgotten and answer 40014 from then.
const MOST: usize = 50_000;

/// The two kinds of token, which never affect each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TokenKind {
    /// From `/cgi-bin/token`.
    Classic,
    /// From `/cgi-bin/stable_token`.
    Stable,
}

/// Every token the platform remembers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tokens {
    records: HashMap<Arc<str>, Record>,
    oldest: VecDeque<Arc<str>>,
    lines: HashMap<(String, TokenKind), Line>,
}

#[derive(Debug, Clone)]
struct Record {
    app_id: String,
    kind: TokenKind,
    /// Past this, the token is expired: 42001.
    expires: Moment,
    /// Past this, the token has been replaced or killed: 40001.
    ends: Option<Moment>,
}

/// The succession of one app's tokens of one kind.
#[derive(Debug, Clone, Default)]
struct Line {
    current: Option<Arc<str>>,
    previous: Option<Arc<str>>,
    forced_day: i64,
    forced_today: u32,
    forced_last: Option<Moment>,
}

impl Tokens {
    /// Issues a classic token: always a new one, its predecessor living on for `overlap` seconds.
    pub(crate) fn classic(
        &mut self,
        app_id: &str,
        lifetime: u32,
        overlap: u32,
        now: Moment,
        random: &mut Random,
    ) -> Arc<str> {
        let line = self.line(app_id, TokenKind::Classic);
        let (current, older) = (line.current.take(), line.previous.take());
        if let Some(older) = older {
            self.end(&older, now);
        }
        if let Some(current) = &current {
            self.end(current, now.plus(overlap));
        }
        self.issue((app_id, TokenKind::Classic, lifetime), current, now, random)
    }

    /// Answers a stable token and the seconds that remain of it.
    pub(crate) fn stable(
        &mut self,
        app_id: &str,
        lifetime: u32,
        force: bool,
        now: Moment,
        random: &mut Random,
    ) -> (Arc<str>, i64) {
        let line = self
            .lines
            .entry((app_id.to_owned(), TokenKind::Stable))
            .or_default();
        let current = line.current.clone().and_then(|token| {
            let expires = self.records.get(&token).map(|record| record.expires)?;
            (expires > now).then_some((token, expires))
        });
        let Some((current, expires)) = current else {
            return (
                self.issue((app_id, TokenKind::Stable, lifetime), None, now, random),
                i64::from(lifetime),
            );
        };
        if force && line.may_force(now) {
            let previous = line.previous.take();
            self.end(&current, now);
            previous.inspect(|token| self.end(token, now));
            return (
                self.issue((app_id, TokenKind::Stable, lifetime), None, now, random),
                i64::from(lifetime),
            );
        }
        let rollover = ROLLOVER.min(lifetime / 4);
        if expires <= now.plus(rollover) {
            if let Some(record) = self.records.get_mut(&current) {
                record.expires = now.plus(rollover);
            }
            let next = self.issue((app_id, TokenKind::Stable, lifetime), Some(current), now, random);
            return (next, i64::from(lifetime));
        }
        (current, now.seconds_until(expires))
    }

    /// The app a token belongs to, if it works.
    ///
    /// WeChat: 40014 for what was never issued, 42001 past the end, 40001 for what was replaced.
    pub(crate) fn check(&self, token: &str, now: Moment) -> Result<&str, Refusal> {
        let record = self
            .records
            .get(token)
            .ok_or_else(|| Refusal::of(errcode::INVALID_ACCESS_TOKEN))?;
        if record.expires <= now {
            return Err(Refusal::of(errcode::TOKEN_EXPIRED));
        }
        if record.ends.is_some_and(|ends| ends <= now) {
            return Err(Refusal::of(errcode::INVALID_CREDENTIAL));
        }
        Ok(&record.app_id)
    }

    /// The app a token was issued to, whether or not it still works.
    pub(crate) fn owner(&self, token: &str) -> Option<&str> {
        self.records.get(token).map(|record| record.app_id.as_str())
    }

    /// The newest token of a kind, whether or not it still works.
    pub(crate) fn current(&self, app_id: &str, kind: TokenKind) -> Option<&str> {
        self.lines.get(&(app_id.to_owned(), kind))?.current.as_deref()
    }

    /// Ends every token of an app (of one kind), as a password change or another program's refresh does;
    /// answers how many worked until now.
    ///
    /// With `still_served`, `stable_token` goes on handing out the dead token until it is forced.
    pub(crate) fn kill(
        &mut self,
        app_id: &str,
        kind: Option<TokenKind>,
        still_served: bool,
        now: Moment,
    ) -> usize {
        let mut killed = 0;
        let concerned =
            |record: &&mut Record| record.app_id == app_id && kind.is_none_or(|kind| kind == record.kind);
        for record in self.records.values_mut().filter(concerned) {
            if record.expires > now && record.ends.is_none_or(|ends| ends > now) {
                record.ends = Some(now);
                killed += 1;
            }
        }
        for ((owner, line_kind), line) in &mut self.lines {
            if owner == app_id && kind.is_none_or(|kind| kind == *line_kind) && !still_served {
                (line.current, line.previous) = (None, None);
            }
        }
        killed
    }

    fn line(&mut self, app_id: &str, kind: TokenKind) -> &mut Line {
        self.lines.entry((app_id.to_owned(), kind)).or_default()
    }

    fn end(&mut self, token: &str, at: Moment) {
        if let Some(record) = self.records.get_mut(token) {
            record.ends = Some(record.ends.map_or(at, |ends| ends.min(at)));
        }
    }

    fn issue(
        &mut self,
        (app_id, kind, lifetime): (&str, TokenKind, u32),
        previous: Option<Arc<str>>,
        now: Moment,
        random: &mut Random,
    ) -> Arc<str> {
        self.forget_the_oldest(now);
        let token: Arc<str> = random.token().into();
        let record = Record {
            app_id: app_id.to_owned(),
            kind,
            expires: now.plus(lifetime),
            ends: None,
        };
        self.records.insert(Arc::clone(&token), record);
        self.oldest.push_back(Arc::clone(&token));
        let line = self.line(app_id, kind);
        line.current = Some(Arc::clone(&token));
        line.previous = previous;
        token
    }

    fn forget_the_oldest(&mut self, now: Moment) {
        if self.oldest.len() < MOST {
            return;
        }
        // A token that works is moved to the back instead; a few looks are enough, for tokens of one
        // line die in the order in which they were issued.
        for _ in 0..8 {
            let Some(token) = self.oldest.pop_front() else {
                return;
            };
            if self.check(&token, now).is_ok() {
                self.oldest.push_back(token);
            } else {
                self.records.remove(&token);
                return;
            }
        }
    }
}

impl Line {
    /// Whether a forced refresh works now; if so it is counted.
    fn may_force(&mut self, now: Moment) -> bool {
        if self.forced_day != now.day() {
            (self.forced_day, self.forced_today) = (now.day(), 0);
        }
        let rested = self.forced_last.is_none_or(|last| last.plus(FORCED_APART) <= now);
        if self.forced_today >= FORCED_A_DAY || !rested {
            return false;
        }
        self.forced_today += 1;
        self.forced_last = Some(now);
        true
    }
}
