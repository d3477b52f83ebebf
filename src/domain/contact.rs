//! How a person can be reached or is called: phone numbers, e-mail addresses and user names, each in one form only, so
//! that the same one is never two identities. Whether anybody has it is not known here.

use std::fmt;
use std::str::FromStr;

use super::ids::Malformed;

const PHONE: Malformed =
    Malformed("a phone number is +, the country's code and the number; mainland China's may be bare");
const EMAIL: Malformed = Malformed("an e-mail address is NAME@DOMAIN in ASCII, of at most 254 characters");
const USERNAME: Malformed = Malformed("a user name has 1 to 64 visible characters without @");

/// A phone number in E.164 form: `+8613800138000`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone(String);

/// An e-mail address in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

/// A name that a user has chosen, compared character by character.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Username(String);

/// Where a message reaches a person.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Contact {
    /// By text message.
    Phone(Phone),
    /// By e-mail.
    Email(Email),
}

macro_rules! text {
    ($name:ident) => {
        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        /// Logs are no place for it.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

text!(Phone);
text!(Email);
text!(Username);

impl FromStr for Phone {
    type Err = Malformed;

    /// Spaces and hyphens between the digits are left out. Eleven digits that begin with 1 are a mobile number of
    /// mainland China, and all its numbers that can receive messages have that form.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let plain: String = text
            .trim()
            .chars()
            .filter(|character| !matches!(character, ' ' | '-'))
            .collect();
        let international = plain.strip_prefix('+');
        let digits = international.unwrap_or(&plain);
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(PHONE);
        }
        match (international, digits.strip_prefix("86")) {
            (Some(_), Some(national)) if is_chinese_mobile(national) => Ok(Self(plain)),
            (Some(_), None) if (8..=15).contains(&digits.len()) && !digits.starts_with('0') => {
                Ok(Self(plain))
            }
            (None, _) if is_chinese_mobile(digits) => Ok(Self(format!("+86{digits}"))),
            _ => Err(PHONE),
        }
    }
}

fn is_chinese_mobile(digits: &str) -> bool {
    digits.len() == 11 && digits.starts_with('1')
}

impl FromStr for Email {
    type Err = Malformed;

    /// The rules are stricter than those of RFC 5321, which allows what nobody uses and few programs read alike:
    /// quoted names, comments, addresses of hosts.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let email = text.trim().to_ascii_lowercase();
        let (name, domain) = email.split_once('@').ok_or(EMAIL)?;
        let is_name = (1..=64).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".!#$%&'*+-/=?^_`{|}~".contains(&byte))
            && name.split('.').all(|part| !part.is_empty());
        let is_domain = domain.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        });
        if email.len() <= 254 && is_name && is_domain {
            Ok(Self(email))
        } else {
            Err(EMAIL)
        }
    }
}

impl FromStr for Username {
    type Err = Malformed;

    /// Spaces around it are left out. A name with `@` would be taken for an e-mail address.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let name = text.trim();
        let is_visible = |character: char| {
            let hidden = matches!(character,
                '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
            !character.is_control() && !character.is_whitespace() && !hidden
        };
        let length = name.chars().count();
        if (1..=64).contains(&length) && !name.contains('@') && name.chars().all(is_visible) {
            Ok(Self(name.to_owned()))
        } else {
            Err(USERNAME)
        }
    }
}

impl Contact {
    /// `phone` or `email`.
    #[must_use]
    pub fn channel(&self) -> &'static str {
        match self {
            Self::Phone(_) => "phone",
            Self::Email(_) => "email",
        }
    }

    /// The number or address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Phone(phone) => phone.as_str(),
            Self::Email(email) => email.as_str(),
        }
    }
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contact({})", self.channel())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::identity::IdentityId;

    fn read<T: FromStr<Err = Malformed>>(text: &str, show: fn(&T) -> String) -> Option<String> {
        text.parse::<T>().ok().as_ref().map(show)
    }

    #[test]
    fn a_phone_number_has_one_form() {
        let phone = |text: &str| read(text, |it: &Phone| IdentityId::from(it).to_string());
        for text in [
            "13800138000",
            "+8613800138000",
            "+86 138-0013-8000",
            " 138 0013 8000 ",
        ] {
            assert_eq!(phone(text).as_deref(), Some("phone::+8613800138000"), "{text}");
        }
        assert_eq!(phone("+85291234567").as_deref(), Some("phone::+85291234567"));
        for text in [
            "",
            "+",
            "1380013800",
            "138001380001",
            "8613800138000",
            "23800138000",
            "+86013800138000",
            "+8602112345678",
            "+86138001380001",
            "+1234567",
            "+1234567890123456",
            "+0012345678",
            "++8613800138000",
            "138００138000",
            "13800138000;",
            "+8613800138000\n+8613800138001",
        ] {
            assert_eq!(phone(text), None, "{text}");
        }
    }

    #[test]
    fn an_email_address_is_lower_case_and_plain() {
        let email = |text: &str| read(text, |it: &Email| IdentityId::from(it).to_string());
        assert_eq!(email("a@b.c").as_deref(), Some("email::a@b.c"));
        assert_eq!(
            email(" Ann.O'Neil+x@Mail.Example.COM ").as_deref(),
            Some("email::ann.o'neil+x@mail.example.com")
        );
        let long = format!(
            "{}@{}.com",
            "a".repeat(64),
            ["b".repeat(61).as_str(); 3].join(".")
        );
        assert_eq!(long.len(), 254);
        assert!(email(&long).is_some());
        for text in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "ann@@example.com",
            "ann@b@example.com",
            "ann @example.com",
            "ann@exa mple.com",
            "ann\r\nBcc: x@example.com",
            "ann@example.com,bob@example.com",
            "<ann@example.com>",
            "\"ann\"@example.com",
            ".ann@example.com",
            "ann..b@example.com",
            "ann@example..com",
            "ann@-example.com",
            "ann@example.com.",
            "ann@[127.0.0.1]",
            "änn@example.com",
            "ann@exämple.com",
            &format!("a{long}"),
            &format!("{}@example.com", "a".repeat(65)),
        ] {
            assert_eq!(email(text), None, "{text}");
        }
    }

    #[test]
    fn a_user_name_is_visible_and_exact() {
        let name = |text: &str| read(text, |it: &Username| IdentityId::from(it).to_string());
        assert_eq!(name(" ann ").as_deref(), Some("username::ann"));
        assert_eq!(name("Ann").as_deref(), Some("username::Ann"));
        assert_eq!(name("小明").as_deref(), Some("username::小明"));
        assert!(name(&"明".repeat(64)).is_some());
        for text in [
            "",
            "  ",
            "a b",
            "a@b",
            "a\u{0}",
            "a\u{7f}",
            "a\u{200b}n",
            "\u{202e}nna",
            "a\u{3000}b",
            &"a".repeat(65),
        ] {
            assert_eq!(name(text), None, "{text:?}");
        }
    }

    #[test]
    fn debug_output_shows_nobody() {
        let phone: Phone = "13800138000".parse().unwrap();
        let shown = format!("{phone:?} {:?}", Contact::Phone(phone.clone()));
        assert_eq!(shown, "Phone(…) Contact(phone)");
    }
}
