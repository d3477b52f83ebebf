//! Names that exist only if they are valid. No I/O.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that is not what its type demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

/// Declares a text newtype with a rule.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $rule:expr, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Malformed;

            fn try_from(text: String) -> Result<Self, Malformed> {
                let rule: fn(&str) -> bool = $rule;
                if rule(&text) { Ok(Self(text)) } else { Err(Malformed($expected)) }
            }
        }

        impl FromStr for $name {
            type Err = Malformed;

            fn from_str(text: &str) -> Result<Self, Malformed> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_type!(
    /// Our own name of an app, as it stands in paths and in the configuration.
    #[derive(Debug)]
    AppName,
    |text| within(text, 1, 32) && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-')),
    "a name has 1 to 32 lower-case letters, digits and -"
);
text_type!(
    /// WeChat's id of an official account or mini program: `wx` and 16 hexadecimal digits in practice.
    #[derive(Debug)]
    AppId,
    |text| within(text, 1, 64) && text.bytes().all(is_word),
    "an AppID has 1 to 64 letters, digits, _ and -"
);
text_type!(
    /// A user's id within one app. (WeChat: at most 28 characters in practice, columns of 64.)
    #[derive(Debug)]
    OpenId,
    |text| within(text, 1, 64) && text.bytes().all(is_word),
    "an openid has 1 to 64 letters, digits, _ and -"
);
text_type!(
    /// A user's id within all apps of one Open Platform account.
    #[derive(Debug)]
    UnionId,
    |text| within(text, 1, 64) && text.bytes().all(is_word),
    "a unionid has 1 to 64 letters, digits, _ and -"
);
text_type!(
    /// The one-time code of `wx.login`.
    LoginCode,
    |text| within(text, 1, 512) && text.bytes().all(|b| b.is_ascii_graphic()),
    "a login code has 1 to 512 visible ASCII characters"
);
text_type!(
    /// Our own id of a user. Says nothing about who it is.
    #[derive(Debug)]
    UserId,
    |text| within(text, 1, 64) && text.bytes().all(is_word),
    "a user id has 1 to 64 letters, digits, _ and -"
);
text_type!(
    /// Our own id of a session: the claim `sid`.
    #[derive(Debug)]
    SessionId,
    |text| within(text, 1, 64) && text.bytes().all(is_word),
    "a session id has 1 to 64 letters, digits, _ and -"
);

text_type!(
    /// Our own id of a pushed message or event. It begins with its time.
    #[derive(Debug)]
    EventId,
    |text| is_prefixed(text, "evt_"),
    "an event's id is evt_ and up to 60 letters and digits"
);
text_type!(
    /// Our own id of a webhook.
    #[derive(Debug)]
    WebhookId,
    |text| is_prefixed(text, "whk_"),
    "a webhook's id is whk_ and up to 60 letters and digits"
);
text_type!(
    /// Our own id of a caller.
    #[derive(Debug)]
    CallerId,
    |text| is_prefixed(text, "clr_"),
    "a caller's id is clr_ and up to 60 letters and digits"
);
text_type!(
    /// Our own id of a rule for replies.
    #[derive(Debug)]
    RuleId,
    |text| is_prefixed(text, "rul_"),
    "a rule's id is rul_ and up to 60 letters and digits"
);

/// A code is as good as a password until it is used.
impl fmt::Debug for LoginCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginCode(..)")
    }
}

fn within(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len())
}

fn is_prefixed(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|rest| within(rest, 1, 60) && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_refused_where_they_could_be_something_else() {
        for bad in ["", "Shop", "a/b", "a.b", "名", &"a".repeat(33)] {
            assert!(bad.parse::<AppName>().is_err(), "{bad}");
        }
        assert!("wx-1".parse::<AppName>().is_ok());
        for bad in ["", "o 1", "o:1", "o\n", &"o".repeat(65)] {
            assert!(bad.parse::<OpenId>().is_err(), "{bad}");
        }
        let code: LoginCode = "s3cret".parse().unwrap();
        assert_eq!(format!("{code:?}"), "LoginCode(..)");
        assert!(serde_json::from_str::<OpenId>("\"a:b\"").is_err());
    }
}
