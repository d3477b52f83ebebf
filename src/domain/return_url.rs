//! The addresses that users may be sent back to after WeChat's pages: pages of known origins, and nothing that a
//! browser might read as something else.

use url::{Host, Url};

/// Longer addresses are refused.
pub const MAX_LENGTH: usize = 1024;

/// Parameters that we add, so that a page cannot be given another value of them in front of ours.
const OURS: [&str; 2] = ["code", "error"];

/// An address that users may be sent back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnUrl(Url);

/// Why users are not sent back to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadReturnUrl {
    /// It is too long.
    #[error("redirect is longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// It is no absolute http or https address, or has parts that could mislead.
    #[error("redirect must be a plain https address, without user name, fragment, backslashes and spaces")]
    Malformed,
    /// It already has a parameter that is ours to add.
    #[error("redirect must not have the parameters code and error: they are added")]
    Occupied,
    /// Its origin is not one of ours, or it has no TLS and is not on this machine.
    #[error("redirect must be a page of server.public_url or of cors.origins, with https")]
    ForeignOrigin,
}

impl ReturnUrl {
    /// Reads an address whose origin must be one of `origins`, exactly.
    ///
    /// # Errors
    /// See [`BadReturnUrl`].
    pub fn parse(text: &str, origins: &[String]) -> Result<Self, BadReturnUrl> {
        if text.len() > MAX_LENGTH {
            return Err(BadReturnUrl::TooLong);
        }
        // Browsers drop tabs and line breaks, and read a backslash as a slash.
        let misleading = |c: char| c == '\\' || c.is_whitespace() || c.is_control() || c == '#';
        let (scheme, rest) = text.split_once("://").ok_or(BadReturnUrl::Malformed)?;
        let web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        if !web || authority.is_empty() || authority.contains('@') || text.chars().any(misleading) {
            return Err(BadReturnUrl::Malformed);
        }
        let url = Url::parse(text).map_err(|_| BadReturnUrl::Malformed)?;
        let origin = url.origin().ascii_serialization();
        if !origins.contains(&origin) || (url.scheme() == "http" && !is_loopback(&url)) {
            return Err(BadReturnUrl::ForeignOrigin);
        }
        if url.query_pairs().any(|(name, _)| OURS.contains(&name.as_ref())) {
            return Err(BadReturnUrl::Occupied);
        }
        Ok(Self(url))
    }

    /// The address as browsers write it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The address with a parameter more.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> String {
        let mut url = self.0.clone();
        url.query_pairs_mut().append_pair(name, value);
        url.into()
    }
}

/// Whether an address is on this machine, so that nobody can listen on the way.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<String, BadReturnUrl> {
        let origins = [
            "https://h5.example.com",
            "http://127.0.0.1:3000",
            "http://h5.example.com",
        ];
        ReturnUrl::parse(text, &origins.map(str::to_owned)).map(|url| url.with("code", "a b"))
    }

    #[test]
    fn pages_of_known_origins_get_their_parameter() {
        for (given, sent) in [
            ("https://h5.example.com", "https://h5.example.com/?code=a+b"),
            (
                "HTTPS://H5.example.com:443/a?b=c",
                "https://h5.example.com/a?b=c&code=a+b",
            ),
            ("http://127.0.0.1:3000/x", "http://127.0.0.1:3000/x?code=a+b"),
        ] {
            assert_eq!(parsed(given).as_deref(), Ok(sent), "{given}");
        }
    }

    #[test]
    fn a_name_without_tls_is_refused_even_if_listed() {
        assert_eq!(parsed("http://h5.example.com/"), Err(BadReturnUrl::ForeignOrigin));
        assert_eq!(
            parsed("https://h5.example.com/?code=1"),
            Err(BadReturnUrl::Occupied)
        );
        assert_eq!(
            parsed("https://h5.example.com/?%63ode=1"),
            Err(BadReturnUrl::Occupied)
        );
        assert_eq!(parsed(&"a".repeat(MAX_LENGTH + 1)), Err(BadReturnUrl::TooLong));
    }
}
