//! The `state` that goes with a user to WeChat and back: random, signed, bound to the app and to the browser.
//! WeChat takes at most 128 letters and digits. (网页授权.)

use aws_lc_rs::hmac;
use rand::RngExt as _;

use crate::domain::ids::AppName;
use crate::domain::time::Timestamp;

/// Digits of the parts: the random id, the end in seconds, the tag.
const ID: usize = 32;
const END: usize = 8;
const TAG: usize = 32;

/// Signs states and reads them.
pub(super) struct States(hmac::Key);

impl States {
    pub(super) fn new(key: hmac::Key) -> Self {
        Self(key)
    }

    /// The state of an authorization.
    pub(super) fn write(&self, id: &str, app: &AppName, browser: &str, expires_at: Timestamp) -> String {
        let signed = format!("{id}{:08x}", expires_at.secs());
        let tag = hex::encode(hmac::sign(&self.0, message(&signed, app, browser).as_bytes()));
        format!("{signed}{}", &tag[..TAG])
    }

    /// The id of the authorization, if the state is ours, of this app and browser, and not too old.
    pub(super) fn read<'s>(
        &self,
        state: &'s str,
        app: &AppName,
        browser: &str,
        now: Timestamp,
    ) -> Option<&'s str> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if state.len() != ID + END + TAG || !state.bytes().all(is_digit) {
            return None;
        }
        let (signed, tag) = state.split_at(ID + END);
        let expected = hmac::sign(&self.0, message(signed, app, browser).as_bytes());
        let expected = hex::encode(expected);
        if !bool::from(subtle::ConstantTimeEq::ct_eq(
            expected.as_bytes().get(..TAG)?,
            tag.as_bytes(),
        )) {
            return None;
        }
        let (id, end) = signed.split_at(ID);
        let end = i64::from_str_radix(end, 16).ok()?;
        (Timestamp::from_secs(end) > now).then_some(id)
    }
}

fn message(signed: &str, app: &AppName, browser: &str) -> String {
    format!("oauth state\n{signed}\n{app}\n{browser}")
}

/// A random id of 128 bits, which is also what a browser is known by.
pub(super) fn random_id() -> String {
    hex::encode(rand::rng().random::<[u8; ID / 2]>())
}

/// Whether a cookie's value is one that we have made.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == ID && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_by_its_app_and_browser_until_its_end() {
        let states = States::new(hmac::Key::new(hmac::HMAC_SHA256, b"key"));
        let (shop, other): (AppName, AppName) = ("shop".parse().unwrap(), "other".parse().unwrap());
        let (id, end) = (random_id(), Timestamp::from_secs(1_700_000_600));
        let state = states.write(&id, &shop, "browser", end);
        assert!(state.len() <= 128 && state.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let before = Timestamp::from_secs(1_700_000_599);
        assert_eq!(states.read(&state, &shop, "browser", before), Some(id.as_str()));
        assert_eq!(states.read(&state, &shop, "browser", end), None);
        assert_eq!(states.read(&state, &other, "browser", before), None);
        assert_eq!(states.read(&state, &shop, "", before), None);
        for place in 0..state.len() {
            let mut changed = state.clone().into_bytes();
            changed[place] = if changed[place] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(states.read(&changed, &shop, "browser", before), None, "{place}");
        }
    }
}
