//! Addresses of WeChat's API as others wrote them: what is sent on, and what is compared with what somebody may call. Who
//! may call what is not known here.
//!
//! What is compared is the decoded form of the very bytes that are sent, and addresses that two servers may read
//! differently are refused. So nobody is let through to one path and arrives at another.

use percent_encoding::percent_decode_str;

/// Longer than any path of WeChat's.
const LONGEST_PATH: usize = 1024;
/// Longer than any query of WeChat's.
const LONGEST_QUERY: usize = 8 * 1024;
/// The parameter that carries a call's credential. (获取接口调用凭据.)
const TOKEN: &str = "access_token";

/// Where a call goes.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiTarget {
    path: String,
    decoded: String,
    whole_query: String,
    query: String,
    token: Option<String>,
}

/// An address that is not sent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// Its path can be read in several ways.
    #[error(
        "the path must be segments between single slashes: not empty, no . and .., no backslash, colon, semicolon or \
         control character, also not percent-encoded, and no percent-encoded slash or %"
    )]
    Path,
    /// A percent sign is not followed by two hexadecimal digits, or the bytes are not UTF-8.
    #[error("the path or the query is not percent-encoded UTF-8")]
    Encoding,
    /// It is too long.
    #[error("the path has more than {LONGEST_PATH} bytes, or the query more than {LONGEST_QUERY}")]
    Length,
    /// There is more than one credential, or one that other servers may not see.
    #[error("access_token must be there at most once, in small letters and between &")]
    Token,
}

impl ApiTarget {
    /// The target with this path and query, as they were sent.
    ///
    /// # Errors
    /// See [`BadTarget`].
    pub fn parse(path: &str, query: Option<&str>) -> Result<Self, BadTarget> {
        let whole_query = query.unwrap_or_default();
        if path.len() > LONGEST_PATH || whole_query.len() > LONGEST_QUERY {
            return Err(BadTarget::Length);
        }
        let decoded = decode_path(path)?;
        let (query, token) = without_token(whole_query)?;
        Ok(Self {
            path: path.to_owned(),
            decoded,
            whole_query: whole_query.to_owned(),
            query,
            token,
        })
    }

    /// One of our own calls, without a query.
    ///
    /// # Panics
    /// If it is not a path of WeChat's.
    #[must_use]
    pub fn fixed(path: &'static str) -> Self {
        Self::parse(path, None).expect("a path of WeChat's, written in our sources")
    }

    /// The path as it is sent.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The path as it is compared.
    #[must_use]
    pub fn decoded(&self) -> &str {
        &self.decoded
    }

    /// The query as it was sent, without the credential. All other bytes are as they were.
    #[must_use]
    pub fn query(&self) -> &str {
        &self.query
    }

    /// The query as it was sent, with the credential.
    #[must_use]
    pub fn whole_query(&self) -> &str {
        &self.whole_query
    }

    /// The credential in the query, decoded.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The parameters of the query without the credential, decoded.
    pub fn params(&self) -> impl Iterator<Item = (String, String)> {
        pieces(&self.query).map(|piece| {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            (decode(name), decode(value))
        })
    }

    /// The first parameter of this name, decoded.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<String> {
        self.params()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value)
    }

    /// The query without the credential and without these parameters.
    #[must_use]
    pub fn query_without(&self, names: &[&str]) -> String {
        let others = pieces(&self.query).filter(|piece| !names.contains(&name_of(piece).as_str()));
        others.collect::<Vec<_>>().join("&")
    }
}

/// The credential is not shown.
impl std::fmt::Debug for ApiTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ApiTarget({})", self.decoded)
    }
}

fn decode_path(path: &str) -> Result<String, BadTarget> {
    let segments = path.strip_prefix('/').ok_or(BadTarget::Path)?;
    check_encoding(path)?;
    for segment in segments.split('/') {
        let decoded = percent_decode_str(segment).decode_utf8();
        let decoded = decoded.map_err(|_| BadTarget::Encoding)?;
        // A second decoding somewhere must not make anything else of it: no % remains.
        let forbidden = |c: char| matches!(c, '/' | '\\' | ';' | ':' | '%' | '?' | '#') || c.is_control();
        if matches!(decoded.as_ref(), "" | "." | "..") || decoded.contains(forbidden) {
            return Err(BadTarget::Path);
        }
        // An encoded dot is read by some servers before, by some after they look for `..`.
        if segment.to_ascii_lowercase().contains("%2e") {
            return Err(BadTarget::Path);
        }
    }
    let decoded = percent_decode_str(path).decode_utf8();
    Ok(decoded.map_err(|_| BadTarget::Encoding)?.into_owned())
}

fn check_encoding(text: &str) -> Result<(), BadTarget> {
    let plain = |byte: u8| byte.is_ascii_graphic();
    let mut escapes = text.split('%');
    let whole = |part: &str| {
        let digits = part.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    let first = escapes.next();
    if first.is_some() && escapes.all(whole) && text.bytes().all(plain) {
        Ok(())
    } else {
        Err(BadTarget::Encoding)
    }
}

/// The query without the credential, and the credential.
fn without_token(query: &str) -> Result<(String, Option<String>), BadTarget> {
    if query.is_empty() {
        return Ok((String::new(), None));
    }
    check_encoding(query)?;
    let mut token = None;
    let mut rest = Vec::new();
    for piece in query.split('&') {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        if decode(name) == TOKEN {
            if token.replace(decode(value)).is_some() {
                return Err(BadTarget::Token);
            }
            continue;
        }
        // Servers that take ; for &, do not tell capitals apart or write _ for what a name cannot have would see a
        // credential here.
        let names = piece
            .split(';')
            .map(|part| decode(part.split('=').next().unwrap_or(part)));
        let hidden = |name: String| {
            let name = name
                .trim()
                .replace([' ', '.'], "_")
                .split(['[', '\0'])
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase();
            name == TOKEN
        };
        if names.into_iter().any(hidden) {
            return Err(BadTarget::Token);
        }
        rest.push(piece);
    }
    Ok((rest.join("&"), token))
}

fn pieces(query: &str) -> impl Iterator<Item = &str> {
    query.split('&').filter(|piece| !piece.is_empty())
}

fn name_of(piece: &str) -> String {
    decode(piece.split('=').next().unwrap_or(piece))
}

/// As forms are decoded: + is a blank.
fn decode(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(path: &str) -> Result<ApiTarget, BadTarget> {
        ApiTarget::parse(path, None)
    }

    #[test]
    fn a_path_is_sent_as_it_is_and_compared_decoded() {
        let target = parse("/cgi-bin/%75ser/%E4%B8%AD").unwrap();
        assert_eq!(target.path(), "/cgi-bin/%75ser/%E4%B8%AD");
        assert_eq!(target.decoded(), "/cgi-bin/user/中");
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for path in [
            "",
            "/",
            "cgi-bin",
            "//a",
            "/a//b",
            "/a/",
            "/./a",
            "/a/.",
            "/a/..",
            "/../a",
            "/a/%2e/b",
            "/a/%2E%2e/b",
            "/a/.%2e/b",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a%5Cb",
            "/a\\b",
            "/a%252fb",
            "/a%00",
            "/a%0d%0a",
            "/a;b",
            "/..;/a",
            "/a%3bb",
            "/http://evil.example/a",
            "/http:/a",
            "/a%3fb",
            "/a%23b",
            "/a%7fb",
        ] {
            assert_eq!(parse(path), Err(BadTarget::Path), "{path}");
        }
        for path in ["/a%", "/a%2", "/a%zz", "/a%ff", "/a%E4", "/中", "/a b", "/a\tb"] {
            assert_eq!(parse(path), Err(BadTarget::Encoding), "{path}");
        }
        assert_eq!(parse(&format!("/{}", "a".repeat(1024))), Err(BadTarget::Length));
        assert_eq!(
            ApiTarget::parse("/a", Some(&"a".repeat(8193))),
            Err(BadTarget::Length)
        );
    }

    #[test]
    fn the_credential_is_taken_out_and_all_else_stays() {
        let target = ApiTarget::parse("/a", Some("b=%e4%B8%ad&access_token=t%2B1&&c=+d'&e")).unwrap();
        assert_eq!(target.query(), "b=%e4%B8%ad&&c=+d'&e");
        assert_eq!(target.token(), Some("t+1"));
        assert_eq!(target.param("c").as_deref(), Some(" d'"));
        assert_eq!(target.query_without(&["b", "e"]), "c=+d'");
        assert_eq!(
            ApiTarget::parse("/a", Some("access%5Ftoken=x")).unwrap().token(),
            Some("x")
        );
    }

    #[test]
    fn a_hidden_credential_is_refused() {
        for query in [
            "access_token=a&access_token=b",
            "access_token=a&access%5ftoken=b",
            "Access_Token=a",
            "ACCESS_TOKEN=a",
            "a=1;access_token=b",
            "a;access_token",
            "access_token[]=a",
            "access_token%5B0%5D=a",
            "+access_token=a",
        ] {
            assert_eq!(
                ApiTarget::parse("/a", Some(query)),
                Err(BadTarget::Token),
                "{query}"
            );
        }
        assert_eq!(ApiTarget::parse("/a", Some("b=%")), Err(BadTarget::Encoding));
        // A value may say anything.
        assert!(ApiTarget::parse("/a", Some("b=access_token")).is_ok());
    }
}
