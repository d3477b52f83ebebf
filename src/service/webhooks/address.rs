//! Addresses of webhooks, which exist only if requests may be sent there. Names are not resolved here: where they lead is
//! looked at each time something is delivered, because it changes.

use url::Url;

use crate::net::{self, Forbidden};

/// The longest address, in bytes.
pub const LONGEST: usize = 2048;

/// The address of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(Url);

/// Why a text is no address of a webhook. It does not quote the text, which may hold a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// Longer than [`LONGEST`].
    #[error("the address is longer than {LONGEST} bytes")]
    TooLong,
    /// It has characters that one reader drops, another escapes, and a third takes for something else.
    #[error("the address has blanks, control characters or \\")]
    Odd,
    /// No URL at all.
    #[error("the address is no URL")]
    Malformed,
    /// Nothing may be sent there.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
}

impl Address {
    /// Reads an address. Whether it may be in a private network is the operator's decision.
    ///
    /// # Errors
    /// See [`BadAddress`].
    pub fn parse(text: &str, private_allowed: bool) -> Result<Self, BadAddress> {
        if text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == '\\')
        {
            return Err(BadAddress::Odd);
        }
        let url: Url = text.parse().map_err(|_| BadAddress::Malformed)?;
        net::check_url(&url, private_allowed)?;
        if has_empty_user_info(text) {
            return Err(Forbidden::UserInfo.into());
        }
        // Reading it may have made it longer: what stands there escaped counts.
        if url.as_str().len() > LONGEST {
            return Err(BadAddress::TooLong);
        }
        Ok(Self(url))
    }
}

/// Whether there is a user name and a password, both empty: reading `https://@a.example` drops them.
fn has_empty_user_info(text: &str) -> bool {
    let rest = text.split_once(':').map_or(text, |(_, rest)| rest);
    let authority = rest.trim_start_matches('/');
    authority
        .split(['/', '?'])
        .next()
        .is_some_and(|part| part.contains('@'))
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_as_urls_are_written() {
        for (text, kept) in [
            ("https://example.com", "https://example.com/"),
            ("HTTP://Example.COM:80/a?b=c@d", "http://example.com/a?b=c@d"),
            ("https://例え.example/ü", "https://xn--r8jz45g.example/%C3%BC"),
            ("https://example.com/@a:b", "https://example.com/@a:b"),
            ("https:example.com/x", "https://example.com/x"),
        ] {
            assert_eq!(String::from(Address::parse(text, false).unwrap()), kept, "{text}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_no_address() {
        for (text, why) in [
            ("", BadAddress::Malformed),
            ("example.com", BadAddress::Malformed),
            ("//example.com/", BadAddress::Malformed),
            ("https://", BadAddress::Malformed),
            ("https://a b.example/", BadAddress::Odd),
            (" https://example.com/", BadAddress::Odd),
            ("https://exam\nple.com/", BadAddress::Odd),
            ("https://example.com/\u{3000}", BadAddress::Odd),
            ("https:\\\\example.com\\", BadAddress::Odd),
            ("https://@example.com/", Forbidden::UserInfo.into()),
            ("https:@example.com/", Forbidden::UserInfo.into()),
            ("https://:@example.com/", Forbidden::UserInfo.into()),
            ("https://a@example.com/", Forbidden::UserInfo.into()),
            ("gopher://example.com/", Forbidden::Scheme.into()),
        ] {
            assert_eq!(Address::parse(text, true), Err(why), "{text:?}");
        }
        let long = |length: usize| format!("https://example.com/{}", "a".repeat(length - 20));
        assert!(Address::parse(&long(LONGEST), false).is_ok());
        assert_eq!(
            Address::parse(&long(LONGEST + 1), false),
            Err(BadAddress::TooLong)
        );
        let escaped = format!("https://example.com/{}", "ü".repeat(LONGEST / 4));
        assert_eq!(Address::parse(&escaped, false), Err(BadAddress::TooLong));
    }
}
