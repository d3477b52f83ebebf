//! Tokens of web pages: each stands for what one user granted one official account. They have nothing to do with
//! the tokens that apps call the API with, and neither works in the place of the other.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::clock::Moment;
use super::codes::Grant;
use super::errcode;
use super::random::Random;
use super::reply::Refusal;

/// WeChat: an access token lives two hours, a refresh token thirty days.
pub(crate) const LIFETIME: u32 = 7_200;
const REFRESH_LIFETIME: u32 = 30 * 86_400;
/// Grants remembered in all; the tokens of the oldest are forgotten.
const MOST: usize = 50_000;

/// What a token stands for.
#[derive(Debug, Clone)]
pub(crate) struct WebGrant {
    /// The official account.
    pub(crate) app_id: String,
    /// The user.
    pub(crate) user: usize,
    /// The openid that the user goes by, a virtual one on a snapshot page.
    pub(crate) openid: String,
    /// What was granted.
    pub(crate) grant: Grant,
}

/// The tokens of all grants.
#[derive(Debug, Clone, Default)]
pub(crate) struct WebTokens {
    grants: HashMap<Arc<str>, Issued>,
    by_access: HashMap<Arc<str>, Arc<str>>,
    oldest: VecDeque<Arc<str>>,
}

#[derive(Debug, Clone)]
struct Issued {
    grant: WebGrant,
    access: Arc<str>,
    access_expires: Moment,
    /// The access token before, which had expired when it was replaced. Those before it are forgotten.
    replaced: Option<Arc<str>>,
    refresh_expires: Moment,
}

impl WebTokens {
    /// Issues an access token and a refresh token.
    pub(crate) fn issue(
        &mut self,
        grant: WebGrant,
        now: Moment,
        random: &mut Random,
    ) -> (Arc<str>, Arc<str>) {
        if self.oldest.len() >= MOST
            && let Some(oldest) = self.oldest.pop_front()
            && let Some(forgotten) = self.grants.remove(&oldest)
        {
            for access in forgotten.replaced.iter().chain([&forgotten.access]) {
                self.by_access.remove(access);
            }
        }
        let (access, refresh): (Arc<str>, Arc<str>) = (random.token().into(), random.token().into());
        self.oldest.push_back(Arc::clone(&refresh));
        self.by_access.insert(Arc::clone(&access), Arc::clone(&refresh));
        let issued = Issued {
            grant,
            access: Arc::clone(&access),
            access_expires: now.plus(LIFETIME),
            replaced: None,
            refresh_expires: now.plus(REFRESH_LIFETIME),
        };
        self.grants.insert(Arc::clone(&refresh), issued);
        (access, refresh)
    }

    /// WeChat: a refresh extends an access token that still works and replaces one that does not; the refresh token
    /// stays the same and is not extended. 40030 for an unknown one or another app's, 42002 past its end.
    pub(crate) fn refresh(
        &mut self,
        app_id: &str,
        refresh: &str,
        now: Moment,
        random: &mut Random,
    ) -> Result<(Arc<str>, &WebGrant), Refusal> {
        let invalid = || Refusal::of(errcode::INVALID_REFRESH_TOKEN);
        let (key, _) = self.grants.get_key_value(refresh).ok_or_else(invalid)?;
        let key = Arc::clone(key);
        let issued = self.grants.get_mut(refresh).ok_or_else(invalid)?;
        if issued.grant.app_id != app_id {
            return Err(invalid());
        }
        if issued.refresh_expires <= now {
            return Err(Refusal::of(errcode::REFRESH_TOKEN_EXPIRED));
        }
        if issued.access_expires <= now {
            let next: Arc<str> = random.token().into();
            self.by_access.insert(Arc::clone(&next), key);
            let expired = std::mem::replace(&mut issued.access, next);
            if let Some(older) = issued.replaced.replace(expired) {
                self.by_access.remove(&older);
            }
        }
        issued.access_expires = now.plus(LIFETIME);
        Ok((Arc::clone(&issued.access), &issued.grant))
    }

    /// What a token stands for, if it works. WeChat: 40014 for what was never issued, 42001 past its end; only an
    /// expired token is ever replaced.
    pub(crate) fn check(&self, access: &str, now: Moment) -> Result<&WebGrant, Refusal> {
        let issued = self
            .by_access
            .get(access)
            .and_then(|refresh| self.grants.get(refresh));
        let issued = issued.ok_or_else(|| Refusal::of(errcode::INVALID_ACCESS_TOKEN))?;
        if *issued.access != *access || issued.access_expires <= now {
            return Err(Refusal::of(errcode::TOKEN_EXPIRED));
        }
        Ok(&issued.grant)
    }

    /// The app of a token, whether or not it still works.
    pub(crate) fn owner(&self, access: &str) -> Option<&str> {
        let refresh = self.by_access.get(access)?;
        self.grants
            .get(refresh)
            .map(|issued| issued.grant.app_id.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_extends_what_works_and_replaces_what_does_not() {
        let (mut tokens, mut random, now) = (WebTokens::default(), Random::seeded(1), Moment(0));
        let grant = WebGrant {
            app_id: "wx1".into(),
            user: 0,
            openid: "oAnn".into(),
            grant: Grant {
                userinfo: false,
                snapshot: false,
            },
        };
        let (access, refresh) = tokens.issue(grant, now, &mut random);
        let code = |result: Result<&WebGrant, Refusal>| result.map(|_| ()).map_err(|refusal| refusal.code);
        assert_eq!(code(tokens.check(&access, now.plus(7_199))), Ok(()));
        let mut renew = |app, at| {
            let renewed = tokens.refresh(app, &refresh, now.plus(at), &mut random);
            renewed.map(|(access, _)| access).map_err(|refusal| refusal.code)
        };
        assert_eq!(renew("wx1", 7_199), Ok(access.clone()));
        let next = renew("wx1", 7_199 + 7_200).unwrap();
        assert_ne!(next, access);
        assert_eq!(renew("wx2", 0), Err(40_030));
        assert_eq!(renew("wx1", REFRESH_LIFETIME), Err(42_002));
        assert_eq!(code(tokens.check(&access, now)), Err(42_001));
        assert_eq!(code(tokens.check("unknown", now)), Err(40_014));
        assert_eq!(code(tokens.check(&next, now.plus(30_000))), Err(42_001));
    }
}
