//! Refuses requests that two servers could read in two ways. What the HTTP parser refuses never comes here.

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::uri::Authority;
use actix_web::http::{Method, Uri, Version};

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ambiguous {
    /// It has no Host, several, or one that is no host.
    #[error("the request must have exactly one valid Host header")]
    Host,
    /// It names one host in its target and another in its Host header.
    #[error("the request's target and its Host header name different hosts")]
    Target,
    /// It asks for a tunnel.
    #[error("the request asks for a tunnel")]
    Tunnel,
    /// Its body has a length in two ways, or is encoded in a way we do not know.
    #[error("the length of the request's body is ambiguous")]
    Length,
}

/// Says whether the request can be read in one way only.
pub fn check(method: &Method, uri: &Uri, version: Version, headers: &HeaderMap) -> Result<(), Ambiguous> {
    if method == Method::CONNECT {
        return Err(Ambiguous::Tunnel);
    }
    // HTTP/2 has its own framing, and the authority stands in its target.
    if version >= Version::HTTP_2 {
        return Ok(());
    }
    let host = host(version, headers)?;
    if let Some(authority) = uri.authority() {
        let same = host.is_some_and(|host| names_same(authority, host));
        if !same || !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(Ambiguous::Target);
        }
    }
    if let Some(encoding) = headers.get(header::TRANSFER_ENCODING) {
        let chunked = encoding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked");
        // HTTP/1.0 has no chunks: an older proxy would read them as the body itself or as the next request.
        let alone = !headers.contains_key(header::CONTENT_LENGTH) && version == Version::HTTP_11;
        if !chunked || !alone {
            return Err(Ambiguous::Length);
        }
    }
    Ok(())
}

fn host(version: Version, headers: &HeaderMap) -> Result<Option<&str>, Ambiguous> {
    let Some(first) = headers.get(header::HOST) else {
        return if version == Version::HTTP_11 { Err(Ambiguous::Host) } else { Ok(None) };
    };
    if headers.get_all(header::HOST).nth(1).is_some() {
        return Err(Ambiguous::Host);
    }
    valid(first).map(Some).ok_or(Ambiguous::Host)
}

/// The text if it is made of what hosts are made of: no spaces, no commas, no user name, no path.
fn valid(host: &HeaderValue) -> Option<&str> {
    let text = host.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:[]%".contains(&byte);
    (!text.is_empty() && text.len() <= 255 && text.bytes().all(plain)).then_some(text)
}

fn names_same(authority: &Authority, host: &str) -> bool {
    // With a user name in it the two are not equal, as Host cannot have one.
    authority.as_str().eq_ignore_ascii_case(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(uri: &str, version: Version, lines: &[(&'static str, &'static str)]) -> Result<(), Ambiguous> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(header::HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        check(&Method::GET, &uri.parse().unwrap(), version, &headers)
    }

    #[test]
    fn one_host_named_once_is_clear() {
        let clear = [("/", "a.example"), ("/", "a.example:80"), ("/", "[::1]:3000"), ("http://a.example/", "A.example")];
        for (uri, host) in clear {
            assert_eq!(checked(uri, Version::HTTP_11, &[("host", host)]), Ok(()), "{uri} {host}");
        }
        assert_eq!(checked("/", Version::HTTP_10, &[]), Ok(()));
    }

    #[test]
    fn two_readings_are_refused() {
        use Ambiguous::{Host, Length, Target};
        let (old, new) = (Version::HTTP_10, Version::HTTP_11);
        assert_eq!(checked("/", new, &[]), Err(Host));
        for host in ["", "a b", "a,b", "u@a", "a/b", "a\\b"] {
            assert_eq!(checked("/", new, &[("host", host)]), Err(Host), "{host:?}");
        }
        assert_eq!(checked("/", new, &[("host", "a"), ("host", "a")]), Err(Host));
        for uri in ["http://b/", "http://a:81/", "http://u@a/", "ftp://a/"] {
            assert_eq!(checked(uri, new, &[("host", "a")]), Err(Target), "{uri}");
        }
        assert_eq!(checked("http://a/", old, &[]), Err(Target));
        let both = [("host", "a"), ("content-length", "1"), ("transfer-encoding", "chunked")];
        assert_eq!(checked("/", new, &both), Err(Length));
        assert_eq!(checked("/", new, &[("host", "a"), ("transfer-encoding", "gzip, chunked")]), Err(Length));
        assert_eq!(checked("/", old, &[("transfer-encoding", "chunked")]), Err(Length));
    }
}
