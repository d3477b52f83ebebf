//! Which of WeChat's APIs take the signed and encrypted mode.

use std::str::FromStr;

use crate::domain::ids::Malformed;

/// The APIs whose pages say that they take encrypted requests. `*` at the end stands for whatever follows.
const KNOWN: [&str; 26] = [
    "cgi-bin/clear_quota",
    "cgi-bin/express/*",
    "cgi-bin/message/custom/send",
    "cgi-bin/message/subscribe/send",
    "cgi-bin/message/wxopen/updatablemsg/send",
    "cgi-bin/openapi/quota/get",
    "cgi-bin/openapi/rid/get",
    "cgi-bin/soter/verify_signature",
    "cgi-bin/wxaapp/createwxaqrcode",
    "datacube/getweanalysisappid*",
    "wxa/business/checkencryptedmsg",
    "wxa/business/getuserencryptkey",
    "wxa/business/getuserphonenumber",
    "wxa/business/performance/boot",
    "wxa/devplugin",
    "wxa/getpluginopenpid",
    "wxa/getuserriskrank",
    "wxa/getwxacode",
    "wxa/getwxacodeunlimit",
    "wxa/media_check_async",
    "wxa/msg_sec_check",
    "wxa/plugin",
    "wxa/servicemarket",
    "wxaapi/log/*",
    "wxaapi/newtmpl/addtemplate",
    "wxaapi/newtmpl/deltemplate",
];

/// The APIs that are called in this mode: those that are known to take it, and those that the configuration adds.
#[derive(Debug, Clone, Default)]
pub struct Paths(Vec<Path>);

/// One more API: its path, or the beginning of paths with `*` at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(String);

impl FromStr for Path {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let rule = Malformed("a path looks like /wxa/business/example, or /wxa/business/*");
        let path = text.strip_prefix('/').ok_or(rule)?;
        let plain = path.strip_suffix('*').unwrap_or(path);
        let usual = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'.');
        if plain.is_empty() || !plain.bytes().all(usual) {
            return Err(rule);
        }
        Ok(Self(path.to_owned()))
    }
}

impl Paths {
    /// What is known, and `more`.
    #[must_use]
    pub fn with(more: Vec<Path>) -> Self {
        Self(more)
    }

    /// Whether the API at `path` takes this mode: as a POST with a JSON body. The first `/` may be missing.
    #[must_use]
    pub fn cover(&self, path: &str) -> bool {
        let path = path.strip_prefix('/').unwrap_or(path);
        let more = self.0.iter().map(|path| path.0.as_str());
        KNOWN.into_iter().chain(more).any(|known| matches(known, path))
    }
}

fn matches(known: &str, path: &str) -> bool {
    match known.strip_suffix('*') {
        Some(beginning) => path.len() > beginning.len() && path.starts_with(beginning),
        None => path == known,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_whole_or_end_with_a_star() {
        let none = Paths::default();
        for path in [
            "/wxa/getuserriskrank",
            "wxa/business/getuserphonenumber",
            "/cgi-bin/message/custom/send",
            "/datacube/getweanalysisappiddailyretaininfo",
            "/wxaapi/log/get_performance",
        ] {
            assert!(none.cover(path), "{path}");
        }
        for path in [
            "/cgi-bin/token",
            "/wxa/getuserriskrank/",
            "/wxa/getuserriskrankx",
            "/cgi-bin/media/upload",
            "/wxaapi/log/",
            "",
        ] {
            assert!(!none.cover(path), "{path}");
        }
    }

    #[test]
    fn more_paths_can_be_named() {
        let more = ["/wxa/own", "/wxa/sec/order/*"].map(|path| path.parse().unwrap());
        let paths = Paths::with(more.to_vec());
        assert!(
            paths.cover("/wxa/own") && paths.cover("/wxa/sec/order/get_order") && paths.cover("/wxa/plugin")
        );
        assert!(!paths.cover("/wxa/sec/orders"));
        for odd in [
            "",
            "/",
            "/*",
            "wxa/own",
            "/wxa/*/own",
            "/wxa?x",
            "/wxa/a b",
            "https://a/b",
        ] {
            assert!(odd.parse::<Path>().is_err(), "{odd}");
        }
    }
}
