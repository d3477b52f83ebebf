//! The people who use the simulated apps, and the ids the platform knows them by. What a user has with
//! one app (codes, session keys) is kept with the app.

use std::collections::HashMap;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Users in all.
pub(crate) const MOST: usize = 100_000;

/// A simulated person.
#[derive(Debug, Clone)]
pub(crate) struct User {
    /// The name that the admin API knows the user by.
    pub(crate) id: String,
    /// The name shown to people.
    pub(crate) nickname: String,
    /// WeChat: logins of high-risk users are refused with 40226.
    pub(crate) high_risk: bool,
    /// The phone number without its country code.
    pub(crate) phone: String,
    /// The country code of the phone number.
    pub(crate) country_code: String,
    /// The address of the user's picture; may be empty.
    pub(crate) avatar_url: String,
}

impl User {
    /// The `number`th user, with a phone number in mainland China that nobody else has.
    pub(crate) fn new(number: usize, id: String) -> Self {
        Self {
            nickname: id.clone(),
            id,
            high_risk: false,
            phone: format!("138{number:08}"),
            country_code: "86".to_owned(),
            avatar_url: "https://thirdwx.qlogo.cn/mmopen/simulated/132".to_owned(),
        }
    }

    /// WeChat: numbers outside mainland China are shown with `+` and their country code.
    pub(crate) fn shown_phone(&self) -> String {
        if self.country_code == "86" {
            return self.phone.clone();
        }
        format!("+{} {}", self.country_code, self.phone)
    }
}

/// All users, in the order they were made. A user's index stays the same for good.
#[derive(Debug, Clone, Default)]
pub(crate) struct Users {
    all: Vec<User>,
    by_id: HashMap<String, usize>,
}

impl Users {
    /// Adds a user and answers its index; `None` if the id is taken or there are too many.
    pub(crate) fn add(&mut self, user: User) -> Option<usize> {
        if self.all.len() >= MOST || self.by_id.contains_key(&user.id) {
            return None;
        }
        let index = self.all.len();
        self.by_id.insert(user.id.clone(), index);
        self.all.push(user);
        Some(index)
    }

    /// The index of a user.
    pub(crate) fn find(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// A user by index.
    pub(crate) fn get(&self, index: usize) -> Option<&User> {
        self.all.get(index)
    }

    /// A user by index, to change.
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut User> {
        self.all.get_mut(index)
    }

    /// All users in order.
    pub(crate) fn all(&self) -> &[User] {
        &self.all
    }
}

/// What openids and unionids are made from, so that each is stable without being stored.
#[derive(Debug, Clone)]
pub(crate) struct Identities(hmac::Key);

impl Identities {
    /// The ids that belong to a seed.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &seed.to_be_bytes()))
    }

    /// WeChat: an openid is stable per user and app; 28 characters beginning with `o`.
    pub(crate) fn openid(&self, app_id: &str, user_id: &str) -> String {
        self.id("app", app_id, user_id, 27)
    }

    /// The openid that a user goes by on an app's snapshot pages. WeChat: a virtual account's, not the user's own.
    pub(crate) fn virtual_openid(&self, app_id: &str, user_id: &str) -> String {
        self.id("snapshot", app_id, user_id, 27)
    }

    /// WeChat: a unionid is stable per user and Open Platform account.
    pub(crate) fn unionid(&self, open_account: &str, user_id: &str) -> String {
        self.id("open", open_account, user_id, 28)
    }

    fn id(&self, kind: &str, scope: &str, user_id: &str, length: usize) -> String {
        let mut signing = hmac::Context::with_key(&self.0);
        for part in [kind, scope, user_id] {
            signing.update(part.as_bytes());
            signing.update(&[0]);
        }
        let text = URL_SAFE_NO_PAD.encode(signing.sign());
        format!("o{}", &text[..length])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_stable_and_differ_by_scope_and_user() {
        let ids = Identities::seeded(1);
        assert_eq!(ids.openid("wx1", "ann"), ids.openid("wx1", "ann"));
        assert_ne!(ids.openid("wx1", "ann"), ids.openid("wx2", "ann"));
        assert_ne!(ids.openid("wx1", "ann"), ids.openid("wx1", "bob"));
        assert_ne!(
            ids.openid("wx1", "ann"),
            Identities::seeded(2).openid("wx1", "ann")
        );
        assert_eq!(ids.openid("wx1", "ann").len(), 28);
        assert_ne!(ids.openid("wx1", "ann"), ids.virtual_openid("wx1", "ann"));
        assert_eq!(ids.unionid("open", "ann").len(), 29);
    }

    #[test]
    fn an_id_is_given_once() {
        let mut users = Users::default();
        let ann = || User::new(1, "ann".into());
        assert_eq!(users.add(ann()), Some(0));
        assert_eq!(users.add(ann()), None);
        assert_eq!(users.find("ann"), Some(0));
    }
}
