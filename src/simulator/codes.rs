//! One-time codes of one app: made for a user, good for five minutes and for one use. What a code is
//! exchanged for is the endpoints' matter.

use std::collections::{HashMap, VecDeque};

use super::clock::Moment;
use super::errcode;
use super::reply::Refusal;

/// Seconds that a code lives.
pub(crate) const LIFETIME: u32 = 300;
/// Codes remembered per app; the oldest are forgotten and answer 40029 from then.
const MOST: usize = 50_000;

/// What a code may be exchanged at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CodeKind {
    /// `wx.login`, exchanged at `/sns/jscode2session`.
    Login,
}

/// The codes of one app.
#[derive(Debug, Clone, Default)]
pub(crate) struct Codes {
    known: HashMap<String, Code>,
    oldest: VecDeque<String>,
}

#[derive(Debug, Clone)]
struct Code {
    user: usize,
    kind: CodeKind,
    expires: Moment,
    used: bool,
}

impl Codes {
    /// Remembers a new code of a user.
    pub(crate) fn add(&mut self, code: String, user: usize, kind: CodeKind, now: Moment) {
        if self.oldest.len() >= MOST
            && let Some(oldest) = self.oldest.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.oldest.push_back(code.clone());
        self.known.insert(
            code,
            Code {
                user,
                kind,
                expires: now.plus(LIFETIME),
                used: false,
            },
        );
    }

    /// The user a code would log in, without using it up.
    ///
    /// WeChat: 40163 for a code already used, 40029 for one that is unknown, expired, of another app or
    /// of another kind.
    pub(crate) fn look(&self, code: &str, kind: CodeKind, now: Moment) -> Result<usize, Refusal> {
        match self.known.get(code) {
            Some(found) if found.kind != kind || found.expires <= now => {
                Err(Refusal::of(errcode::INVALID_CODE))
            }
            Some(found) if found.used => Err(Refusal::of(errcode::CODE_USED)),
            Some(found) => Ok(found.user),
            None => Err(Refusal::of(errcode::INVALID_CODE)),
        }
    }

    /// The user of a code in whatever state, for fault rules.
    pub(crate) fn owner(&self, code: &str) -> Option<usize> {
        self.known.get(code).map(|found| found.user)
    }

    /// Uses a code up.
    pub(crate) fn use_up(&mut self, code: &str) {
        if let Some(found) = self.known.get_mut(code) {
            found.used = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_works_once_and_for_five_minutes() {
        let (mut codes, now) = (Codes::default(), Moment(0));
        codes.add("a".into(), 3, CodeKind::Login, now);
        assert_eq!(codes.look("a", CodeKind::Login, now.plus(299)), Ok(3));
        assert_eq!(
            codes
                .look("a", CodeKind::Login, now.plus(300))
                .map_err(|r| r.code),
            Err(40_029)
        );
        codes.use_up("a");
        assert_eq!(
            codes.look("a", CodeKind::Login, now).map_err(|r| r.code),
            Err(40_163)
        );
        assert_eq!(
            codes.look("b", CodeKind::Login, now).map_err(|r| r.code),
            Err(40_029)
        );
    }

    #[test]
    fn the_oldest_codes_are_forgotten() {
        let mut codes = Codes::default();
        for number in 0..=MOST {
            codes.add(number.to_string(), 0, CodeKind::Login, Moment(0));
        }
        assert_eq!(codes.owner("0"), None);
        assert_eq!(codes.owner("1"), Some(0));
    }
}
