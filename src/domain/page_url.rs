//! Addresses of pages that want to use the JS-SDK, and the hosts that may. Nothing is fetched or resolved.

use std::fmt;

use url::{Host, Url};

/// Longer addresses are refused; browsers and proxies cut far earlier than any page needs.
pub const MAX_LENGTH: usize = 4096;

/// The address of a page without its fragment: exactly the bytes that the JS-SDK compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageUrl {
    text: String,
    host: Host,
}

/// Why a text is not the address of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPageUrl {
    /// Longer than [`MAX_LENGTH`].
    #[error("the URL is longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// Neither http nor https, or no URL at all.
    #[error("the URL must begin with http:// or https:// and name a host")]
    NotHttp,
    /// Characters that no browser has in `location.href`; browsers rewrite them, so that the signature cannot match.
    #[error("the URL contains white space, a control character, a backslash or a user name")]
    Forbidden,
}

impl PageUrl {
    /// Parses what a page reports as `location.href`, with or without the fragment.
    ///
    /// # Errors
    /// See [`BadPageUrl`].
    pub fn parse(given: &str) -> Result<Self, BadPageUrl> {
        let text = given.split('#').next().unwrap_or_default();
        if text.len() > MAX_LENGTH {
            return Err(BadPageUrl::TooLong);
        }
        if text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == '\\')
        {
            return Err(BadPageUrl::Forbidden);
        }
        let (scheme, rest) = text.split_once("://").ok_or(BadPageUrl::NotHttp)?;
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return Err(BadPageUrl::NotHttp);
        }
        // The parser skips further slashes and an empty user name, and takes what follows for the host.
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        if authority.is_empty() {
            return Err(BadPageUrl::NotHttp);
        }
        if authority.contains('@') {
            return Err(BadPageUrl::Forbidden);
        }
        // The host is read as browsers read it (WHATWG URL); the text itself stays untouched.
        let url = Url::parse(text).map_err(|_| BadPageUrl::NotHttp)?;
        let host = url.host().ok_or(BadPageUrl::NotHttp)?.to_owned();
        Ok(Self {
            text: text.to_owned(),
            host,
        })
    }

    /// The address as it is signed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for PageUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The hosts whose pages may use the JS-SDK of an account (JS接口安全域名).
#[derive(Debug, Clone, Default)]
pub struct JsDomains(Vec<Host>);

impl JsDomains {
    /// Reads host names; the ones that are no host name, or that no page's host can match, are returned as the error.
    ///
    /// # Errors
    /// The texts that are no host names.
    pub fn parse(texts: &[String]) -> Result<Self, Vec<String>> {
        let (hosts, bad): (Vec<_>, Vec<_>) = texts
            .iter()
            .map(|text| host_name(text).ok_or_else(|| text.clone()))
            .partition(Result::is_ok);
        if bad.is_empty() {
            Ok(Self(hosts.into_iter().filter_map(Result::ok).collect()))
        } else {
            Err(bad.into_iter().filter_map(Result::err).collect())
        }
    }

    /// Whether the page's host is one of these, or a subdomain of one on a label boundary. The port does not count.
    #[must_use]
    pub fn allow(&self, page: &PageUrl) -> bool {
        self.0.iter().any(|allowed| match (allowed, &page.host) {
            (Host::Domain(allowed), Host::Domain(host)) => host
                .strip_suffix(allowed.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
            (allowed, host) => allowed == host,
        })
    }
}

/// The host, unless it is one that was surely meant otherwise and would never match: a pattern, a name with an empty
/// label, or a number, which the parser takes for an IPv4 address.
fn host_name(text: &str) -> Option<Host> {
    let host = Host::parse(text).ok()?;
    let sound = match &host {
        Host::Domain(name) => !name.contains('*') && name.split('.').all(|label| !label.is_empty()),
        Host::Ipv4(address) => address.to_string() == text,
        Host::Ipv6(_) => true,
    };
    sound.then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(url: &str) -> Result<bool, BadPageUrl> {
        let domains = JsDomains::parse(&["good.com".into(), "例子.中国".into(), "127.0.0.1".into()]).unwrap();
        PageUrl::parse(url).map(|page| domains.allow(&page))
    }

    #[test]
    fn only_listed_hosts_and_their_subdomains_are_allowed() {
        for url in [
            "https://good.com",
            "http://good.com/",
            "https://GOOD.com/a?b=c",
            "https://a.b.good.com:8443/",
            "https://例子.中国/页?q=一",
            "https://h5.xn--fsqu00a.xn--fiqs8s/",
            "http://127.0.0.1:3000/",
        ] {
            assert_eq!(allowed(url), Ok(true), "{url}");
        }
        for url in [
            "https://evil.com/?u=good.com",
            "https://evilgood.com/",
            "https://good.com.evil.com/",
            "https://good.com.",
            "https://good.co",
            "https://com/",
            "https://evil.com/good.com",
            "https://evil.com:80/#@good.com",
            "https://[::1]/",
            "http://127.0.0.2/",
        ] {
            assert_eq!(allowed(url), Ok(false), "{url}");
        }
    }

    #[test]
    fn what_browsers_would_read_otherwise_is_refused() {
        for url in [
            "https://good.com@evil.com/",
            "https://good.com:x@evil.com/",
            "https://@good.com/",
            "https://:@good.com/",
            "https://evil.com\\@good.com/",
            "https:\\\\good.com",
            "https://good.com/a b",
            "https://good.com/\n",
            " https://good.com/",
            "https://good.com/\u{a0}",
            "https://good.com/\0",
        ] {
            assert_eq!(allowed(url), Err(BadPageUrl::Forbidden), "{url:?}");
        }
        for url in [
            "",
            "good.com",
            "//good.com/",
            "ftp://good.com/",
            "javascript:alert(1)",
            "https://",
            "https:///x",
            "https:///good.com/",
            "https://?good.com",
            "data:,x://",
        ] {
            assert_eq!(allowed(url), Err(BadPageUrl::NotHttp), "{url:?}");
        }
        assert_eq!(
            allowed(&format!("https://good.com/{}", "a".repeat(MAX_LENGTH))),
            Err(BadPageUrl::TooLong)
        );
    }

    #[test]
    fn names_that_can_never_match_are_refused() {
        for bad in [
            "",
            "*",
            "*.good.com",
            ".good.com",
            "good.com.",
            "good..com",
            "1",
            "127.1",
            "0x7f000001",
            "a b",
            "a/b",
        ] {
            assert_eq!(JsDomains::parse(&[bad.to_owned()]).unwrap_err(), [bad]);
        }
        for good in [
            "good.com",
            "GOOD.com",
            "localhost",
            "10.0.0.1",
            "[::1]",
            "1.good.com",
            "例子.中国",
        ] {
            assert!(JsDomains::parse(&[good.to_owned()]).is_ok(), "{good}");
        }
    }

    #[test]
    fn the_text_is_kept_byte_for_byte_without_its_fragment() {
        for (given, kept) in [
            ("https://good.com?a=b#c", "https://good.com?a=b"),
            (
                "https://good.com/%E4%B8%AD+%2B?x=中#a#b",
                "https://good.com/%E4%B8%AD+%2B?x=中",
            ),
            ("HTTPS://Good.com:443/../a", "HTTPS://Good.com:443/../a"),
        ] {
            assert_eq!(PageUrl::parse(given).unwrap().as_str(), kept);
        }
    }
}
