//! The ways in which a user can be known, as the ids of their records: `kind:scope:value`.

use std::fmt;
use std::str::FromStr;

use super::contact::{Contact, Email, Phone, Username};
use super::ids::{AppId, Malformed, OpenId, UnionId};

/// How a user is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityKind {
    /// By WeChat, within one app: `wechat:APPID:OPENID`.
    WeChat,
    /// By WeChat, within all apps of an Open Platform account: `unionid::UNIONID`.
    UnionId,
    /// By a phone number: `phone::+8613800000000`.
    Phone,
    /// By an e-mail address: `email::ann@example.com`.
    Email,
    /// By a name of the user's choice: `username::ann`.
    Username,
}

impl IdentityKind {
    /// The kind as it stands in ids and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WeChat => "wechat",
            Self::UnionId => "unionid",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Username => "username",
        }
    }
}

impl FromStr for IdentityKind {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let kinds = [
            Self::WeChat,
            Self::UnionId,
            Self::Phone,
            Self::Email,
            Self::Username,
        ];
        let found = kinds.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or(Malformed("there is no such kind of identity"))
    }
}

/// The id of an identity. The same way of being known is the same id everywhere, so that the store's keys keep two
/// users from having it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityId {
    text: String,
    kind: IdentityKind,
}

impl IdentityId {
    /// A user of one app.
    #[must_use]
    pub fn wechat(app: &AppId, openid: &OpenId) -> Self {
        Self::new(IdentityKind::WeChat, app.as_str(), openid.as_str())
    }

    /// A user of an Open Platform account.
    #[must_use]
    pub fn unionid(unionid: &UnionId) -> Self {
        Self::new(IdentityKind::UnionId, "", unionid.as_str())
    }

    /// A value that belongs to no app. What it may be is the value's own rule.
    fn plain(kind: IdentityKind, value: &str) -> Self {
        Self::new(kind, "", value)
    }

    /// What a name that a person logs in with stands for: with `@` an e-mail address, else a user name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if name.contains('@') {
            name.parse::<Email>().ok().map(|email| Self::from(&email))
        } else {
            name.parse::<Username>().ok().map(|name| Self::from(&name))
        }
    }

    fn new(kind: IdentityKind, scope: &str, value: &str) -> Self {
        Self {
            text: format!("{}:{scope}:{value}", kind.as_str()),
            kind,
        }
    }

    /// What kind it is of.
    #[must_use]
    pub fn kind(&self) -> IdentityKind {
        self.kind
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The value without kind and scope.
    #[must_use]
    pub fn value(&self) -> &str {
        self.text.splitn(3, ':').nth(2).unwrap_or_default()
    }

    /// The scope: an AppID, or nothing.
    #[must_use]
    pub fn scope(&self) -> &str {
        self.text.split(':').nth(1).unwrap_or_default()
    }
}

impl FromStr for IdentityId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let kind = text.split(':').next().unwrap_or_default().parse()?;
        if text.splitn(3, ':').count() != 3 {
            return Err(Malformed("an identity is kind:scope:value"));
        }
        Ok(Self {
            text: text.to_owned(),
            kind,
        })
    }
}

impl From<&Phone> for IdentityId {
    fn from(phone: &Phone) -> Self {
        Self::plain(IdentityKind::Phone, phone.as_str())
    }
}

impl From<&Email> for IdentityId {
    fn from(email: &Email) -> Self {
        Self::plain(IdentityKind::Email, email.as_str())
    }
}

impl From<&Username> for IdentityId {
    fn from(name: &Username) -> Self {
        Self::plain(IdentityKind::Username, name.as_str())
    }
}

impl From<&Contact> for IdentityId {
    fn from(contact: &Contact) -> Self {
        match contact {
            Contact::Phone(phone) => phone.into(),
            Contact::Email(email) => email.into(),
        }
    }
}

impl fmt::Display for IdentityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_way_of_being_known_is_the_same_id() {
        let id = IdentityId::wechat(&"wx1".parse().unwrap(), &"o-1".parse().unwrap());
        assert_eq!(id.as_str(), "wechat:wx1:o-1");
        assert_eq!((id.scope(), id.value()), ("wx1", "o-1"));
        assert_eq!(id.as_str().parse::<IdentityId>().unwrap(), id);
        // A value may contain the separator.
        let name = IdentityId::plain(IdentityKind::Username, "a:b");
        assert_eq!((name.scope(), name.value()), ("", "a:b"));
        assert!("openid:x:y".parse::<IdentityId>().is_err());
        assert!("phone:+86".parse::<IdentityId>().is_err());
    }
}
