//! The session keys of one app's users: one valid key each, the newest.

use std::collections::HashMap;

use aws_lc_rs::hmac;

use super::clock::Moment;
use super::random::Random;
use super::settings::SessionKeys;

/// The session keys of one app, by user.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sessions {
    by_user: HashMap<usize, Session>,
}

#[derive(Debug, Clone)]
struct Session {
    key: String,
    /// The key before, which works no more.
    previous: Option<String>,
    expires: Moment,
}

/// How session keys are made and how long they live.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionRule {
    /// When a login makes a new key.
    pub(crate) keys: SessionKeys,
    /// How long a key lives.
    pub(crate) seconds: u32,
}

impl Sessions {
    /// The key a login is answered with. A new one makes the old one useless.
    pub(crate) fn log_in(
        &mut self,
        user: usize,
        rule: SessionRule,
        now: Moment,
        random: &mut Random,
    ) -> &str {
        let expires = now.plus(rule.seconds);
        let session = self.by_user.entry(user).or_insert_with(|| Session {
            key: String::new(),
            previous: None,
            expires: now,
        });
        if rule.keys == SessionKeys::AlwaysNew || session.expires <= now {
            session.renew(random);
        }
        // WeChat: a key's life is extended by use.
        session.expires = expires;
        &session.key
    }

    /// The user's key, if it has one that has not expired.
    pub(crate) fn key(&self, user: usize, now: Moment) -> Option<&str> {
        self.by_user
            .get(&user)
            .filter(|session| session.expires > now)
            .map(|session| session.key.as_str())
    }

    /// Replaces the key; the new one inherits the old one's end.
    pub(crate) fn replace(&mut self, user: usize, random: &mut Random) -> Option<&str> {
        let session = self.by_user.get_mut(&user)?;
        session.renew(random);
        Some(&session.key)
    }

    /// The key before the user's current one, for data that a client encrypted too early.
    pub(crate) fn stale_key(&self, user: usize) -> Option<&str> {
        self.by_user.get(&user)?.previous.as_deref()
    }
}

impl Session {
    fn renew(&mut self, random: &mut Random) {
        let old = std::mem::replace(&mut self.key, random.session_key());
        self.previous = Some(old).filter(|old| !old.is_empty());
    }
}

/// The signature that proves a session key, over nothing.
///
/// WeChat: `hex(hmac_sha256(key, ""))`, the key being the base64 text itself, not the bytes it stands for.
pub(crate) fn signature(session_key: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, session_key.as_bytes());
    hex::encode(hmac::sign(&key, b""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: SessionRule = SessionRule {
        keys: SessionKeys::AlwaysNew,
        seconds: 100,
    };

    #[test]
    fn the_signature_takes_the_key_as_text() {
        let expected = "252b75c92698025afe925b29cca5517fdf9ee67aae072cf3225ebf3a53783058";
        assert_eq!(signature("HyVFkGl5F5OQWJZZaNzBBg=="), expected);
    }

    #[test]
    fn a_login_makes_a_new_key_unless_told_to_keep_it() {
        let (mut sessions, mut random, now) = (Sessions::default(), Random::seeded(1), Moment(0));
        let first = sessions.log_in(0, RULE, now, &mut random).to_owned();
        let second = sessions.log_in(0, RULE, now, &mut random).to_owned();
        assert_ne!(first, second);
        let keep = SessionRule {
            keys: SessionKeys::KeepWhileValid,
            ..RULE
        };
        assert_eq!(sessions.log_in(0, keep, now.plus(99), &mut random), second);
        assert_ne!(sessions.log_in(0, keep, now.plus(199), &mut random), second);
    }

    #[test]
    fn a_replaced_key_keeps_its_end() {
        let (mut sessions, mut random, now) = (Sessions::default(), Random::seeded(1), Moment(0));
        let first = sessions.log_in(0, RULE, now, &mut random).to_owned();
        assert_ne!(sessions.replace(0, &mut random), Some(first.as_str()));
        assert!(sessions.key(0, now.plus(99)).is_some());
        assert!(sessions.key(0, now.plus(100)).is_none());
        assert_eq!(sessions.replace(1, &mut random), None);
    }
}
