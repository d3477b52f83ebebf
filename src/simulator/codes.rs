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
    /// The authorize page's, exchanged at `/sns/oauth2/access_token`.
    OAuth(Grant),
    /// The phone number button's, exchanged at `/wxa/business/getuserphonenumber`.
    Phone,
}

/// What a user granted on the authorize page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grant {
    /// Scope `snsapi_userinfo`; without it `snsapi_base`.
    pub(crate) userinfo: bool,
    /// The page was shown as a snapshot, to a virtual user.
    pub(crate) snapshot: bool,
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
        let (user, ()) = self.find(code, now, |found| (found == kind).then_some(()))?;
        Ok(user)
    }

    /// The user of an authorize page's code and what was granted, as [`Self::look`] has it.
    pub(crate) fn look_granted(&self, code: &str, now: Moment) -> Result<(usize, Grant), Refusal> {
        self.find(code, now, |found| match found {
            CodeKind::OAuth(grant) => Some(grant),
            CodeKind::Login | CodeKind::Phone => None,
        })
    }

    fn find<T>(
        &self,
        code: &str,
        now: Moment,
        wanted: impl Fn(CodeKind) -> Option<T>,
    ) -> Result<(usize, T), Refusal> {
        let found = self.known.get(code).filter(|found| found.expires > now);
        let wanted = found.and_then(|found| Some((found, wanted(found.kind)?)));
        match wanted {
            Some((found, _)) if found.used => Err(Refusal::of(errcode::CODE_USED)),
            Some((found, wanted)) => Ok((found.user, wanted)),
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
